import type { CodecName } from "../codecs/codec_name.js";
import type { HeaderExtensionIds, MediaKind, RedOptions } from "./stream_options.js";

export interface ReceiveStreamOptions {
  readonly kind: MediaKind;
  readonly mid: string;
  /** Its name where it is one of several layers of the section (RFC 8853), and the rid that its packets carry, if any. */
  readonly layer?: string;
  readonly rid?: string;
  /** Payload type → codec; the stream is found by SSRC, by mid and rid, or by payload type, in this order (RFC 8843 §9.2). */
  readonly payloadTypes: readonly {
    readonly payloadType: number;
    readonly codec: CodecName;
    readonly clockRate: number;
    readonly channels?: 1 | 2;
  }[];
  /** Payload types of retransmissions (RFC 4588), and which of {@link payloadTypes} each repeats. */
  readonly rtx?: readonly { readonly payloadType: number; readonly repeats: number }[];
  readonly red?: RedOptions;
  readonly flexfec?: { readonly payloadType: number };
  /** Which source has parity of which, as far as a=ssrc-group said. */
  readonly parities?: readonly { readonly ssrc: number; readonly repairSsrc: number }[];
  /** Announced by a=ssrc; may be empty. */
  readonly ssrcs: readonly number[];
  /** Which source repeats which, as far as a=ssrc-group said; RTX of unannounced sources is the stream's all the same. */
  readonly repairs?: readonly { readonly ssrc: number; readonly repairSsrc: number }[];
  readonly extensions: HeaderExtensionIds;
  readonly nack: boolean;
  /** As `TransportSettings.nackRetries`; the transport's settings when absent. */
  readonly nackRetries?: number;
  /** As `TransportSettings.jitterPackets`; the transport's settings when absent. */
  readonly jitterPackets?: number;
  /** Who asks the peer for the round trip by extended reports (RFC 3611): every receiver, or one that sends, too. Absent: nobody. */
  readonly receiverRtt?: "all" | "sender";
  /** The sender's SSRC for our feedback: one of our own send streams', or any fixed one. */
  readonly localSsrc: number;
  readonly reducedSizeRtcp: boolean;
}

export interface Contributor {
  readonly ssrc: number;
  /** Of the newest packet that named it. */
  readonly rtpTimestamp: number;
  /** Monotonic. */
  readonly receivedUs: number;
}

export interface LastReceived {
  readonly ssrc: number;
  readonly rtpTimestamp: number;
  /** Monotonic. */
  readonly receivedUs: number;
  /** Of sound, -dBov (RFC 6464): 0 loudest, 127 silence; -1: not told. */
  readonly audioLevel: number;
  /** When it was captured, µs since 1970 by the capturer's clock; 0: not told. */
  readonly captureUnixUs: number;
  /** The capturer's clock minus the sender's; NaN: not told. */
  readonly captureOffsetUs: number;
}
