import { opusIsDtx, opusPacketSamples } from "../opus/toc.js";
import { readAbsCaptureTime } from "../rtp/header_extensions.js";
import { ntpToUnixUs } from "../rtp/ntp.js";
import type { RtpHeader } from "../rtp/rtp_header.js";
import { SequenceGate } from "../rtp/sequence_gate.js";
import { TimestampUnwrapper } from "../rtp/unwrap.js";
import { PacketRing } from "./packet_ring.js";
import { PlayoutClock } from "./playout_clock.js";

export interface AudioJitterBufferOptions {
  /** 48000 by default. */
  readonly clockRate?: number;
  /** Duration of a payload in clock units, 0: malformed. Opus by default. */
  readonly packetSamples?: (buf: Uint8Array, offset: number, length: number) => number;
  /** Packets held at most, a power of two; 128 by default. */
  readonly capacityPackets?: number;
  /** 1500 by default. */
  readonly maxPayloadBytes?: number;
  /** Least and most delay over the fastest path; 20 ms and 500 ms by default. */
  readonly minDelayUs?: number;
  readonly maxDelayUs?: number;
  /** Negotiated id of abs-capture-time, 0: none. */
  readonly absCaptureTimeId?: number;
  /** Counters to go on with, of a buffer that this one replaces. */
  readonly stats?: AudioJitterBufferStats;
}

/**
 * What to play next. "packet": decode the payload. "fec": the packet before this payload is lost; recover it from the payload's
 * in-band FEC (the payload itself comes again as "packet"). "noise": the payload describes noise to play until
 * something else comes (RFC 3389). "lost": conceal. "empty": silence, for nothing was sent (DTX),
 * nothing is known yet, or nothing has come for long.
 */
export type AudioKind = "packet" | "fec" | "noise" | "lost" | "empty";

/** The answer of `pull`; the buffer owns the object and fills it anew each time. */
export interface AudioPull {
  kind: AudioKind;
  /** The payload in the buffer's `arena` for "packet" and "fec"; good until the next `insert`. */
  offset: number;
  length: number;
  /** Samples per channel to play, on the RTP clock. */
  samples: number;
  /** Unwrapped RTP timestamp of the first of them. */
  extTimestamp: number;
  arrivalUs: number;
  /** The sender's clock at capture (abs-capture-time), Unix µs; NaN when not carried. */
  captureUnixUs: number;
}

/** Counters since the start; all only grow. */
export interface AudioJitterBufferStats {
  packetsInserted: number;
  packetsDuplicated: number;
  packetsLate: number;
  /** Malformed, too long, or off by a jump nothing confirmed. */
  packetsRefused: number;
  packetsPlayed: number;
  /** Frames answered "fec" and "lost". */
  framesRecovered: number;
  framesConcealed: number;
  concealedSamples: number;
  /** Silence in place of what did not come, after concealing it had gone on too long; not in `concealedSamples`. */
  silentSamples: number;
  /** Times that concealing began. */
  concealmentEvents: number;
  /** Packets dropped to bring the delay down, and frames put in to bring it up. */
  packetsSkipped: number;
  framesStretched: number;
  /** What that made and left out. */
  insertedSamples: number;
  removedSamples: number;
  /** The sender started over. */
  resets: number;
}

export function newAudioJitterBufferStats(): AudioJitterBufferStats {
  return {
    packetsInserted: 0,
    packetsDuplicated: 0,
    packetsLate: 0,
    packetsRefused: 0,
    packetsPlayed: 0,
    framesRecovered: 0,
    framesConcealed: 0,
    concealedSamples: 0,
    silentSamples: 0,
    concealmentEvents: 0,
    packetsSkipped: 0,
    framesStretched: 0,
    insertedSamples: 0,
    removedSamples: 0,
    resets: 0,
  };
}

/** What a slot holds, as its trait. */
const SOUND = 0;
const NOISE = 1;

/** Underruns concealed before silence. */
const MAX_CONCEALED_FRAMES = 5;
/** Pulls in a row that must find the delay off before it is corrected. */
const PATIENCE_EARLY = 3;
const PATIENCE_LATE = 15;
/** A timestamp this far ahead is a new beginning, not a gap to fill. */
const MAX_GAP_US = 2_000_000;

