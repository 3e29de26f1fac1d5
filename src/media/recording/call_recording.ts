import { opusIsStereo, opusPacketSamples } from "../../protocol/opus/toc.js";
import type { MediaKind } from "../transport_api.js";
import type { EncodedFrame } from "./encoded_frame.js";
import type { MuxedTracks } from "./muxed_file.js";
import { type PictureFormat, pictureFormatOf, sameFormat } from "./picture_format.js";
import { RecordingTimeline } from "./recording_timeline.js";

/** One file of the recording; `MuxedFile` is one. */
export interface RecordingPart {
  addVideo(data: Uint8Array, timeUs: number, durationUs: number, keyframe: boolean): void;
  addAudio(data: Uint8Array, timeUs: number, durationUs: number): void;
  close(): Promise<void>;
}

export interface CallRecordingOptions {
  /** Kinds of the tracks that are to come. */
  readonly kinds: readonly MediaKind[];
  openPart(tracks: MuxedTracks): RecordingPart;
}

/** How long the second kind is waited for before a file begins without it. */
const WAIT_FOR_OTHER_US = 4_000_000;
/** A picture that pauses for longer ends its file, since muxers hold the sound until the picture goes on. */
const MAX_VIDEO_PAUSE_US = 3_000_000;
/** Missing sound is filled once it is this late, for the same reason. */
const MAX_AUDIO_LAG_US = 500_000;
const DEFAULT_FRAME_US = 33_333;
const US_PER_SAMPLE = 1e6 / 48_000;
/** Frames that may wait for a file to begin. */
const MAX_WAITING = 600;

interface Placed {
  readonly frame: EncodedFrame;
  readonly timeUs: number;
}

/**
 * One peer's picture and sound as one recording in files ("parts"). A container has one picture format: when codec or size change, or the
 * picture pauses for long, the next part begins. Each part begins at its time 0 with a keyframe, where it has a picture.
 */
export class CallRecording {
  readonly #options: CallRecordingOptions;
  readonly #timeline = new RecordingTimeline();
  #part: RecordingPart | undefined;
  #tracks: MuxedTracks = {};
  #beganUs = 0;
  #waiting: Placed[] = [];
  #firstUs = Number.NaN;
  #lastVideoUs = 0;
  #audioEndUs = 0;
  #toc = 0;
  #channels: 1 | 2 = 1;
  #closed: Promise<void>[] = [];

  constructor(options: CallRecordingOptions) {
    this.#options = options;
  }

