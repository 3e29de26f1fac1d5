import { readU16, writeU16 } from "../primitives/bytes.js";

/** RFC 9628 §4.2: at most eight spatial layers, three references, 255 pictures in a group. */
const MAX_REFERENCES = 3;

/** The VP9 payload descriptor (RFC 9628 §4.2). Make one and parse into it; fields a packet lacks are -1. */
export class Vp9Descriptor {
  /** Bytes of the descriptor; the VP9 data follows. */
  bytes = 0;
  /** P: the picture is predicted from earlier ones. */
  interPredicted = false;
  flexible = false;
  frameStart = false;
  frameEnd = false;
  /** Z: no higher spatial layer of the picture refers to this frame. */
  notForUpperLayers = false;
  /** 7 or 15 bits. */
  pictureId = -1;
  pictureIdBits: 0 | 7 | 15 = 0;
  temporalId = -1;
  spatialId = -1;
  /** U: from here on a higher temporal layer may be taken. */
  switchingUp = false;
  /** D: predicted from the layer below of the same picture. */
  interLayer = false;
  tl0PicIndex = -1;
  /** P_DIFF of flexible mode; the first `referenceCount` hold. */
  readonly references = new Uint8Array(MAX_REFERENCES);
  referenceCount = 0;
  /** Of the scalability structure: 0 without one; the size of its highest layer, 0 where it states none. */
  spatialLayers = 0;
  width = 0;
  height = 0;
}

/** False: shorter than it claims, more references than allowed, or without data behind it. */
export function parseVp9Descriptor(
  buf: Uint8Array,
  offset: number,
  length: number,
  into: Vp9Descriptor,
): boolean {
  if (length < 2) return false;
  const end = offset + length;
  const flags = buf[offset];
  clear(into, flags);
  let at = offset + 1;
  if ((flags & 0x80) !== 0) at = parsePictureId(buf, at, end, into);
  if (at > 0 && (flags & 0x20) !== 0) at = parseLayers(buf, at, end, into);
  // F without I is forbidden: references count back from the picture id.
  if (into.flexible && into.pictureIdBits === 0) return false;
  if (at > 0 && into.flexible && into.interPredicted) at = parseReferences(buf, at, end, into);
  if (at > 0 && (flags & 0x02) !== 0) at = parseStructure(buf, at, end, into);
  into.bytes = at - offset;
  return at > 0 && at < end;
}

function clear(d: Vp9Descriptor, flags: number): void {
  d.interPredicted = (flags & 0x40) !== 0;
  d.flexible = (flags & 0x10) !== 0;
  d.frameStart = (flags & 0x08) !== 0;
  d.frameEnd = (flags & 0x04) !== 0;
  d.notForUpperLayers = (flags & 0x01) !== 0;
  d.pictureId = -1;
  d.pictureIdBits = 0;
  d.temporalId = -1;
  d.spatialId = -1;
  d.switchingUp = false;
  d.interLayer = false;
  d.tl0PicIndex = -1;
  d.referenceCount = 0;
  d.spatialLayers = 0;
  d.width = 0;
  d.height = 0;
}

/** Each of these gives the offset behind its part, -1: the packet ends before it does. */
function parsePictureId(buf: Uint8Array, at: number, end: number, into: Vp9Descriptor): number {
  if (at + 2 > end) return -1;
  const long = (buf[at] & 0x80) !== 0;
  into.pictureIdBits = long ? 15 : 7;
  into.pictureId = long ? readU16(buf, at) & 0x7fff : buf[at];
  return at + (long ? 2 : 1);
}

function parseLayers(buf: Uint8Array, at: number, end: number, into: Vp9Descriptor): number {
  const bytes = into.flexible ? 1 : 2;
  if (at + bytes > end) return -1;
  const layers = buf[at];
  into.temporalId = layers >> 5;
  into.switchingUp = (layers & 0x10) !== 0;
  into.spatialId = (layers >> 1) & 0x07;
  into.interLayer = (layers & 0x01) !== 0;
  if (!into.flexible) into.tl0PicIndex = buf[at + 1];
  return at + bytes;
}

function parseReferences(buf: Uint8Array, at: number, end: number, into: Vp9Descriptor): number {
  for (let more = true; more; at++) {
    if (at >= end || into.referenceCount === MAX_REFERENCES) return -1;
    into.references[into.referenceCount++] = buf[at] >> 1;
    more = (buf[at] & 1) !== 0;
  }
  return at;
}

function parseStructure(buf: Uint8Array, at: number, end: number, into: Vp9Descriptor): number {
  if (at >= end) return -1;
  const flags = buf[at++];
  into.spatialLayers = (flags >> 5) + 1;
  if ((flags & 0x10) !== 0) {
    at += 4 * into.spatialLayers;
    if (at > end) return -1;
    into.width = readU16(buf, at - 4);
    into.height = readU16(buf, at - 2);
  }
  if ((flags & 0x08) === 0) return at;
  if (at >= end) return -1;
  for (let pictures = buf[at++]; pictures > 0; pictures--) {
    if (at >= end) return -1;
    at += 1 + ((buf[at] >> 2) & 3);
  }
  return at <= end ? at : -1;
}

/** Bytes of the descriptor `writeVp9Descriptor` writes, without and with the picture's size. */
export const VP9_DESCRIPTOR_BYTES = 3;
export const VP9_DESCRIPTOR_WITH_SIZE_BYTES = 8;

export interface Vp9DescriptorFields {
  interPredicted: boolean;
  frameStart: boolean;
  frameEnd: boolean;
  pictureId: number;
  /** 0: no scalability structure. */
  width: number;
  height: number;
}

/** Writes one of a stream without layers, with a 15-bit picture id; with a size, a structure of one layer that states it. */
export function writeVp9Descriptor(buf: Uint8Array, offset: number, fields: Vp9DescriptorFields): number {
  const sized = fields.width > 0;
  buf[offset] =
    0x81 |
    (fields.interPredicted ? 0x40 : 0) |
    (fields.frameStart ? 0x08 : 0) |
    (fields.frameEnd ? 0x04 : 0) |
    (sized ? 0x02 : 0);
  writeU16(buf, offset + 1, 0x8000 | (fields.pictureId & 0x7fff));
  if (!sized) return VP9_DESCRIPTOR_BYTES;
  buf[offset + 3] = 0x10;
  writeU16(buf, offset + 4, fields.width);
  writeU16(buf, offset + 6, fields.height);
  return VP9_DESCRIPTOR_WITH_SIZE_BYTES;
}
