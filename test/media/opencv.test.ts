import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { openVideoSink } from "../../src/media/sinks/video_sink.js";
import { parseVideoSource } from "../../src/media/source_spec.js";
import { negotiateMode, toFourcc } from "../../src/media/sources/opencv/opencv_mode.js";
import {
  BackEnd,
  CaptureProperty,
  loadOpenCv,
  type OpenCv,
  type OpenCvCapture,
  type OpenCvMat,
} from "../../src/media/sources/opencv/opencv_module.js";
import { OpenCvSource, type OpenCvSourceOptions } from "../../src/media/sources/opencv/opencv_source.js";
import { describeTarget } from "../../src/media/sources/opencv/opencv_target.js";
import { TestPattern } from "../../src/media/sources/test_pattern.js";
import { ffmpeg } from "../support/ffmpeg.js";

const SIZE = { width: 320, height: 180, frameRate: 25 };

/** A camera that has the modes it is made with, and otherwise stays at what it had. */
class MadeUpCamera implements OpenCvCapture {
  readonly properties = new Map<number, number>([[CaptureProperty.frameRate, 15]]);
  #wished = { format: "", width: 0, height: 0 };
  readonly #modes: readonly string[];
  released = 0;

  /** @param modes such as "MJPG 640x480", its own choice first */
  constructor(modes: readonly string[]) {
    this.#modes = modes;
    this.#take(modes[0]);
  }

  get(property: number): number {
    return this.properties.get(property) ?? 0;
  }

  set(property: number, value: number): boolean {
    if (property === CaptureProperty.fourcc) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      this.#wished.format = bytes.toString("latin1");
    }
    if (property === CaptureProperty.width) this.#wished.width = value;
    if (property === CaptureProperty.height) this.#wished.height = value;
    const { format, width, height } = this.#wished;
    const mode = `${format} ${width}x${height}`;
    if (this.#modes.includes(mode)) this.#take(mode);
    return true;
  }

  read(): OpenCvMat {
    return grey(this.get(CaptureProperty.width), this.get(CaptureProperty.height), 255);
  }

  release(): void {
    this.released++;
  }

  #take(mode: string): void {
    const [format, width, height] = mode.split(/[ x]/);
    this.properties.set(CaptureProperty.fourcc, toFourcc(format));
    this.properties.set(CaptureProperty.width, Number(width));
    this.properties.set(CaptureProperty.height, Number(height));
  }
}

function grey(cols: number, rows: number, shade: number): OpenCvMat {
  const bytes = new Uint8Array(cols * rows).fill(shade);
  return {
    cols,
    rows,
    channels: 1,
    type: 0,
    empty: cols === 0,
    getData: () => bytes,
    release: () => undefined,
  };
}

/** An OpenCV that knows one camera, by the back end named. */
function madeUpOpenCv(camera: OpenCvCapture, knownBy: number): OpenCv {
  return {
    VideoCapture: class {
      constructor(_target: string | number, backEnd: number) {
        if (backEnd !== knownBy) throw new Error("failed to open capture");
        // biome-ignore lint/correctness/noConstructorReturn: stands for OpenCV's object
        return camera;
      }
    } as unknown as OpenCv["VideoCapture"],
  };
}

describe("opencv: targets", () => {
  it("are told apart by their text", () => {
    for (const [text, kind, first] of [
      ["0", "device", BackEnd.v4l2],
      ["/films/a.avi", "file", BackEnd.ffmpeg],
      ["1234.mp4", "file", BackEnd.ffmpeg],
      ["rtsp://camera.example/live", "url", BackEnd.ffmpeg],
      ["videotestsrc ! videoconvert ! appsink", "pipeline", BackEnd.gstreamer],
    ] as const) {
      const target = describeTarget(text);
      assert.deepEqual([target.kind, target.backEnds[0].id], [kind, first], text);
    }
  });

  it("are named without their passwords", () => {
    const { name, value } = describeTarget("rtsp://admin:secret@10.0.0.7/live");
    assert.equal(name, "rtsp://…@10.0.0.7/live");
    assert.equal(value, "rtsp://admin:secret@10.0.0.7/live");
  });
});

