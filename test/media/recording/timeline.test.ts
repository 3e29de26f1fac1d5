import assert from "node:assert/strict";
import { RecordingTimeline } from "../../../src/media/recording/recording_timeline.js";

const WALL = 1_700_000_000_000_000;

/** A sender whose picture and sound start at any RTP time, with the delays of their ways. */
function frame(kind: "audio" | "video", captureUs: number, delayUs: number, known: boolean) {
  const start = kind === "video" ? 0xffff_ff00 : 77;
  const rate = kind === "video" ? 0.09 : 0.048;
  return {
    kind,
    rtpTimestamp: (start + Math.round(captureUs * rate)) >>> 0,
    captureWallUs: known ? WALL + captureUs : 0,
    arrivalUs: 5_000_000 + captureUs + delayUs,
  };
}

describe("a recording's time line", () => {
  it("follows RTP time within a track, through its wrap, whatever the arrivals do", () => {
    const line = new RecordingTimeline();
    for (let i = 0; i < 100; i++) {
      const timeUs = line.place(frame("video", i * 33_333, (i * 7919) % 60_000, false));
      assert.ok(Math.abs(timeUs - i * 33_333) < 20, `${i}: ${timeUs}`);
    }
  });

  it("brings picture and sound in step by the sender's clock once it is known", () => {
    const line = new RecordingTimeline();
    let skewUs = 0;
    for (let i = 0; i < 200; i++) {
      const captureUs = i * 20_000;
      // The picture takes 120 ms longer than the sound; the sender's reports come after a second.
      const known = captureUs > 1_000_000;
      const sound = line.place(frame("audio", captureUs, 10_000, known));
      const picture = line.place(frame("video", captureUs, 130_000, known));
      skewUs = picture - sound;
    }
    assert.ok(Math.abs(skewUs) < 1000, `${skewUs}`);
  });

  it("follows clocks that drift without a jump", () => {
    const line = new RecordingTimeline();
    let last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < 6000; i++) {
      const captureUs = i * 20_000;
      line.place(frame("video", captureUs, 0, true));
      // The sound card runs a thousandth fast.
      const sound = {
        ...frame("audio", captureUs * 1.001, 0, true),
        captureWallUs: WALL + captureUs,
        arrivalUs: 5_000_000 + captureUs,
      };
      const timeUs = line.place(sound);
      assert.ok(i === 0 || Math.abs(timeUs - last - 20_000) < 1100, `${i}: ${timeUs - last}`);
      assert.ok(Math.abs(timeUs - captureUs) < 2000, `${i}: ${timeUs - captureUs}`);
      last = timeUs;
    }
  });

  it("places a source that starts anew by its arrival, and never goes back", () => {
    const line = new RecordingTimeline();
    let last = line.place(frame("video", 0, 0, false));
    for (let i = 1; i < 10; i++) last = line.place(frame("video", i * 40_000, 0, false));
    const jumped = {
      ...frame("video", 0, 0, false),
      rtpTimestamp: 0x4000_0000,
      arrivalUs: 5_000_000 + 400_000,
    };
    const timeUs = line.place(jumped);
    assert.ok(Math.abs(timeUs - 400_000) < 20);
    assert.ok(line.place({ ...jumped, rtpTimestamp: 0x3fff_ffff }) > timeUs && last < timeUs);
  });

  it("does not follow a sender's clock that was set", () => {
    const line = new RecordingTimeline();
    for (let i = 0; i < 100; i++) {
      const set = i < 50 ? 0 : 3600e6;
      const { captureWallUs, ...rest } = frame("audio", i * 20_000, 0, true);
      const timeUs = line.place({ ...rest, captureWallUs: captureWallUs + set });
      assert.ok(Math.abs(timeUs - i * 20_000) < 100, `${i}: ${timeUs}`);
    }
  });
});
