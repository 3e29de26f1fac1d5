import { AnnexBReader } from "../h264/nal_unit.js";
import { copyBytes, writeU16 } from "../primitives/bytes.js";
import type { FramePacketizer } from "../rtp/payload_format.js";
import {
  H265_FORBIDDEN,
  H265_NAL_HEADER_BYTES,
  H265NalType,
  h265NalType,
  withH265NalType,
} from "./nal_unit.js";

/** Payload header, FU header, one byte that makes progress. */
const FU_HEADER_BYTES = 3;
const MIN_PAYLOAD_BYTES = 4;
const MAX_AGGREGATED_NAL_BYTES = 0xffff;

/**
 * Cuts Annex-B access units of H.265 into RTP payloads (RFC 7798 without DONL: sprop-max-don-diff is 0): single NAL unit packets,
 * aggregation packets of small neighbours, fragmentation units of equal size. Access unit delimiters and filler data stay behind.
 * `begin()` a unit, call `next()` until it returns 0. The unit must not change in between.
 */
export class H265Packetizer implements FramePacketizer {
  isLast = false;
  private buf: Uint8Array = new Uint8Array(0);
  private maxPayload = 0;
  private nals = 0;
  private nal = 0;
  /** Data bytes of the current NAL unit already sent in fragments; 0: not fragmenting. */
  private fragmented = 0;
  private fragmentsLeft = 0;
  // Offset and length of each; grows to the largest access unit seen, then stays.
  private index = new Int32Array(2 * 64);
  private readonly reader = new AnnexBReader();

  /** False: there is no NAL unit to send. Throws RangeError where `maxPayload` is too small. */
  begin(frame: Uint8Array, length: number, maxPayload: number): boolean {
    if (maxPayload < MIN_PAYLOAD_BYTES)
      throw new RangeError(`maxPayload ${maxPayload}: at least ${MIN_PAYLOAD_BYTES} bytes are needed`);
    this.buf = frame;
    this.maxPayload = maxPayload;
    this.nal = 0;
    this.fragmented = 0;
    this.isLast = false;
    this.indexNals(length);
    return this.nals > 0;
  }

  next(target: Uint8Array, offset: number): number {
    if (this.nal >= this.nals) return 0;
    let written: number;
    if (this.lengthOf(this.nal) > this.maxPayload) written = this.writeFragment(target, offset);
    else {
      const count = this.aggregable();
      written = count > 1 ? this.writeAggregation(target, offset, count) : this.writeSingle(target, offset);
    }
    this.isLast = this.nal >= this.nals;
    return written;
  }

  private indexNals(length: number): void {
    this.nals = 0;
    this.reader.start(this.buf, 0, length);
    while (this.reader.next()) {
      if (!isSendable(this.reader.length, h265NalType(this.buf[this.reader.offset]))) continue;
      if (2 * this.nals === this.index.length) {
        const grown = new Int32Array(2 * this.index.length);
        grown.set(this.index);
        this.index = grown;
      }
      this.index[2 * this.nals] = this.reader.offset;
      this.index[2 * this.nals + 1] = this.reader.length;
      this.nals++;
    }
  }

  private lengthOf(nal: number): number {
    return this.index[2 * nal + 1];
  }

  /** RFC 7798 §4.4.1. */
  private writeSingle(target: Uint8Array, at: number): number {
    const length = this.lengthOf(this.nal);
    copyBytes(this.buf, this.index[2 * this.nal], target, at, length);
    this.nal++;
    return length;
  }

  /** How many NAL units from the current one on fit one aggregation packet. */
  private aggregable(): number {
    let bytes = H265_NAL_HEADER_BYTES;
    let count = 0;
    for (let i = this.nal; i < this.nals; i++, count++) {
      bytes += 2 + this.lengthOf(i);
      if (bytes > this.maxPayload || this.lengthOf(i) > MAX_AGGREGATED_NAL_BYTES) break;
    }
    return count;
  }

  /** RFC 7798 §4.4.2: F is the OR of all, layer id and temporal id the lowest of all. */
  private writeAggregation(target: Uint8Array, offset: number, count: number): number {
    let at = offset + H265_NAL_HEADER_BYTES;
    let forbidden = 0;
    let layer = 63;
    let temporal = 7;
    for (let i = 0; i < count; i++, this.nal++) {
      const from = this.index[2 * this.nal];
      const length = this.lengthOf(this.nal);
      const first = this.buf[from];
      const second = this.buf[from + 1];
      forbidden |= first & H265_FORBIDDEN;
      layer = Math.min(layer, ((first & 1) << 5) | (second >> 3));
      temporal = Math.min(temporal, second & 7);
      writeU16(target, at, length);
      copyBytes(this.buf, from, target, at + 2, length);
      at += 2 + length;
    }
    target[offset] = forbidden | (H265NalType.aggregation << 1) | (layer >> 5);
    target[offset + 1] = ((layer & 31) << 3) | temporal;
    return at - offset;
  }

  /** RFC 7798 §4.4.3. */
  private writeFragment(target: Uint8Array, offset: number): number {
    const from = this.index[2 * this.nal];
    const dataBytes = this.lengthOf(this.nal) - H265_NAL_HEADER_BYTES;
    const first = this.fragmented === 0;
    if (first) this.fragmentsLeft = Math.ceil(dataBytes / (this.maxPayload - FU_HEADER_BYTES));
    const piece = Math.ceil((dataBytes - this.fragmented) / this.fragmentsLeft);
    this.fragmentsLeft--;
    const last = this.fragmentsLeft === 0;
    target[offset] = withH265NalType(this.buf[from], H265NalType.fragmentation);
    target[offset + 1] = this.buf[from + 1];
    target[offset + 2] = (first ? 0x80 : 0) | (last ? 0x40 : 0) | h265NalType(this.buf[from]);
    copyBytes(
      this.buf,
      from + H265_NAL_HEADER_BYTES + this.fragmented,
      target,
      offset + FU_HEADER_BYTES,
      piece,
    );
    this.fragmented += piece;
    if (last) {
      this.fragmented = 0;
      this.nal++;
    }
    return FU_HEADER_BYTES + piece;
  }
}

/** Types from 48 on are none of a stream's: as a payload they would read as something else. */
function isSendable(length: number, type: number): boolean {
  if (length <= H265_NAL_HEADER_BYTES || type >= H265NalType.aggregation) return false;
  return type !== H265NalType.accessUnitDelimiter && type !== H265NalType.filler;
}