/**
 * Orders the packets of an audio stream and plays them by timestamp, at a delay that follows the path's jitter.
 * `insert()` every packet as it arrives; `pull()` once for each frame the sound device wants, and decode, conceal or play
 * silence as it says. Tolerates reordering, loss, duplicates and wrap-around; what comes after its time is dropped. Memory
 * is allocated once, in the constructor.
 */
export class AudioJitterBuffer {
  /** Its `extraDelayUs` is lip-sync's. */
  readonly clock: PlayoutClock;
  readonly stats: AudioJitterBufferStats;
  private readonly clockRate: number;
  private readonly ring: PacketRing;
  private readonly gate: SequenceGate;
  private readonly unwrapper = new TimestampUnwrapper();
  private readonly packetSamples: (buf: Uint8Array, offset: number, length: number) => number;
  private readonly absCaptureTimeId: number;
  private readonly out: AudioPull = {
    kind: "empty",
    offset: 0,
    length: 0,
    samples: 0,
    extTimestamp: 0,
    arrivalUs: 0,
    captureUnixUs: Number.NaN,
  };

  private playing = false;
  /** Lowest sequence number that may still be played. */
  private headSeq = 0;
  /** Timestamp of the next sample to play. */
  private nextTimestamp = 0;
  private frameSamples: number;
  private lastPlayedSeq = Number.NaN;
  private lastWasDtx = false;
  private concealedInRow = 0;
  private concealing = false;
  /** Sequence numbers of packets that were no sound, by their slots. */
  private readonly foreign: Float64Array;
  private earlyInRow = 0;
  private lateInRow = 0;

  constructor(options: AudioJitterBufferOptions = {}) {
    this.stats = options.stats ?? newAudioJitterBufferStats();
    this.clockRate = options.clockRate ?? 48000;
    this.ring = new PacketRing(options.capacityPackets ?? 128, options.maxPayloadBytes ?? 1500);
    this.gate = new SequenceGate(this.ring.capacity);
    this.foreign = new Float64Array(this.ring.capacity).fill(Number.NaN);
    this.clock = new PlayoutClock({
      clockRate: this.clockRate,
      minDelayUs: options.minDelayUs ?? 20_000,
      maxDelayUs: options.maxDelayUs ?? 500_000,
      marginUs: 15_000,
    });
    this.packetSamples = options.packetSamples ?? opusPacketSamples;
    this.absCaptureTimeId = options.absCaptureTimeId ?? 0;
    this.frameSamples = this.clockRate / 50;
  }

  /** Where the payloads lie. */
  get arena(): Uint8Array {
    return this.ring.arena;
  }

  /** The payload of the last `pull`. */
  payload(): Uint8Array {
    return this.ring.arena.subarray(this.out.offset, this.out.offset + this.out.length);
  }

  /** From the next sample to play to the end of the newest packet, µs; 0 while not playing. */
  get bufferedUs(): number {
    const newest = this.newestSeq();
    if (!this.playing || Number.isNaN(newest)) return 0;
    return Math.max(0, this.toUs(this.ring.timestamp(newest) + this.samplesOf(newest) - this.nextTimestamp));
  }

  /** Copies the packet's payload in; `isNoise`: it is comfort noise. False: it was a duplicate, late, refused, or of padding alone. */
  insert(buf: Uint8Array, header: RtpHeader, arrivalUs: number, isNoise = false): boolean {
    const { payloadOffset, payloadLength } = header;
    const again = this.gate.started;
    const seq = this.gate.admit(header.sequenceNumber);
    if (this.gate.restarted) this.restartAt(seq, again);
    if (payloadLength === 0) return false;
    const samples =
      payloadLength > this.ring.slotBytes ? 0 : this.durationOf(buf, payloadOffset, payloadLength, isNoise);
    if (Number.isNaN(seq) || samples === 0) {
      this.stats.packetsRefused++;
      return false;
    }
    if (this.ring.has(seq)) {
      this.stats.packetsDuplicated++;
      return false;
    }
    const timestamp = this.unwrapper.unwrap(header.timestamp);
    this.clock.update(timestamp, arrivalUs);
    if (this.isLate(seq, timestamp, samples)) {
      this.stats.packetsLate++;
      return false;
    }
    this.makeRoom(seq);
    const capture = this.captureTime(buf, header);
    const { marker, payloadType } = header;
    this.ring.store(
      seq,
      timestamp,
      marker,
      payloadType,
      isNoise ? NOISE : SOUND,
      arrivalUs,
      capture,
      buf,
      payloadOffset,
      payloadLength,
    );
    this.stats.packetsInserted++;
    return true;
  }

