/**
 * The rtpdump file format of rtptools ("rtpplay1.0"), which Wireshark, libwebrtc and Pion read and write too: a text line, a
 * 16-byte header, then records of an 8-byte head and the packet. Whole files or streams of bytes; no file is opened here.
 */

import { readU16, readU32, writeU16, writeU32 } from "../primitives/bytes.js";
import { CodedError } from "../primitives/coded_error.js";

const MAGIC = "#!rtpplay1.0 ";
const FILE_HEADER_BYTES = 16;
const RECORD_HEAD_BYTES = 8;
/** The text line is an address and a port; nothing honest is longer. */
const MAX_LINE_BYTES = 128;

/** Why a file was refused. */
export class RtpDumpError extends CodedError<
  "ERR_RTPDUMP_MAGIC" | "ERR_RTPDUMP_TRUNCATED" | "ERR_RTPDUMP_RECORD"
> {
  override readonly name = "RtpDumpError";
}

/** One captured packet. */
export interface RtpDumpRecord {
  /** Since the start of the capture. */
  readonly offsetMs: number;
  readonly rtcp: boolean;
  /** A view of the file; shorter than `originalLength` when the capture kept only a part. */
  readonly data: Uint8Array;
  readonly originalLength: number;
}

/**
 * Iterates over the packets of a file. Throws an {@link RtpDumpError} for a file that is none or whose record lies; one cut off in
 * the middle of a record (a recorder that was killed) just ends before it, and `truncated` says so.
 */
export class RtpDumpReader implements Iterable<RtpDumpRecord> {
  /** When the capture began, Unix µs. */
  readonly startUnixUs: number;
  truncated = false;
  private readonly file: Uint8Array;
  private readonly bodyOffset: number;

  constructor(file: Uint8Array) {
    this.file = file;
    const lineEnd = file.subarray(0, MAX_LINE_BYTES).indexOf(0x0a);
    for (let i = 0; i < MAGIC.length; i++)
      if (lineEnd < MAGIC.length || file[i] !== MAGIC.charCodeAt(i))
        throw new RtpDumpError("ERR_RTPDUMP_MAGIC", `Not an rtpdump file: it does not begin with "${MAGIC}"`);
    const header = lineEnd + 1;
    this.bodyOffset = header + FILE_HEADER_BYTES;
    if (this.bodyOffset > file.length)
      throw new RtpDumpError("ERR_RTPDUMP_TRUNCATED", "The rtpdump file ends within its header");
    this.startUnixUs = readU32(file, header) * 1e6 + readU32(file, header + 4);
  }

  *[Symbol.iterator](): Iterator<RtpDumpRecord> {
    const file = this.file;
    let at = this.bodyOffset;
    while (at < file.length) {
      if (at + RECORD_HEAD_BYTES > file.length) break;
      const length = readU16(file, at);
      const end = at + length;
      if (length < RECORD_HEAD_BYTES)
        throw new RtpDumpError(
          "ERR_RTPDUMP_RECORD",
          `Record at byte ${at} claims ${length} bytes, its head alone has 8`,
        );
      if (end > file.length) break;
      const originalLength = readU16(file, at + 2);
      yield {
        offsetMs: readU32(file, at + 4),
        // RTCP is told by a packet length of 0.
        rtcp: originalLength === 0,
        data: file.subarray(at + RECORD_HEAD_BYTES, end),
        originalLength: originalLength === 0 ? length - RECORD_HEAD_BYTES : originalLength,
      };
      at = end;
    }
    this.truncated = at < file.length;
  }
}

/** The bytes a file begins with. `source` is the IPv4 address and port the packets came from. */
export function rtpDumpHeader(
  startUnixUs: number,
  source: { address: readonly number[]; port: number },
): Uint8Array {
  const line = new TextEncoder().encode(`${MAGIC}${source.address.join(".")}/${source.port}\n`);
  const out = new Uint8Array(line.length + FILE_HEADER_BYTES);
  out.set(line);
  writeU32(out, line.length, Math.floor(startUnixUs / 1e6));
  writeU32(out, line.length + 4, Math.floor(startUnixUs % 1e6));
  out.set(source.address, line.length + 8);
  writeU16(out, line.length + 12, source.port);
  return out;
}

/** The bytes of one record; `data` is at most 65527 bytes. */
export function rtpDumpRecord(data: Uint8Array, offsetMs: number, rtcp: boolean): Uint8Array {
  const length = RECORD_HEAD_BYTES + data.length;
  if (length > 0xffff)
    throw new RangeError(`A packet of ${data.length} bytes does not fit an rtpdump record`);
  const out = new Uint8Array(length);
  writeU16(out, 0, length);
  writeU16(out, 2, rtcp ? 0 : data.length);
  writeU32(out, 4, offsetMs);
  out.set(data, RECORD_HEAD_BYTES);
  return out;
}
