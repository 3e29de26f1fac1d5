import { DecodedLayout } from "../../../native/addon.js";
import { DescriptorFlag, DescriptorFloat, DescriptorWord } from "./layout.js";
import type { SpscRing } from "./spsc_ring.js";

/** What travels beside the bytes of a slot. One reusable object on each side; nothing is allocated per frame. */
export class Descriptor {
  slot = 0;
  generation = 0;
  byteLength = 0;
  /** Bits of {@link DescriptorFlag}. */
  flags = 0;
  width = 0;
  height = 0;
  strideY = 0;
  strideU = 0;
  strideV = 0;
  offsetY = 0;
  offsetU = 0;
  offsetV = 0;
  /** The receive stream this belongs to (the engine assigns it); on the way out the pushed input, 0: camera, microphone. */
  streamId = 0;
  frameNumber = 0;
  rtpTimestamp = 0;
  /** Free for the two ends of a channel: a kind, a sequence number. */
  tag = 0;
  /** Monotonic time of capture on this machine (way out). */
  captureTimeUs = 0;
  /** When the producer published it. */
  enqueuedUs = 0;
  /** First packet's arrival (way in). */
  arrivalUs = 0;
  /** Last packet's arrival, when the unit became complete (way in). */
  completeUs = 0;
  /** When to present it, monotonic; 0: at once. */
  playoutUs = 0;
  /** The sender's wall clock at capture, µs since 1970 (way in, by abs-capture-time or sender reports); 0: unknown. */
  captureWallUs = 0;
  /** Length in time of an audio packet; of an encoded picture {@link encodeUs}. */
  durationUs = 0;
  /** What encoded bytes are in: the number of a codec (codecs/codec_name.ts). */
  codec = 0;

  /** Of an encoded picture, which has no planes: the bytes it should have had by the target bitrate. */
  get targetBytes(): number {
    return this.strideY;
  }

  set targetBytes(bytes: number) {
    this.strideY = bytes;
  }

  /** Of an encoded picture: how long encoding took. */
  get encodeUs(): number {
    return this.durationUs;
  }

  set encodeUs(us: number) {
    this.durationUs = us;
  }

  get keyframe(): boolean {
    return (this.flags & DescriptorFlag.keyframe) !== 0;
  }

  /** Quarter turns clockwise before a picture is shown, 0 to 3. */
  get quarterTurns(): number {
    return (this.flags / DescriptorFlag.quarterTurn) & 3;
  }

  /** Of encoded sound, as the header extension writes it (RFC 6464). */
  get audioLevel(): number {
    return (this.flags / DescriptorFlag.audioLevel) & 0xff;
  }

  /** Of an encoded picture; -1: not known. */
  get quantizer(): number {
    return ((this.flags / DescriptorFlag.quantizer) & 0xff) - 1;
  }

  /** Sets every field to 0. */
  clear(): void {
    this.slot = this.generation = this.byteLength = this.flags = 0;
    this.width = this.height = 0;
    this.strideY = this.strideU = this.strideV = 0;
    this.offsetY = this.offsetU = this.offsetV = 0;
    this.streamId = this.frameNumber = this.rtpTimestamp = this.tag = 0;
    this.captureTimeUs = this.enqueuedUs = this.arrivalUs = this.completeUs = 0;
    this.playoutUs = this.captureWallUs = this.durationUs = this.codec = 0;
  }

  /** Describes a tightly packed or padded I420 picture that starts at byte 0 of the slot. */
  setI420(width: number, height: number, strideY = width, strideUV = (width + 1) >> 1): void {
    this.width = width;
    this.height = height;
    this.strideY = strideY;
    this.strideU = this.strideV = strideUV;
    this.offsetY = 0;
    this.offsetU = strideY * height;
    this.offsetV = this.offsetU + strideUV * ((height + 1) >> 1);
    this.byteLength = this.offsetV + strideUV * ((height + 1) >> 1);
  }