  /** A packet of the stream that is no sound has been taken out of it: its number is not missing. */
  noteForeign(sequenceNumber: number): void {
    const again = this.gate.started;
    const seq = this.gate.admit(sequenceNumber);
    if (this.gate.restarted) this.restartAt(seq, again);
    if (Number.isNaN(seq)) return;
    this.makeRoom(seq);
    this.foreign[seq & (this.ring.capacity - 1)] = seq;
  }

  /** What to play for the frame that begins now; `out.samples` long. */
  pull(nowUs: number): AudioPull {
    const seq = this.firstSeq();
    if (!this.playing && !this.mayStart(seq, nowUs)) return this.answerEmpty();
    if (!Number.isNaN(seq) && this.adjust(seq, nowUs)) return this.out;
    const head = this.firstSeq();
    if (Number.isNaN(head)) return this.answerUnderrun();
    const aheadSamples = this.ring.timestamp(head) - this.nextTimestamp;
    if (aheadSamples < this.frameSamples / 2) return this.answerPacket(head);
    if (this.toUs(aheadSamples) > MAX_GAP_US) {
      this.nextTimestamp = this.ring.timestamp(head);
      return this.answerPacket(head);
    }
    return this.answerGap(head, aheadSamples);
  }

  private toUs(samples: number): number {
    return (samples * 1e6) / this.clockRate;
  }

  private restartAt(seq: number, again: boolean): void {
    if (again) this.stats.resets++;
    this.ring.clear();
    this.unwrapper.reset();
    this.clock.reset();
    this.headSeq = seq;
    this.lastPlayedSeq = Number.NaN;
    this.lastWasDtx = false;
    this.stop();
  }

  private stop(): void {
    this.playing = false;
    this.concealedInRow = 0;
    this.earlyInRow = 0;
    this.lateInRow = 0;
  }

  /** Before playing starts, older packets than the first are welcome. */
  private isLate(seq: number, timestamp: number, samples: number): boolean {
    if (this.playing) return seq < this.headSeq || timestamp + samples / 2 < this.nextTimestamp;
    if (
      seq < this.headSeq &&
      Number.isNaN(this.lastPlayedSeq) &&
      this.gate.highest - seq < this.ring.capacity
    )
      this.headSeq = seq;
    return seq < this.headSeq;
  }

  private makeRoom(seq: number): void {
    while (seq - this.headSeq >= this.ring.capacity) {
      if (this.ring.has(this.headSeq)) this.stats.packetsSkipped++;
      this.ring.free(this.headSeq++);
    }
  }

  private captureTime(buf: Uint8Array, header: RtpHeader): number {
    const seconds = readAbsCaptureTime(buf, header, this.absCaptureTimeId, 0);
    return seconds < 0
      ? Number.NaN
      : ntpToUnixUs(seconds, readAbsCaptureTime(buf, header, this.absCaptureTimeId, 1));
  }

  private firstSeq(): number {
    for (let seq = this.headSeq; seq <= this.gate.highest; seq++) if (this.ring.has(seq)) return seq;
    return Number.NaN;
  }

  private newestSeq(): number {
    for (let seq = this.gate.highest; seq >= this.headSeq; seq--) if (this.ring.has(seq)) return seq;
    return Number.NaN;
  }

  private samplesOf(seq: number): number {
    const { ring } = this;
    return this.durationOf(ring.arena, ring.offset(seq), ring.length(seq), ring.trait(seq) === NOISE);
  }

  /** Noise lasts until something else comes; it is played frame by frame. */
  private durationOf(buf: Uint8Array, offset: number, length: number, isNoise: boolean): number {
    return isNoise ? this.clockRate / 50 : this.packetSamples(buf, offset, length);
  }

  private mayStart(seq: number, nowUs: number): boolean {
    if (Number.isNaN(seq) || nowUs < this.clock.playoutUs(this.ring.timestamp(seq))) return false;
    this.playing = true;
    this.nextTimestamp = this.ring.timestamp(seq);
    return true;
  }

