/** Encoded media into files: each frame is written as it comes, so that a process that is killed leaves what came before. */
import { closeSync, writeSync } from "node:fs";
import { IvfWriter, type IvfWriterOptions } from "../../protocol/files/ivf.js";
import { OggOpusWriter, type OggOpusWriterOptions } from "../../protocol/files/ogg_opus.js";
import { type PcapEndpoint, pcapHeader, pcapRecord } from "../../protocol/files/pcap.js";
import { openForWriting } from "../sinks/video_sink.js";

/** A file that is appended to. Throws MediaError SINK_FAILED where it cannot be made. */
class AppendedFile {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openForWriting(path);
  }

  append(...parts: readonly Uint8Array[]): void {
    for (const part of parts) if (part.length > 0) writeSync(this.#fd, part);
  }

  overwrite(bytes: Uint8Array, at: number): void {
    writeSync(this.#fd, bytes, 0, bytes.length, at);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** VP8, VP9 or AV1 frames. The frame count in the header is true after `close`. */
export class IvfFileWriter {
  readonly #file: AppendedFile;
  readonly #writer: IvfWriter;

  constructor(path: string, options: IvfWriterOptions) {
    this.#file = new AppendedFile(path);
    this.#writer = new IvfWriter(options);
    this.#file.append(this.#writer.header());
  }

  write(frame: Uint8Array, timeUs: number): void {
    this.#file.append(this.#writer.frameHeader(frame.length, timeUs), frame);
  }

  close(): void {
    this.#file.overwrite(this.#writer.header(), 0);
    this.#file.close();
  }
}

/** Opus packets; a page is written out each second. */
export class OggOpusFileWriter {
  readonly #file: AppendedFile;
  readonly #writer: OggOpusWriter;

  constructor(path: string, options: OggOpusWriterOptions) {
    this.#file = new AppendedFile(path);
    this.#writer = new OggOpusWriter(options);
    this.#file.append(this.#writer.header());
  }

  /** `gapSamples`: samples at 48 kHz before the packet for which nothing came; a decoder conceals them. */
  write(packet: Uint8Array, gapSamples = 0): void {
    this.#file.append(this.#writer.packet(packet, gapSamples));
  }

  close(): void {
    this.#file.append(this.#writer.finish());
    this.#file.close();
  }
}

/** H.264 or H.265 access units that carry their start codes. */
export class AnnexBFileWriter {
  readonly #file: AppendedFile;

  constructor(path: string) {
    this.#file = new AppendedFile(path);
  }

  write(accessUnit: Uint8Array): void {
    this.#file.append(accessUnit);
  }

  close(): void {
    this.#file.close();
  }
}

/** Datagrams, for Wireshark and tcpdump. */
export class PcapFileWriter {
  readonly #file: AppendedFile;

  constructor(path: string) {
    this.#file = new AppendedFile(path);
    this.#file.append(pcapHeader());
  }

  /** `timeUs` is Unix time. */
  write(data: Uint8Array, timeUs: number, from: Readonly<PcapEndpoint>, to: Readonly<PcapEndpoint>): void {
    this.#file.append(pcapRecord(data, timeUs, from, to));
  }

  close(): void {
    this.#file.close();
  }
}
