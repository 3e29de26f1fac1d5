/** What the recorder's thread does: takes frames from the threads that receive them and writes files. */
import { extname } from "node:path";
import type { MessagePort } from "node:worker_threads";
import type { MediaKind } from "../transport_api.js";
import { CallRecording } from "./call_recording.js";
import type { EncodedFrame } from "./encoded_frame.js";
import { type Container, MuxedFile } from "./muxed_file.js";

/** The thread's `workerData`. */
export interface RecorderTask {
  readonly path: string;
  readonly container: Container;
  readonly kinds: readonly MediaKind[];
}

export type RecorderOrder =
  | { readonly type: "track"; readonly port: MessagePort }
  | { readonly type: "close" };

export type RecorderNotice =
  | { readonly type: "part"; readonly path: string }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "closed"; readonly bytesIn: number; readonly frames: number };

/** A disk that falls behind by more than this ends the recording: memory is not its buffer. */
const MAX_PENDING_BYTES = 64 << 20;

/** `film.mp4`, `film-2.mp4`, `film-3.mp4` … */
export function partPath(path: string, part: number): string {
  if (part === 1) return path;
  const ending = extname(path);
  return `${path.slice(0, path.length - ending.length)}-${part}${ending}`;
}

export class RecorderThread {
  readonly #task: RecorderTask;
  readonly #tell: (notice: RecorderNotice) => void;
  readonly #recording: CallRecording;
  readonly #ports = new Set<MessagePort>();
  #file: MuxedFile | undefined;
  #parts = 0;
  #frames = 0;
  #bytesIn = 0;
  #failed = false;

  constructor(task: RecorderTask, tell: (notice: RecorderNotice) => void) {
    this.#task = task;
    this.#tell = tell;
    this.#recording = new CallRecording({
      kinds: task.kinds,
      openPart: (tracks) => {
        const path = partPath(task.path, ++this.#parts);
        this.#file = new MuxedFile(path, this.#task.container, tracks);
        this.#tell({ type: "part", path });
        return this.#file;
      },
    });
  }

  order(order: RecorderOrder): void {
    if (order.type === "close") void this.#close();
    else this.#listen(order.port);
  }

  #listen(port: MessagePort): void {
    this.#ports.add(port);
    port.on("message", (frame: EncodedFrame) => this.#take(frame));
    port.once("close", () => this.#ports.delete(port));
  }

  #take(frame: EncodedFrame): void {
    if (this.#failed) return;
    this.#frames++;
    this.#bytesIn += frame.data.length;
    try {
      this.#recording.add(frame);
      const { error, pendingBytes } = this.#file ?? { error: undefined, pendingBytes: 0 };
      if (error !== undefined) throw error;
      if (pendingBytes > MAX_PENDING_BYTES)
        throw new Error(`${this.#task.path}: the disk is ${pendingBytes} bytes behind`);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }

  async #close(): Promise<void> {
    for (const port of this.#ports) port.close();
    await this.#recording.close().catch((error: unknown) => this.#fail(error));
    const error = this.#file?.error;
    if (error !== undefined && !this.#failed) this.#fail(error);
    this.#tell({ type: "closed", bytesIn: this.#bytesIn, frames: this.#frames });
  }
}