  /**
   * Compares what is about to play with when it should. Half a frame too early for several pulls: one is put in; a
   * frame too late for longer: one is left out. True: `out` holds the answer.
   */
  private adjust(seq: number, nowUs: number): boolean {
    const frameUs = this.toUs(this.frameSamples);
    const lateUs = nowUs - this.clock.playoutUs(this.nextTimestamp);
    this.earlyInRow = lateUs < -0.5 * frameUs ? this.earlyInRow + 1 : 0;
    this.lateInRow = lateUs > frameUs ? this.lateInRow + 1 : 0;
    if (this.earlyInRow >= PATIENCE_EARLY) {
      this.earlyInRow = 0;
      this.stats.framesStretched++;
      this.stats.insertedSamples += this.frameSamples;
      this.answer("lost", this.frameSamples);
      return true;
    }
    // Only a packet that is here can be left out; a gap passes by itself.
    if (this.lateInRow >= PATIENCE_LATE && this.ring.timestamp(seq) <= this.nextTimestamp) {
      this.lateInRow = 0;
      this.stats.packetsSkipped++;
      this.stats.removedSamples += this.samplesOf(seq);
      this.nextTimestamp = this.ring.timestamp(seq) + this.samplesOf(seq);
      this.consume(seq);
    }
    return false;
  }

  private consume(seq: number): void {
    this.lastPlayedSeq = seq;
    this.lastWasDtx = this.ring.trait(seq) === NOISE || opusIsDtx(this.ring.length(seq));
    this.ring.free(seq);
    this.headSeq = seq + 1;
  }

  private answerPacket(seq: number): AudioPull {
    const samples = this.samplesOf(seq);
    this.frameSamples = samples;
    this.concealedInRow = 0;
    this.concealing = false;
    this.stats.packetsPlayed++;
    this.answer(this.ring.trait(seq) === NOISE ? "noise" : "packet", samples);
    this.attach(seq);
    this.out.extTimestamp = this.ring.timestamp(seq);
    this.nextTimestamp = this.out.extTimestamp + samples;
    this.consume(seq);
    return this.out;
  }

  /** The packet at `head` is not due yet: something is missing before it, or nothing was sent. */
  private answerGap(head: number, aheadSamples: number): AudioPull {
    const samples = Math.min(this.frameSamples, aheadSamples);
    // Consecutive numbers with a jump in time: the sender was silent (RFC 3550 §5.1, marker; RFC 7587 §3.1.3, DTX).
    const silence = this.nothingIsMissing(head);
    const recoverable = !silence && aheadSamples < this.frameSamples * 1.5;
    this.answer(silence ? "empty" : recoverable ? "fec" : "lost", samples);
    if (recoverable) this.attach(head);
    this.countConcealed(samples);
    this.nextTimestamp += samples;
    return this.out;
  }

  /** Whether all between the last packet played and `head` came, and was no sound. */
  private nothingIsMissing(head: number): boolean {
    const { capacity } = this.ring;
    if (!(head - this.lastPlayedSeq <= capacity)) return false;
    for (let seq = this.lastPlayedSeq + 1; seq < head; seq++) {
      if (this.foreign[seq & (capacity - 1)] !== seq) return false;
    }
    return true;
  }

  private answerUnderrun(): AudioPull {
    this.concealedInRow++;
    if (this.lastWasDtx || this.concealedInRow > MAX_CONCEALED_FRAMES) {
      if (!this.lastWasDtx) {
        this.stop();
        this.stats.silentSamples += this.frameSamples;
      }
      this.answer("empty", this.frameSamples);
    } else {
      this.answer("lost", this.frameSamples);
      this.countConcealed(this.frameSamples);
    }
    this.nextTimestamp += this.frameSamples;
    return this.out;
  }

  private countConcealed(samples: number): void {
    if (this.out.kind === "fec") this.stats.framesRecovered++;
    if (this.out.kind !== "lost") return;
    this.stats.framesConcealed++;
    if (!this.concealing) this.stats.concealmentEvents++;
    this.concealing = true;
    this.stats.concealedSamples += samples;
  }

  private answerEmpty(): AudioPull {
    this.answer("empty", this.frameSamples);
    return this.out;
  }

  private answer(kind: AudioKind, samples: number): void {
    this.out.kind = kind;
    this.out.samples = samples;
    this.out.extTimestamp = this.nextTimestamp;
    this.out.offset = 0;
    this.out.length = 0;
    this.out.arrivalUs = 0;
    this.out.captureUnixUs = Number.NaN;
  }

  private attach(seq: number): void {
    this.out.offset = this.ring.offset(seq);
    this.out.length = this.ring.length(seq);
    this.out.arrivalUs = this.ring.arrivalUs(seq);
    this.out.captureUnixUs = this.ring.captureUnixUs(seq);
  }
}
