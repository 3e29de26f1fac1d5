import { ByteQueue } from "./byte_queue.js";

/** One encoded frame, access unit or packet of a file; the reader owns the object and fills it anew each time. */
export interface FileFrame {
  /** A view, valid until the next call of the reader. */
  data: Uint8Array;
  /** Presentation time, µs from the file's first frame's clock; formats without a clock count by their frame rate. */
  timeUs: number;
}

/**
 * What readers of every format do: `push()` chunks as they come from disk or network, call `next()` until it gives undefined, and say
 * `end()` after the last chunk, then `next()` again. Throws FileFormatError where the file is none of its format or damaged beyond the
 * current record; a file cut off in the middle of a record (a writer that was killed) ends before it, and `truncated` says so.
 */
export interface FrameReader<F extends FileFrame = FileFrame> {
  push(chunk: Uint8Array): void;
  end(): void;
  next(): F | undefined;
  readonly truncated: boolean;
}

/** A reader whose file is a row of records: they wait in a queue, each until the one behind it is asked for. */
export abstract class RecordReader<F extends FileFrame = FileFrame> implements FrameReader<F> {
  truncated = false;
  protected readonly queue = new ByteQueue();
  /** Bytes at the queue's head that the last frame is a view of. */
  protected taken = 0;

  abstract next(): F | undefined;

  push(chunk: Uint8Array): void {
    this.queue.append(chunk);
  }

  end(): void {
    this.queue.ended = true;
  }

  protected dropTaken(): void {
    this.queue.skip(this.taken);
    this.taken = 0;
  }

  /** The next record is not all here, and never will be after the end. */
  protected incomplete(): undefined {
    if (this.queue.ended && this.queue.length > 0) this.truncated = true;
    return undefined;
  }
}

/** Largest frame that readers take. */
export const MAX_FRAME_BYTES = 16 << 20;
