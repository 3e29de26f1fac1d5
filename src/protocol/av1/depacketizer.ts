import { copyBytes } from "../primitives/bytes.js";
import { type AccessUnitAssembler, PayloadTraits } from "../rtp/payload_format.js";
import {
  isAv1KeyframeObu,
  Leb128Reader,
  leb128Bytes,
  ObuHeader,
  ObuType,
  obuHeaderBytes,
  obuType,
  writeLeb128,
} from "./obu.js";
import { Aggregation } from "./packetizer.js";

/** An OBU that comes in pieces gets a size field of four bytes before its length is known: 2^28 bytes are enough. */
const OPEN_SIZE_BYTES = 4;

/**
 * Puts RTP payloads (AV1 RTP specification of AOMedia) together to a temporal unit in the low-overhead format (AV1 §5.2) in a caller's
 * buffer: a temporal delimiter, then each OBU with its size. `start()`, `push()` the payloads of one temporal unit in sequence order,
 * `finish()`. Nothing is allocated.
 */
export class Av1Depacketizer implements AccessUnitAssembler {
  /** A sequence header and behind it a keyframe. */
  keyframe = false;
  hasSequenceHeader = false;
  hasPicture = false;
  /** A payload was refused or an OBU never ended: the unit must not reach a decoder. */
  damaged = false;
  overflow = false;
  private out: Uint8Array = new Uint8Array(0);
  private begun = 0;
  private at = 0;
  /** Of the OBU in pieces: where its size and its payload are, -1: none is open. */
  private openSizeAt = -1;
  private openPayloadAt = 0;
  private openType = 0;
  /** The size that the OBU itself stated, -1: none. */
  private statedSize = -1;
  private readonly leb = new Leb128Reader();

  start(out: Uint8Array, offset = 0): void {
    this.out = out;
    this.begun = offset;
    this.at = offset;
    this.keyframe = false;
    this.hasSequenceHeader = false;
    this.hasPicture = false;
    this.damaged = false;
    this.overflow = false;
    this.openSizeAt = -1;
  }

  push(buf: Uint8Array, offset: number, length: number): boolean {
    const accepted = this.append(buf, offset, length);
    if (!accepted) this.damaged = true;
    return accepted;
  }

  finish(): number {
    if (this.openSizeAt >= 0) this.damaged = true;
    return this.damaged ? 0 : this.at - this.begun;
  }

  inspect(buf: Uint8Array, offset: number, length: number): number {
    if (length < 2) return 0;
    if ((buf[offset] & Aggregation.newSequence) === 0) return PayloadTraits.reference;
    return PayloadTraits.reference | PayloadTraits.keyframe | PayloadTraits.randomAccess;
  }

  get hasParameterSets(): boolean {
    return this.hasSequenceHeader;
  }

  private append(buf: Uint8Array, offset: number, length: number): boolean {
    if (length < 2) return false;
    const header = buf[offset];
    const continues = (header & Aggregation.continues) !== 0;
    // §4.4: Z and the Y of the packet before say the same, and a new sequence continues nothing.
    if (continues !== this.openSizeAt >= 0) return false;
    if (continues && (header & Aggregation.newSequence) !== 0) return false;
    if (this.at === this.begun && !this.writeDelimiter()) return false;
    return this.appendElements(buf, offset + 1, offset + length, header);
  }

  private appendElements(buf: Uint8Array, from: number, end: number, header: number): boolean {
    const count = (header >> 4) & 3;
    const unfinished = (header & Aggregation.unfinished) !== 0;
    let at = from;
    for (let i = 1; at < end; i++) {
      let bytes = end - at;
      // W elements, the last without its length; or, with W 0, all with one until the packet ends.
      if (i !== count) {
        if (!this.leb.read(buf, at, end)) return false;
        at += this.leb.bytes;
        bytes = this.leb.value;
        if (at + bytes > end) return false;
      }
      const last = at + bytes === end;
      if (count > 0 && last !== (i === count)) return false;
      if (!this.appendElement(buf, at, bytes, !(last && unfinished))) return false;
      at += bytes;
    }
    return true;
  }

  /** One element: a whole OBU, or the first, a middle or the last piece of one. */
  private appendElement(buf: Uint8Array, offset: number, length: number, ends: boolean): boolean {
    // An empty element is nothing (§4.4 of newer texts); between two it would end an open OBU.
    if (length === 0) return false;
    let at = offset;
    if (this.openSizeAt < 0) {
      at = this.openObu(buf, offset, length, ends);
      if (at < 0) return false;
    }
    const bytes = offset + length - at;
    if (this.at + bytes > this.out.length) return this.overflowed();
    copyBytes(buf, at, this.out, this.at, bytes);
    this.at += bytes;
    return !ends || this.closeObu();
  }

  /** Writes header and size field; returns where the payload begins, -1: refused. */
  private openObu(buf: Uint8Array, offset: number, length: number, ends: boolean): number {
    const header = buf[offset];
    const headerBytes = obuHeaderBytes(header);
    if ((header & ObuHeader.forbidden) !== 0 || length < headerBytes) return -1;
    let at = offset + headerBytes;
    this.statedSize = -1;
    if ((header & ObuHeader.hasSize) !== 0) {
      if (!this.leb.read(buf, at, offset + length)) return -1;
      this.statedSize = this.leb.value;
      at += this.leb.bytes;
    }
    const sizeBytes = ends ? leb128Bytes(offset + length - at) : OPEN_SIZE_BYTES;
    if (this.at + headerBytes + sizeBytes > this.out.length) {
      this.overflow = true;
      return -1;
    }
    this.out[this.at++] = header | ObuHeader.hasSize;
    if (headerBytes === 2) this.out[this.at++] = buf[offset + 1];
    this.openSizeAt = this.at;
    this.openType = obuType(header);
    this.at += sizeBytes;
    this.openPayloadAt = this.at;
    return at;
  }

  private closeObu(): boolean {
    const bytes = this.at - this.openPayloadAt;
    if (this.statedSize >= 0 && this.statedSize !== bytes) return false;
    writeLeb128(this.out, this.openSizeAt, bytes, this.openPayloadAt - this.openSizeAt);
    this.openSizeAt = -1;
    this.note(this.openType, bytes);
    return true;
  }

  private note(type: number, bytes: number): void {
    if (type === ObuType.sequenceHeader) this.hasSequenceHeader = true;
    if (type !== ObuType.frame && type !== ObuType.frameHeader) return;
    if (!this.hasPicture && this.hasSequenceHeader)
      this.keyframe = isAv1KeyframeObu(this.out, this.openPayloadAt, bytes);
    this.hasPicture = true;
  }

  /** The low-overhead format begins a temporal unit so (AV1 §7.5). */
  private writeDelimiter(): boolean {
    if (this.at + 2 > this.out.length) return this.overflowed();
    this.out[this.at++] = (ObuType.temporalDelimiter << 3) | ObuHeader.hasSize;
    this.out[this.at++] = 0;
    return true;
  }

  private overflowed(): boolean {
    this.overflow = true;
    return false;
  }
}
