import assert from "node:assert/strict";
import { native, type ScreenCaptureOptions } from "../../native/addon.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { parseVideoSource } from "../../src/media/source_spec.js";
import { openVideoSource } from "../../src/media/sources/open_video_source.js";
import { parseScreen } from "../../src/media/sources/screen_text.js";
import { noXvfb, XDisplay } from "../support/x_display.js";

/** ITU-R BT.601 in video range, of colours at full strength. */
const RED = { rgb: 0xff0000, yuv: [81, 90, 240] };
const GREEN = { rgb: 0x00ff00, yuv: [145, 54, 34] };
const BLUE = { rgb: 0x0000ff, yuv: [41, 240, 110] };
const WHITE = { rgb: 0xffffff, yuv: [235, 128, 128] };

describe("what behind screen: says which screen", () => {
  it("reads displays, regions and windows", () => {
    const region = { x: 0, y: 10, width: 1280, height: 720 };
    assert.deepEqual(parseScreen(""), { display: "" });
    assert.deepEqual(parseScreen(":1"), { display: ":1" });
    assert.deepEqual(parseScreen("a-host:0.1"), { display: "a-host:0.1" });
    assert.deepEqual(parseScreen("0,10,1280x720"), { display: "", region });
    assert.deepEqual(parseScreen(":1,0,10,1280x720"), { display: ":1", region });
    assert.deepEqual(parseScreen(":1.0,window=0x1400003"), { display: ":1.0", window: 0x1400003 });
    assert.deepEqual(parseScreen("window=7"), { display: "", window: 7 });
  });

  it("refuses what is none of them", () => {
    for (const text of [
      "1",
      ":",
      ":x",
      "0,0,1280",
      "-1,0,4x4",
      "0,0,1x4",
      "window=",
      "window=0",
      ":1;0,0,4x4",
    ])
      assert.equal(parseScreen(text), undefined, text);
    assert.throws(() => parseVideoSource("screen:1", { width: 16, height: 16, frameRate: 5 }), {
      code: "BAD_SOURCE",
    });
  });

  it("says what to do where there is no display", () => {
    assert.throws(() => new native.ScreenCapture({ display: ":59999" }), {
      code: "SCREEN_UNAVAILABLE",
      message: /display ":59999": could not connect; is an X server running/,
    });
  });
});

