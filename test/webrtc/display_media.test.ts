import assert from "node:assert/strict";
import {
  defaultEngine,
  MediaDevices,
  nonstandard,
  RTCPeerConnection,
  stopDefaultEngine,
  whenClosed,
} from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { noXvfb, XDisplay } from "../support/x_display.js";
import { negotiate, nextEvent } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

describe("getDisplayMedia", () => {
  it("rejects what the specification forbids to ask", async () => {
    const devices = new MediaDevices();
    await rejectsWith(devices.getDisplayMedia({ video: false }), "TypeError");
    await rejectsWith(devices.getDisplayMedia({ video: { frameRate: { min: 5 } } }), "TypeError");
    await rejectsWith(devices.getDisplayMedia({ video: { width: { exact: 640 } } }), "TypeError");
    await rejectsWith(devices.getDisplayMedia({ video: { advanced: [] } as object }), "TypeError");
  });

  it("rejects a display that is not there", async () => {
    const devices = new MediaDevices();
    devices.screen = ":59999";
    await rejectsWith(devices.getDisplayMedia(), "NotFoundError");
    devices.screen = "the left one";
    await rejectsWith(devices.getDisplayMedia(), "TypeError");
  });

  it("sends the screen while a peer looks, and ends its track with the display", async function () {
    this.timeout(120_000);
    if (noXvfb !== undefined) {
      console.log(`      left out: ${noXvfb}`);
      this.skip();
    }
    const display = await XDisplay.start(320, 240);
    const a = new RTCPeerConnection();
    const b = new RTCPeerConnection();
    try {
      display.fill({ x: 0, y: 0, width: 320, height: 240 }, 0xffffff);
      await display.sync();
      const devices = new MediaDevices();
      devices.screen = `${display.name},0,0,160x120`;
      const [track] = (await devices.getDisplayMedia({ video: { frameRate: 20 } })).getTracks();
      const { width, height, frameRate } = track.getSettings();
      assert.deepEqual({ width, height, frameRate }, { width: 160, height: 120, frameRate: 20 });
      trickle(a, b);
      assert.equal(defaultEngine().stats().camera.frames, 0);
      a.addTrack(track);
      await negotiate(a, b);
      const sink = new nonstandard.RTCVideoSink(b.getReceivers()[0].track);
      const { frame } = await nextEvent<InstanceType<typeof nonstandard.RTCVideoFrameEvent>>(sink, "frame");
      sink.stop();
      assert.deepEqual([frame.width, frame.height], [160, 120]);
      assert.ok(Math.abs(frame.data[160 * 100 + 20] - 235) < 6, `luma ${frame.data[160 * 100 + 20]}`);
      const ended = nextEvent(track, "ended");
      await display.stop();
      await ended;
    } finally {
      a.close();
      b.close();
      await Promise.all([whenClosed(a), whenClosed(b)]);
      await display.stop();
      await stopDefaultEngine();
    }
  });
});
