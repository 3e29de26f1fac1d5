import assert from "node:assert/strict";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import type { OrderOf } from "../../src/media/engine_messages.js";
import { EngineInputs } from "../../src/media/inputs/engine_inputs.js";
import { type PictureInput, PushedInput, type SoundInput } from "../../src/media/inputs/media_input.js";
import { PictureWriter } from "../../src/media/inputs/picture_writer.js";
import { SoundWriter } from "../../src/media/inputs/sound_writer.js";
import { ControlBlock } from "../../src/media/ring/control_block.js";
import { Doorbell } from "../../src/media/ring/doorbell.js";
import { type SlotChannelBuffers, SlotConsumer } from "../../src/media/ring/slot_channel.js";
import { StreamResampler } from "../../src/media/sources/stream_resampler.js";

function picture(width: number, height: number, fill: number) {
  const bytes = width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1);
  return { width, height, data: new Uint8Array(bytes).fill(fill), captureTimeUs: 5 };
}

describe("PictureWriter", () => {
  function writer() {
    const channels: SlotChannelBuffers[] = [];
    const made = new PictureWriter(7, Doorbell.allocate(), (channel) => channels.push(channel));
    return { writer: made, channels };
  }

  it("hands pictures on with their layout, time and source", () => {
    const { writer: w, channels } = writer();
    w.write(picture(33, 17, 9), 100);
    assert.equal(channels.length, 1);
    const consumer = new SlotConsumer(channels[0]);
    assert.ok(consumer.take());
    const {
      width,
      height,
      strideY,
      strideU,
      offsetU,
      offsetV,
      streamId,
      captureTimeUs,
      captureWallUs,
      slot,
      byteLength,
    } = consumer.descriptor;
    // The odd column and row stay in the planes and out of the picture.
    assert.deepEqual([width, height, strideY, strideU], [32, 16, 33, 17]);
    assert.deepEqual([offsetU, offsetV], [33 * 17, 33 * 17 + 17 * 9]);
    assert.deepEqual([streamId, captureTimeUs, captureWallUs], [7, 5, 105]);
    assert.equal(byteLength, 33 * 17 + 2 * 17 * 9);
    assert.ok(
      consumer
        .bytes(slot)
        .subarray(0, byteLength)
        .every((byte) => byte === 9),
    );
  });

  it("drops when nobody takes, counts it, and the taker gets the newest that waits", () => {
    const { writer: w, channels } = writer();
    for (let i = 1; i <= 10; i++) w.write(picture(16, 16, i), 0);
    assert.equal(w.dropped, 6);
    const consumer = new SlotConsumer(channels[0]);
    assert.ok(consumer.takeNewest());
    assert.equal(consumer.bytes(consumer.slot)[0], 4);
    assert.equal(consumer.skipped, 3);
    consumer.release(consumer.slot);
    w.write(picture(16, 16, 11), 0);
    assert.ok(consumer.take());
    assert.deepEqual([consumer.bytes(consumer.slot)[0], consumer.descriptor.tag], [11, 6]);
  });

  it("takes larger slots for larger pictures, and keeps them for smaller ones", () => {
    const { writer: w, channels } = writer();
    for (const [side, expected] of [
      [32, 1],
      [64, 2],
      [16, 2],
      [64, 2],
    ]) {
      w.write(picture(side, side, 1), 0);
      assert.equal(channels.length, expected);
    }
    assert.equal(w.channel, channels[1]);
  });

  it("drops sizes that H.264 cannot carry", () => {
    const { writer: w, channels } = writer();
    w.write(picture(8, 100, 1), 0);
    w.write(picture(4098, 16, 1), 0);
    assert.equal(w.dropped, 2);
    assert.equal(channels.length, 0);
  });
});

describe("SoundWriter", () => {
  it("cuts long pieces into slots, each with its own time", () => {
    const writer = new SoundWriter(3, Doorbell.allocate());
    const samples = Int16Array.from({ length: 4000 }, (_, i) => i);
    writer.write({ samples, sampleRate: 8000, channels: 2, captureTimeUs: 1e6 });
    const consumer = new SlotConsumer(writer.channel);
    const heard: number[] = [];
    while (consumer.take()) {
      const { slot, byteLength, width, height, captureTimeUs } = consumer.descriptor;
      assert.deepEqual([width, height], [2, 8000]);
      assert.equal(captureTimeUs, 1e6 + (heard.length / 2 / 8000) * 1e6);
      const bytes = consumer.bytes(slot);
      heard.push(...new Int16Array(bytes.buffer, bytes.byteOffset, byteLength / 2));
      consumer.release(slot);
    }
    assert.deepEqual(heard, [...samples]);
  });

  it("counts what finds no slot", () => {
    const writer = new SoundWriter(3, Doorbell.allocate());
    const samples = new Int16Array(480);
    for (let i = 0; i < 40; i++) writer.write({ samples, sampleRate: 48_000, channels: 1, captureTimeUs: 0 });
    assert.equal(writer.dropped, 8 * 480);
  });
});

