import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "../../native/addon.js";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { codecNumber } from "../../src/media/codecs/codec_name.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { DescriptorFlag } from "../../src/media/ring/layout.js";
import { openVideoSink } from "../../src/media/sinks/video_sink.js";
import { parseAudioSource, parseVideoSink, parseVideoSource } from "../../src/media/source_spec.js";
import { H264FileSource, splitAccessUnits } from "../../src/media/sources/h264_file.js";
import { openVideoSource } from "../../src/media/sources/open_video_source.js";
import { TestPattern } from "../../src/media/sources/test_pattern.js";
import { readY4mHeader, Y4mFileSource } from "../../src/media/sources/y4m_file.js";
import { ImageLayoutCache } from "../../src/media/stages/image_layout.js";

const WIDTH = 320;
const HEIGHT = 180;

describe("video files", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-video-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function pattern() {
    return new TestPattern({ width: WIDTH, height: HEIGHT, frameRate: 25, noise: false, tag: 1 });
  }

  function frameNumberOf(bytes: Uint8Array, picture: Descriptor): number | undefined {
    const luma = bytes.subarray(picture.offsetY);
    return readBlockCode(luma, picture.width, picture.height, picture.strideY)?.frameNumber;
  }

  /** `frames` pictures, each shown 40 ms after the one before. */
  function recordY4m(path: string, shownUs: readonly number[]): void {
    const sink = openVideoSink({ kind: "y4m", path, frameRate: 25 });
    const source = pattern();
    const picture = new Descriptor();
    const bytes = new Uint8Array(source.pictureBytes);
    shownUs.forEach((timeUs, frame) => {
      source.capture(bytes, picture, frame, timeUs);
      picture.playoutUs = timeUs;
      sink?.picture(bytes, picture);
    });
    sink?.close();
  }

  function playY4m(path: string, frames: number): (number | undefined)[] {
    const source = new Y4mFileSource(path, true);
    const picture = new Descriptor();
    // As in the engine: a view over shared memory.
    const bytes = new Uint8Array(new SharedArrayBuffer(source.pictureBytes));
    const found = Array.from({ length: frames }, () => {
      assert.equal(source.capture(bytes, picture, 0, 77), 77);
      return frameNumberOf(bytes, picture);
    });
    source.close();
    return found;
  }

  it("what the Y4M sink writes, the Y4M source plays, looped, at its rate", () => {
    const path = join(folder, "three.y4m");
    recordY4m(path, [1_000_000, 1_040_000, 1_080_000]);
    assert.deepEqual(playY4m(path, 7), [0, 1, 2, 0, 1, 2, 0]);
    const source = new Y4mFileSource(path, true);
    assert.deepEqual([source.width, source.height, source.frameRate], [WIDTH, HEIGHT, 25]);
    source.close();
  });

  it("the Y4M sink keeps the clock: repeats over a pause, leaves out what comes too fast", () => {
    const path = join(folder, "pause.y4m");
    recordY4m(path, [0, 40_000, 160_000, 165_000, 200_000]);
    assert.deepEqual(playY4m(path, 6), [0, 1, 2, 2, 2, 4]);
  });

  it("the Y4M sink refuses a second size with a reason", () => {
    const sink = openVideoSink({ kind: "y4m", path: join(folder, "sizes.y4m"), frameRate: 25 });
    const picture = new Descriptor();
    picture.setI420(64, 48);
    sink?.picture(new Uint8Array(picture.byteLength), picture);
    picture.setI420(32, 24);
    assert.throws(() => sink?.picture(new Uint8Array(picture.byteLength), picture), {
      code: "SINK_FAILED",
      message: /became 32x24/,
    });
    sink?.close();
  });

  it("a Y4M file that does not loop ends with an error that says so", () => {
    const path = join(folder, "one.y4m");
    recordY4m(path, [0]);
    const source = new Y4mFileSource(path, false);
    const bytes = new Uint8Array(source.pictureBytes);
    source.capture(bytes, new Descriptor(), 0, 1);
    assert.throws(() => source.capture(bytes, new Descriptor(), 1, 2), {
      code: "SOURCE_FAILED",
      message: /ended/,
    });
    source.close();
  });

  it("plays a Y4M file up to its last whole picture, whatever its FRAME lines say, and refuses other lines", () => {
    const path = join(folder, "lines.y4m");
    const play = (...pictures: string[]) => {
      writeFileSync(path, `YUV4MPEG2 W2 H2 F25:1\n${pictures.join("")}`);
      const source = new Y4mFileSource(path, true);
      try {
        const bytes = new Uint8Array(source.pictureBytes);
        return Array.from({ length: 4 }, () => {
          source.capture(bytes, new Descriptor(), 0, 1);
          return Buffer.from(bytes).toString();
        });
      } finally {
        source.close();
      }
    };
    const [first, second] = ["FRAME Ip XCOMMENT\naaaaaa", "FRAME\nbbbbbb"];
    assert.deepEqual(play(first, second, "FRAME Ip\nccccc"), ["aaaaaa", "bbbbbb", "aaaaaa", "bbbbbb"]);
    assert.deepEqual(play(second, "FRAME XCUT"), Array(4).fill("bbbbbb"));
    assert.throws(() => play(first, "FRANE\nbbbbbb"), { code: "BAD_FILE", message: /offset 46.*FRAME/ });
    assert.throws(() => play("FRAME\naaaaa"), { code: "BAD_FILE", message: /no complete frame/ });
  });

  it("reads Y4M headers and says what it does not read", () => {
    const header = (text: string) => readY4mHeader(Buffer.from(`${text}\n`), "x.y4m");
    assert.deepEqual(header("YUV4MPEG2 W640 H480 F30000:1001 C420mpeg2 Ip"), {
      width: 640,
      height: 480,
      frameRate: 30_000 / 1001,
      headerBytes: 45,
    });
    for (const [text, message] of [
      ["RIFF", /no YUV4MPEG2/],
      ["YUV4MPEG2 H480 F30:1", /has size/],
      ["YUV4MPEG2 W640 H480 F30:0", /frame rate/],
      ["YUV4MPEG2 W640 H480 F30:1 C444", /colour format C444/],
      ["YUV4MPEG2 W640 H480 F30:1 C420p10", /colour format/],
    ] as const) {
      assert.throws(() => header(text), { code: "BAD_FILE", message });
    }
  });

  /** An H.264 recording of `frames` pictures, made by the H.264 sink. */
  function recordH264(path: string, frames: number): void {
    const source = pattern();
    const sink = openVideoSink({ kind: "h264", path });
    const encoder = new native.H264Encoder({
      width: WIDTH,
      height: HEIGHT,
      frameRate: 25,
      bitrateBps: 1_000_000,
      idrInterval: 0,
      maxNalBytes: 900,
    });
    const picture = new Descriptor();
    const bytes = new Uint8Array(source.pictureBytes);
    const unit = new Uint8Array(200_000);
    const layouts = new ImageLayoutCache();
    for (let frame = 0; frame < frames; frame++) {
      source.capture(bytes, picture, frame, frame * 40_000);
      const length = encoder.encode(bytes, layouts.of(picture), frame * 40_000, frame === 0, unit);
      picture.flags = encoder.lastWasKeyframe ? DescriptorFlag.keyframe : 0;
      sink?.accessUnit(unit.subarray(0, length), picture);
    }
    encoder.close();
    sink?.close();
  }

  it("splits a stream of several slices a picture into its access units", () => {
    const path = join(folder, "slices.h264");
    recordH264(path, 10);
    const stream = readFileSync(path);
    const bounds = splitAccessUnits(stream);
    assert.equal(bounds.length, 20);
    assert.equal(bounds[0], 0);
    assert.equal(bounds.at(-1), stream.length);
    for (let i = 2; i < bounds.length; i += 2) assert.equal(bounds[i], bounds[i - 1]);
    assert.deepEqual(splitAccessUnits(new Uint8Array(0)), []);
    assert.deepEqual(splitAccessUnits(Uint8Array.of(0, 0, 1)), []);
  });

  it("plays an H.264 file looped", () => {
    const path = join(folder, "loop.h264");
    recordH264(path, 5);
    const source = new H264FileSource(path, true, 25);
    assert.deepEqual([source.width, source.height], [WIDTH, HEIGHT]);
    const picture = new Descriptor();
    const bytes = new Uint8Array(source.pictureBytes);
    const shown: (number | undefined)[] = [];
    for (let i = 0; i < 12; i++) {
      if (source.capture(bytes, picture, i, 5) > 0) shown.push(frameNumberOf(bytes, picture));
    }
    source.close();
    assert.deepEqual(shown, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
  });

  it("an H.264 recording starts at the first keyframe", () => {
    const path = join(folder, "late.h264");
    const sink = openVideoSink({ kind: "h264", path });
    const unit = new Descriptor();
    sink?.accessUnit(Uint8Array.of(1, 2, 3), unit);
    unit.flags = DescriptorFlag.keyframe;
    sink?.accessUnit(Uint8Array.of(4, 5), unit);
    unit.flags = 0;
    sink?.accessUnit(Uint8Array.of(6), unit);
    sink?.close();
    assert.deepEqual([...readFileSync(path)], [4, 5, 6]);
  });

  it("an H.264 recording refuses VP8 by name", () => {
    const sink = openVideoSink({ kind: "h264", path: join(folder, "vp8.h264") });
    const unit = new Descriptor();
    unit.flags = DescriptorFlag.keyframe;
    unit.codec = codecNumber("VP8");
    assert.throws(() => sink?.accessUnit(Uint8Array.of(4, 5), unit), {
      code: "SINK_FAILED",
      message: /vp8\.h264.*sends VP8.*\.y4m/,
    });
    sink?.close();
  });

  it("errors name the file or device and what to check", () => {
    const spec = { kind: "file", path: join(folder, "missing.y4m"), loop: true } as const;
    assert.throws(() => openVideoSource(spec), { code: "SOURCE_FAILED", message: /missing\.y4m.*exist/ });
    const junk = join(folder, "junk.h264");
    writeFileSync(junk, Buffer.alloc(1000, 7));
    assert.throws(() => openVideoSource({ kind: "file", path: junk, loop: true }), {
      code: "BAD_FILE",
      message: /no decodable H\.264/,
    });
    const camera = { kind: "v4l2", device: "/dev/video99", width: 640, height: 480, frameRate: 30 } as const;
    assert.throws(
      () => openVideoSource(camera),
      (error: Error) => /\/dev\/video99/.test(error.message),
    );
    assert.throws(() => openVideoSink({ kind: "h264", path: join(folder, "no", "dir.h264") }), {
      code: "SINK_FAILED",
    });
    assert.ok(statSync(junk).size > 0);
  });
});

