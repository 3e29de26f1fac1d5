import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AnnexBFileReader,
  AnnexBFileWriter,
  FileFormatError,
  type FileFrame,
  type FrameReader,
  framesOf,
  IvfFileWriter,
  IvfReader,
  OggOpusFileWriter,
  OggOpusReader,
  type OpusFrame,
  PcapFileWriter,
  PcapReader,
  RtpDumpFileWriter,
  RtpDumpReader,
  readerOf,
  WavFileWriter,
  type WavFrame,
  WavReader,
  Y4mFileWriter,
  Y4mReader,
} from "../../../src/media/files/index.js";
import { MediaError } from "../../../src/media/media_error.js";
import { ffmpeg, probe } from "../../support/ffmpeg.js";

const sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];

const FIXTURES = new URL("../../../../test/fixtures/rtp/", import.meta.url).pathname;

interface Kept extends FileFrame {
  readonly keyframe?: boolean;
}

async function all<F extends FileFrame>(path: string, reader: FrameReader<F>): Promise<(F & Kept)[]> {
  const frames: (F & Kept)[] = [];
  for await (const frame of framesOf(path, reader)) frames.push({ ...frame, data: frame.data.slice() });
  return frames;
}

const times = (frames: readonly FileFrame[]) => frames.map(({ timeUs }) => Math.round(timeUs));

