/** Files of every format: whatever the bytes and however they were cut into chunks, frames lie inside and errors are FileFormatErrors. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { AnnexBFileReader } from "../../../src/protocol/files/annexb.js";
import { FileFormatError } from "../../../src/protocol/files/file_format_error.js";
import type { FrameReader } from "../../../src/protocol/files/frame_reader.js";
import { IvfReader, IvfWriter } from "../../../src/protocol/files/ivf.js";
import { OggOpusReader, OggOpusWriter } from "../../../src/protocol/files/ogg_opus.js";
import { PcapReader, pcapHeader, pcapRecord } from "../../../src/protocol/files/pcap.js";
import { WavReader, wavHeader } from "../../../src/protocol/files/wav.js";
import { Y4M_FRAME_LINE, Y4mReader, y4mHeader } from "../../../src/protocol/files/y4m.js";
import { RtpDumpError, RtpDumpReader } from "../../../src/protocol/rtpdump/rtpdump.js";
import { type FuzzTarget, inputsIn, root, unlessRefused } from "../target.js";

const READERS: readonly (() => FrameReader)[] = [
  () => new IvfReader(),
  () => new OggOpusReader(),
  () => new PcapReader(),
  () => new AnnexBFileReader({ codec: "H264" }),
  () => new AnnexBFileReader({ codec: "H265" }),
  () => new WavReader(),
  () => new Y4mReader(),
];

/** What comes out, frame by frame, and how it ended. */
function read(make: () => FrameReader, input: Uint8Array, chunkBytes: number): string[] {
  const reader = make();
  const out: string[] = [];
  const drain = () => {
    for (let frame = reader.next(); frame; frame = reader.next()) {
      // 8 bits of a sound become 16.
      assert.ok(frame.data.length <= 2 * input.length);
      assert.ok(Number.isFinite(frame.timeUs));
      out.push(`${frame.timeUs} ${Buffer.from(frame.data).toString("base64")}`);
      assert.ok(out.length <= input.length);
    }
  };
  const done = unlessRefused(() => {
    for (let at = 0; at < input.length; at += chunkBytes) {
      reader.push(input.subarray(at, at + chunkBytes));
      drain();
    }
    reader.end();
    drain();
    return true;
  }, FileFormatError);
  out.push(done ? `end ${reader.truncated}` : "refused");
  return out;
}

function oggFile(): Uint8Array {
  const writer = new OggOpusWriter({ channels: 1 });
  const packet = Uint8Array.of(0x78, 1, 2, 3);
  const pages = [writer.header(), writer.packet(packet), writer.packet(packet, 960), writer.finish()];
  return Uint8Array.from(pages.flatMap((page) => [...page]));
}

function ivfFile(): Uint8Array {
  const writer = new IvfWriter({ codec: "VP8", width: 16, height: 16 });
  const frame = Uint8Array.of(1, 2, 3);
  return Uint8Array.from([
    ...writer.header(),
    ...writer.frameHeader(3, 0),
    ...frame,
    ...writer.frameHeader(3, 40_000),
    ...frame,
  ]);
}

function pcapFile(): Uint8Array {
  const ends = [
    ["10.0.0.1", "10.0.0.2"],
    ["::1", "fe80::1"],
  ];
  const records = ends.flatMap(([from, to]) => [
    ...pcapRecord(Uint8Array.of(1, 2), 1e15, { address: from, port: 1 }, { address: to, port: 2 }),
  ]);
  return Uint8Array.from([...pcapHeader(), ...records]);
}

function wavFile(): Uint8Array {
  const samples = new Uint8Array(400).fill(3);
  const list = [...Buffer.from("LIST"), 3, 0, 0, 0, 1, 2, 3, 0];
  const header = [...wavHeader({ channels: 2, sampleRate: 8000 }, samples.length)];
  return Uint8Array.from([...header.slice(0, 12), ...list, ...header.slice(12), ...samples]);
}

function y4mFile(): Uint8Array {
  const picture = [...Y4M_FRAME_LINE, 1, 2, 3, 4, 128, 129];
  return Uint8Array.from([...y4mHeader({ width: 2, height: 2, frameRate: 29.97 }), ...picture, ...picture]);
}

export const target: FuzzTarget = {
  name: "files",
  sources: ["src/protocol/files/", "src/protocol/rtpdump/"],
  maxBytes: 1500,
  words: [
    "OggS",
    "OpusHead",
    "OpusTags",
    "DKIF",
    "VP80",
    "VP90",
    "AV01",
    "RIFF",
    "WAVE",
    "fmt ",
    "data",
    "YUV4MPEG2 ",
    "FRAME\n",
    " C420jpeg",
  ],
  seeds: () => [
    oggFile(),
    ivfFile(),
    pcapFile(),
    wavFile(),
    y4mFile(),
    ...inputsIn(join(root, "test/fixtures/rtp")).map((file) => file.slice(0, 900)),
  ],
  run(input) {
    for (const make of READERS) {
      const whole = read(make, input, input.length || 1);
      assert.deepEqual(read(make, input, 7), whole, "chunks make no difference");
    }
    const packets = unlessRefused(() => [...new RtpDumpReader(input)], RtpDumpError);
    for (const { data } of packets ?? []) assert.ok(data.length <= input.length);
  },
};
