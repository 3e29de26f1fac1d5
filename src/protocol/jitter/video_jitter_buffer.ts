import { readAbsCaptureTime, readVideoOrientation } from "../rtp/header_extensions.js";
import { ntpToUnixUs } from "../rtp/ntp.js";
import { type AccessUnitAssembler, PayloadTraits } from "../rtp/payload_format.js";
import type { RtpHeader } from "../rtp/rtp_header.js";
import { SequenceGate } from "../rtp/sequence_gate.js";
import { TimestampUnwrapper } from "../rtp/unwrap.js";
import { PacketRing } from "./packet_ring.js";
import { PlayoutClock } from "./playout_clock.js";

/** Kept beside {@link PayloadTraits} in their byte: the packet says how the picture is turned, and how. */
const ORIENTED = 32;
const TURNS_SHIFT = 6;

export interface VideoJitterBufferOptions {
  /** Puts payloads together: `new H264Depacketizer()`. Owned by the buffer from then on. */
  readonly assembler: AccessUnitAssembler;
  /** Assemblers of single payload types, where not all are in one format; the others are {@link assembler}'s. */
  readonly assemblers?: ReadonlyMap<number, AccessUnitAssembler>;
  /** 90000 by default. */
  readonly clockRate?: number;
  /** Packets held at most, a power of two; 1024 by default. With `maxPayloadBytes` this bounds the memory. */
  readonly capacityPackets?: number;
  /** 1500 by default; longer payloads are refused. */
  readonly maxPayloadBytes?: number;
  readonly minDelayUs?: number;
  readonly maxDelayUs?: number;
  /** How long a missing packet may hold the stream up before a keyframe is wanted; 300 ms by default. */
  readonly giveUpUs?: number;
  /** How long reordering may take before a complete keyframe behind a gap is jumped to; 20 ms by default. */
  readonly reorderGraceUs?: number;
  /** Negotiated id of abs-capture-time, 0: none. */
  readonly absCaptureTimeId?: number;
  /** Negotiated id of the video orientation, 0: none. */
  readonly videoOrientationId?: number;
  /** The decoder has parameter sets from elsewhere (sprop-parameter-sets): keyframes need not bring their own. */
  readonly parameterSetsKnown?: boolean;
}

/** One access unit as handed out. The buffer owns the object and fills it anew each time. */
export interface AccessUnitInfo {
  /** Bytes in the caller's buffer. */
  length: number;
  rtpTimestamp: number;
  /** What its packets were marked as: says what the bytes are in, where that may change. */
  payloadType: number;
  /** The timestamp, unwrapped. */
  extTimestamp: number;
  keyframe: boolean;
  packets: number;
  firstArrivalUs: number;
  /** When the packet that completed it arrived. */
  lastArrivalUs: number;
  /** The sender's clock at capture (abs-capture-time), Unix µs; NaN when not carried. */
  captureUnixUs: number;
  /** When to show it, on the local clock. May lie in the past. */
  playoutUs: number;
  /** Quarter turns clockwise before it is shown (3GPP video orientation), 0 to 3. */
  quarterTurns: number;
}

/** Counters since the start; all only grow. */
export interface VideoJitterBufferStats {
  packetsInserted: number;
  packetsDuplicated: number;
  /** Came after their place had been passed. */
  packetsLate: number;
  /** Refused: too long, or a jump of sequence numbers nothing confirmed. */
  packetsRefused: number;
  framesReleased: number;
  keyframesReleased: number;
  /** Begun but never handed out: incomplete, damaged, or not decodable without a keyframe. */
  framesDropped: number;
  /** Of these, put together from whole packets and yet malformed, or too large for the caller's buffer. */
  framesDamaged: number;
  /** The sender started over. */
  resets: number;
}

/**
 * Makes access units of a video stream's packets. `insert()` every packet as it arrives, then call `pollAccessUnit()`
 * until it gives undefined; and again at `nextDeadlineUs()`. Access units come out complete, in decoding order, as soon as
 * they are whole. A missing packet holds everything behind it up until it comes or a complete keyframe behind it lets the
 * rest be dropped, so the decoder never meets a frame whose reference is missing; `needsKeyframe` says when to ask for
 * one. Presenting at `playoutUs` is the decoder's business. Memory is allocated once, in the constructor.
 */
