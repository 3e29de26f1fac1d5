/**
 * Elementary streams of H.264 and H.265 in the byte stream format (annex B of both): NAL units behind start codes, cut into access
 * units here. The format has no clock: times are counted by a frame rate.
 */
import { afterStartCode, NalHeader, NalType } from "../h264/nal_unit.js";
import { H265NalType, h265NalType, isIrap } from "../h265/nal_unit.js";
import { FileFormatError } from "./file_format_error.js";
import { type FileFrame, MAX_FRAME_BYTES, RecordReader } from "./frame_reader.js";

export type AnnexBCodec = "H264" | "H265";

/** An access unit, start codes and all. */
export interface AccessUnitFrame extends FileFrame {
  keyframe: boolean;
}

/** What the bytes from the NAL header on say of the unit. */
interface NalRules {
  /** Bytes to look at. */
  readonly headBytes: number;
  isPicture(buf: Uint8Array, at: number): boolean;
  isKeyframe(buf: Uint8Array, at: number): boolean;
  /** Whether the unit, behind a picture, begins the next access unit. */
  begins(buf: Uint8Array, at: number): boolean;
}

const RULES: Readonly<Record<AnnexBCodec, NalRules>> = {
  H264: {
    headBytes: 2,
    isPicture: (buf, at) => isH264Picture(buf[at] & NalHeader.typeMask),
    isKeyframe: (buf, at) => (buf[at] & NalHeader.typeMask) === NalType.idr,
    // ITU-T H.264 §7.4.1.2.3 and .4, without pictures whose slices come in any order.
    begins: (buf, at) => {
      const type = buf[at] & NalHeader.typeMask;
      if (isH264Picture(type)) return (buf[at + 1] & 0x80) !== 0;
      return (type >= NalType.sei && type <= NalType.accessUnitDelimiter) || (type >= 14 && type <= 18);
    },
  },
  H265: {
    headBytes: 3,
    isPicture: (buf, at) => h265NalType(buf[at]) <= H265NalType.lastVcl,
    isKeyframe: (buf, at) => isIrap(h265NalType(buf[at])),
    // ITU-T H.265 §7.4.2.4.4: first_slice_segment_in_pic_flag, or what stands before a picture alone.
    begins: (buf, at) => {
      const type = h265NalType(buf[at]);
      if (type <= H265NalType.lastVcl) return (buf[at + 2] & 0x80) !== 0;
      if (type >= H265NalType.vps && type <= H265NalType.accessUnitDelimiter) return true;
      return type === H265NalType.prefixSei || (type >= 41 && type <= 44) || (type >= 48 && type <= 55);
    },
  },
};

function isH264Picture(type: number): boolean {
  return type === NalType.slice || type === NalType.partitionA || type === NalType.idr;
}

export interface AnnexBReaderOptions {
  readonly codec: AnnexBCodec;
  /** 30 by default. */
  readonly frameRate?: number;
}

/**
 * Units before the first picture (parameter sets) belong to its access unit; what follows the last picture belongs to that. `truncated` stays
 * false: the format does not tell where it should end.
 */
export class AnnexBFileReader extends RecordReader<AccessUnitFrame> {
  private readonly rules: NalRules;
  private readonly frameUs: number;
  private readonly frame: AccessUnitFrame = { data: new Uint8Array(0), timeUs: 0, keyframe: false };
  private frames = 0;
  /** Where the search for start codes goes on. */
  private scan = 0;
  private begun = false;
  private hasPicture = false;
  private keyframe = false;

  constructor(private readonly options: AnnexBReaderOptions) {
    super();
    this.rules = RULES[options.codec];
    this.frameUs = 1e6 / (options.frameRate ?? 30);
  }

  next(): AccessUnitFrame | undefined {
    this.scan -= this.taken;
    this.dropTaken();
    const buf = this.queue.peek(0, this.queue.length);
    for (;;) {
      const nal = afterStartCode(buf, this.scan, buf.length);
      if (nal > buf.length) return this.withoutStartCode(buf);
      if (nal + this.rules.headBytes > buf.length && !this.queue.ended) return this.wait(nal - 3);
      const cut = this.startOf(buf, nal);
      this.scan = nal;
      if (this.hasPicture && this.rules.begins(buf, nal)) {
        this.scan = cut;
        return this.take(buf, cut);
      }
      this.note(buf, nal);
    }
  }

  /** Of the start code before `nal`, its zero_byte included. */
  private startOf(buf: Uint8Array, nal: number): number {
    const code = nal - 3;
    if (!this.begun) {
      for (let i = 0; i < code; i++) if (buf[i] !== 0) throw this.noStart(i);
      this.begun = true;
    }
    return code > 0 && buf[code - 1] === 0 ? code - 1 : code;
  }

  private note(buf: Uint8Array, nal: number): void {
    if (!this.rules.isPicture(buf, nal)) return;
    this.hasPicture = true;
    if (this.rules.isKeyframe(buf, nal)) this.keyframe = true;
  }

  private withoutStartCode(buf: Uint8Array): AccessUnitFrame | undefined {
    if (!this.queue.ended) return this.wait(Math.max(this.scan, buf.length - 2));
    if (!this.begun && buf.length > 0) throw this.noStart(0);
    return this.hasPicture ? this.take(buf, buf.length) : undefined;
  }

  private wait(scan: number): undefined {
    this.scan = scan;
    if (this.queue.length <= MAX_FRAME_BYTES) return undefined;
    if (!this.begun) throw this.noStart(0);
    throw new FileFormatError(
      "TOO_LARGE",
      this.options.codec,
      this.queue.fileOffset,
      `an access unit of more than ${MAX_FRAME_BYTES} bytes`,
    );
  }

  private take(buf: Uint8Array, bytes: number): AccessUnitFrame {
    this.frame.data = buf.subarray(0, bytes);
    this.frame.timeUs = this.frames++ * this.frameUs;
    this.frame.keyframe = this.keyframe;
    this.hasPicture = false;
    this.keyframe = false;
    this.taken = bytes;
    return this.frame;
  }

  private noStart(at: number): FileFormatError {
    return new FileFormatError(
      "NOT_THIS_FORMAT",
      this.options.codec,
      this.queue.fileOffset + at,
      "no start code (00 00 01) where the stream must begin",
    );
  }
}