  /** Describes a picture as a decoder laid it out (its {@link DecodedLayout} words) in the slot's first `byteLength` bytes. */
  setDecoded(layout: Int32Array, byteLength: number): void {
    this.width = layout[DecodedLayout.width];
    this.height = layout[DecodedLayout.height];
    this.strideY = layout[DecodedLayout.strideY];
    this.strideU = layout[DecodedLayout.strideU];
    this.strideV = layout[DecodedLayout.strideV];
    this.offsetY = layout[DecodedLayout.offsetY];
    this.offsetU = layout[DecodedLayout.offsetU];
    this.offsetV = layout[DecodedLayout.offsetV];
    this.byteLength = byteLength;
  }

  copyFrom(other: Descriptor): void {
    Object.assign(this, other);
  }

  /** Writes the record at word index `at`. */
  write(ring: SpscRing, at: number): void {
    const words = ring.words;
    words[at + DescriptorWord.slot] = this.slot;
    words[at + DescriptorWord.generation] = this.generation;
    words[at + DescriptorWord.byteLength] = this.byteLength;
    words[at + DescriptorWord.flags] = this.flags;
    words[at + DescriptorWord.width] = this.width;
    words[at + DescriptorWord.height] = this.height;
    words[at + DescriptorWord.strideY] = this.strideY;
    words[at + DescriptorWord.strideU] = this.strideU;
    words[at + DescriptorWord.strideV] = this.strideV;
    words[at + DescriptorWord.offsetY] = this.offsetY;
    words[at + DescriptorWord.offsetU] = this.offsetU;
    words[at + DescriptorWord.offsetV] = this.offsetV;
    words[at + DescriptorWord.streamId] = this.streamId;
    words[at + DescriptorWord.frameNumber] = this.frameNumber;
    words[at + DescriptorWord.rtpTimestamp] = this.rtpTimestamp;
    words[at + DescriptorWord.tag] = this.tag;
    this.#writeTimes(ring.floats, at / 2);
  }

  /** Reads the record at word index `at`. */
  read(ring: SpscRing, at: number): void {
    const words = ring.words;
    this.slot = words[at + DescriptorWord.slot];
    this.generation = words[at + DescriptorWord.generation];
    this.byteLength = words[at + DescriptorWord.byteLength];
    this.flags = words[at + DescriptorWord.flags];
    this.width = words[at + DescriptorWord.width];
    this.height = words[at + DescriptorWord.height];
    this.strideY = words[at + DescriptorWord.strideY];
    this.strideU = words[at + DescriptorWord.strideU];
    this.strideV = words[at + DescriptorWord.strideV];
    this.offsetY = words[at + DescriptorWord.offsetY];
    this.offsetU = words[at + DescriptorWord.offsetU];
    this.offsetV = words[at + DescriptorWord.offsetV];
    this.streamId = words[at + DescriptorWord.streamId] >>> 0;
    this.frameNumber = words[at + DescriptorWord.frameNumber] >>> 0;
    this.rtpTimestamp = words[at + DescriptorWord.rtpTimestamp] >>> 0;
    this.tag = words[at + DescriptorWord.tag] >>> 0;
    this.#readTimes(ring.floats, at / 2);
  }

  #writeTimes(floats: Float64Array, at: number): void {
    floats[at + DescriptorFloat.captureTimeUs] = this.captureTimeUs;
    floats[at + DescriptorFloat.enqueuedUs] = this.enqueuedUs;
    floats[at + DescriptorFloat.arrivalUs] = this.arrivalUs;
    floats[at + DescriptorFloat.completeUs] = this.completeUs;
    floats[at + DescriptorFloat.playoutUs] = this.playoutUs;
    floats[at + DescriptorFloat.captureWallUs] = this.captureWallUs;
    floats[at + DescriptorFloat.durationUs] = this.durationUs;
    floats[at + DescriptorFloat.codec] = this.codec;
  }

  #readTimes(floats: Float64Array, at: number): void {
    this.captureTimeUs = floats[at + DescriptorFloat.captureTimeUs];
    this.enqueuedUs = floats[at + DescriptorFloat.enqueuedUs];
    this.arrivalUs = floats[at + DescriptorFloat.arrivalUs];
    this.completeUs = floats[at + DescriptorFloat.completeUs];
    this.playoutUs = floats[at + DescriptorFloat.playoutUs];
    this.captureWallUs = floats[at + DescriptorFloat.captureWallUs];
    this.durationUs = floats[at + DescriptorFloat.durationUs];
    this.codec = floats[at + DescriptorFloat.codec];
  }
}
