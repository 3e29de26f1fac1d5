/** What the runner asks of a foreign WebRTC stack, whatever runs it: a page in a browser or a program of its own. */
import type { BlockCode } from "../src/media/analysis/block_code.js";

export type VideoCodec = "H264" | "VP8";

/** What a foreign end sends: read from files, so that a driver needs to know nothing of block codes. */
export interface MediaFiles {
  /** I420 pictures without padding, one after the other. */
  readonly picturesPath: string;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly frames: number;
  /** 16 bits in their block code. */
  readonly tag: number;
  /** One second of 48 kHz mono s16le, to be looped. */
  readonly soundPath: string;
  readonly toneHz: number;
  /** What the pictures go as, where the peer can choose. */
  readonly videoCodec: VideoCodec;
  /** What the sound goes as, where the peer can choose: Opus when absent. */
  readonly soundCodec?: "PCMU";
  /**
   * The same, encoded: access units (Annex-B) or VP8 frames, and Opus packets of 20 ms, each behind its u32 length (big
   * endian).
   */
  readonly accessUnitsPath: string;
  readonly opusPath: string;
}

export interface CandidateInit {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/** Sound only where the peer has no picture. */
export type Change = "removeVideo" | "addVideo" | "removeAudio" | "addAudio";

export type Column =
  | "video"
  | "vp8"
  | "simulcast"
  | "audio"
  | "g711"
  | "trickle"
  | "restart"
  | "renegotiation"
  | "weClose"
  | "theyClose"
  | "data"
  | "relay"
  | "tcp"
  | "whip"
  | Repair;

/** How lost packets of pictures come back: repeated (RFC 4588) or mended by parity (RFC 5109). */
export type Repair = "rtx" | "fec";

/** What a peer says of the pictures that come: packets lost, repeated, mended (null: it does not count them). */
export interface RepairView {
  readonly lost: number;
  readonly repeated: number;
  readonly mended: number | null;
}

/** A layer to send (WebRTC 1.0, RTCRtpEncodingParameters). */
export interface LayerWish {
  readonly rid: string;
  readonly scaleResolutionDownBy: number;
}

export interface LayerView {
  readonly width: number;
  readonly code: BlockCode | null;
}

export interface PeerFacts {
  readonly version: string;
  /** What the peer itself cannot do, with the reason. */
  readonly unsupported: Readonly<Partial<Record<Column, string>>>;
  /** What goes wrong in it now and then: a failure of this cell is its own, for this reason. */
  readonly flaws?: Readonly<Partial<Record<Column, string>>>;
  /** Its answers and offers carry all of its candidates: only ours trickle. */
  readonly gathersFirst?: boolean;
  /** Its driver says what was repeated and mended. */
  readonly countsRepairs?: boolean;
}

export interface InteropPeer {
  readonly facts: PeerFacts;
  /** Candidates of the current connection. */
  onCandidate: (candidate: CandidateInit) => void;
  /** A new connection that will send what `media` says. */
  start(media: MediaFiles): Promise<void>;
  /** Makes an offer and sets it. */
  offer(iceRestart: boolean): Promise<string>;
  /** Sets an offer, makes the answer and sets it. */
  answer(sdp: string): Promise<string>;
  accept(sdp: string): Promise<void>;
  addCandidate(candidate: CandidateInit): Promise<void>;
  /** The block code in the newest decoded picture. */
  readCode(): Promise<BlockCode | null>;
  /** Frequency of what is heard now, 0 for silence. */
  readTone(): Promise<number>;
  /** Stops sending, or sends again over a new sender; an offer follows. */
  change(what: Change): Promise<void>;
  /**
   * A new connection that sends its picture in these layers, or, without any, takes each section for itself. Absent: the driver knows no
   * layers.
   */
  startLayers?(media: MediaFiles, layers: readonly LayerWish[]): Promise<void>;
  /** What is seen of a section of such a connection. */
  readLayer?(mid: string): Promise<LayerView>;
  /** A new connection that repairs its pictures so, in VP8. Absent: the driver knows no losses. */
  startRepair?(media: MediaFiles, repair: Repair): Promise<void>;
  readRepairs?(): Promise<RepairView>;
  /** Opens a data channel; every channel of the connection, whoever opened it, says back what comes. */
  openChannel(): Promise<void>;
  /** In the W3C's words where the peer has them. */
  state(): Promise<string>;
  close(): Promise<void>;
  quit(): Promise<void>;
}
