import { H264QuantizerReader } from "../../protocol/h264/quantizer.js";
import { vp8QuantizerOf } from "../../protocol/vp8/quantizer.js";
import type { VideoCodecName } from "./codec_name.js";

/** Tells the quantizer of a stream's encoded pictures, each in order; -1: not known. */
export type QuantizerReader = (picture: Uint8Array, length: number) => number;

const readers: Readonly<Record<VideoCodecName, () => QuantizerReader>> = {
  H264: () => {
    const reader = new H264QuantizerReader();
    return (picture, length) => reader.read(picture, length);
  },
  VP8: () => vp8QuantizerOf,
};

export function quantizerReaderOf(codec: VideoCodecName): QuantizerReader {
  return readers[codec]();
}
