import { copyBytes, writeU16 } from "../primitives/bytes.js";
import { AnnexBReader, NalHeader, NalType } from "./nal_unit.js";

/** Two bytes of FU header and one of data is the least that makes progress. */
const MIN_PAYLOAD_BYTES = 3;
const MAX_AGGREGATED_NAL_BYTES = 0xffff;

/**
 * Cuts Annex-B access units into RTP payloads (RFC 6184). `start()` one, then call `next()` until it returns 0; after each,
 * `isLast` tells whether the packet just written ends the access unit (its marker bit). Mode 0 writes single NAL unit
 * packets; mode 1 also aggregates small neighbours (STAP-A: SPS, PPS and what still fits) and fragments large NAL units
 * (FU-A) into pieces of equal size. Access unit delimiters and filler data stay behind. The access unit must not change
 * between `start` and the last `next`.
 */
export class H264Packetizer {
  /** Whether the packet of the last `next()` is the access unit's last. */
  isLast = false;
  /** The largest NAL unit of the access unit that `start` refused. */
  oversizedNalBytes = 0;
  private buf: Uint8Array = new Uint8Array(0);
  private maxPayload = 0;
  private mode: 0 | 1 = 1;
  private nals = 0;
  private nal = 0;
  /** Data bytes of the current NAL unit already sent in fragments; 0: not fragmenting. */
  private fragmented = 0;
  private fragmentsLeft = 0;
  // Grows to the largest access unit seen, then stays.
  private offsets = new Int32Array(64);
  private lengths = new Int32Array(64);
  private readonly reader = new AnnexBReader();

  /**
   * Begins the access unit `accessUnit[offset, offset + length)`; payloads will be at most `maxPayload` bytes. False: it
   * cannot be sent, for mode 0 cannot fragment (RFC 6184 §6.2) and a NAL unit is too long (`oversizedNalBytes`); have the
   * encoder make smaller slices. An access unit without NAL units gives no packets.
   */
  start(
    accessUnit: Uint8Array,
    maxPayload: number,
    mode: 0 | 1,
    offset = 0,
    length = accessUnit.length - offset,
  ): boolean {
    if (maxPayload < MIN_PAYLOAD_BYTES)
      throw new RangeError(`maxPayload ${maxPayload}: at least ${MIN_PAYLOAD_BYTES} bytes are needed`);
    this.buf = accessUnit;
    this.maxPayload = maxPayload;
    this.mode = mode;
    this.nal = 0;
    this.fragmented = 0;
    this.isLast = false;
    this.index(offset, length);
    this.oversizedNalBytes = mode === 0 ? this.longest() : 0;
    if (this.oversizedNalBytes > maxPayload) {
      this.nals = 0;
      return false;
    }
    this.oversizedNalBytes = 0;
    return true;
  }

  /** Writes the next payload at `target[offset…]`; returns its bytes, 0 when the access unit is done. */
  next(target: Uint8Array, offset: number): number {
    if (this.nal >= this.nals) return 0;
    const length = this.lengths[this.nal];
    let written: number;
    if (length > this.maxPayload) written = this.writeFragment(target, offset);
    else {
      const count = this.mode === 1 ? this.aggregable() : 1;
      written = count > 1 ? this.writeStapA(target, offset, count) : this.writeSingle(target, offset);
    }
    this.isLast = this.nal >= this.nals;
    return written;
  }

  private index(offset: number, length: number): void {
    this.nals = 0;
    this.reader.start(this.buf, offset, length);
    while (this.reader.next()) {
      if (!isSendable(this.buf[this.reader.offset] & NalHeader.typeMask)) continue;
      if (this.nals === this.offsets.length) this.grow();
      this.offsets[this.nals] = this.reader.offset;
      this.lengths[this.nals++] = this.reader.length;
    }
  }

  private grow(): void {
    const offsets = new Int32Array(this.nals * 2);
    const lengths = new Int32Array(this.nals * 2);
    offsets.set(this.offsets);
    lengths.set(this.lengths);
    this.offsets = offsets;
    this.lengths = lengths;
  }

  private longest(): number {
    let longest = 0;
    for (let i = 0; i < this.nals; i++) if (this.lengths[i] > longest) longest = this.lengths[i];
    return longest;
  }

  /** RFC 6184 §5.6. */
  private writeSingle(target: Uint8Array, at: number): number {
    const length = this.lengths[this.nal];
    copyBytes(this.buf, this.offsets[this.nal], target, at, length);
    this.nal++;
    return length;
  }

  /** How many NAL units from the current one on fit one STAP-A. */
  private aggregable(): number {
    let bytes = 1;
    let count = 0;
    for (let i = this.nal; i < this.nals; i++, count++) {
      bytes += 2 + this.lengths[i];
      if (bytes > this.maxPayload || this.lengths[i] > MAX_AGGREGATED_NAL_BYTES) break;
    }
    return count;
  }

  /** RFC 6184 §5.7.1. */
  private writeStapA(target: Uint8Array, offset: number, count: number): number {
    let at = offset + 1;
    let forbidden = 0;
    let reference = 0;
    for (let i = 0; i < count; i++, this.nal++) {
      const from = this.offsets[this.nal];
      const length = this.lengths[this.nal];
      const header = this.buf[from];
      // §5.7: F is the OR of all, NRI the highest of all.
      forbidden |= header & NalHeader.forbidden;
      reference = Math.max(reference, header & NalHeader.referenceMask);
      writeU16(target, at, length);
      copyBytes(this.buf, from, target, at + 2, length);
      at += 2 + length;
    }
    target[offset] = forbidden | reference | NalType.stapA;
    return at - offset;
  }

  /** RFC 6184 §5.8. */
  private writeFragment(target: Uint8Array, offset: number): number {
    const from = this.offsets[this.nal];
    const header = this.buf[from];
    const dataBytes = this.lengths[this.nal] - 1;
    const first = this.fragmented === 0;
    if (first) this.fragmentsLeft = Math.ceil(dataBytes / (this.maxPayload - 2));
    // Equal pieces: no runt at the end, and FEC later protects packets of one size best.
    const piece = Math.ceil((dataBytes - this.fragmented) / this.fragmentsLeft);
    this.fragmentsLeft--;
    const last = this.fragmentsLeft === 0;
    target[offset] = (header & (NalHeader.forbidden | NalHeader.referenceMask)) | NalType.fuA;
    target[offset + 1] = (first ? 0x80 : 0) | (last ? 0x40 : 0) | (header & NalHeader.typeMask);
    copyBytes(this.buf, from + 1 + this.fragmented, target, offset + 2, piece);
    this.fragmented += piece;
    if (last) {
      this.fragmented = 0;
      this.nal++;
    }
    return piece + 2;
  }
}

/** Types 0 and 24 to 31 are no NAL units of a stream: as a payload they would read as something else (RFC 6184 table 1). */
function isSendable(type: number): boolean {
  return type > 0 && type < NalType.stapA && type !== NalType.accessUnitDelimiter && type !== NalType.filler;
}
