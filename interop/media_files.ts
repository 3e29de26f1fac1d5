/** Makes what the foreign ends send: pictures with block codes and a tone, plain and encoded. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { native, type VideoEncoder } from "../native/addon.js";
import { BlockCodeWriter } from "../src/media/analysis/block_code.js";
import { Descriptor } from "../src/media/ring/descriptor.js";
import { i420Bytes, i420Layout } from "../src/protocol/primitives/i420.js";
import type { MediaFiles, VideoCodec } from "./peer.js";

const WIDTH = 320;
const HEIGHT = 180;
const FRAME_RATE = 30;
const FRAMES = 60;
const PICTURE_BYTES = i420Bytes(WIDTH, HEIGHT);
const OPUS_SAMPLES = 960;

const layout = i420Layout(WIDTH, HEIGHT);
const planes = new Descriptor();
planes.setI420(WIDTH, HEIGHT);

/** A ramp that wanders, so that every picture differs from the one before. */
function pictures(tag: number): Uint8Array[] {
  const writer = new BlockCodeWriter(WIDTH, HEIGHT);
  return Array.from({ length: FRAMES }, (_, frame) => {
    const picture = new Uint8Array(PICTURE_BYTES).fill(128);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) picture[y * WIDTH + x] = 60 + ((x + y + frame * 4) % 128);
    }
    writer.write(picture, planes, frame, 0, tag);
    return picture;
  });
}

function tone(hz: number): Int16Array {
  return Int16Array.from({ length: 48_000 }, (_, i) => 8000 * Math.sin((2 * Math.PI * hz * i) / 48_000));
}

function framed(chunks: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    chunks.flatMap((chunk) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(chunk.length);
      return [length, chunk];
    }),
  );
}

const rates = { width: WIDTH, height: HEIGHT, frameRate: FRAME_RATE, bitrateBps: 1_000_000 };

const encoders: Readonly<Record<VideoCodec, () => VideoEncoder>> = {
  H264: () => new native.H264Encoder({ ...rates, idrInterval: 30 }),
  VP8: () => new native.Vp8Encoder({ ...rates, keyframeInterval: 30 }),
};

function encodePictures(images: readonly Uint8Array[], codec: VideoCodec): Uint8Array[] {
  const encoder = encoders[codec]();
  const out = new Uint8Array(PICTURE_BYTES);
  const units = images.map((picture, frame) => {
    const length = encoder.encode(picture, layout, (frame * 1e6) / FRAME_RATE, frame === 0, out);
    return out.slice(0, length);
  });
  encoder.close();
  return units.filter((unit) => unit.length > 0);
}

function encodeTone(pcm: Int16Array): Uint8Array[] {
  const encoder = new native.OpusEncoder({ sampleRate: 48_000, channels: 1, bitrateBps: 32_000 });
  const out = new Uint8Array(1500);
  const packets = Array.from({ length: pcm.length / OPUS_SAMPLES }, (_, i) => {
    const length = encoder.encode(pcm.subarray(i * OPUS_SAMPLES, (i + 1) * OPUS_SAMPLES), out);
    return out.slice(0, length);
  });
  encoder.close();
  return packets;
}

/** The same pictures and tone for calls in either codec. */
export function makeMediaFiles(
  folder: string,
  tag: number,
  toneHz: number,
): Readonly<Record<VideoCodec, MediaFiles>> {
  const images = pictures(tag);
  const pcm = tone(toneHz);
  const file = (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const common = {
    picturesPath: file("pictures.i420", Buffer.concat(images)),
    width: WIDTH,
    height: HEIGHT,
    frameRate: FRAME_RATE,
    frames: FRAMES,
    tag,
    soundPath: file("tone.s16", new Uint8Array(pcm.buffer)),
    toneHz,
    opusPath: file("tone.opusframed", framed(encodeTone(pcm))),
  };
  const inCodec = (videoCodec: VideoCodec): MediaFiles => ({
    ...common,
    videoCodec,
    accessUnitsPath: file(`pictures.${videoCodec}`, framed(encodePictures(images, videoCodec))),
  });
  return { H264: inCodec("H264"), VP8: inCodec("VP8") };
}
