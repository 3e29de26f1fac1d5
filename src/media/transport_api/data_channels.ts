import type { DataChannelOpen } from "../../protocol/dcep/dcep.js";

/** What the descriptions say about data channels (RFC 8841). */
export interface DataTransportOptions {
  /** SCTP ports: ours and the peer's (a=sctp-port). */
  readonly localPort: number;
  readonly remotePort: number;
  /** Largest message we take: what our a=max-message-size says. */
  readonly maxMessageBytes: number;
}

/**
 * A channel to make. `channel` is the caller's name for it, an even number not used before; those the peer makes get odd
 * ones. `streamId` is there for channels both ends agreed on out of band, which are not announced (`negotiated`).
 */
export interface OpenChannel extends DataChannelOpen {
  readonly channel: number;
  readonly negotiated: boolean;
  readonly streamId?: number;
}

export type DataEvent =
  /** The SCTP association is up. */
  | { readonly type: "dataconnected"; readonly maxChannels: number }
  /** Our channel has its stream; messages may be sent (RFC 8832 §6). */
  | { readonly type: "channelopen"; readonly channel: number; readonly streamId: number }
  /** The peer made a channel. */
  | {
      readonly type: "channelannounced";
      readonly channel: number;
      readonly streamId: number;
      readonly open: DataChannelOpen;
    }
  | {
      readonly type: "channelmessage";
      readonly channel: number;
      readonly binary: boolean;
      readonly data: ArrayBuffer;
    }
  /** This many bytes of what waited were sent for the first time. */
  | { readonly type: "channelsent"; readonly channel: number; readonly bytes: number }
  /** The peer began to close the channel; what still waits is dropped. */
  | { readonly type: "channelclosing"; readonly channel: number }
  /** `error` is "" after an orderly close; `sctpCauseCode` is that of an ABORT (RFC 9260 §3.3.10). */
  | {
      readonly type: "channelclosed";
      readonly channel: number;
      readonly error: string;
      readonly sctpCauseCode?: number;
    }
  /** The association is gone, and every channel with it. */
  | { readonly type: "dataclosed"; readonly error: string; readonly sctpCauseCode?: number };
