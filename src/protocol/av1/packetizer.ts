import { copyBytes } from "../primitives/bytes.js";
import type { FramePacketizer } from "../rtp/payload_format.js";
import { isAv1KeyframeObu, leb128Bytes, ObuHeader, ObuReader, ObuType, writeLeb128 } from "./obu.js";

/** The aggregation header, an element's length, an OBU header with extension, and one byte that makes progress. */
const MIN_PAYLOAD_BYTES = 6;
/** W counts to three; so many elements go into a packet at most, and the last needs no length. */
const MAX_ELEMENTS = 3;

/** Bits of the aggregation header (AV1 RTP specification §4.4). */
export const Aggregation = { continues: 0x80, unfinished: 0x40, newSequence: 0x08 } as const;

/**
 * Cuts AV1 temporal units (low-overhead format, AV1 §5.2) into RTP payloads of nearly equal size by the AV1 RTP specification of
 * AOMedia. Temporal delimiters, tile lists and padding stay behind (§5); OBUs travel without their size field. `begin()` a unit, call
 * `next()` until it returns 0. The unit must not change in between.
 */
export class Av1Packetizer implements FramePacketizer {
  isLast = false;
  private buf: Uint8Array = new Uint8Array(0);
  /** Room for elements and their lengths in each packet. */
  private room = 0;
  private obus = 0;
  private obu = 0;
  /** Bytes of the current OBU already sent, header included. */
  private sent = 0;
  private newSequence = false;
  // Four numbers an OBU; grows to the largest temporal unit seen, then stays.
  private index = new Int32Array(4 * 16);
  private readonly reader = new ObuReader();
  /** Bytes of each element of the packet being made. */
  private readonly pieces = new Int32Array(MAX_ELEMENTS);

  /** False: the OBUs' sizes do not add up, or there is none to send. Throws RangeError where `maxPayload` is too small. */
  begin(frame: Uint8Array, length: number, maxPayload: number): boolean {
    if (maxPayload < MIN_PAYLOAD_BYTES)
      throw new RangeError(`maxPayload ${maxPayload}: at least ${MIN_PAYLOAD_BYTES} bytes are needed`);
    this.buf = frame;
    this.obu = 0;
    this.sent = 0;
    this.isLast = false;
    if (!this.indexObus(length)) this.obus = 0;
    this.room = this.evenRoom(maxPayload - 1);
    return this.obus > 0;
  }

  next(target: Uint8Array, offset: number): number {
    if (this.obu >= this.obus) return 0;
    const continues = this.sent > 0;
    const count = this.plan();
    let at = offset + 1;
    for (let i = 0; i < count; i++) {
      const bytes = this.pieces[i];
      if (i < count - 1) {
        const prefix = leb128Bytes(bytes);
        writeLeb128(target, at, bytes, prefix);
        at += prefix;
      }
      this.copyElement(target, at, bytes);
      at += bytes;
    }
    target[offset] =
      (continues ? Aggregation.continues : 0) |
      (this.sent > 0 ? Aggregation.unfinished : 0) |
      (count << 4) |
      (this.newSequence ? Aggregation.newSequence : 0);
    this.newSequence = false;
    this.isLast = this.obu >= this.obus;
    return at - offset;
  }

  private indexObus(length: number): boolean {
    const reader = this.reader;
    this.obus = 0;
    let sequence = false;
    let keyframe = false;
    let frames = 0;
    reader.start(this.buf, 0, length);
    while (reader.next()) {
      if (!isSendable(reader.type)) continue;
      if (reader.type === ObuType.sequenceHeader) sequence = true;
      if ((reader.type === ObuType.frame || reader.type === ObuType.frameHeader) && frames++ === 0)
        keyframe = isAv1KeyframeObu(this.buf, reader.payloadOffset, reader.payloadLength);
      this.add(reader);
    }
    // §4.4: N stands on the first packet of a coded video sequence.
    this.newSequence = sequence && keyframe;
    return !reader.damaged;
  }

  private add(reader: ObuReader): void {
    if (4 * this.obus === this.index.length) {
      const grown = new Int32Array(2 * this.index.length);
      grown.set(this.index);
      this.index = grown;
    }
    const at = 4 * this.obus++;
    this.index[at] = reader.offset;
    this.index[at + 1] = reader.headerBytes;
    this.index[at + 2] = reader.payloadOffset;
    this.index[at + 3] = reader.payloadLength;
  }

  private lengthOf(obu: number): number {
    return this.index[4 * obu + 1] + this.index[4 * obu + 3];
  }

  /** Shares the unit evenly among as few packets as hold it: no runt at the end. */
  private evenRoom(room: number): number {
    let total = 0;
    for (let i = 0; i < this.obus; i++) {
      const bytes = this.lengthOf(i);
      total += bytes + leb128Bytes(bytes);
    }
    const packets = Math.max(1, Math.ceil(total / room));
    return Math.max(MIN_PAYLOAD_BYTES - 1, Math.min(room, Math.ceil(total / packets)));
  }

  /** Decides which bytes of which OBUs fill the next packet; returns the number of elements. */
  private plan(): number {
    let room = this.room;
    let count = 0;
    let left = this.lengthOf(this.obu) - this.sent;
    for (let obu = this.obu; ; ) {
      this.pieces[count++] = Math.min(left, room);
      if (left > room || ++obu === this.obus || count === MAX_ELEMENTS) return count;
      room -= left + leb128Bytes(left);
      // An OBU's header stays in one piece, and something goes with it.
      if (room < 3) return count;
      left = this.lengthOf(obu);
    }
  }

  /** Copies the next `bytes` of the current OBU, its size field left out, and steps on. */
  private copyElement(target: Uint8Array, to: number, bytes: number): void {
    const at = 4 * this.obu;
    const headerBytes = this.index[at + 1];
    let written = 0;
    for (; this.sent < headerBytes && written < bytes; this.sent++, written++) {
      const byte = this.buf[this.index[at] + this.sent];
      target[to + written] = this.sent === 0 ? byte & ~ObuHeader.hasSize : byte;
    }
    const rest = bytes - written;
    copyBytes(this.buf, this.index[at + 2] + this.sent - headerBytes, target, to + written, rest);
    this.sent += rest;
    if (this.sent < this.lengthOf(this.obu)) return;
    this.sent = 0;
    this.obu++;
  }
}

/** §5: these are not to be sent. */
function isSendable(type: number): boolean {
  return type !== ObuType.temporalDelimiter && type !== ObuType.tileList && type !== ObuType.padding;
}
