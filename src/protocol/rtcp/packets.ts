/**
 * RTCP packets as parsed (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3). Numbers are as on the wire.
 */
import type { ReceptionReport } from "../rtp/receive_statistics.js";

/** Packet types (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2). */
export const RtcpType = {
  sr: 200,
  rr: 201,
  sdes: 202,
  bye: 203,
  app: 204,
  rtpfb: 205,
  psfb: 206,
  xr: 207,
} as const;

/** Feedback formats in the count field of RTPFB and PSFB (RFC 4585 §6.2 and §6.3, RFC 5104 §4). */
export const FeedbackFormat = {
  nack: 1,
  tmmbr: 3,
  tmmbn: 4,
  transportCc: 15,
  pli: 1,
  fir: 4,
  afb: 15,
} as const;

/** SDES item types (RFC 3550 §12.2, RFC 7941 §4.1.1, RFC 8852). */
export const SdesType = {
  end: 0,
  cname: 1,
  name: 2,
  tool: 6,
  note: 7,
  mid: 15,
  rid: 12,
  repairedRid: 13,
} as const;

export interface SenderReport {
  readonly type: "sr";
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  readonly reports: readonly Readonly<ReceptionReport>[];
}

export interface ReceiverReport {
  readonly type: "rr";
  readonly ssrc: number;
  readonly reports: readonly Readonly<ReceptionReport>[];
}

export interface SdesItem {
  /** {@link SdesType} or another. */
  readonly type: number;
  readonly text: string;
}

export interface SourceDescription {
  readonly type: "sdes";
  readonly chunks: readonly { readonly ssrc: number; readonly items: readonly SdesItem[] }[];
}

export interface Goodbye {
  readonly type: "bye";
  readonly ssrcs: readonly number[];
  /** "" when none was given. */
  readonly reason: string;
}

export interface ApplicationDefined {
  readonly type: "app";
  readonly subtype: number;
  readonly ssrc: number;
  /** Four characters. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** Generic NACK (RFC 4585 §6.2.1). */
export interface Nack {
  readonly type: "nack";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  readonly sequenceNumbers: readonly number[];
}

/** Picture loss indication (RFC 4585 §6.3.1). */
export interface PictureLoss {
  readonly type: "pli";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
}

/** Full intra request (RFC 5104 §4.3.1). */
export interface FullIntraRequest {
  readonly type: "fir";
  readonly senderSsrc: number;
  readonly entries: readonly { readonly ssrc: number; readonly sequenceNumber: number }[];
}

/** A packet of a kind we do not read; `body` is what follows its 4-byte head, padding taken off. */
export interface UnknownPacket {
  readonly type: "unknown";
  readonly packetType: number;
  /** The five bits of count, subtype or format. */
  readonly count: number;
  readonly body: Uint8Array;
}

export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Goodbye
  | ApplicationDefined
  | Nack
  | PictureLoss
  | FullIntraRequest
  | UnknownPacket;
