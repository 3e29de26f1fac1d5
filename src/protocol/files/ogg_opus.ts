/** Opus in Ogg (RFC 7845): one logical stream of Opus packets, each with its time by the granule positions. */
import { MAX_PACKET_SAMPLES, opusFrameCount, opusPacketSamples } from "../opus/toc.js";
import { FileFormatError } from "./file_format_error.js";
import type { FileFrame, FrameReader } from "./frame_reader.js";
import { OggFlag, type OggPage, OggPageReader, OggPageWriter } from "./ogg_page.js";

const HEAD = "OpusHead";
const TAGS = "OpusTags";
const HEAD_BYTES = 19;
/** 255 streams of 48 frames (RFC 7845 §6 names 7.7 MB at most; nothing honest of two channels is longer than this). */
const MAX_PACKET_BYTES = 1 << 17;
const SAMPLES_PER_MS = 48;
/** A page a second at most, so that a killed writer loses no more (RFC 7845 §3 recommends it too). */
const PAGE_SAMPLES = 48_000;

export interface OpusHead {
  readonly channels: number;
  /** Samples at 48 kHz to leave out at the beginning of what is decoded. */
  readonly preSkip: number;
  /** Of the sound before it was coded; for information. */
  readonly inputSampleRate: number;
  /** In 1/256 dB. */
  readonly outputGain: number;
  /** 0: mono or stereo. */
  readonly mappingFamily: number;
}

export interface OpusFrame extends FileFrame {
  durationUs: number;
}

/**
 * Reads the first Opus stream of a file; pages of other streams are passed over. `timeUs` is when the packet's first sample is heard, below 0
 * for what the pre-skip drops. Damaged pages and packets cut by them are left out and counted; the times behind them stay true.
 */
export class OggOpusReader implements FrameReader<OpusFrame> {
  truncated = false;
  /** Undefined until it is here. */
  head: OpusHead | undefined;
  /** Packets that were cut or malformed. */
  packetsDropped = 0;
  /** Samples of the last packet that are not to be heard (RFC 7845 §4.4); known after the last packet. */
  endTrimSamples = 0;
  private readonly pages = new OggPageReader();
  private readonly frame: OpusFrame = { data: new Uint8Array(0), timeUs: 0, durationUs: 0 };
  private serial = -1;
  private sequence = 0;
  private tagsSeen = false;
  private ended = false;
  private page: OggPage | undefined;
  private segment = 0;
  private bodyAt = 0;
  /** A packet that goes on with the next page. */
  private partial = new Uint8Array(0);
  private hasPartial = false;
  /** Samples before the next packet; NaN: to be found by the page's granule position. */
  private position = Number.NaN;

  push(chunk: Uint8Array): void {
    this.pages.queue.append(chunk);
  }

  end(): void {
    this.pages.queue.ended = true;
  }

  get bytesSkipped(): number {
    return this.pages.bytesSkipped;
  }

  next(): OpusFrame | undefined {
    for (;;) {
      if (this.page === undefined && !this.openPage()) return undefined;
      const packet = this.nextPacket();
      if (packet === undefined) this.closePage();
      else if (this.takePacket(packet)) return this.frame;
    }
  }

  /** The next page of our stream. */
  private openPage(): boolean {
    for (let page = this.pages.next(); page; page = this.pages.next()) {
      if (this.serial < 0) this.findStream(page);
      if (page.serial !== this.serial || this.ended) continue;
      const gap = page.sequence !== this.sequence;
      this.sequence = (page.sequence + 1) >>> 0;
      if (gap || (page.flags & OggFlag.continued) === 0) this.dropPartial();
      if (gap) this.position = Number.NaN;
      this.page = page;
      this.segment = 0;
      this.bodyAt = 0;
      if ((page.flags & OggFlag.continued) !== 0 && !this.hasPartial) this.skipContinuation(page);
      if (this.tagsSeen && Number.isNaN(this.position)) this.position = this.positionBy(page);
      return true;
    }
    if (this.pages.queue.ended) this.atEnd();
    return false;
  }

  private atEnd(): void {
    if (this.head === undefined)
      throw bad(
        "NOT_THIS_FORMAT",
        0,
        `no page that begins an Opus stream in ${this.pages.queue.fileOffset} bytes`,
      );
    this.truncated = !this.ended;
  }

  private findStream(page: OggPage): void {
    if ((page.flags & OggFlag.first) === 0 || !begins(page.body, HEAD)) return;
    this.head = parseHead(page.body, this.pages.queue.fileOffset);
    this.serial = page.serial;
    this.sequence = page.sequence;
  }

