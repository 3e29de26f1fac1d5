/** Calls recorded to MP4, WebM or Matroska: a file for each call. */
import { extname } from "node:path";
import { containerOf } from "../media/recording/recorder_worker.js";
import { Recorder } from "../webrtc/recorder.js";
import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import type { Call } from "./call.js";

export class CallFiles {
  readonly #path: string;
  readonly #recorders = new Map<Call, Recorder>();
  #calls = 0;

  private constructor(
    path: string,
    private readonly notice: (text: string) => void,
  ) {
    this.#path = path;
  }

  /** Undefined where the path's ending is that of no container. */
  static of(path: string | undefined, notice: (text: string) => void): CallFiles | undefined {
    return path === undefined || containerOf(path) === undefined ? undefined : new CallFiles(path, notice);
  }

  /** Records what the call's peer sends once it is connected. */
  watch(call: Call, connection: RTCPeerConnection): void {
    call.on("state", (state) => {
      if (state === "connected" && !this.#recorders.has(call)) this.#begin(call, connection);
    });
  }

  /** Resolves when the call's files are on disk. */
  async end(call: Call): Promise<void> {
    await this.#recorders.get(call)?.stop();
  }

  #begin(call: Call, connection: RTCPeerConnection): void {
    try {
      const tracks = connection.getReceivers().map(({ track }) => track);
      const recorder = new Recorder(this.#nextPath(), tracks);
      recorder.on("part", (path) => this.notice(`recording to ${path}`));
      recorder.on("failed", ({ message, code }) => this.notice(`${message} (${code})`));
      this.#recorders.set(call, recorder);
    } catch (error) {
      this.notice(error instanceof Error ? error.message : String(error));
    }
  }

  /** `film.mp4`, then `film-call2.mp4` and so on: a later call takes no earlier one's file. */
  #nextPath(): string {
    const number = ++this.#calls;
    if (number === 1) return this.#path;
    const ending = extname(this.#path);
    return `${this.#path.slice(0, -ending.length)}-call${number}${ending}`;
  }
}
