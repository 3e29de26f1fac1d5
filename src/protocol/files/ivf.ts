/**
 * IVF, the file format of libvpx and libaom: a header of 32 bytes, then frames of VP8, VP9 or AV1 (one temporal unit in the
 * low-overhead format), each behind its length and time. All numbers are little-endian.
 */
import type { ByteQueue } from "./byte_queue.js";
import { FileFormatError } from "./file_format_error.js";
import { type FileFrame, MAX_FRAME_BYTES, RecordReader } from "./frame_reader.js";

export type IvfCodec = "VP8" | "VP9" | "AV1";

const FOUR_CC: Readonly<Record<IvfCodec, string>> = { VP8: "VP80", VP9: "VP90", AV1: "AV01" };
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 12;
const LENGTH_AT = 24;

export interface IvfHeader {
  readonly codec: IvfCodec;
  readonly width: number;
  readonly height: number;
  /** Ticks of the frames' times in a second: `rate / scale`. */
  readonly rate: number;
  readonly scale: number;
  /** As the writer left it; 0 where it was not known. */
  readonly frameCount: number;
}

export class IvfReader extends RecordReader {
  /** Undefined until the header is here. */
  header: IvfHeader | undefined;
  private readonly frame: FileFrame = { data: new Uint8Array(0), timeUs: 0 };

  next(): FileFrame | undefined {
    this.dropTaken();
    this.header ??= this.readHeader();
    return this.header && this.readFrame(this.header);
  }

  private readHeader(): IvfHeader | undefined {
    const { queue } = this;
    if (queue.length < HEADER_BYTES) {
      if (queue.ended) throw bad("NOT_THIS_FORMAT", 0, `it ends after ${queue.length} bytes, in its header`);
      return undefined;
    }
    const magic = text(queue, 0);
    if (magic !== "DKIF") throw bad("NOT_THIS_FORMAT", 0, `it begins with "${magic}", not with "DKIF"`);
    const headerBytes = queue.u16le(6);
    if (headerBytes !== HEADER_BYTES)
      throw bad("BAD_FIELD", 6, `a header of ${headerBytes} bytes; allowed is 32`);
    const header = {
      codec: codecOf(text(queue, 8)),
      width: queue.u16le(12),
      height: queue.u16le(14),
      rate: queue.u32le(16),
      scale: queue.u32le(20),
      frameCount: queue.u32le(LENGTH_AT),
    };
    if (header.rate === 0 || header.scale === 0)
      throw bad(
        "BAD_FIELD",
        16,
        `a time base of ${header.scale}/${header.rate}; allowed are numbers above 0`,
      );
    queue.skip(HEADER_BYTES);
    return header;
  }

  private readFrame(header: IvfHeader): FileFrame | undefined {
    const { queue } = this;
    if (queue.length < FRAME_HEADER_BYTES) return this.incomplete();
    const bytes = queue.u32le(0);
    if (bytes > MAX_FRAME_BYTES)
      throw bad("TOO_LARGE", queue.fileOffset, `a frame of ${bytes} bytes; allowed are ${MAX_FRAME_BYTES}`);
    if (queue.length < FRAME_HEADER_BYTES + bytes) return this.incomplete();
    const ticks = queue.u32le(4) + queue.u32le(8) * 2 ** 32;
    this.frame.data = queue.peek(FRAME_HEADER_BYTES, bytes);
    this.frame.timeUs = (ticks * header.scale * 1e6) / header.rate;
    this.taken = FRAME_HEADER_BYTES + bytes;
    return this.frame;
  }
}

export interface IvfWriterOptions {
  readonly codec: IvfCodec;
  readonly width: number;
  readonly height: number;
  /** Ticks a second of the frames' times; 90000 by default, the RTP clock. */
  readonly rate?: number;
}

/** Makes the file's bytes. Write `header()` first; once done, write it again at offset 0, for it counts the frames. */
export class IvfWriter {
  frameCount = 0;
  private readonly rate: number;

  constructor(private readonly options: IvfWriterOptions) {
    this.rate = options.rate ?? 90_000;
  }

  header(): Uint8Array {
    const bytes = new Uint8Array(HEADER_BYTES);
    const view = new DataView(bytes.buffer);
    const { codec, width, height } = this.options;
    bytes.set(new TextEncoder().encode("DKIF"));
    view.setUint16(6, HEADER_BYTES, true);
    bytes.set(new TextEncoder().encode(FOUR_CC[codec]), 8);
    view.setUint16(12, width, true);
    view.setUint16(14, height, true);
    view.setUint32(16, this.rate, true);
    view.setUint32(20, 1, true);
    view.setUint32(LENGTH_AT, this.frameCount, true);
    return bytes;
  }

  /** The 12 bytes before a frame of `bytes` bytes. */
  frameHeader(bytes: number, timeUs: number): Uint8Array {
    const head = new Uint8Array(FRAME_HEADER_BYTES);
    const view = new DataView(head.buffer);
    view.setUint32(0, bytes, true);
    view.setBigUint64(4, BigInt(Math.round((timeUs * this.rate) / 1e6)), true);
    this.frameCount++;
    return head;
  }
}

function codecOf(fourCc: string): IvfCodec {
  for (const codec of ["VP8", "VP9", "AV1"] as const) if (FOUR_CC[codec] === fourCc) return codec;
  throw bad("BAD_FIELD", 8, `the codec is "${fourCc}"; allowed are ${Object.values(FOUR_CC).join(", ")}`);
}

function text(queue: ByteQueue, at: number): string {
  return String.fromCharCode(...queue.peek(at, 4)).replace(/[^ -~]/g, "?");
}

function bad(code: FileFormatError["code"], offset: number, what: string): FileFormatError {
  return new FileFormatError(code, "IVF", offset, what);
}
