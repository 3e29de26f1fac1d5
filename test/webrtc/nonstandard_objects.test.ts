import assert from "node:assert/strict";
import { nonstandard } from "../../src/webrtc/index.js";
import { nextEvent } from "./fake_transport.js";

const { i420ToRgba, rgbaToI420, RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = nonstandard;

const frame = (width: number, height: number, bytes: number) => ({
  width,
  height,
  data: new Uint8ClampedArray(bytes),
});

describe("RTCVideoSource", () => {
  it("knows what it was made with", () => {
    const plain = new RTCVideoSource();
    assert.equal(plain.isScreencast, false);
    assert.equal(plain.needsDenoising, null);
    const screen = new RTCVideoSource({ isScreencast: true, needsDenoising: false });
    assert.equal(screen.isScreencast, true);
    assert.equal(screen.needsDenoising, false);
  });

  it("makes live video tracks, each with an id of its own", () => {
    const source = new RTCVideoSource();
    const [a, b] = [source.createTrack(), source.createTrack()];
    assert.equal(a.kind, "video");
    assert.equal(a.readyState, "live");
    assert.notEqual(a.id, b.id);
  });

  it("refuses a frame whose length is not its size's", () => {
    const source = new RTCVideoSource();
    source.onFrame(frame(4, 4, 24));
    source.onFrame(frame(3, 3, 9 + 2 * 4));
    for (const bad of [frame(4, 4, 23), frame(4, 4, 25), frame(0, 4, 0), frame(4, 1.5, 24)]) {
      assert.throws(() => source.onFrame(bad), TypeError);
    }
    assert.throws(() => source.onFrame({ width: 4, height: 4, data: "no bytes" as never }), TypeError);
    for (const rotation of [45, -90, 360, Number.NaN, "up" as never])
      assert.throws(() => source.onFrame({ ...frame(4, 4, 24), rotation }), TypeError);
  });

  it("shows its frames to a sink of its own track, as copies", async () => {
    const source = new RTCVideoSource();
    const track = source.createTrack();
    const sink = new RTCVideoSink(track);
    const pushed = frame(16, 16, 384);
    pushed.data.fill(77);
    source.onFrame({ ...pushed, rotation: 180 });
    pushed.data.fill(0);
    const event = await nextEvent<InstanceType<typeof nonstandard.RTCVideoFrameEvent>>(sink, "frame");
    assert.deepEqual([event.frame.width, event.frame.height, event.frame.rotation], [16, 16, 180]);
    assert.ok(event.frame.data.every((byte) => byte === 77));
    sink.stop();
    assert.equal(sink.stopped, true);
  });

  it("shows nothing of a disabled or a stopped track", async () => {
    const source = new RTCVideoSource();
    const [disabled, stopped, live] = [source.createTrack(), source.createTrack(), source.createTrack()];
    disabled.enabled = false;
    stopped.stop();
    for (const track of [disabled, stopped]) {
      new RTCVideoSink(track).onframe = () => assert.fail("a frame of a track that shows none");
    }
    const sink = new RTCVideoSink(live);
    source.onFrame(frame(16, 16, 384));
    await nextEvent(sink, "frame");
  });
});

describe("RTCAudioSource", () => {
  it("gives an own sink what was pushed, in pieces of 10 ms", () => {
    const source = new RTCAudioSource();
    const sink = new RTCAudioSink(source.createTrack());
    const pieces: number[][] = [];
    const done = new Promise<void>((resolve) => {
      sink.ondata = ({ samples, sampleRate, channelCount, numberOfFrames, bitsPerSample }) => {
        assert.deepEqual([sampleRate, channelCount, numberOfFrames, bitsPerSample], [8000, 2, 80, 16]);
        pieces.push([...samples]);
        if (pieces.length === 2) resolve();
      };
    });
    const pushed = Int16Array.from({ length: 320 }, (_, i) => i);
    source.onData({ samples: pushed.subarray(0, 100), sampleRate: 8000, channelCount: 2 });
    source.onData({ samples: pushed.subarray(100), sampleRate: 8000, channelCount: 2 });
    return done.then(() => assert.deepEqual(pieces.flat(), [...pushed]));
  });

  it("refuses what contradicts itself", () => {
    const source = new RTCAudioSource();
    const samples = new Int16Array(480);
    const good = { samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 };
    source.onData(good);
    source.onData({ samples, sampleRate: 48_000 });
    for (const bad of [
      { numberOfFrames: 441 },
      { channelCount: 2 },
      { channelCount: 3 },
      { bitsPerSample: 8 },
      { sampleRate: 4000 },
      { sampleRate: Number.NaN },
      { samples: [1, 2, 3] as never },
    ]) {
      assert.throws(() => source.onData({ ...good, ...bad }), TypeError);
    }
  });
});

describe("sinks", () => {
  it("take a track of their kind alone", () => {
    const video = new RTCVideoSource().createTrack();
    const audio = new RTCAudioSource().createTrack();
    assert.throws(() => new RTCVideoSink(audio), TypeError);
    assert.throws(() => new RTCAudioSink(video), TypeError);
    assert.throws(() => new RTCVideoSink({} as never), TypeError);
  });
});

describe("i420ToRgba and rgbaToI420", () => {
  /** ITU-R BT.601, video range: Y' of black 16, of white 235. */
  it("convert grey by BT.601 in video range, there and back", () => {
    for (const [luma, grey] of [
      [16, 0],
      [126, 128],
      [235, 255],
    ]) {
      const i420 = frame(6, 4, 36);
      i420.data.fill(luma, 0, 24).fill(128, 24);
      const rgba = frame(6, 4, 96);
      i420ToRgba(i420, rgba);
      for (let i = 0; i < 96; i++) {
        const expected = i % 4 === 3 ? 255 : grey;
        assert.ok(Math.abs(rgba.data[i] - expected) <= 1, `${rgba.data[i]} at ${i} for Y ${luma}`);
      }
      const back = frame(6, 4, 36);
      rgbaToI420(rgba, back);
      assert.ok(back.data.every((byte, i) => Math.abs(byte - i420.data[i]) <= 1));
    }
  });

  it("put red, green and blue where they belong", () => {
    const rgba = frame(2, 2, 16);
    for (let i = 0; i < 16; i += 4) rgba.data.set([255, 0, 0, 255], i);
    const i420 = frame(2, 2, 6);
    rgbaToI420(rgba, i420);
    // BT.601: red is Y' 82, Cb 90, Cr 240.
    for (const [i, expected] of [82, 82, 82, 82, 90, 240].entries()) {
      assert.ok(Math.abs(i420.data[i] - expected) <= 2, `${i420.data}`);
    }
    const back = frame(2, 2, 16);
    i420ToRgba(i420, back);
    assert.ok(back.data[0] > 250 && back.data[1] < 6 && back.data[2] < 6 && back.data[3] === 255);
  });

  it("convert odd sizes and refuse what does not fit", () => {
    i420ToRgba(frame(3, 3, 17), frame(3, 3, 36));
    assert.throws(() => i420ToRgba(frame(4, 4, 24), frame(4, 4, 63)), TypeError);
    assert.throws(() => i420ToRgba(frame(4, 4, 24), frame(2, 2, 16)), TypeError);
    assert.throws(() => rgbaToI420(frame(4, 4, 60), frame(4, 4, 24)), TypeError);
  });
});
