/**
 * RTCP packets as parsed (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4, RFC 3611). Numbers are as on the wire.
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

/** What a sender report says of its sender. */
export interface SenderInfo {
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
}

export interface SenderReport extends SenderInfo {
  readonly type: "sr";
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

/** Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01); `TransportFeedbackReader` reads its content. */
export interface TransportFeedback {
  readonly type: "transport-cc";
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** From the base sequence number on. */
  readonly content: Uint8Array;
}

/** Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03). */
export interface ReceiverEstimatedBitrate {
  readonly type: "remb";
  readonly senderSsrc: number;
  readonly bitrateBps: number;
  readonly ssrcs: readonly number[];
}

/** Temporary maximum media stream bitrate request, or the notification of its bounding set (RFC 5104 §4.2.1 and §4.2.2). */
export interface TemporaryBitrate {
  readonly type: "tmmbr" | "tmmbn";
  readonly senderSsrc: number;
  readonly entries: readonly {
    readonly ssrc: number;
    readonly bitrateBps: number;
    /** Bytes a packet below RTP, as measured by the sender of the entry. */
    readonly overheadBytes: number;
  }[];
}

/** Report blocks of XR that we read (RFC 3611 §4.4, §4.5, §4.6); others come as they are. */
export type ExtendedReportBlock =
  | { readonly type: "rrtr"; readonly ntpSeconds: number; readonly ntpFraction: number }
  | {
      readonly type: "dlrr";
      readonly entries: readonly {
        readonly ssrc: number;
        /** 16.16 s NTP of the last receiver reference time; 0: none yet. */
        readonly lastRr: number;
        /** 16.16 s. */
        readonly delaySinceLastRr: number;
      }[];
    }
  | {
      readonly type: "statistics";
      readonly ssrc: number;
      readonly beginSequence: number;
      /** One more than the last. */
      readonly endSequence: number;
      /** Each undefined where the block does not report it. */
      readonly lostPackets: number | undefined;
      readonly duplicatePackets: number | undefined;
      readonly jitter:
        | { readonly min: number; readonly max: number; readonly mean: number; readonly deviation: number }
        | undefined;
    }
  | {
      readonly type: "unknown";
      readonly blockType: number;
      readonly typeSpecific: number;
      readonly body: Uint8Array;
    };

/** Extended report (RFC 3611). */
export interface ExtendedReport {
  readonly type: "xr";
  readonly ssrc: number;
  readonly blocks: readonly ExtendedReportBlock[];
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
  | TransportFeedback
  | ReceiverEstimatedBitrate
  | TemporaryBitrate
  | ExtendedReport
  | UnknownPacket;
