import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "../../native/addon.js";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import { WavFileWriter } from "../../src/media/sinks/wav_writer.js";
import { resample } from "../../src/media/sources/resample.js";
import { ToneSource } from "../../src/media/sources/tone_source.js";
import { parseWav, WavFileSource } from "../../src/media/sources/wav_file.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";

function tone(hz: number, seconds: number, rate = 48_000): Int16Array {
  return Int16Array.from(
    { length: seconds * rate },
    (_, i) => 10_000 * Math.sin((2 * Math.PI * hz * i) / rate),
  );
}

function detect(pcm: Int16Array, channels = 1): number {
  const detector = new ToneDetector();
  detector.add(pcm, channels, pcm.length / channels);
  return detector.frequencyHz();
}

describe("ToneDetector", () => {
  it("finds tones within 1 Hz from 50 Hz to 15 kHz", () => {
    for (const hz of [50, 261.63, 440, 997, 1234.5, 5000, 15_000]) {
      assert.ok(Math.abs(detect(tone(hz, 0.3)) - hz) < 1, `${hz}: ${detect(tone(hz, 0.3))}`);
    }
  });

  it("finds a tone that Opus coded at 24 kbit/s", () => {
    const source = new ToneSource(660, 1);
    const encoder = new native.OpusEncoder({ sampleRate: 48_000, channels: 1, bitrateBps: 24_000 });
    const decoder = new native.OpusDecoder({ sampleRate: 48_000, channels: 1 });
    const detector = new ToneDetector();
    const pcm = new Int16Array(960);
    const packet = new Uint8Array(1500);
    for (let i = 0; i < 25; i++) {
      source.read(pcm);
      const bytes = encoder.encode(pcm, packet);
      assert.equal(decoder.decode(packet.subarray(0, bytes), pcm), 960);
      detector.add(pcm, 1, 960);
    }
    assert.ok(Math.abs(detector.frequencyHz() - 660) < 2, `heard ${detector.frequencyHz()}`);
    encoder.close();
    decoder.close();
  });

  it("hears no tone in silence, in noise and before there is enough sound", () => {
    const seed = 77;
    const random = seededRandom(seed);
    const noise = Int16Array.from({ length: 16_384 }, () => (random.uint32() & 0x3fff) - 0x2000);
    assert.equal(detect(new Int16Array(16_384)), 0);
    assert.equal(detect(noise), 0, `seed ${seed}`);
    assert.equal(detect(tone(440, 0.1)), 0);
  });

  it("averages channels", () => {
    const pcm = new Int16Array(16_384 * 2);
    new ToneSource(880, 2).read(pcm);
    assert.ok(Math.abs(detect(pcm, 2) - 880) < 1);
  });
});

describe("resample", () => {
  it("keeps a tone's pitch and level from 44.1 and 16 kHz to 48 kHz", () => {
    for (const rate of [44_100, 16_000]) {
      const out = resample(tone(1000, 0.5, rate), 1, rate, 48_000);
      assert.equal(out.length, 24_000);
      assert.ok(Math.abs(detect(out) - 1000) < 1);
      const peak = Math.max(...out.subarray(5000, 15_000));
      assert.ok(Math.abs(peak - 10_000) < 200, `level ${peak}`);
    }
  });

  it("does not fold what the lower rate cannot carry", () => {
    const out = resample(tone(20_000, 0.5), 1, 48_000, 16_000);
    assert.ok(Math.max(...out.subarray(1000, 7000)) < 500);
  });
});

describe("WAV files", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-wav-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("what WavFileWriter writes, WavFileSource plays, looped", () => {
    const path = join(folder, "tone.wav");
    const writer = new WavFileWriter(path, { channels: 1 });
    const pcm = tone(440, 0.25);
    writer.write(pcm);
    writer.close();
    assert.deepEqual(parseWav(readFileSync(path), path), {
      kind: 1,
      bits: 16,
      sampleRate: 48_000,
      channels: 1,
      pcm,
    });
    const source = new WavFileSource(path, true);
    const read = new Int16Array(pcm.length * 2 + 10);
    source.read(read);
    assert.deepEqual(read.subarray(pcm.length, 2 * pcm.length), pcm);
    assert.deepEqual(read.subarray(2 * pcm.length), pcm.subarray(0, 10));
  });

  it("a file that does not loop ends in silence", () => {
    const path = join(folder, "once.wav");
    const writer = new WavFileWriter(path, { channels: 1 });
    writer.write(new Int16Array(100).fill(5));
    writer.close();
    const source = new WavFileSource(path, false);
    const read = new Int16Array(150).fill(9);
    source.read(read);
    assert.equal(read[99], 5);
    assert.equal(read[100], 0);
    assert.equal(read[149], 0);
  });

  it("reads 8, 24 and 32 bits and float", () => {
    for (const [kind, bits, bytes, expected] of [
      [1, 8, [0x80, 0xff, 0x00], [0, 32512, -32768]],
      [1, 24, [0, 0, 0, 0xff, 0xff, 0x7f, 0, 0, 0x80], [0, 32767, -32768]],
      [1, 32, [0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0x80], [0, 32767, -32768]],
      [3, 32, [0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xbf], [0, 32767, -32767]],
    ] as const) {
      const file = wavFile(kind, bits, Uint8Array.from(bytes));
      assert.deepEqual([...parseWav(file, "x.wav").pcm], [...expected], `${kind}/${bits}`);
    }
  });

  it("says what is wrong with a bad file", () => {
    const cases: [Uint8Array, RegExp][] = [
      [Buffer.from("not a wave file at all"), /is no WAVE file/],
      [wavFile(6, 8, new Uint8Array(4)), /format 6 and 8 bits/],
      [wavFile(1, 16, new Uint8Array(0)), /holds no sound/],
    ];
    for (const [bytes, message] of cases) {
      assert.throws(() => parseWav(bytes, "x.wav"), { code: "BAD_FILE", message });
    }
    const path = join(folder, "cut.wav");
    writeFileSync(path, Buffer.from("RIFF"));
    assert.throws(() => new WavFileSource(path, true), { code: "BAD_FILE" });
  });

  function wavFile(kind: number, bits: number, data: Uint8Array): Uint8Array {
    const file = Buffer.alloc(44 + data.length);
    file.write("RIFF\0\0\0\0WAVEfmt ", 0, "latin1");
    file.writeUInt32LE(16, 16);
    file.writeUInt16LE(kind, 20);
    file.writeUInt16LE(1, 22);
    file.writeUInt32LE(48_000, 24);
    file.writeUInt16LE(bits, 34);
    file.write("data", 36, "latin1");
    file.writeUInt32LE(data.length, 40);
    file.set(data, 44);
    return file;
  }
});