  add(frame: EncodedFrame): void {
    if (frame.kind === "audio" && frame.codec !== "opus") return;
    const timeUs = this.#timeline.place(frame);
    if (Number.isNaN(this.#firstUs)) this.#firstUs = timeUs;
    if (frame.kind === "audio") this.#note(frame);
    const placed = { frame, timeUs };
    if (this.#part === undefined) this.#wait(placed);
    else this.#write(placed);
  }

  /** Resolves when every part is on disk. */
  async close(): Promise<void> {
    if (this.#part === undefined && this.#waiting.length > 0) this.#begin();
    this.#endPart();
    await Promise.all(this.#closed);
  }

  #note({ data }: EncodedFrame): void {
    if (data.length === 0) return;
    // Two channels once is two for good: decoders turn mono packets into stereo.
    if (opusIsStereo(data, 0)) this.#channels = 2;
    this.#toc = data[0];
  }

  #wait(placed: Placed): void {
    this.#waiting.push(placed);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    const complete = this.#options.kinds.every((kind) => this.#hasBegun(kind));
    if (complete || placed.timeUs - this.#firstUs > WAIT_FOR_OTHER_US) this.#begin();
  }

  #hasBegun(kind: MediaKind): boolean {
    return this.#waiting.some(({ frame }) => frame.kind === kind && (kind === "audio" || frame.keyframe));
  }

  /** Opens a file for what waits and writes that. */
  #begin(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const first = waiting.find(({ frame }) => frame.kind === "video" && frame.keyframe);
    const format = first && pictureFormatOf(first.frame);
    const hasAudio = waiting.some(({ frame }) => frame.kind === "audio");
    if (format === undefined && !hasAudio) {
      this.#firstUs = Number.NaN;
      return;
    }
    const startUs = Math.min(
      ...waiting.filter((each) => each.frame.kind === "audio" || each === first).map((each) => each.timeUs),
    );
    this.#openPart(format, hasAudio, startUs);
    let begun = false;
    for (const placed of waiting) {
      begun ||= placed === first;
      if (placed.frame.kind === "audio" || begun) this.#write(placed);
    }
  }

  #openPart(video: PictureFormat | undefined, audio: boolean, startUs: number): void {
    this.#tracks = {
      ...(video !== undefined && { video }),
      ...(audio && { audio: { channels: this.#channels } }),
    };
    this.#part = this.#options.openPart(this.#tracks);
    this.#beganUs = startUs;
    this.#lastVideoUs = startUs;
    this.#audioEndUs = startUs;
  }

  #endPart(): void {
    if (this.#part !== undefined) this.#closed.push(this.#part.close());
    this.#part = undefined;
  }

  #write({ frame, timeUs }: Placed): void {
    if (frame.kind === "video") this.#writeVideo(frame, timeUs);
    else this.#writeAudio(frame, timeUs);
  }

  #writeVideo(frame: EncodedFrame, timeUs: number): void {
    if (frame.keyframe) {
      const format = pictureFormatOf(frame);
      if (format === undefined) return;
      if (!sameFormat(format, this.#tracks.video)) this.#nextPart(format, timeUs);
    } else if (this.#tracks.video === undefined) return;
    const durationUs =
      timeUs > this.#lastVideoUs ? Math.min(timeUs - this.#lastVideoUs, 1e6) : DEFAULT_FRAME_US;
    this.#lastVideoUs = timeUs;
    if (timeUs < this.#beganUs) return;
    this.#fillSound(timeUs);
    this.#part?.addVideo(frame.data, timeUs - this.#beganUs, durationUs, frame.keyframe);
  }

  #writeAudio(frame: EncodedFrame, timeUs: number): void {
    const samples = opusPacketSamples(frame.data, 0, frame.data.length);
    if (samples === 0) return;
    if (this.#tracks.audio === undefined) {
      // Sound that begins after the picture did: it comes with the next keyframe's part.
      this.#audioEndUs = timeUs;
      return;
    }
    const pausesFor = timeUs - this.#lastVideoUs;
    if (this.#tracks.video !== undefined && pausesFor > MAX_VIDEO_PAUSE_US) this.#nextPart(undefined, timeUs);
    // What a correction of the clocks put before what is written already, or before the part, is left out.
    if (timeUs < this.#beganUs || timeUs < this.#audioEndUs - samples * US_PER_SAMPLE) return;
    const durationUs = samples * US_PER_SAMPLE;
    this.#part?.addAudio(frame.data, timeUs - this.#beganUs, durationUs);
    this.#audioEndUs = timeUs + durationUs;
  }

  #nextPart(video: PictureFormat | undefined, startUs: number): void {
    this.#endPart();
    this.#openPart(video, this.#toc !== 0 || this.#tracks.audio !== undefined, startUs);
  }

  /** Empty frames, which a decoder conceals, where the sound lags behind the picture (RFC 6716 §3.2.1: a frame may be empty). */
  #fillSound(videoUs: number): void {
    if (this.#tracks.audio === undefined) return;
    const empty = Uint8Array.of(this.#toc & 0xfc);
    const durationUs = opusPacketSamples(empty, 0, 1) * US_PER_SAMPLE;
    while (this.#audioEndUs < videoUs - MAX_AUDIO_LAG_US) {
      this.#part?.addAudio(empty, this.#audioEndUs - this.#beganUs, durationUs);
      this.#audioEndUs += durationUs;
    }
  }
}