export class VideoJitterBuffer {
  readonly clock: PlayoutClock;
  /** May be set at any time, from the round-trip time say. */
  giveUpUs: number;
  /** Access units are held until this long before they are due; Infinity: they come out as soon as they are whole. */
  releaseLeadUs = Number.POSITIVE_INFINITY;
  readonly stats: VideoJitterBufferStats = {
    packetsInserted: 0,
    packetsDuplicated: 0,
    packetsLate: 0,
    packetsRefused: 0,
    framesReleased: 0,
    keyframesReleased: 0,
    framesDropped: 0,
    framesDamaged: 0,
    resets: 0,
  };
  private readonly defaultAssembler: AccessUnitAssembler;
  private readonly assemblers: ReadonlyMap<number, AccessUnitAssembler>;
  /** Of the last access unit that was put together. */
  private assembler: AccessUnitAssembler;
  private readonly ring: PacketRing;
  private readonly gate: SequenceGate;
  private readonly unwrapper = new TimestampUnwrapper();
  private readonly reorderGraceUs: number;
  private readonly absCaptureTimeId: number;
  private readonly videoOrientationId: number;
  private readonly info: AccessUnitInfo = {
    length: 0,
    rtpTimestamp: 0,
    payloadType: 0,
    extTimestamp: 0,
    keyframe: false,
    packets: 0,
    firstArrivalUs: 0,
    lastArrivalUs: 0,
    captureUnixUs: Number.NaN,
    playoutUs: 0,
    quarterTurns: 0,
  };

  /** First sequence number not yet handed out or dropped. */
  private nextSeq = 0;
  /** No keyframe start found yet: nextSeq is not the beginning of anything. */
  private searching = true;
  /** Where the search for one goes on. */
  private searchSeq = 0;
  /** The next picture must be a keyframe. */
  private awaitingKeyframe = true;
  private passed = false;
  /** Nothing was dropped yet, so packets from before the first one are welcome. */
  private pristine = true;
  /** First sequence number not yet looked at of the access unit at nextSeq. */
  private scanSeq = 0;
  /** Its timestamp; NaN: none of its packets seen. */
  private scanTimestamp = Number.NaN;
  /** When the packet at scanSeq was first missed; Infinity: nothing is missing. */
  private gapSinceUs = Number.POSITIVE_INFINITY;
  private gapDeadlineUs = Number.POSITIVE_INFINITY;
  /** The gap has lasted too long and no keyframe is on its way. */
  private gapHopeless = false;
  /** End and time of the whole access unit that is held; NaN, Infinity: none. */
  private heldEnd = Number.NaN;
  private heldUntilUs = Number.POSITIVE_INFINITY;
  private parameterSetsKnown: boolean;
  private inBandParameterSets = false;

  constructor(options: VideoJitterBufferOptions) {
    this.assembler = options.assembler;
    this.defaultAssembler = options.assembler;
    this.assemblers = options.assemblers ?? new Map();
    this.ring = new PacketRing(options.capacityPackets ?? 1024, options.maxPayloadBytes ?? 1500);
    this.gate = new SequenceGate(this.ring.capacity);
    this.clock = new PlayoutClock({ ...options, clockRate: options.clockRate ?? 90000 });
    this.giveUpUs = options.giveUpUs ?? 300_000;
    this.reorderGraceUs = options.reorderGraceUs ?? 20_000;
    this.absCaptureTimeId = options.absCaptureTimeId ?? 0;
    this.videoOrientationId = options.videoOrientationId ?? 0;
    this.parameterSetsKnown = options.parameterSetsKnown ?? false;
  }

  /** Whether a keyframe has to be asked for, as of the last poll. Repeat the request at a measured pace while it is true. */
  get needsKeyframe(): boolean {
    return this.gate.started && (this.searching || this.gapHopeless);
  }

