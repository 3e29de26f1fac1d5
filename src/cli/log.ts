/** Structured logs (pino) to a file that rotates by size, or to standard error. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { type Logger, pino } from "pino";
import { createStream } from "rotating-file-stream";
import type { Config } from "../config/schema.js";
import { CommandError } from "./command_error.js";

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

export function logOptions({ server }: Config, file: string): LogOptions {
  return { file, level: server.log_level, maxBytes: server.log_max_bytes, files: server.log_files };
}

/** Opens the log, making its folder. A log that goes nowhere stops the start: throws CommandError LOG_UNWRITABLE. */
export async function openLog(options: LogOptions, name: string): Promise<OpenLog> {
  const path = resolve(options.file);
  checkWritable(path);
  const stream = createStream(basename(path), {
    path: dirname(path),
    size: `${options.maxBytes}B`,
    maxFiles: options.files,
  });
  const logger = pino({ name, level: options.level, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  return new Promise((done, failed) => {
    stream.once("open", () => done({ logger, close: () => new Promise((closed) => stream.end(closed)) }));
    stream.once("error", (error) => failed(unwritable(path, error)));
  });
}

/** Said at once and in plain words, before the stream library tries. */
function checkWritable(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, "a"));
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): CommandError {
  const why = error instanceof Error ? error.message : String(error);
  return new CommandError("LOG_UNWRITABLE", `log file ${path}: ${why}`);
}
