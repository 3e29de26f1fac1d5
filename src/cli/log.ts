/** Structured logs (pino) to a file that rotates by size, or to standard error. */
import { basename, dirname, resolve } from "node:path";
import { type Logger, pino } from "pino";
import { createStream } from "rotating-file-stream";

export interface LogOptions {
  readonly file: string;
  readonly level: string;
  /** Size at which the file is rotated, in bytes. */
  readonly maxBytes: number;
  /** Rotated files that are kept. */
  readonly files: number;
}

export interface OpenLog {
  readonly logger: Logger;
  /** Resolves when everything is in the file. */
  close(): Promise<void>;
}

/** `found` is the file that cannot be opened: a log that goes nowhere stops the start. */
export function openLog(options: LogOptions, name: string): Promise<OpenLog> {
  const path = resolve(options.file);
  const stream = createStream(basename(path), {
    path: dirname(path),
    size: `${options.maxBytes}B`,
    maxFiles: options.files,
  });
  const logger = pino({ name, level: options.level, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  return new Promise((done, failed) => {
    stream.once("open", () => done({ logger, close: () => new Promise((closed) => stream.end(closed)) }));
    stream.once("error", (error) => failed(new Error(`log file ${path}: ${error.message}`)));
  });
}