describe("media files against FFmpeg", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-files-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [codec, name, frameUs] of [
    ["VP8", "vp8_libvpx.ivf", 1e6 / 15],
    ["VP9", "vp9_libvpx.ivf", 1e6 / 15],
    ["AV1", "av1_libaom.ivf", 1e6 / 25],
  ] as const)
    it(`IVF of ${codec}: what FFmpeg wrote we read, what we write FFmpeg decodes`, async () => {
      const reader = new IvfReader();
      const frames = await all(join(FIXTURES, name), reader);
      const { header } = reader;
      assert.ok(header);
      assert.equal(header.codec, codec);
      assert.deepEqual(
        times(frames),
        frames.map((_, i) => Math.round(i * frameUs)),
      );
      const { width, height } = header;
      const writer = new IvfFileWriter(at("out.ivf"), { codec, width, height });
      for (const { data, timeUs } of frames) writer.write(data, timeUs);
      writer.close();
      const [stream] = probe(at("out.ivf")).streams;
      assert.deepEqual([stream.codec_name, stream.nb_read_frames], [codec.toLowerCase(), `${frames.length}`]);
      assert.equal(readFileSync(at("out.ivf")).readUInt32LE(24), frames.length);
    });

  for (const [codec, name, count, interval] of [
    ["H264", "h264_x264_two_slices.h264", 20, 10],
    ["H265", "h265_x265.h265", 12, 6],
  ] as const)
    it(`${codec} byte stream: access units as FFmpeg counts them, and back`, async () => {
      const path = join(FIXTURES, name);
      const frames = await all(path, readerOf(path, 25));
      assert.equal(frames.length, count);
      assert.deepEqual(times(frames).slice(0, 3), [0, 40_000, 80_000]);
      for (const [i, { keyframe }] of frames.entries()) assert.equal(keyframe, i % interval === 0);
      const copy = at(`out.${codec}`);
      const writer = new AnnexBFileWriter(copy);
      for (const { data } of frames) writer.write(data);
      writer.close();
      assert.deepEqual(readFileSync(copy), readFileSync(path));
      assert.equal(probe(copy).streams[0].nb_read_frames, `${count}`);
    });

  it("Ogg Opus: times with pre-skip and end trimming, packets cut over pages, and back", async () => {
    ffmpeg(
      ...sound,
      "-t",
      "2.345",
      "-ac",
      "2",
      "-c:a",
      "libopus",
      "-b:a",
      "510k",
      "-vbr",
      "off",
      at("in.opus"),
    );
    const reader = new OggOpusReader();
    const frames = await all(at("in.opus"), reader);
    assert.ok(reader.head && !reader.truncated);
    assert.deepEqual([reader.head.channels, reader.head.preSkip, reader.bytesSkipped], [2, 312, 0]);
    assert.equal(times(frames)[0], -6500);
    assert.equal(times(frames)[1], 13_500);
    const last = frames[frames.length - 1];
    const endUs = last.timeUs + last.durationUs - (reader.endTrimSamples * 1000) / 48;
    assert.ok(Math.abs(endUs - 2_345_000) < 1000, `${endUs}`);

    const writer = new OggOpusFileWriter(at("out.opus"), { channels: 2, serial: 77 });
    for (const { data } of frames) writer.write(data);
    writer.close();
    const probed = probe(at("out.opus"));
    assert.equal(probed.streams[0].nb_read_packets, `${frames.length}`);
    assert.ok(Math.abs(Number(probed.format.duration) - frames.length * 0.02) < 0.01);
    assert.deepEqual(
      (await all(at("out.opus"), new OggOpusReader())).map(({ data }) => data),
      frames.map(({ data }) => data),
    );
  });

  it("Ogg Opus: what was not received is filled with packets to conceal, and FFmpeg decodes as much time", async () => {
    ffmpeg(...sound, "-t", "1", "-c:a", "libopus", at("in.opus"));
    const packets = await all(at("in.opus"), new OggOpusReader());
    const writer = new OggOpusFileWriter(at("gap.opus"), { channels: 1 });
    packets.forEach(({ data }, i) => {
      writer.write(data, i === 20 ? 9700 : 0);
    });
    writer.close();
    const frames = await all(at("gap.opus"), new OggOpusReader());
    const lastUs = packets[packets.length - 1].timeUs + 200_000;
    assert.ok(Math.abs(frames[frames.length - 1].timeUs - lastUs) < 1);
    const duration = Number(probe(at("gap.opus")).format.duration);
    assert.ok(Math.abs(duration - (packets.length * 0.02 + 0.2)) < 0.01, `${duration}`);
  });

  it("Ogg Opus: a damaged page is left out and the times behind it stay true", async () => {
    ffmpeg(...sound, "-t", "5", "-c:a", "libopus", "-page_duration", "500000", at("in.opus"));
    const whole = await all(at("in.opus"), new OggOpusReader());
    const bytes = readFileSync(at("in.opus"));
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(at("damaged.opus"), bytes);
    const reader = new OggOpusReader();
    const frames = (await all(at("damaged.opus"), reader)) as OpusFrame[];
    assert.ok(reader.bytesSkipped > 0);
    assert.ok(frames.length < whole.length && frames.length >= whole.length - 27);
    const known = new Map(whole.map(({ data, timeUs }) => [Buffer.from(data).toString("hex"), timeUs]));
    for (const { data, timeUs } of frames) assert.equal(timeUs, known.get(Buffer.from(data).toString("hex")));
  });

  it("pcap: datagrams of both families come back, with addresses, ports and times", async () => {
    const writer = new PcapFileWriter(at("out.pcap"));
    const ends = [
      [
        { address: "10.0.0.1", port: 5004 },
        { address: "10.0.0.2", port: 6000 },
      ],
      [
        { address: "2001:db8::1", port: 1 },
        { address: "::1", port: 65_535 },
      ],
    ] as const;
    const payloads = [Buffer.from("one"), Buffer.alloc(1400, 7), Buffer.alloc(0)];
    for (const [from, to] of ends)
      payloads.forEach((data, i) => {
        writer.write(data, 1_700_000_000_000_000 + i * 20_000, from, to);
      });
    writer.close();
    const reader = new PcapReader();
    const read: unknown[] = [];
    for await (const { data, timeUs, source, destination } of framesOf(at("out.pcap"), reader))
      read.push([Buffer.from(data), timeUs, { ...source }, { ...destination }]);
    assert.deepEqual(
      read,
      ends.flatMap(([from, to]) =>
        payloads.map((data, i) => [data, 1_700_000_000_000_000 + i * 20_000, from, to]),
      ),
    );
    assert.equal(reader.recordsSkipped, 0);
  });

  it("Y4M: pictures FFmpeg wrote come back bit for bit, with its times, and a wrong length is refused", async () => {
    const raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p"];
    const scene = ["-f", "lavfi", "-i", "testsrc=size=65x47:rate=30000/1001", "-frames:v", "3"];
    ffmpeg(...scene, "-pix_fmt", "yuv420p", at("in.y4m"));
    ffmpeg("-i", at("in.y4m"), ...raw, at("in.yuv"));
    const reader = new Y4mReader();
    const pictures = await all(at("in.y4m"), reader);
    assert.deepEqual([reader.header?.width, reader.header?.height], [65, 47]);
    assert.deepEqual(times(pictures), [0, 33_367, 66_733]);
    assert.deepEqual(Buffer.concat(pictures.map(({ data }) => data)), readFileSync(at("in.yuv")));
    const writer = new Y4mFileWriter(at("out.y4m"), { width: 65, height: 47, frameRate: 29.97 });
    for (const { data } of pictures) writer.write(data);
    assert.throws(() => writer.write(new Uint8Array(65 * 47)), RangeError);
    writer.close();
    ffmpeg("-i", at("out.y4m"), ...raw, at("out.yuv"));
    assert.deepEqual(readFileSync(at("out.yuv")), readFileSync(at("in.yuv")));
  });

  for (const [codec, channels, rate, tolerance] of [
    ["pcm_u8", 1, 8000, 256],
    ["pcm_s24le", 6, 48_000, 1],
  ] as const)
    it(`WAV of ${codec}: what FFmpeg wrote we read in pieces, what we write FFmpeg reads`, async () => {
      const settings = ["-ac", `${channels}`, "-ar", `${rate}`, "-t", "0.33"];
      ffmpeg(...sound, ...settings, "-c:a", codec, at("in.wav"));
      ffmpeg("-i", at("in.wav"), "-f", "s16le", at("in.pcm"));
      const reader = new WavReader();
      const pieces: WavFrame[] = [];
      for await (const piece of framesOf(at("in.wav"), reader))
        pieces.push({ ...piece, samples: piece.samples.slice() });
      assert.deepEqual([reader.format?.channels, reader.format?.sampleRate], [channels, rate]);
      assert.deepEqual(times(pieces).slice(0, 3), [0, 20_000, 40_000]);
      const samples = pieces.flatMap((piece) => [...piece.samples]);
      const expected = readFileSync(at("in.pcm"));
      assert.equal(samples.length, expected.length / 2);
      for (const [i, sample] of samples.entries())
        assert.ok(Math.abs(sample - expected.readInt16LE(2 * i)) <= tolerance, `sample ${i}: ${sample}`);
      const writer = new WavFileWriter(at("out.wav"), { channels, sampleRate: rate });
      for (const piece of pieces) writer.write(piece.samples);
      writer.close();
      const [stream] = probe(at("out.wav")).streams;
      assert.deepEqual([stream.codec_name, stream.channels], ["pcm_s16le", channels]);
      ffmpeg("-i", at("out.wav"), "-f", "s16le", at("out.pcm"));
      assert.deepEqual(readFileSync(at("out.pcm")), Buffer.from(Int16Array.from(samples).buffer));
    });

  it("rtpdump: packets come back with their times, RTCP told apart", () => {
    const startUs = 1_700_000_000_000_000;
    const writer = new RtpDumpFileWriter(at("out.rtpdump"), startUs, { address: "10.0.0.1", port: 5004 });
    writer.write(Uint8Array.of(0x80, 96, 0, 1), startUs + 20_000);
    writer.write(Uint8Array.of(0x80, 200, 0, 0), startUs + 31_000, true);
    writer.close();
    const bytes = readFileSync(at("out.rtpdump"));
    const reader = new RtpDumpReader(bytes);
    assert.equal(reader.startUnixUs, startUs);
    assert.match(bytes.toString("latin1"), /^#!rtpplay1\.0 10\.0\.0\.1\/5004\n/);
    assert.deepEqual(
      [...reader].map(({ offsetMs, rtcp, data }) => [offsetMs, rtcp, data[1]]),
      [
        [20, false, 96],
        [31, true, 200],
      ],
    );
  });

  it("files cut off in the middle give what is whole, and say so", async () => {
    const bytes = readFileSync(join(FIXTURES, "vp8_libvpx.ivf"));
    writeFileSync(at("cut.ivf"), bytes.subarray(0, bytes.length - 3));
    const reader = new IvfReader();
    assert.equal((await all(at("cut.ivf"), reader)).length, 11);
    assert.ok(reader.truncated);
  });

  it("files of another format are refused with the offset and what was found", async () => {
    writeFileSync(at("not.ivf"), "this is a text, not a film; it is long enough for a header");
    const endings = ["ivf", "opus", "h264", "h265", "pcap", "wav", "y4m"];
    for (const ending of endings) {
      writeFileSync(at(`not.${ending}`), readFileSync(at("not.ivf")));
      await assert.rejects(all(at(`not.${ending}`), readerOf(`not.${ending}`)), (error) => {
        assert.ok(error instanceof FileFormatError, `${error}`);
        assert.equal(error.code, "NOT_THIS_FORMAT");
        assert.match(error.message, /file, offset 0: /);
        return true;
      });
    }
    assert.throws(() => readerOf("film.avi"), MediaError);
    await assert.rejects(all(at("missing.ivf"), new IvfReader()), MediaError);
  });

  it("a frame that claims to be endless is refused, not waited for", () => {
    const reader = new IvfReader();
    const header = Buffer.alloc(44);
    header.write("DKIF");
    header.writeUInt16LE(32, 6);
    header.write("VP80", 8);
    header.writeUInt32LE(30, 16);
    header.writeUInt32LE(1, 20);
    header.writeUInt32LE(0xffff_ffff, 32);
    reader.push(header);
    assert.throws(
      () => reader.next(),
      /IVF file, offset 32: a frame of 4294967295 bytes; allowed are 16777216/,
    );
    const annexB = new AnnexBFileReader({ codec: "H264" });
    annexB.push(Buffer.from([0, 0, 1, 0x65, 0x88]));
    annexB.push(Buffer.alloc(17 << 20, 1));
    assert.throws(() => annexB.next(), FileFormatError);
  });
});