  /** Where the page's first packet begins, by the position at its end (RFC 7845 §4.3). */
  private positionBy(page: OggPage): number {
    let samples = 0;
    let at = this.bodyAt;
    for (let segment = this.segment; segment < page.lacing.length; ) {
      const bytes = packetBytes(page.lacing, segment);
      segment += Math.floor(bytes / 255) + 1;
      if (segment > page.lacing.length) break;
      samples += opusPacketSamples(page.body, at, bytes);
      at += bytes;
    }
    if (page.granule < 0) return Number.NaN;
    // A last page may end before its packets do.
    return (page.flags & OggFlag.last) !== 0 ? Math.max(0, page.granule - samples) : page.granule - samples;
  }

  /** The rest of a packet whose beginning was lost. */
  private skipContinuation(page: OggPage): void {
    this.packetsDropped++;
    while (this.segment < page.lacing.length) {
      const bytes = page.lacing[this.segment++];
      this.bodyAt += bytes;
      if (bytes < 255) return;
    }
  }

  private nextPacket(): Uint8Array | undefined {
    const { page } = this;
    if (page === undefined || this.segment >= page.lacing.length) return undefined;
    const bytes = packetBytes(page.lacing, this.segment);
    const whole = this.segment + Math.floor(bytes / 255) < page.lacing.length;
    const data = page.body.subarray(this.bodyAt, this.bodyAt + bytes);
    this.segment += whole ? Math.floor(bytes / 255) + 1 : Math.floor(bytes / 255);
    this.bodyAt += bytes;
    if (whole && !this.hasPartial) return data;
    this.extendPartial(data);
    if (!whole) return undefined;
    this.hasPartial = false;
    return this.partial;
  }

  private extendPartial(data: Uint8Array): void {
    const before = this.hasPartial ? this.partial : new Uint8Array(0);
    const joined = new Uint8Array(before.length + data.length);
    if (joined.length > MAX_PACKET_BYTES)
      throw bad("TOO_LARGE", this.pages.queue.fileOffset, `a packet of more than ${MAX_PACKET_BYTES} bytes`);
    joined.set(before);
    joined.set(data, before.length);
    this.partial = joined;
    this.hasPartial = true;
  }

  private dropPartial(): void {
    if (this.hasPartial) this.packetsDropped++;
    this.hasPartial = false;
  }

  private closePage(): void {
    const { page } = this;
    if (page !== undefined && (page.flags & OggFlag.last) !== 0) {
      this.ended = true;
      if (page.granule >= 0 && this.position > page.granule)
        this.endTrimSamples = this.position - page.granule;
    }
    this.page = undefined;
  }

  private takePacket(packet: Uint8Array): boolean {
    if (begins(packet, HEAD) && !this.tagsSeen) return false;
    if (!this.tagsSeen) {
      // RFC 7845 §5.2: the second packet is the comment header, whatever it says.
      this.tagsSeen = true;
      return false;
    }
    const samples = opusPacketSamples(packet, 0, packet.length);
    if (samples === 0) {
      this.packetsDropped++;
      return false;
    }
    if (Number.isNaN(this.position)) this.position = 0;
    this.frame.data = packet;
    this.frame.timeUs = ((this.position - (this.head?.preSkip ?? 0)) * 1000) / SAMPLES_PER_MS;
    this.frame.durationUs = (samples * 1000) / SAMPLES_PER_MS;
    this.position += samples;
    return true;
  }
}

/** Bytes of the packet that begins with this segment, as far as the page holds it. */
function packetBytes(lacing: Uint8Array, segment: number): number {
  let bytes = 0;
  for (let i = segment; i < lacing.length; i++) {
    bytes += lacing[i];
    if (lacing[i] < 255) break;
  }
  return bytes;
}

function begins(packet: Uint8Array, magic: string): boolean {
  if (packet.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) if (packet[i] !== magic.charCodeAt(i)) return false;
  return true;
}