describe("EngineInputs", () => {
  function inputs() {
    type Posted = OrderOf<"encoder"> | OrderOf<"microphone"> | OrderOf<"sender">;
    const posted: [string, Posted][] = [];
    const made = new EngineInputs({
      control: ControlBlock.allocate(),
      doorbells: {
        encoder: Doorbell.allocate(),
        microphone: Doorbell.allocate(),
        sender: Doorbell.allocate(),
      },
      post: (name: string, order: Posted) => void posted.push([name, order]),
    });
    const types = () => posted.map(([name, { type }]) => `${name} ${type}`);
    return { inputs: made, posted, types };
  }

  it("numbers inputs from 1, the same input always alike", () => {
    const { inputs: all } = inputs();
    const [a, b]: PictureInput[] = [new PushedInput("video"), new PushedInput("video")];
    assert.deepEqual([all.idOf(a), all.idOf(b), all.idOf(a)], [1, 2, 1]);
  });

  it("takes pictures while some stream carries them, and no longer", () => {
    const { inputs: all, types } = inputs();
    const input: PictureInput = new PushedInput("video");
    const id = all.idOf(input);
    assert.equal(input.connected, false);
    all.changeConsumers(id, 1);
    all.changeConsumers(id, 1);
    assert.equal(input.connected, true);
    assert.deepEqual(types(), []);
    input.push(picture(16, 16, 1));
    assert.deepEqual(types(), ["encoder addInput"]);
    all.changeConsumers(id, -1);
    assert.equal(input.connected, true);
    all.changeConsumers(id, -1);
    assert.equal(input.connected, false);
    assert.deepEqual(types(), ["encoder addInput", "encoder removeInput"]);
    all.changeConsumers(all.idOf(input), 1);
    assert.equal(input.connected, true);
  });

  it("uses a channel's memory again once the thread has left it, not before", () => {
    const { inputs: all, posted } = inputs();
    const channels = () => posted.flatMap(([, order]) => (order.type === "addInput" ? [order.channel] : []));
    const use = () => {
      const input: PictureInput = new PushedInput("video");
      const id = all.idOf(input);
      all.changeConsumers(id, 1);
      input.push(picture(48, 32, 1));
      all.changeConsumers(id, -1);
      return id;
    };
    const first = use();
    use();
    assert.notEqual(channels()[1].pool.bytes, channels()[0].pool.bytes);
    all.released(first);
    use();
    assert.equal(channels()[2].pool.bytes, channels()[0].pool.bytes);
    // A larger picture's channel replaces the former one: that one is left, too.
    const growing: PictureInput = new PushedInput("video");
    all.changeConsumers(all.idOf(growing), 1);
    growing.push(picture(80, 32, 1));
    growing.push(picture(96, 32, 1));
    const before = channels()[3].pool.bytes;
    all.released(all.idOf(growing));
    const again: PictureInput = new PushedInput("video");
    all.changeConsumers(all.idOf(again), 1);
    again.push(picture(80, 32, 1));
    assert.equal(channels().at(-1)?.pool.bytes, before);
  });

  it("tells a thread that was started anew", () => {
    const { inputs: all, types } = inputs();
    const sound: SoundInput = new PushedInput("audio");
    const video: PictureInput = new PushedInput("video");
    all.changeConsumers(all.idOf(sound), 1);
    all.changeConsumers(all.idOf(video), 1);
    all.restore("microphone");
    all.restore("encoder");
    assert.deepEqual(types(), ["microphone addInput", "microphone addInput"]);
    video.push(picture(16, 16, 1));
    all.restore("encoder");
    assert.deepEqual(types().slice(2), ["encoder addInput", "encoder addInput"]);
    all.close();
    assert.equal(sound.connected || video.connected, false);
  });
});

describe("StreamResampler", () => {
  for (const rate of [11_025, 22_050, 32_000, 44_100, 96_000]) {
    it(`turns ${rate} Hz into 48 kHz without a seam: a tone stays a tone, of its length and loudness`, () => {
      const resampler = new StreamResampler(rate, 2);
      const detector = new ToneDetector();
      let frames = 0;
      let loudest = 0;
      let step = 0;
      let before = 0;
      for (let piece = 0, at = 0; piece < 100; piece++) {
        const pcm = new Int16Array(2 * Math.floor(rate / 100));
        for (let i = 0; i < pcm.length / 2; i++, at++) {
          pcm[2 * i] = pcm[2 * i + 1] = Math.round(12_000 * Math.sin((2 * Math.PI * 997 * at) / rate));
        }
        const out = resampler.process(pcm);
        detector.add(out, 2, out.length / 2);
        for (let i = 0; i < out.length; i += 2, frames++) {
          assert.equal(out[i], out[i + 1]);
          loudest = Math.max(loudest, Math.abs(out[i]));
          if (frames > 1000) step = Math.max(step, Math.abs(out[i] - before));
          before = out[i];
        }
      }
      const expected = (100 * Math.floor(rate / 100) * 48_000) / rate;
      assert.ok(Math.abs(frames - expected) < 200, `${frames} frames, not ${expected}`);
      assert.ok(Math.abs(detector.frequencyHz() - 997) < 1, `${detector.frequencyHz()} Hz`);
      assert.ok(Math.abs(loudest - 12_000) < 240, `loudest ${loudest}`);
      // The steepest a 997 Hz sine of this size gets between two samples; a seam would be steeper.
      assert.ok(step < 1.03 * 12_000 * ((2 * Math.PI * 997) / 48_000), `step ${step}`);
    });
  }
});