describe("opencv: devices", () => {
  const wanted = { width: 1920, height: 1080, frameRate: 30 };

  it("take the first format of the wanted size that they have", () => {
    const camera = new MadeUpCamera(["YUYV 640x480", "NV12 1920x1080", "MJPG 1280x720"]);
    assert.deepEqual(negotiateMode(camera, wanted), [
      "MJPG 1920x1080: the driver gives YUYV 640x480",
      "YUYV 1920x1080: the driver gives YUYV 640x480",
    ]);
    assert.equal(camera.get(CaptureProperty.fourcc), toFourcc("NV12"));
  });

  it("fall back to smaller sizes, the largest first, never to a larger one", () => {
    const camera = new MadeUpCamera(["YUYV 160x120", "MJPG 640x480", "YUYV 320x240", "MJPG 1280x720"]);
    negotiateMode(camera, { width: 800, height: 600, frameRate: 30 });
    assert.deepEqual([camera.get(CaptureProperty.width), camera.get(CaptureProperty.height)], [640, 480]);
  });

  it("stay as they are when they have nothing that is asked, and say so", () => {
    const camera = new MadeUpCamera(["RGB3 400x400"]);
    const told = negotiateMode(camera, { width: 320, height: 240, frameRate: 30 });
    assert.equal(told.length, 4);
    assert.equal(told[3], "taken: RGB3 400x400, the driver's own");
  });

  it("tell the back end, the mode and the rate that were not to be had, and give grey as video range", () => {
    const camera = new MadeUpCamera(["YUYV 320x240"]);
    camera.properties.set(CaptureProperty.frameRate, Number.NaN);
    const options = { target: "3", loop: true, width: 320, height: 240, frameRate: 30 };
    const source = new OpenCvSource(madeUpOpenCv(camera, BackEnd.any), options);
    assert.deepEqual(source.notices, [
      "opencv: device 3: not by V4L2 (failed to open capture)",
      "opencv: device 3: MJPG 320x240: the driver gives YUYV 320x240",
      "opencv: device 3: it tells no frame rate: 30 a second is taken",
    ]);
    assert.deepEqual([source.width, source.height, source.frameRate, source.paced], [320, 240, 30, false]);
    const picture = new Uint8Array(source.pictureBytes);
    assert.ok(source.capture(picture, new Descriptor(), 0, 5) > 5);
    assert.deepEqual([picture[0], picture[320 * 240]], [235, 128]);
    source.close();
    assert.equal(camera.released, 1);
  });

  it("that give no picture are closed, and the error says what to look at", () => {
    const camera = new MadeUpCamera(["MJPG 320x240"]);
    camera.read = () => grey(0, 0, 0);
    const options = { target: "0", loop: true, width: 320, height: 240, frameRate: 30 };
    assert.throws(() => new OpenCvSource(madeUpOpenCv(camera, BackEnd.v4l2), options), {
      code: "SOURCE_FAILED",
      message: /device 0: opened, but it gives no picture; is \/dev\/video0 plugged in/,
    });
    assert.equal(camera.released, 1);
  });

  it("that grow beyond their slot end with an error, not beyond the slot", () => {
    const camera = new MadeUpCamera(["MJPG 320x240"]);
    const options = { target: "0", loop: true, width: 320, height: 240, frameRate: 30 };
    const source = new OpenCvSource(madeUpOpenCv(camera, BackEnd.v4l2), options);
    const picture = new Uint8Array(source.pictureBytes);
    source.capture(picture, new Descriptor(), 0, 5);
    camera.properties.set(CaptureProperty.width, 640);
    assert.throws(() => source.capture(picture, new Descriptor(), 1, 6), {
      code: "SOURCE_FAILED",
      message: /became 640x240, which is too large/,
    });
    source.close();
  });
});

/** GStreamer's source of pictures, in the folder of whatever architecture this is. */
function hasTestPictures(): boolean {
  const folders = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "gstreamer-1.0"));
  return folders.some((path) => existsSync(join(path, "libgstvideotestsrc.so")));
}

