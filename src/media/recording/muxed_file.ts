import { closeSync, writeSync } from "node:fs";
import {
  AppendOnlyStreamTarget,
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  MkvOutputFormat,
  Mp4OutputFormat,
  Output,
  type OutputFormat,
  WebMOutputFormat,
} from "mediabunny";
import { opusHead } from "../../protocol/files/ogg_opus.js";
import { openForWriting } from "../sinks/video_sink.js";
import type { PictureFormat } from "./picture_format.js";

export type Container = "mp4" | "webm" | "mkv";

/** What is in one file; at least one of the two. */
export interface MuxedTracks {
  readonly video?: PictureFormat;
  readonly audio?: { readonly channels: 1 | 2 };
}

/** A fragment of MP4 ends at the first keyframe after this long. */
const FRAGMENT_SECONDS = 0.5;

/** Each writes what it has as it goes, and never turns back: what is on disk when the process is killed can be played. */
const FORMATS: Readonly<Record<Container, () => OutputFormat>> = {
  mp4: () => new Mp4OutputFormat({ fastStart: "fragmented", minimumFragmentDuration: FRAGMENT_SECONDS }),
  webm: () => new WebMOutputFormat({ appendOnly: true }),
  mkv: () => new MkvOutputFormat({ appendOnly: true }),
};

/** One file that mediabunny muxes encoded frames into. */
export class MuxedFile {
  readonly #output: Output;
  readonly #video: EncodedVideoPacketSource | undefined;
  readonly #audio: EncodedAudioPacketSource | undefined;
  readonly #tracks: MuxedTracks;
  /** Writes go one behind the other, the opening first. */
  #last: Promise<void>;
  #videoBegun = false;
  #audioBegun = false;
  #error: unknown;
  /** Bytes given that are not written yet. */
  pendingBytes = 0;

  /** Throws MediaError SINK_FAILED where the file cannot be made. */
  constructor(path: string, container: Container, tracks: MuxedTracks) {
    this.#tracks = tracks;
    const target = new AppendOnlyStreamTarget(fileStream(path));
    this.#output = new Output({ format: FORMATS[container](), target });
    if (tracks.video !== undefined) {
      this.#video = new EncodedVideoPacketSource(tracks.video.codec === "H264" ? "avc" : "vp8");
      this.#output.addVideoTrack(this.#video);
    }
    if (tracks.audio !== undefined) {
      this.#audio = new EncodedAudioPacketSource("opus");
      this.#output.addAudioTrack(this.#audio);
    }
    this.#last = this.#output.start().catch((error: unknown) => {
      this.#error = error;
    });
  }

  /** What went wrong, undefined: nothing yet. */
  get error(): unknown {
    return this.#error;
  }

  addVideo(data: Uint8Array, timeUs: number, durationUs: number, keyframe: boolean): void {
    const { video } = this.#tracks;
    const source = this.#video;
    if (source === undefined || video === undefined) return;
    const packet = new EncodedPacket(data, keyframe ? "key" : "delta", timeUs / 1e6, durationUs / 1e6);
    const meta = this.#videoBegun
      ? undefined
      : { decoderConfig: { codec: video.codecString, codedWidth: video.width, codedHeight: video.height } };
    this.#videoBegun = true;
    this.#enqueue(data.length, () => source.add(packet, meta));
  }

  addAudio(data: Uint8Array, timeUs: number, durationUs: number): void {
    const { audio } = this.#tracks;
    const source = this.#audio;
    if (source === undefined || audio === undefined) return;
    const packet = new EncodedPacket(data, "key", timeUs / 1e6, durationUs / 1e6);
    const meta = this.#audioBegun ? undefined : { decoderConfig: opusConfig(audio.channels) };
    this.#audioBegun = true;
    this.#enqueue(data.length, () => source.add(packet, meta));
  }

  /** Resolves when all is on disk. */
  async close(): Promise<void> {
    this.#enqueue(0, () => this.#output.finalize());
    await this.#last;
  }

  #enqueue(bytes: number, write: () => Promise<void>): void {
    this.pendingBytes += bytes;
    this.#last = this.#last
      .then(() => (this.#error === undefined ? write() : undefined))
      .catch((error: unknown) => {
        this.#error ??= error;
      })
      .then(() => {
        this.pendingBytes -= bytes;
      });
  }
}

/** Without a pre-skip: the stream was cut out of a call, and all of it is to be heard. */
function opusConfig(channels: 1 | 2): AudioDecoderConfig {
  return {
    codec: "opus",
    numberOfChannels: channels,
    sampleRate: 48_000,
    description: opusHead(channels, 0),
  };
}

function fileStream(path: string): WritableStream<Uint8Array> {
  const fd = openForWriting(path);
  return new WritableStream({
    write: (chunk) => {
      writeSync(fd, chunk);
    },
    close: () => closeSync(fd),
    abort: () => closeSync(fd),
  });
}