describe("source and sink texts", () => {
  const defaults = { width: 1280, height: 720, frameRate: 30, tag: 9 };

  it("video", () => {
    assert.deepEqual(parseVideoSource("test", defaults), { kind: "test", noise: false, ...defaults });
    assert.deepEqual(parseVideoSource("test:noise", defaults), { kind: "test", noise: true, ...defaults });
    assert.deepEqual(parseVideoSource("file:/a:b.y4m", defaults), {
      kind: "file",
      path: "/a:b.y4m",
      loop: true,
      frameRate: 30,
    });
    assert.equal(parseVideoSource("v4l2:/dev/video0", defaults).kind, "v4l2");
    assert.equal(parseVideoSource("none", defaults).kind, "none");
    for (const text of ["", "test:loud", "file:", "v4l2:", "webcam", "none:"]) {
      assert.throws(() => parseVideoSource(text, defaults), { code: "BAD_SOURCE" }, text);
    }
  });

  it("audio", () => {
    assert.deepEqual(parseAudioSource("tone:880"), { kind: "tone", frequencyHz: 880, channels: 1 });
    assert.deepEqual(parseAudioSource("tone"), { kind: "tone", frequencyHz: 440, channels: 1 });
    assert.equal(parseAudioSource("file:x.wav").kind, "file");
    assert.equal(parseAudioSource("null").kind, "null");
    for (const text of ["tone:5", "tone:x", "tone:99999", "alsa", "file:"]) {
      assert.throws(() => parseAudioSource(text), { code: "BAD_SOURCE" }, text);
    }
  });

  it("recordings, by the file's ending", () => {
    assert.equal(parseVideoSink("a.Y4M", 30).kind, "y4m");
    assert.equal(parseVideoSink("a.264", 30).kind, "h264");
    assert.throws(() => parseVideoSink("a.mp4", 30), { code: "BAD_SINK" });
  });
});
