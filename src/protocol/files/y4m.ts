/**
 * YUV4MPEG2 (.y4m), the raw pictures of mjpegtools, FFmpeg and x264: a header line, then pictures, each behind a line that begins with
 * "FRAME". Read and written is 8-bit 4:2:0, which is I420 without gaps.
 */
import { i420Bytes } from "../primitives/i420.js";
import { FileFormatError } from "./file_format_error.js";
import { type FileFrame, MAX_FRAME_BYTES, RecordReader } from "./frame_reader.js";

const MAGIC = "YUV4MPEG2 ";
const FRAME = "FRAME";
const NEWLINE = 0x0a;
const MAX_HEADER_BYTES = 1024;
const MAX_SIDE = 8192;

/** The longest line before a picture that is read. */
export const MAX_Y4M_FRAME_LINE_BYTES = 128;

/** What the stream's header says. */
export interface Y4mHeader {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** Bytes up to and with the newline. */
  readonly headerBytes: number;
}

/** Parses what a file begins with, 1024 bytes or the whole of it. Throws FileFormatError. */
export function parseY4mHeader(bytes: Uint8Array): Y4mHeader {
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(NEWLINE);
  const line = latin1(bytes.subarray(0, Math.max(0, end)));
  if (end < 0 || !line.startsWith(MAGIC)) throw bad("NOT_THIS_FORMAT", 0, "it is no YUV4MPEG2 file");
  const fields = new Map(
    line
      .split(" ")
      .slice(1)
      .map((field) => [field[0], field.slice(1)] as const),
  );
  const colour = fields.get("C") ?? "420jpeg";
  if (!/^420(jpeg|paldv|mpeg2)?$/.test(colour)) {
    throw bad("BAD_FIELD", 0, `it has colour format C${colour}; only 8-bit 4:2:0 is read`);
  }
  return { ...sizeOf(fields), frameRate: frameRateOf(fields.get("F") ?? "30:1"), headerBytes: end + 1 };
}

function sizeOf(fields: ReadonlyMap<string, string>): { width: number; height: number } {
  const [width, height] = [Number(fields.get("W")), Number(fields.get("H"))];
  const allowed = (side: number) => Number.isInteger(side) && side >= 2 && side <= MAX_SIDE;
  if (allowed(width) && allowed(height)) return { width, height };
  throw bad(
    "BAD_FIELD",
    0,
    `it has size ${fields.get("W")}x${fields.get("H")}; allowed are sides of 2 to ${MAX_SIDE}`,
  );
}

function frameRateOf(text: string): number {
  const [numerator, denominator] = text.split(":").map(Number);
  const frameRate = numerator / denominator;
  if (frameRate > 0 && frameRate <= 240) return frameRate;
  throw bad("BAD_FIELD", 0, `it has frame rate F${text}; allowed are ratios up to 240`);
}

/**
 * Length of the line "FRAME…\n" that `bytes` begin with, {@link MAX_Y4M_FRAME_LINE_BYTES} of them or all there are; it may carry
 * parameters. 0: it is not whole. `offset` is where in the file they stand. Throws FileFormatError.
 */
export function y4mFrameLineBytes(bytes: Uint8Array, offset: number): number {
  if (!FRAME.startsWith(latin1(bytes.subarray(0, FRAME.length))))
    throw bad("BAD_FIELD", offset, "no picture begins here with FRAME");
  const end = bytes.subarray(0, MAX_Y4M_FRAME_LINE_BYTES).indexOf(NEWLINE);
  if (end < 0 && bytes.length >= MAX_Y4M_FRAME_LINE_BYTES)
    throw bad("TOO_LARGE", offset, `a FRAME line of more than ${MAX_Y4M_FRAME_LINE_BYTES} bytes`);
  return end + 1;
}

/** Gives pictures, timed by the file's frame rate. */
export class Y4mReader extends RecordReader {
  /** Undefined until it is here. */
  header: Y4mHeader | undefined;
  private readonly frame: FileFrame = { data: new Uint8Array(0), timeUs: 0 };
  private pictures = 0;

  next(): FileFrame | undefined {
    this.dropTaken();
    this.header ??= this.readHeader();
    return this.header && this.readFrame(this.header);
  }

  private readHeader(): Y4mHeader | undefined {
    const { queue } = this;
    const bytes = queue.peek(0, Math.min(queue.length, MAX_HEADER_BYTES));
    const whole = queue.ended || bytes.length === MAX_HEADER_BYTES || bytes.includes(NEWLINE);
    if (!whole) return undefined;
    const header = parseY4mHeader(bytes);
    const pictureBytes = i420Bytes(header.width, header.height);
    if (pictureBytes > MAX_FRAME_BYTES)
      throw bad("TOO_LARGE", 0, `pictures of ${pictureBytes} bytes; allowed are ${MAX_FRAME_BYTES}`);
    queue.skip(header.headerBytes);
    return header;
  }

  private readFrame(header: Y4mHeader): FileFrame | undefined {
    const { queue } = this;
    const lineBytes = this.frameLineBytes();
    const pictureBytes = i420Bytes(header.width, header.height);
    if (lineBytes === 0 || queue.length < lineBytes + pictureBytes) return this.incomplete();
    this.frame.data = queue.peek(lineBytes, pictureBytes);
    this.frame.timeUs = (this.pictures++ * 1e6) / header.frameRate;
    this.taken = lineBytes + pictureBytes;
    return this.frame;
  }

  private frameLineBytes(): number {
    const { queue } = this;
    return y4mFrameLineBytes(
      queue.peek(0, Math.min(queue.length, MAX_Y4M_FRAME_LINE_BYTES)),
      queue.fileOffset,
    );
  }
}

export interface Y4mWriterOptions {
  readonly width: number;
  readonly height: number;
  /** Pictures a second. */
  readonly frameRate: number;
}

/** What stands before each picture. */
export const Y4M_FRAME_LINE: Uint8Array = ascii(`${FRAME}\n`);

/** The line a file begins with. Pictures of I420 without gaps follow, each behind {@link Y4M_FRAME_LINE}. */
export function y4mHeader({ width, height, frameRate }: Y4mWriterOptions): Uint8Array {
  const rate = Number.isInteger(frameRate) ? `${frameRate}:1` : `${Math.round(frameRate * 1000)}:1000`;
  return ascii(`${MAGIC}W${width} H${height} F${rate} Ip A1:1 C420jpeg\n`);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function bad(code: FileFormatError["code"], offset: number, what: string): FileFormatError {
  return new FileFormatError(code, "Y4M", offset, what);
}
