import { PacketRing } from "../jitter/packet_ring.js";
import type { AccessUnitAssembler } from "../rtp/payload_format.js";
import type { RtpHeader } from "../rtp/rtp_header.js";
import { SequenceGate } from "../rtp/sequence_gate.js";
import { TimestampUnwrapper } from "../rtp/unwrap.js";

export interface SampleBuilderOptions {
  /** Puts payloads together: `new H264Depacketizer()`, `new Vp8Depacketizer()`, `new PacketAssembler()` for sound. */
  readonly assembler: AccessUnitAssembler;
  readonly clockRate: number;
  /** How many packets a missing one may be overtaken by before it is given up; 50 by default, at most half the capacity. */
  readonly maxLatePackets?: number;
  /** Packets held at most, a power of two; 1024 by default. */
  readonly capacityPackets?: number;
  readonly maxPayloadBytes?: number;
  /** Every packet is a sample of its own, as with Opus and G.711; false by default. */
  readonly packetPerSample?: boolean;
}

/** One encoded sample; the builder owns the object and fills it anew each time. */
export interface Sample {
  /** Bytes in the caller's buffer. */
  length: number;
  rtpTimestamp: number;
  extTimestamp: number;
  /** To the next sample, µs. */
  durationUs: number;
  keyframe: boolean;
  /** Packets lost since the sample before: what is decoded may lack a reference. */
  lostBefore: number;
}

/**
 * Makes encoded samples of packets for files, forwarding and transforms: in order, whole, each with its duration, with a bound on
 * how long a missing packet is waited for. Unlike the jitter buffers it has no clock and withholds nothing after a loss but
 * says so. `insert()` packets, then `pop()` until undefined; `flush()` at the end of the stream gives up waiting.
 */
export class SampleBuilder {
  /** Packets given up, and samples that were not whole or malformed. */
  packetsLost = 0;
  samplesDropped = 0;
  private readonly assembler: AccessUnitAssembler;
  private readonly usPerUnit: number;
  private readonly packetPerSample: boolean;
  private readonly maxLate: number;
  private readonly ring: PacketRing;
  private readonly gate: SequenceGate;
  private readonly unwrapper = new TimestampUnwrapper();
  private readonly sample: Sample = {
    length: 0,
    rtpTimestamp: 0,
    extTimestamp: 0,
    durationUs: 0,
    keyframe: false,
    lostBefore: 0,
  };
  private head = 0;
  private lost = 0;
  /** The sample at `head` ends here, before a gap that was given up; -Infinity: no such gap. */
  private gapEnd = Number.NEGATIVE_INFINITY;
  private flushing = false;
  private lastDurationUs = 0;

  constructor(options: SampleBuilderOptions) {
    this.assembler = options.assembler;
    this.usPerUnit = 1e6 / options.clockRate;
    this.packetPerSample = options.packetPerSample ?? false;
    this.ring = new PacketRing(options.capacityPackets ?? 1024, options.maxPayloadBytes ?? 1500);
    this.maxLate = Math.min(options.maxLatePackets ?? 50, this.ring.capacity / 2);
    this.gate = new SequenceGate(this.ring.capacity / 2);
  }

  /** Copies the packet's payload in. False: duplicate, late, too long, or off by a jump nothing confirmed. */
  insert(buf: Uint8Array, header: RtpHeader): boolean {
    if (header.payloadLength > this.ring.slotBytes) return false;
    const seq = this.gate.admit(header.sequenceNumber);
    if (Number.isNaN(seq)) return false;
    if (this.gate.restarted) {
      this.ring.clear();
      this.head = seq;
    }
    if (seq < this.head || this.ring.has(seq)) return false;
    while (seq - this.head >= this.ring.capacity) this.drop(this.head + 1);
    const timestamp = this.unwrapper.unwrap(header.timestamp);
    const { payloadOffset, payloadLength, payloadType, marker } = header;
    this.ring.store(seq, timestamp, marker, payloadType, 0, 0, Number.NaN, buf, payloadOffset, payloadLength);
    return true;
  }

  /** Writes the next sample to the beginning of `out`; undefined: none is ready. One that `out` cannot hold is dropped. */
  pop(out: Uint8Array): Sample | undefined {
    while (this.gate.started && this.head <= this.gate.highest) {
      const end = this.findEnd();
      if (Number.isNaN(end)) {
        if (!this.passGap()) return undefined;
      } else if (this.assemble(end, out)) return this.sample;
    }
    return undefined;
  }

  /** The stream has ended: what is still to come out comes without waiting for anything. */
  flush(): void {
    this.flushing = true;
  }

