import { EventEmitter } from "node:events";
import { closeSync } from "node:fs";
import { extname } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { MediaError } from "../media_error.js";
import { openForWriting } from "../sinks/video_sink.js";
import type { MediaKind } from "../transport_api.js";
import type { Container } from "./muxed_file.js";
import type { RecorderNotice, RecorderOrder, RecorderTask } from "./recorder_thread.js";

export interface RecordingSummary {
  /** The files, in their order in time. */
  readonly paths: readonly string[];
  /** Access units and packets that came, and their bytes. */
  readonly frames: number;
  readonly bytes: number;
}

interface RecorderWorkerEvents {
  /** A file was begun. */
  part: [path: string];
  /** Nothing more is written. */
  failed: [MediaError];
}

const CONTAINERS: Readonly<Record<string, Container>> = { ".mp4": "mp4", ".webm": "webm", ".mkv": "mkv" };

/** The container of a file's ending; undefined: none of ours. */
export function containerOf(path: string): Container | undefined {
  return CONTAINERS[extname(path).toLowerCase()];
}

/** The main thread's end of one recording: its thread lives as long as it does. */
export class RecorderWorker extends EventEmitter<RecorderWorkerEvents> {
  readonly container: Container;
  readonly #path: string;
  readonly #worker: Worker;
  readonly #paths: string[] = [];
  #summary: RecordingSummary | undefined;
  #closing: Promise<RecordingSummary> | undefined;
  #exited: Promise<void>;

  /** @throws MediaError BAD_SINK for another ending, SINK_FAILED where the file cannot be written */
  constructor(path: string, kinds: readonly MediaKind[]) {
    super();
    const container = containerOf(path);
    if (container === undefined)
      throw new MediaError("BAD_SINK", `recording "${path}": allowed endings are .mp4, .webm and .mkv`);
    closeSync(openForWriting(path));
    this.container = container;
    this.#path = path;
    const task: RecorderTask = { path, container, kinds };
    const file = new URL("../../../workers/recorder.js", import.meta.url);
    this.#worker = new Worker(file, { workerData: task, name: "recorder", execArgv: [] });
    this.#worker.on("message", (notice: RecorderNotice) => this.#handle(notice));
    this.#worker.on("error", (error: Error) => this.#fail(error.message));
    // A program that ends without stopping its recordings leaves files that play; it is not kept from ending.
    this.#worker.unref();
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
  }

  /** A port for the thread that receives a track: it takes {@link EncodedFrame}s. */
  openPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#post({ type: "track", port: port1 }, [port1]);
    return port2;
  }

  /** Ends the files; resolves when they are on disk. */
  close(): Promise<RecordingSummary> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<RecordingSummary> {
    this.#worker.ref();
    this.#post({ type: "close" });
    await this.#exited;
    return this.#summary ?? { paths: this.#paths, frames: 0, bytes: 0 };
  }

  #post(order: RecorderOrder, transfer: MessagePort[] = []): void {
    this.#worker.postMessage(order, transfer);
  }

  #handle(notice: RecorderNotice): void {
    switch (notice.type) {
      case "part":
        this.#paths.push(notice.path);
        this.emit("part", notice.path);
        break;
      case "failed":
        this.#fail(notice.message);
        break;
      case "closed":
        this.#summary = { paths: this.#paths, frames: notice.frames, bytes: notice.bytesIn };
        break;
    }
  }

  #fail(message: string): void {
    this.emit("failed", new MediaError("SINK_FAILED", `recording ${this.#path}: ${message}`));
  }
}
