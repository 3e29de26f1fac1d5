import { readU16, writeU16 } from "../primitives/bytes.js";

/** The VP8 payload descriptor (RFC 7741 §4.2). Make one and parse into it; fields a packet lacks are -1. */
export class Vp8Descriptor {
  /** Bytes of the descriptor; the VP8 data follows. */
  bytes = 0;
  nonReference = false;
  partitionStart = false;
  partitionIndex = 0;
  /** 7 or 15 bits. */
  pictureId = -1;
  pictureIdBits: 0 | 7 | 15 = 0;
  tl0PicIndex = -1;
  temporalId = -1;
  layerSync = false;
  keyIndex = -1;
}

/** False: shorter than it claims, or without data behind it. */
export function parseVp8Descriptor(
  buf: Uint8Array,
  offset: number,
  length: number,
  into: Vp8Descriptor,
): boolean {
  if (length < 2) return false;
  const first = buf[offset];
  into.nonReference = (first & 0x20) !== 0;
  into.partitionStart = (first & 0x10) !== 0;
  into.partitionIndex = first & 0x07;
  into.pictureId = -1;
  into.pictureIdBits = 0;
  into.tl0PicIndex = -1;
  into.temporalId = -1;
  into.layerSync = false;
  into.keyIndex = -1;
  into.bytes = 1;
  if ((first & 0x80) === 0) return true;
  return parseExtension(buf, offset, length, into);
}

function parseExtension(buf: Uint8Array, offset: number, length: number, into: Vp8Descriptor): boolean {
  const flags = buf[offset + 1];
  let at = offset + 2;
  const end = offset + length;
  if ((flags & 0x80) !== 0) {
    if (at + 2 > end) return false;
    const long = (buf[at] & 0x80) !== 0;
    into.pictureIdBits = long ? 15 : 7;
    into.pictureId = long ? readU16(buf, at) & 0x7fff : buf[at];
    at += long ? 2 : 1;
  }
  if ((flags & 0x40) !== 0) into.tl0PicIndex = at < end ? buf[at++] : -1;
  if ((flags & 0x30) !== 0) {
    if (at >= end) return false;
    const layers = buf[at++];
    if ((flags & 0x20) !== 0) {
      into.temporalId = layers >> 6;
      into.layerSync = (layers & 0x20) !== 0;
    }
    if ((flags & 0x10) !== 0) into.keyIndex = layers & 0x1f;
  }
  into.bytes = at - offset;
  return at < end;
}

/** Bytes of the descriptor `writeVp8Descriptor` writes. */
export const VP8_DESCRIPTOR_BYTES = 4;

/** Writes a descriptor with a 15-bit picture id and no layers. */
export function writeVp8Descriptor(
  buf: Uint8Array,
  offset: number,
  partitionStart: boolean,
  nonReference: boolean,
  pictureId: number,
): void {
  buf[offset] = 0x80 | (nonReference ? 0x20 : 0) | (partitionStart ? 0x10 : 0);
  buf[offset + 1] = 0x80;
  writeU16(buf, offset + 2, 0x8000 | (pictureId & 0x7fff));
}
