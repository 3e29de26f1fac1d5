/** Encoded media into files: each frame is written as it comes, so that a process that is killed leaves what came before. */
import { closeSync, writeSync } from "node:fs";
import { IvfWriter, type IvfWriterOptions } from "../../protocol/files/ivf.js";
import { OggOpusWriter, type OggOpusWriterOptions } from "../../protocol/files/ogg_opus.js";
import { type PcapEndpoint, pcapHeader, pcapRecord } from "../../protocol/files/pcap.js";
import { Y4M_FRAME_LINE, type Y4mWriterOptions, y4mHeader } from "../../protocol/files/y4m.js";
import { i420Bytes } from "../../protocol/primitives/i420.js";
import { rtpDumpHeader, rtpDumpRecord } from "../../protocol/rtpdump/rtpdump.js";
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

/** Packets of one stream, for rtptools, Wireshark and libwebrtc's tools. */
export class RtpDumpFileWriter {
  readonly #file: AppendedFile;
  readonly #startUnixUs: number;

  /** `startUnixUs` is when the capture begins, `source` the IPv4 address and port that the packets come from. */
  constructor(
    path: string,
    startUnixUs: number,
    source: Readonly<PcapEndpoint> = { address: "0.0.0.0", port: 0 },
  ) {
    this.#file = new AppendedFile(path);
    this.#startUnixUs = startUnixUs;
    const address = source.address.split(".").map(Number);
    this.#file.append(rtpDumpHeader(startUnixUs, { address, port: source.port }));
  }

  /** `timeUs` is Unix time. */
  write(packet: Uint8Array, timeUs: number, rtcp = false): void {
    const offsetMs = Math.max(0, Math.round((timeUs - this.#startUnixUs) / 1000));
    this.#file.append(rtpDumpRecord(packet, offsetMs, rtcp));
  }

  close(): void {
    this.#file.close();
  }
}

/** Pictures of one size and rate, 8-bit 4:2:0. */
export class Y4mFileWriter {
  readonly #file: AppendedFile;
  readonly #pictureBytes: number;

  constructor(path: string, options: Y4mWriterOptions) {
    this.#file = new AppendedFile(path);
    this.#pictureBytes = i420Bytes(options.width, options.height);
    this.#file.append(y4mHeader(options));
  }

  /** `picture` is I420 without gaps, as an RTCVideoSink's frames are. Throws a RangeError when it has another length. */
  write(picture: Uint8Array): void {
    if (picture.length !== this.#pictureBytes) {
      throw new RangeError(
        `Y4mFileWriter: the picture has ${picture.length} bytes; one of this file has ${this.#pictureBytes}`,
      );
    }
    this.#file.append(Y4M_FRAME_LINE, picture);
  }

  close(): void {
    this.#file.close();
  }
}