  /** Copies the packet's payload in. False: it was a duplicate, late, or refused. `header` is the parsed `buf`. */
  insert(buf: Uint8Array, header: RtpHeader, arrivalUs: number): boolean {
    if (header.payloadLength > this.ring.slotBytes) return this.refuse();
    const again = this.gate.started;
    const seq = this.gate.admit(header.sequenceNumber);
    if (Number.isNaN(seq)) return this.refuse();
    if (this.gate.restarted) {
      if (again) this.stats.resets++;
      this.restartAt(seq);
    }
    if (seq < this.nextSeq && !this.takeEarlier(seq)) {
      this.stats.packetsLate++;
      return false;
    }
    if (this.ring.has(seq)) {
      this.stats.packetsDuplicated++;
      return false;
    }
    this.makeRoom(seq);
    if (seq < this.searchSeq) this.searchSeq = Math.max(seq, this.nextSeq);
    this.store(seq, buf, header, arrivalUs);
    return true;
  }

  /**
   * Writes the next access unit (Annex-B for H.264) to the beginning of `out` and describes it; undefined: none is ready.
   * One that `out` cannot hold is dropped, and a keyframe needed.
   */
  pollAccessUnit(out: Uint8Array, nowUs: number): AccessUnitInfo | undefined {
    while (this.gate.started) {
      if (this.searching && !this.findStart()) return undefined;
      const end = Number.isNaN(this.heldEnd) ? this.scan() : this.heldEnd;
      if (!Number.isNaN(end)) {
        if (this.isEarly(end, nowUs)) return undefined;
        if (this.release(end, out)) return this.info;
      } else if (!this.passGap(nowUs)) return undefined;
    }
    return undefined;
  }

  /** When `pollAccessUnit` should be called even if no packet arrives; Infinity: never. */
  nextDeadlineUs(): number {
    return Math.min(this.gapDeadlineUs, this.heldUntilUs);
  }

  /**
   * Writes the sequence numbers still missing between what was handed out and the newest packet, oldest first, as far as
   * `into` goes; returns how many. None while a keyframe is needed: old packets would not help.
   */
  missing(into: Uint16Array): number {
    if (!this.gate.started || this.searching) return 0;
    let count = 0;
    for (let seq = this.scanSeq; seq < this.gate.highest && count < into.length; seq++)
      if (!this.ring.has(seq)) into[count++] = seq & 0xffff;
    return count;
  }

  /** The oldest sequence number that is still of use; requests for older ones are pointless. */
  get firstNeededSequence(): number {
    return (this.searching ? this.gate.highest + 1 : this.scanSeq) & 0xffff;
  }

  private refuse(): false {
    this.stats.packetsRefused++;
    return false;
  }

  private restartAt(seq: number): void {
    this.ring.clear();
    this.clock.reset();
    this.unwrapper.reset();
    this.nextSeq = seq;
    this.pristine = true;
    this.search(seq);
  }

  /** At the very beginning the first packets may come in any order. */
  private takeEarlier(seq: number): boolean {
    if (!this.pristine || !this.searching || this.gate.highest - seq >= this.ring.capacity) return false;
    this.nextSeq = seq;
    return true;
  }

  /** Gives up what is oldest until `seq` fits the ring. */
  private makeRoom(seq: number): void {
    const limit = seq - this.ring.capacity + 1;
    if (this.nextSeq >= limit) return;
    if (!this.searching) this.search(this.scanSeq + 1);
    this.dropUntil(limit);
  }

  private store(seq: number, buf: Uint8Array, header: RtpHeader, arrivalUs: number): void {
    this.stats.packetsInserted++;
    const { payloadType } = header;
    const traits = this.assemblerOf(payloadType).inspect(buf, header.payloadOffset, header.payloadLength);
    const turns = readVideoOrientation(buf, header, this.videoOrientationId);
    const seconds = readAbsCaptureTime(buf, header, this.absCaptureTimeId, 0);
    const capture =
      seconds < 0
        ? Number.NaN
        : ntpToUnixUs(seconds, readAbsCaptureTime(buf, header, this.absCaptureTimeId, 1));
    this.ring.store(
      seq,
      this.unwrapper.unwrap(header.timestamp),
      header.marker,
      payloadType,
      turns < 0 ? traits : traits | ORIENTED | (turns << TURNS_SHIFT),
      arrivalUs,
      capture,
      buf,
      header.payloadOffset,
      header.payloadLength,
    );
  }