  /** Behind the last packet of the sample at `head`, once the next sample's first packet (its duration) is here too. */
  private findEnd(): number {
    let timestamp = Number.NaN;
    for (let seq = this.head; this.ring.has(seq); seq++) {
      if (seq === this.gapEnd) break;
      if (this.ring.length(seq) === 0) continue;
      if (Number.isNaN(timestamp)) timestamp = this.ring.timestamp(seq);
      else if (this.ring.timestamp(seq) !== timestamp) return seq;
    }
    if (this.gapEnd > this.head && !Number.isNaN(timestamp)) return this.gapEnd;
    if (this.flushing && !Number.isNaN(timestamp) && this.wholeToTheEnd()) return this.gate.highest + 1;
    return Number.NaN;
  }

  private wholeToTheEnd(): boolean {
    for (let seq = this.head; seq <= this.gate.highest; seq++) if (!this.ring.has(seq)) return false;
    return this.ring.marker(this.gate.highest);
  }

  /** A missing packet overtaken by too many takes its sample with it. True: the head moved, or a sample ends at `gapEnd`. */
  private passGap(): boolean {
    let missing = this.head;
    while (this.ring.has(missing)) missing++;
    if (missing > this.gate.highest) {
      // All here, only the next sample is not.
      if (this.flushing) this.drop(this.gate.highest + 1);
      return this.flushing;
    }
    if (!this.flushing && this.gate.highest - missing < this.maxLate) return false;
    // What ends before the gap lost nothing; its duration stays a guess.
    if (missing > this.head && this.endsSample(missing - 1)) this.gapEnd = missing;
    else this.drop(this.sampleAfter(missing));
    return true;
  }

  /** The first packet past the gap that surely begins a sample. */
  private sampleAfter(missing: number): number {
    for (let seq = missing + 1; seq <= this.gate.highest; seq++)
      if (this.ring.has(seq) && this.beginsSample(seq)) return seq;
    return this.gate.highest + 1;
  }

  private beginsSample(seq: number): boolean {
    if (this.packetPerSample) return true;
    const before = seq - 1;
    if (!this.ring.has(before)) return false;
    return this.ring.marker(before) || this.ring.timestamp(before) !== this.ring.timestamp(seq);
  }

  private endsSample(seq: number): boolean {
    return this.ring.length(seq) > 0 && (this.packetPerSample || this.ring.marker(seq));
  }

  private drop(end: number): void {
    let held = 0;
    for (let seq = this.head; seq < end; seq++) {
      if (this.ring.has(seq)) held++;
      this.ring.free(seq);
    }
    const lost = Math.min(end, this.gate.highest + 1) - this.head - held;
    this.packetsLost += lost;
    this.lost += lost;
    if (held > 0) this.samplesDropped++;
    this.head = end;
  }

  private assemble(end: number, out: Uint8Array): boolean {
    const sample = this.sample;
    this.assembler.start(out, 0);
    let timestamp = Number.NaN;
    for (let seq = this.head; seq < end; seq++) {
      if (this.ring.length(seq) === 0) continue;
      timestamp = this.ring.timestamp(seq);
      if (!this.assembler.push(this.ring.arena, this.ring.offset(seq), this.ring.length(seq))) break;
    }
    sample.length = this.assembler.finish();
    if (sample.length === 0) {
      this.drop(end);
      // Its packets came but served nothing.
      this.lost++;
      return false;
    }
    if (this.ring.has(end)) this.lastDurationUs = (this.ring.timestamp(end) - timestamp) * this.usPerUnit;
    sample.extTimestamp = timestamp;
    sample.rtpTimestamp = ((timestamp % 4294967296) + 4294967296) % 4294967296;
    sample.durationUs = this.lastDurationUs;
    sample.keyframe = this.assembler.keyframe;
    sample.lostBefore = this.lost;
    this.lost = 0;
    for (let seq = this.head; seq < end; seq++) this.ring.free(seq);
    this.head = end;
    return true;
  }
}

/** The assembler of formats in which every packet is a sample, such as Opus and G.711. */
export class PacketAssembler implements AccessUnitAssembler {
  readonly keyframe = true;
  readonly hasParameterSets = true;
  overflow = false;
  private out: Uint8Array = new Uint8Array(0);
  private begin = 0;
  private length = -1;

  inspect(): number {
    return 0;
  }

  start(out: Uint8Array, offset: number): void {
    this.out = out;
    this.begin = offset;
    this.length = -1;
    this.overflow = false;
  }

  push(buf: Uint8Array, offset: number, length: number): boolean {
    // A second packet of the same timestamp is no part of the first.
    if (this.length >= 0) return false;
    if (this.begin + length > this.out.length) {
      this.overflow = true;
      return false;
    }
    this.out.set(buf.subarray(offset, offset + length), this.begin);
    this.length = length;
    return true;
  }

  finish(): number {
    return Math.max(this.length, 0);
  }

  get hasPicture(): boolean {
    return this.length > 0;
  }
}