/** RFC 7845 §5.1. */
function parseHead(packet: Uint8Array, offset: number): OpusHead {
  if (packet.length < HEAD_BYTES)
    throw bad(
      "BAD_FIELD",
      offset,
      `an identification header of ${packet.length} bytes; needed are ${HEAD_BYTES}`,
    );
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const version = packet[8];
  if (version >> 4 !== 0) throw bad("BAD_FIELD", offset, `version ${version}; allowed are 0 to 15`);
  const head = {
    channels: packet[9],
    preSkip: view.getUint16(10, true),
    inputSampleRate: view.getUint32(12, true),
    outputGain: view.getInt16(16, true),
    mappingFamily: packet[18],
  };
  const most = head.mappingFamily === 0 ? 2 : 255;
  if (head.channels < 1 || head.channels > most)
    throw bad("BAD_FIELD", offset, `${head.channels} channels; allowed are 1 to ${most}`);
  return head;
}

function bad(code: FileFormatError["code"], offset: number, what: string): FileFormatError {
  return new FileFormatError(code, "Ogg Opus", offset, what);
}

export interface OggOpusWriterOptions {
  readonly channels: 1 | 2;
  /** Samples at 48 kHz that a player drops; 312 by default, libopus' look-ahead. */
  readonly preSkip?: number;
  /** Tells logical streams apart; any 32 bits. */
  readonly serial?: number;
}

/** Makes the file's bytes: `header()`, then what `packet()` gives, then `finish()`. */
export class OggOpusWriter {
  private readonly pages: OggPageWriter;
  private readonly preSkip: number;
  private position = 0;
  private pageBegan = 0;
  /** Samples of gaps that are not filled yet: less than a frame. */
  private owed = 0;

  constructor(private readonly options: OggOpusWriterOptions) {
    this.pages = new OggPageWriter(options.serial ?? 0);
    this.preSkip = options.preSkip ?? 312;
  }

  /** Identification and comment header, a page each (RFC 7845 §5). */
  header(): Uint8Array {
    this.pages.add(opusHead(this.options.channels, this.preSkip));
    const first = this.pages.finish(OggFlag.first, 0);
    this.pages.add(tags("RoomRTC"));
    return joined([first, this.pages.finish(0, 0)]);
  }

  /**
   * Adds a packet; returns bytes to append, empty while the page fills. `gapSamples`: before it nothing came for so long; packets of empty
   * frames stand in for that, which ask a decoder to conceal (RFC 7845 §4.1). Malformed packets are left out.
   */
  packet(data: Uint8Array, gapSamples = 0): Uint8Array {
    const samples = opusPacketSamples(data, 0, data.length);
    if (samples === 0) return new Uint8Array(0);
    const out: Uint8Array[] = [];
    this.owed += gapSamples;
    const frame = samples / opusFrameCount(data, 0, data.length);
    while (this.owed >= frame) {
      const frames = Math.min(Math.floor(this.owed / frame), Math.floor(MAX_PACKET_SAMPLES / frame));
      this.owed -= frames * frame;
      // Code 3: so many frames of one length, which is 0 here (RFC 6716 §3.2.5).
      this.add(Uint8Array.of(data[0] | 3, frames), frames * frame, out);
    }
    this.add(data, samples, out);
    return joined(out);
  }

  private add(data: Uint8Array, samples: number, out: Uint8Array[]): void {
    const due = this.position - this.pageBegan >= PAGE_SAMPLES;
    if (due && !this.pages.isEmpty) out.push(this.flush(0));
    if (!this.pages.add(data)) {
      out.push(this.flush(0));
      this.pages.add(data);
    }
    this.position += samples;
  }

  /** Writes what is there out as a page; empty without a packet. */
  flushPage(): Uint8Array {
    return this.pages.isEmpty ? new Uint8Array(0) : this.flush(0);
  }

  /** The last page. */
  finish(): Uint8Array {
    return this.flush(OggFlag.last);
  }

  private flush(flags: number): Uint8Array {
    this.pageBegan = this.position;
    return this.pages.finish(flags, this.position);
  }
}

/** The identification header (RFC 7845 §5.1), which Matroska and WebCodecs have as "codec private" and "description" too. */
export function opusHead(channels: 1 | 2, preSkip: number): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  head.set(new TextEncoder().encode(HEAD));
  head[8] = 1;
  head[9] = channels;
  view.setUint16(10, preSkip, true);
  view.setUint32(12, 48_000, true);
  return head;
}

/** RFC 7845 §5.2: a vendor and no comments. */
function tags(vendor: string): Uint8Array {
  const out = new Uint8Array(TAGS.length + 4 + vendor.length + 4);
  out.set(new TextEncoder().encode(TAGS));
  new DataView(out.buffer).setUint32(TAGS.length, vendor.length, true);
  out.set(new TextEncoder().encode(vendor), TAGS.length + 4);
  return out;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