  /** Turns to looking for a keyframe, from `seq` on. */
  private search(seq: number): void {
    this.searching = true;
    this.awaitingKeyframe = true;
    this.searchSeq = seq;
    this.endHold();
    this.endGap();
  }

  /** Whether the whole access unit that ends there is to wait for its time. */
  private isEarly(end: number, nowUs: number): boolean {
    if (this.releaseLeadUs === Number.POSITIVE_INFINITY) return false;
    if (Number.isNaN(this.heldEnd)) this.clock.update(this.scanTimestamp, this.lastArrivalUs(end));
    this.heldEnd = end;
    this.heldUntilUs = this.clock.playoutUs(this.scanTimestamp) - this.releaseLeadUs;
    return nowUs < this.heldUntilUs;
  }

  private lastArrivalUs(end: number): number {
    let lastUs = Number.NEGATIVE_INFINITY;
    for (let seq = this.nextSeq; seq < end; seq++) {
      if (this.ring.length(seq) > 0) lastUs = Math.max(lastUs, this.ring.arrivalUs(seq));
    }
    return lastUs;
  }

  private endHold(): void {
    this.heldEnd = Number.NaN;
    this.heldUntilUs = Number.POSITIVE_INFINITY;
  }

  private endGap(): void {
    this.gapSinceUs = Number.POSITIVE_INFINITY;
    this.gapDeadlineUs = Number.POSITIVE_INFINITY;
    this.gapHopeless = false;
  }

  /** Moves to the next packet that may begin decoding; false: none is here. */
  private findStart(): boolean {
    const seq = this.nextStart(Math.max(this.searchSeq, this.nextSeq));
    if (Number.isNaN(seq)) {
      this.searchSeq = this.gate.highest + 1;
      return false;
    }
    this.alignAt(seq);
    return true;
  }

  private alignAt(seq: number): void {
    this.dropUntil(seq);
    this.searching = false;
    this.awaitingKeyframe = true;
    this.beginAccessUnit(seq);
  }

  private beginAccessUnit(seq: number): void {
    this.nextSeq = seq;
    this.scanSeq = seq;
    this.scanTimestamp = Number.NaN;
    this.endHold();
    this.endGap();
  }

  private nextStart(from: number): number {
    for (let seq = from; seq <= this.gate.highest; seq++)
      if (this.ring.has(seq) && this.mayStart(seq)) return seq;
    return Number.NaN;
  }

  private mayStart(seq: number): boolean {
    const traits = this.ring.trait(seq);
    if ((traits & PayloadTraits.randomAccess) !== 0) return true;
    if ((traits & PayloadTraits.keyframeStart) === 0 || !this.parameterSetsKnown) return false;
    // Where parameter sets travel in band, new ones may have been lost just before this packet.
    return !this.inBandParameterSets || this.beginsTimestamp(seq);
  }

  /** Whether the packet before is here and belongs to another access unit. */
  private beginsTimestamp(seq: number): boolean {
    const before = seq - 1;
    if (!this.ring.has(before)) return false;
    return this.ring.length(before) === 0 || this.ring.timestamp(before) !== this.ring.timestamp(seq);
  }

  /** Looks on from where it stopped; the sequence number behind the access unit's last packet, NaN: not complete. */
  private scan(): number {
    while (this.ring.has(this.scanSeq)) {
      const seq = this.scanSeq;
      if (this.ring.length(seq) === 0) {
        this.skipPadding(seq);
        continue;
      }
      const timestamp = this.ring.timestamp(seq);
      if (Number.isNaN(this.scanTimestamp)) this.scanTimestamp = timestamp;
      // RFC 6184 §5.1: the marker is a hint; another timestamp ends the access unit for sure.
      else if (timestamp !== this.scanTimestamp) return seq;
      this.scanSeq = seq + 1;
      if (this.ring.marker(seq)) return this.scanSeq;
    }
    return Number.NaN;
  }

