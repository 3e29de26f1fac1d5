import type { HeaderExtensionIds, MediaKind } from "../transport_api.js";

/** One RTP packet on its way, unprotected. The object and its bytes are the engine's: they are good during the call only. */
export interface PassingPacket {
  /** The packet lies at `[offset, offset + length)`, from the first byte of its RTP header on; change it there. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** May be set, up to {@link maxLength}. */
  length: number;
  readonly maxLength: number;
}

/** The stream that an interceptor is made for. */
export interface InterceptedStream {
  readonly direction: "out" | "in";
  readonly kind: MediaKind;
  readonly mid: string;
  /** Unique in the engine. */
  readonly streamId: number;
  /** Of what we send; 0 for what we receive, which may come from any source. */
  readonly ssrc: number;
  readonly extensions: HeaderExtensionIds;
  /**
   * Makes a packet, which is copied and goes to the stages behind this one when the packet at hand is through. Out: it is protected and
   * sent after the frame at hand, and must have an SSRC of its own, for SRTP allows no second packet of one number. In: it is
   * taken as if it had come. Call it from `packet()` only; false: there is no room.
   */
  emit(bytes: Uint8Array, offset: number, length: number): boolean;
}

/**
 * A stage of one's own in the way of a stream's packets. Called in the sender's or the receiver's thread for each packet, so it
 * should allocate nothing and wait for nothing. What it throws is counted, and the packet goes on as it then is.
 */
export interface RtpInterceptor {
  /** False: the packet goes no further; the peer, or the jitter buffer, takes it for lost. */
  packet(packet: PassingPacket, nowUs: number): boolean;
  /** The stream has ended. */
  close?(): void;
}

/** What a module that is loaded into the threads exports as its default; undefined: nothing to do for this stream. */
export type RtpInterceptorFactory = (stream: InterceptedStream) => RtpInterceptor | undefined;
