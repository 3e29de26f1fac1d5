/** Encoded media out of files, frame by frame: the sans-IO readers of src/protocol/files fed from disk. */
import { open } from "node:fs/promises";
import { extname } from "node:path";
import { AnnexBFileReader } from "../../protocol/files/annexb.js";
import type { FileFrame, FrameReader } from "../../protocol/files/frame_reader.js";
import { IvfReader } from "../../protocol/files/ivf.js";
import { OggOpusReader } from "../../protocol/files/ogg_opus.js";
import { PcapReader } from "../../protocol/files/pcap.js";
import { WavReader } from "../../protocol/files/wav.js";
import { Y4mReader } from "../../protocol/files/y4m.js";
import { MediaError } from "../media_error.js";

const CHUNK_BYTES = 1 << 16;

/**
 * The frames of a file in its order. Memory stays at a chunk and the largest frame. A frame's bytes are valid until the next one is asked
 * for.
 *
 * @throws MediaError BAD_FILE where it cannot be read; FileFormatError where it is damaged
 */
export async function* framesOf<F extends FileFrame>(
  path: string,
  reader: FrameReader<F>,
): AsyncGenerator<F> {
  const file = await open(path).catch((cause: Error) => {
    throw new MediaError("BAD_FILE", `media file ${path}: ${cause.message}`, { cause });
  });
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let atEnd = false; !atEnd; ) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead > 0) reader.push(chunk.subarray(0, bytesRead));
      else reader.end();
      atEnd = bytesRead === 0;
      for (let frame = reader.next(); frame; frame = reader.next()) yield frame;
    }
  } finally {
    await file.close();
  }
}

const READERS: Readonly<Record<string, (frameRate: number | undefined) => FrameReader>> = {
  ".ivf": () => new IvfReader(),
  ".ogg": () => new OggOpusReader(),
  ".opus": () => new OggOpusReader(),
  ".pcap": () => new PcapReader(),
  ".wav": () => new WavReader(),
  ".y4m": () => new Y4mReader(),
  ".h264": (frameRate) => annexB("H264", frameRate),
  ".264": (frameRate) => annexB("H264", frameRate),
  ".avc": (frameRate) => annexB("H264", frameRate),
  ".h265": (frameRate) => annexB("H265", frameRate),
  ".265": (frameRate) => annexB("H265", frameRate),
  ".hevc": (frameRate) => annexB("H265", frameRate),
};

function annexB(codec: "H264" | "H265", frameRate: number | undefined): AnnexBFileReader {
  return new AnnexBFileReader({ codec, ...(frameRate === undefined ? {} : { frameRate }) });
}

/**
 * The reader that the file's ending asks for: .ivf, .ogg, .opus, .h264, .264, .avc, .h265, .265, .hevc, .pcap, .wav, .y4m. `frameRate` counts the time
 * where the format has no clock.
 *
 * @throws MediaError BAD_FILE
 */
export function readerOf(path: string, frameRate?: number): FrameReader {
  const make = READERS[extname(path).toLowerCase()];
  if (make !== undefined) return make(frameRate);
  throw new MediaError(
    "BAD_FILE",
    `media file ${path}: allowed endings are ${Object.keys(READERS).join(", ")}`,
  );
}