describe("opencv: with OpenCV itself", function () {
  this.timeout(120_000);
  let cv: OpenCv;
  let folder: string;
  before(function () {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-opencv-"));
    try {
      cv = loadOpenCv();
    } catch (error) {
      console.log(`      left out: ${(error as Error).message}`);
      this.skip();
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Three pictures of the test pattern, as Motion JPEG in AVI. */
  function film(): string {
    const [y4m, avi] = [join(folder, "film.y4m"), join(folder, "film.avi")];
    const sink = openVideoSink({ kind: "y4m", path: y4m, frameRate: SIZE.frameRate });
    const pattern = new TestPattern({ ...SIZE, noise: false, tag: 1 });
    const bytes = new Uint8Array(pattern.pictureBytes);
    const picture = new Descriptor();
    for (let frame = 0; frame < 3; frame++) {
      pattern.capture(bytes, picture, frame, frame * 40_000);
      picture.playoutUs = frame * 40_000;
      sink?.picture(bytes, picture);
    }
    sink?.close();
    ffmpeg("-i", y4m, "-c:v", "mjpeg", "-q:v", "2", avi);
    return avi;
  }

  function open(target: string, loop: boolean): OpenCvSource {
    const options: OpenCvSourceOptions = { target, loop, width: 640, height: 480, frameRate: 10 };
    return new OpenCvSource(cv, options);
  }

  function frameNumbers(source: OpenCvSource, count: number): (number | undefined)[] {
    const bytes = new Uint8Array(new SharedArrayBuffer(source.pictureBytes));
    const picture = new Descriptor();
    return Array.from({ length: count }, () => {
      assert.equal(source.capture(bytes, picture, 0, 77), 77);
      return readBlockCode(bytes, picture.width, picture.height, picture.strideY)?.frameNumber;
    });
  }

  it("plays a film at its own size and rate, again and again", () => {
    const source = open(film(), true);
    try {
      assert.deepEqual([source.width, source.height, source.frameRate, source.paced], [320, 180, 25, true]);
      assert.deepEqual(frameNumbers(source, 7), [0, 1, 2, 0, 1, 2, 0]);
      assert.deepEqual(source.notices, []);
    } finally {
      source.close();
    }
  });

  it("ends a film that does not loop, as other files end", () => {
    const source = open(film(), false);
    try {
      frameNumbers(source, 3);
      assert.throws(() => frameNumbers(source, 1), { code: "SOURCE_FAILED", message: /film\.avi ended/ });
    } finally {
      source.close();
    }
  });

  it("plays a GStreamer pipeline", function () {
    if (!hasTestPictures()) {
      console.log("      left out: there is no videotestsrc (apt-get install gstreamer1.0-plugins-base)");
      this.skip();
    }
    const source = open(
      "videotestsrc pattern=white num-buffers=4 ! video/x-raw,width=64,height=48 ! videoconvert ! appsink",
      false,
    );
    try {
      assert.deepEqual([source.width, source.height, source.paced], [64, 48, true]);
      const bytes = new Uint8Array(source.pictureBytes);
      source.capture(bytes, new Descriptor(), 0, 1);
      assert.deepEqual([bytes[0], bytes[64 * 48]], [235, 128]);
    } finally {
      source.close();
    }
  });

  it("says what was tried of what cannot be opened", () => {
    const junk = join(folder, "junk.avi");
    writeFileSync(junk, Buffer.alloc(1000, 7));
    assert.throws(() => open(junk, true), {
      code: "SOURCE_FAILED",
      message: /junk\.avi: tried to open it: not by FFmpeg .*, not by numbered pictures .*ffprobe/,
    });
    assert.throws(() => open("63", true), { code: "SOURCE_FAILED", message: /device 63: .*\/dev\/video63/ });
  });

  it("is loaded by camera threads at once and one after the other, as engines come and go", async () => {
    const avi = film();
    const play = async () => {
      const worker = new Worker(new URL("./opencv_worker.js", import.meta.url), { workerData: avi });
      const ended = once(worker, "exit");
      const [shown] = await once(worker, "message");
      await ended;
      assert.deepEqual(shown, [320, 180, 30]);
    };
    await Promise.all([play(), play()]);
    for (let round = 0; round < 3; round++) await play();
  });
});

describe("opencv: without OpenCV", () => {
  it("is read from its text", () => {
    const defaults = { width: 640, height: 360, frameRate: 30 };
    assert.deepEqual(parseVideoSource("opencv:rtsp://a.example/1", defaults), {
      kind: "opencv",
      target: "rtsp://a.example/1",
      loop: true,
      ...defaults,
    });
    assert.throws(() => parseVideoSource("opencv:", defaults), { code: "BAD_SOURCE" });
  });
});