describe("screen: sources", () => {
  let display: XDisplay;
  before(async function () {
    if (noXvfb !== undefined) {
      console.log(`      left out: ${noXvfb}`);
      this.skip();
    }
    display = await XDisplay.start(320, 240);
    display.fill({ x: 0, y: 0, width: 160, height: 120 }, RED.rgb);
    display.fill({ x: 160, y: 0, width: 160, height: 120 }, GREEN.rgb);
    display.fill({ x: 0, y: 120, width: 320, height: 120 }, BLUE.rgb);
    display.setSquareCursor(16);
    display.movePointer(300, 220);
    await display.sync();
  });
  after(() => display?.stop());

  /** A picture of what is asked for, and a look into it. */
  function shoot(options: Omit<ScreenCaptureOptions, "display">) {
    const capture = new native.ScreenCapture({ display: display.name, ...options });
    try {
      const out = new Uint8Array(320 * 240 * 1.5);
      const size = new Int32Array(2);
      const bytes = capture.capture(out, size);
      const [width, height] = size;
      const chroma = (x: number, y: number) => width * height + (y >> 1) * (width >> 1) + (x >> 1);
      const at = (x: number, y: number) => {
        const offsets = [y * width + x, chroma(x, y), chroma(x, y) + (width * height) / 4];
        return offsets.map((offset) => out[offset]);
      };
      return { bytes, width, height, at, shared: capture.shared };
    } finally {
      capture.close();
    }
  }

  function isColour(found: readonly number[], { yuv }: { yuv: readonly number[] }, what: string): void {
    const far = found.some((value, index) => Math.abs(value - yuv[index]) > 2);
    assert.ok(!far, `${what}: ${found}, expected ${yuv}`);
  }

  it("show the whole screen, with the pointer in it", () => {
    const picture = shoot({});
    assert.deepEqual([picture.width, picture.height, picture.bytes], [320, 240, 115_200]);
    assert.equal(picture.shared, true);
    isColour(picture.at(80, 60), RED, "upper left");
    isColour(picture.at(240, 60), GREEN, "upper right");
    isColour(picture.at(80, 180), BLUE, "below");
    isColour(picture.at(302, 222), WHITE, "pointer's upper left corner");
    isColour(picture.at(313, 233), WHITE, "pointer's lower right corner");
    isColour(picture.at(296, 222), BLUE, "left of the pointer");
  });

  it("show a region, and refuse one that is not on the screen", () => {
    const picture = shoot({ region: { x: 150, y: 100, width: 21, height: 31 } });
    assert.deepEqual([picture.width, picture.height], [20, 30]);
    isColour(picture.at(2, 2), RED, "upper left");
    isColour(picture.at(17, 2), GREEN, "upper right");
    isColour(picture.at(2, 27), BLUE, "below");
    assert.throws(() => shoot({ region: { x: 300, y: 0, width: 21, height: 20 } }), {
      code: "SCREEN_UNSUITABLE",
      message: /region 300,0,21x20 is not inside of display .* which shows 0,0,320x240/,
    });
  });

  it("are scaled down, their shape kept, to what the engine takes, and never up", () => {
    const picture = shoot({ largest: { width: 200, height: 90 } });
    assert.deepEqual([picture.width, picture.height, picture.bytes], [120, 90, 16_200]);
    isColour(picture.at(30, 20), RED, "upper left");
    isColour(picture.at(90, 20), GREEN, "upper right");
    isColour(picture.at(30, 70), BLUE, "below");
    const small = shoot({
      region: { x: 0, y: 0, width: 64, height: 48 },
      largest: { width: 640, height: 480 },
    });
    assert.deepEqual([small.width, small.height], [64, 48]);
  });

  it("follow a window over the screen until it is closed", async () => {
    const id = display.openWindow({ x: 20, y: 20, width: 60, height: 40 }, WHITE.rgb);
    await display.sync();
    const capture = new native.ScreenCapture({ display: display.name, window: id });
    try {
      const out = new Uint8Array(60 * 40 * 1.5);
      const size = new Int32Array(2);
      assert.equal(capture.capture(out, size), out.length);
      assert.deepEqual([out[0], out[60 * 40 - 1]], [235, 235]);
      display.moveWindow(id, 300, 210);
      await display.sync();
      assert.equal(capture.capture(out, size), 20 * 30 * 1.5);
      assert.deepEqual([...size], [20, 30]);
      display.hideWindow(id);
      await display.sync();
      assert.equal(capture.capture(out, size), 0);
      display.closeWindow(id);
      await display.sync();
      assert.throws(() => capture.capture(out, size), { code: "SCREEN_LOST", message: /was closed/ });
    } finally {
      capture.close();
    }
  });

  it("come from their text, at the frame rate of the defaults", () => {
    const defaults = { width: 1280, height: 720, frameRate: 12 };
    const source = openVideoSource(parseVideoSource(`screen:${display.name},160,0,64x48`, defaults));
    assert.ok(source !== undefined);
    try {
      assert.deepEqual([source.width, source.height, source.frameRate, source.paced], [64, 48, 12, true]);
      const picture = new Uint8Array(new SharedArrayBuffer(source.pictureBytes));
      const descriptor = new Descriptor();
      assert.equal(source.capture(picture, descriptor, 0, 77), 77);
      assert.deepEqual([descriptor.width, descriptor.height, descriptor.byteLength], [64, 48, 4608]);
      assert.ok(Math.abs(picture[0] - GREEN.yuv[0]) <= 2, `luma ${picture[0]}`);
    } finally {
      source.close();
    }
  });

  it("fail by name when their server ends", async () => {
    const other = await XDisplay.start(64, 48);
    const capture = new native.ScreenCapture({ display: other.name });
    try {
      await other.stop();
      assert.throws(() => capture.capture(new Uint8Array(64 * 48 * 1.5), new Int32Array(2)), {
        code: "SCREEN_LOST",
        message: /the X server closed the connection/,
      });
    } finally {
      capture.close();
    }
  });
});
