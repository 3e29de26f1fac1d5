import { EventEmitter } from "node:events";
import type { MediaError } from "../media/media_error.js";
import { RecorderWorker, type RecordingSummary } from "../media/recording/recorder_worker.js";
import { MediaStreamTrack } from "./media_stream_track.js";
import { followRemote } from "./track_output.js";

export interface RecorderOptions {
  /**
   * A keyframe is asked of the peer when the last one is older than this. MP4 needs them: a fragment begins with one, and what a killed process
   * leaves ends with its last whole fragment; 1000 by default there, 0 (never) with WebM and Matroska.
   */
  readonly keyframeIntervalMs?: number;
}

interface RecorderEvents {
  /** A file was begun: the first has the name given, the next ones a number before the ending. */
  part: [path: string];
  /** The file cannot be written; nothing more is. */
  failed: [MediaError];
}

const MP4_KEYFRAME_MS = 1000;

/**
 * Records one peer's picture, sound or both as they come, without decoding them: H.264 or VP8 with Opus into `.mp4`, `.webm` or `.mkv`, in step by
 * the sender's clock. What is on disk can be played at any moment.
 *
 * ```js
 * const recorder = new Recorder("call.webm", [videoTrack, audioTrack]);
 * …
 * const { paths } = await recorder.stop();
 * ```
 */
export class Recorder extends EventEmitter<RecorderEvents> {
  readonly #worker: RecorderWorker;
  readonly #stops: (() => void)[];

  /**
   * Begins at once; the first file begins with the first keyframe.
   *
   * @param tracks one or two tracks of a peer, at most one of each kind
   * @throws MediaError BAD_SINK for another ending of the path, SINK_FAILED where it cannot be written; TypeError for other tracks
   */
  constructor(path: string, tracks: readonly MediaStreamTrack[], options: RecorderOptions = {}) {
    super();
    checkTracks(tracks);
    this.#worker = new RecorderWorker(
      path,
      tracks.map(({ kind }) => kind),
    );
    this.#worker.on("part", (part) => this.emit("part", part));
    this.#worker.on("failed", (error) => {
      if (this.listenerCount("failed") > 0) this.emit("failed", error);
    });
    const everyMs = options.keyframeIntervalMs ?? (this.#worker.container === "mp4" ? MP4_KEYFRAME_MS : 0);
    this.#stops = tracks.map((track) => this.#tap(track, everyMs * 1000));
  }

  /** Ends the recording; resolves when all is on disk. */
  stop(): Promise<RecordingSummary> {
    for (const stop of this.#stops.splice(0)) stop();
    return this.#worker.close();
  }

  /** Follows the track over renegotiations and restarted threads. */
  #tap(track: MediaStreamTrack, keyframeEveryUs: number): () => void {
    return followRemote(track, ({ transport, mid }) =>
      transport.tapEncoded?.(mid, () => this.#worker.openPort(), keyframeEveryUs),
    );
  }
}

function checkTracks(tracks: readonly MediaStreamTrack[]): void {
  const kinds = tracks.map((track) => (track instanceof MediaStreamTrack ? track.kind : typeof track));
  const known = kinds.every((kind) => kind === "audio" || kind === "video");
  if (known && kinds.length > 0 && new Set(kinds).size === kinds.length) return;
  throw new TypeError(
    `Recorder takes a video track, an audio track or one of each; found ${kinds.join(", ") || "none"}`,
  );
}