  /** A packet of padding alone belongs to no frame, wherever it stands. */
  private skipPadding(seq: number): void {
    this.scanSeq = seq + 1;
    if (!Number.isNaN(this.scanTimestamp)) return;
    this.ring.free(seq);
    this.nextSeq = seq + 1;
  }

  /** Deals with a missing packet at scanSeq; true: the state changed, look again. */
  private passGap(nowUs: number): boolean {
    if (this.scanSeq > this.gate.highest) {
      this.endGap();
      return false;
    }
    if (this.passUnneeded()) return true;
    if (this.gapSinceUs === Number.POSITIVE_INFINITY) this.gapSinceUs = nowUs;
    if (nowUs < this.gapSinceUs + this.reorderGraceUs) {
      this.gapDeadlineUs = this.gapSinceUs + this.reorderGraceUs;
      return false;
    }
    const seq = this.nextCompleteKeyframe(this.scanSeq + 1);
    if (Number.isNaN(seq)) {
      this.judgeGap(nowUs);
      return false;
    }
    this.alignAt(seq);
    return true;
  }

  /** What is missing between two access units that show they follow each other (parity, padding) was of neither. */
  private passUnneeded(): boolean {
    const { ring } = this;
    if (!Number.isNaN(this.scanTimestamp) || this.awaitingKeyframe || !this.assembler.follows) return false;
    let seq = this.scanSeq + 1;
    while (seq <= this.gate.highest && !(ring.has(seq) && ring.length(seq) > 0)) seq++;
    if (seq > this.gate.highest || this.assemblerOf(ring.payloadType(seq)) !== this.assembler) return false;
    if (!this.assembler.follows(ring.arena, ring.offset(seq), ring.length(seq))) return false;
    this.dropUntil(seq);
    this.beginAccessUnit(seq);
    this.passed = true;
    return true;
  }

  /** Whether missing packets were passed since the last call: nobody need ask for them. */
  takePassed(): boolean {
    const was = this.passed;
    this.passed = false;
    return was;
  }

  /** A keyframe is wanted once the gap, and the newest keyframe's beginning if there is one, are too old. */
  private judgeGap(nowUs: number): void {
    let hopeUs = this.gapSinceUs;
    for (let seq = this.nextStart(this.scanSeq + 1); !Number.isNaN(seq); seq = this.nextStart(seq + 1))
      hopeUs = Math.max(hopeUs, this.ring.arrivalUs(seq));
    const endUs = hopeUs + this.giveUpUs;
    this.gapHopeless = nowUs >= endUs;
    this.gapDeadlineUs = this.gapHopeless ? Number.POSITIVE_INFINITY : endUs;
  }

  private nextCompleteKeyframe(from: number): number {
    for (let seq = this.nextStart(from); !Number.isNaN(seq); seq = this.nextStart(seq + 1))
      if (this.isWholeFrom(seq)) return seq;
    return Number.NaN;
  }

  private isWholeFrom(first: number): boolean {
    const timestamp = this.ring.timestamp(first);
    let keyframe = false;
    for (let seq = first; this.ring.has(seq); seq++) {
      if (this.ring.length(seq) === 0) continue;
      if (this.ring.timestamp(seq) !== timestamp) return keyframe;
      if ((this.ring.trait(seq) & PayloadTraits.keyframe) !== 0) keyframe = true;
      if (this.ring.marker(seq)) return keyframe;
    }
    return false;
  }

  /** Frees everything before `seq` and counts the frames that go with it. */
  private dropUntil(seq: number): void {
    let timestamp = Number.NaN;
    const end = Math.min(seq, this.gate.highest + 1);
    for (let at = this.nextSeq; at < end; at++) {
      if (!this.ring.has(at)) continue;
      if (this.ring.length(at) > 0 && this.ring.timestamp(at) !== timestamp) {
        timestamp = this.ring.timestamp(at);
        this.stats.framesDropped++;
      }
      this.ring.free(at);
    }
    if (seq > this.nextSeq) {
      this.nextSeq = seq;
      this.pristine = false;
    }
  }

  /** Hands out the packets from nextSeq up to `end`; false: they were dropped instead. */
  private release(end: number, out: Uint8Array): boolean {
    const length = this.assemble(end, out);
    const verdict = this.judge(length);
    if (!verdict) {
      this.dropUntil(end);
      this.search(end);
      return false;
    }
    this.describe(end, length);
    this.pristine = false;
    for (let seq = this.nextSeq; seq < end; seq++) this.ring.free(seq);
    this.beginAccessUnit(end);
    return true;
  }

  private assemble(end: number, out: Uint8Array): number {
    this.take(this.ring.payloadType(this.nextSeq));
    this.assembler.start(out, 0);
    for (let seq = this.nextSeq; seq < end; seq++) {
      const length = this.ring.length(seq);
      if (length > 0 && this.ring.payloadType(seq) !== this.info.payloadType) return 0;
      if (length > 0 && !this.assembler.push(this.ring.arena, this.ring.offset(seq), length)) break;
    }
    return this.assembler.finish();
  }

  private assemblerOf(payloadType: number): AccessUnitAssembler {
    return this.assemblers.get(payloadType) ?? this.defaultAssembler;
  }

  /** The payload type of the access unit to come: another format begins anew, with a keyframe of its own. */
  private take(payloadType: number): void {
    this.info.payloadType = payloadType;
    const assembler = this.assemblerOf(payloadType);
    if (assembler === this.assembler) return;
    this.assembler = assembler;
    this.awaitingKeyframe = true;
    this.parameterSetsKnown = false;
    this.inBandParameterSets = false;
  }

  /** Whether the decoder may have the access unit just put together. */
  private judge(length: number): boolean {
    if (length === 0) {
      this.stats.framesDamaged++;
      return false;
    }
    if (this.assembler.hasParameterSets) {
      this.parameterSetsKnown = true;
      this.inBandParameterSets = true;
    }
    // Parameter sets may come in an access unit of their own, before the keyframe they serve.
    if (!this.awaitingKeyframe || !this.assembler.hasPicture) return true;
    if (!this.assembler.keyframe || !this.parameterSetsKnown) return false;
    this.awaitingKeyframe = false;
    return true;
  }

  private describe(end: number, length: number): void {
    const info = this.info;
    info.length = length;
    info.extTimestamp = this.scanTimestamp;
    info.rtpTimestamp = ((this.scanTimestamp % 4294967296) + 4294967296) % 4294967296;
    info.keyframe = this.assembler.keyframe;
    info.packets = 0;
    info.firstArrivalUs = Number.POSITIVE_INFINITY;
    info.lastArrivalUs = Number.NEGATIVE_INFINITY;
    info.captureUnixUs = Number.NaN;
    for (let seq = this.nextSeq; seq < end; seq++) {
      if (this.ring.length(seq) === 0) continue;
      const arrivalUs = this.ring.arrivalUs(seq);
      if (arrivalUs < info.firstArrivalUs) info.firstArrivalUs = arrivalUs;
      if (arrivalUs > info.lastArrivalUs) info.lastArrivalUs = arrivalUs;
      if (!Number.isNaN(this.ring.captureUnixUs(seq))) info.captureUnixUs = this.ring.captureUnixUs(seq);
      const traits = this.ring.trait(seq);
      // It stays until another is told: senders put it in some packets only.
      if ((traits & ORIENTED) !== 0) info.quarterTurns = traits >> TURNS_SHIFT;
      info.packets++;
    }
    if (Number.isNaN(this.heldEnd)) this.clock.update(info.extTimestamp, info.lastArrivalUs);
    info.playoutUs = this.clock.playoutUs(info.extTimestamp);
    this.stats.framesReleased++;
    if (info.keyframe) this.stats.keyframesReleased++;
  }
}
