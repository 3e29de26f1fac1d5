import assert from "node:assert/strict";
import type { AudioWishes, VideoEncoding, VideoWishes, Wishes } from "../../src/media/encodings/encoding.js";
import { EncodingIds, EncodingTable } from "../../src/media/encodings/encoding_table.js";
import { EngineMemory } from "../../src/media/engine_memory.js";
import type { WorkerEvent } from "../../src/media/engine_messages.js";
import { ControlWord } from "../../src/media/ring/control_block.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { SlotConsumer, SlotProducer } from "../../src/media/ring/slot_channel.js";
import type { WorkerHost } from "../../src/media/ring/worker_loop.js";
import { TestPattern } from "../../src/media/sources/test_pattern.js";
import { EncoderStage } from "../../src/media/stages/encoder_stage.js";
import { MicrophoneStage } from "../../src/media/stages/microphone_stage.js";
import { PictureScaler } from "../../src/media/stages/picture_scaler.js";

const whole: VideoWishes = { kind: "video", codec: "H264", blank: false, scaleResolutionDownBy: 1 };

describe("EncodingTable", () => {
  function table<W extends Wishes>() {
    const told: (readonly [number, readonly (readonly [number, W])[]])[] = [];
    const made = new EncodingTable<W>(new EncodingIds(), (source, encodings) =>
      told.push([source, encodings.map(({ id, wishes }) => [id, wishes] as const)]),
    );
    return { made, told, last: () => told.at(-1) };
  }

  it("makes one encoding for all that wish the same, and ends it with the last of them", () => {
    const { made, told, last } = table<VideoWishes>();
    const first = made.take(0, whole);
    assert.equal(made.take(0, { ...whole }), first);
    const half = made.take(0, { ...whole, scaleResolutionDownBy: 2 });
    assert.notEqual(half, first);
    assert.equal(last()?.[1].length, 2);
    made.release(0, first);
    assert.equal(told.length, 2, "one still takes it");
    made.release(0, first);
    assert.deepEqual(last(), [0, [[half, { ...whole, scaleResolutionDownBy: 2 }]]]);
    made.release(0, half);
    assert.deepEqual(last(), [0, []]);
  });

  it("keeps an encoding that only one takes when its wishes change, and parts those that shared one", () => {
    const { made, last } = table<VideoWishes>();
    const slow = { ...whole, maxFrameRate: 10 };
    const own = made.take(3, whole);
    assert.equal(made.change(3, own, slow), own);
    assert.deepEqual(last(), [3, [[own, slow]]]);
    const other = made.take(3, whole);
    assert.equal(made.change(3, own, whole), other, "joins the one that is there");
    assert.deepEqual(last(), [3, [[other, whole]]]);
    assert.notEqual(made.change(3, other, slow), other, "two shared it");
    assert.equal(last()?.[1].length, 2);
  });

  it("serves wishes beyond its bound with what comes nearest, never with the picture in place of black", () => {
    const { made, last } = table<VideoWishes>();
    const ids = [1, 2, 3, 4, 5, 6, 7, 8].map((by) => made.take(0, { ...whole, scaleResolutionDownBy: by }));
    assert.equal(made.take(0, { ...whole, scaleResolutionDownBy: 3.1 }), ids[2]);
    assert.equal(made.take(0, { ...whole, maxBitrateBps: 1_000_000 }), ids[0]);
    assert.equal(last()?.[1].length, 8);
    const blank = made.take(0, { ...whole, blank: true });
    assert.ok(!ids.includes(blank));
    assert.ok(!ids.includes(made.take(0, { ...whole, codec: "VP8" })), "another codec is never near");
  });

  it("gives numbers that rest before they are used again", () => {
    const { made } = table<AudioWishes>();
    const wishes: AudioWishes = { kind: "audio", codec: "opus", blank: false, channels: 1 };
    const first = made.take(0, wishes);
    made.release(0, first);
    const seen = new Set<number>();
    for (let i = 0; i < 250; i++) {
      const id = made.take(0, wishes);
      seen.add(id);
      made.release(0, id);
    }
    assert.equal(seen.size, 250);
    assert.ok(!seen.has(first));
  });
});

describe("PictureScaler", () => {
  function picture(width: number, height: number) {
    const descriptor = new Descriptor();
    descriptor.setI420(width, height);
    return { descriptor, bytes: new Uint8Array(descriptor.byteLength).fill(77) };
  }

  it("divides the sides, keeps the shape, and makes each size once a picture", () => {
    const scaler = new PictureScaler();
    const { descriptor, bytes } = picture(1280, 720);
    scaler.set(descriptor, bytes);
    scaler.select(1);
    assert.equal(scaler.bytes, bytes, "the whole picture is not copied");
    scaler.select(3);
    assert.deepEqual([scaler.picture.width, scaler.picture.height], [426, 240]);
    const { bytes: small } = scaler;
    assert.ok(small.every((byte) => Math.abs(byte - 77) <= 1));
    small.fill(0);
    scaler.select(3);
    assert.equal(scaler.bytes, small);
    assert.equal(small[0], 0, "not scaled again");
    scaler.set(descriptor, bytes);
    scaler.select(3);
    assert.ok(small[0] > 70);
  });

  it("stops at the least side that encoders take", () => {
    const scaler = new PictureScaler();
    const { descriptor, bytes } = picture(320, 180);
    scaler.set(descriptor, bytes);
    scaler.select(100);
    assert.deepEqual([scaler.picture.width, scaler.picture.height], [28, 16]);
  });
});

const WIDTH = 320;
const HEIGHT = 180;

/** A stage in this thread, over an engine's memory. */
function hostOf<N extends "encoder" | "microphone">(memory: EngineMemory, name: N, events: WorkerEvent[]) {
  const { control, metrics, doorbells } = memory;
  return {
    name,
    wiring: memory.wiringOf(name),
    control,
    metrics,
    row: metrics.row(0),
    doorbells,
    post: (event: WorkerEvent) => void events.push(event),
  } as unknown as WorkerHost<N>;
}

function makeMemory(channels: 1 | 2 = 1): EngineMemory {
  const memory = new EngineMemory({
    maxWidth: WIDTH,
    maxHeight: HEIGHT,
    codec: { idrInterval: 0, encoderThreads: 1, maxNalBytes: 1100, bitrateBps: 400_000 },
    audio: { bitrateBps: 32_000, fec: true, dtx: false, frameSamples: 960 },
    videoSource: { kind: "none" },
    audioSource: { kind: "tone", frequencyHz: 440, channels },
    warmUp: false,
  });
  memory.control.set(ControlWord.targetBitrateBps, 400_000);
  memory.control.set(ControlWord.audioBitrateBps, 32_000);
  memory.control.set(ControlWord.frameRate, 30);
  return memory;
}

interface Made {
  frames: number;
  bytes: number;
  keyframes: number;
  width: number;
  height: number;
  captureTimesUs: number[];
}

/** The encoder's stage, fed by hand: time is the pictures' own. */
class Bench {
  readonly memory = makeMemory();
  readonly events: WorkerEvent[] = [];
  readonly stage = new EncoderStage(hostOf(this.memory, "encoder", this.events));
  readonly #source = new TestPattern({ width: WIDTH, height: HEIGHT, frameRate: 30, noise: true, tag: 1 });
  readonly #raw = new SlotProducer(this.memory.wiringOf("camera").rawVideo, this.memory.doorbells.encoder);
  readonly #encoded = new SlotConsumer(this.memory.wiringOf("sender").encodedVideo);
  #frame = 0;
  #nowUs = 1_000_000;

  set(...encodings: VideoEncoding[]): void {
    this.stage.order({ type: "setPictureEncodings", inputId: 0, encodings });
  }

  /** Encodes so many pictures at 30 a second; what came of it, by encoding. */
  run(
    pictures: number,
    onUnit: (id: number, bytes: Uint8Array) => void = () => undefined,
  ): Map<number, Made> {
    const made = new Map<number, Made>();
    for (let i = 0; i < pictures; i++) {
      this.#nowUs += 1e6 / 30;
      const slot = this.#raw.acquire();
      const { descriptor } = this.#raw;
      this.#source.capture(this.#raw.bytes(slot), descriptor, this.#frame, this.#nowUs);
      descriptor.captureTimeUs = this.#nowUs;
      descriptor.frameNumber = this.#frame++;
      this.#raw.publish(slot);
      this.stage.step(this.#nowUs);
      this.#drain(made, onUnit);
    }
    return made;
  }

  #drain(made: Map<number, Made>, onUnit: (id: number, bytes: Uint8Array) => void): void {
    while (this.#encoded.take()) {
      const unit = this.#encoded.descriptor;
      const empty = { frames: 0, bytes: 0, keyframes: 0, width: 0, height: 0, captureTimesUs: [] };
      const sum: Made = made.get(unit.tag) ?? empty;
      made.set(unit.tag, sum);
      sum.frames++;
      sum.bytes += unit.byteLength;
      if (unit.keyframe) sum.keyframes++;
      sum.width = unit.width;
      sum.height = unit.height;
      sum.captureTimesUs.push(unit.captureTimeUs);
      onUnit(unit.tag, this.#encoded.bytes(unit.slot).subarray(0, unit.byteLength));
      this.#encoded.release(unit.slot);
    }
  }
}

function get(made: Map<number, Made>, id: number): Made {
  const found = made.get(id);
  assert.ok(found, `nothing was made for encoding ${id}`);
  return found;
}

describe("the encodings of one source", () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.stage.close());

  it("each has its size, its rate and its frames, of the same pictures", () => {
    bench.set(
      { id: 1, wishes: whole },
      { id: 2, wishes: { ...whole, scaleResolutionDownBy: 2 } },
      { id: 3, wishes: { ...whole, maxBitrateBps: 100_000 } },
      { id: 4, wishes: { ...whole, maxFrameRate: 10 } },
      { id: 5, wishes: { ...whole, codec: "VP8", scaleResolutionDownBy: 4 } },
    );
    bench.run(30);
    const made = bench.run(90);
    const seconds = 3;
    const rate = (id: number) => (get(made, id).bytes * 8) / seconds;
    assert.deepEqual([get(made, 1).width, get(made, 1).height], [320, 180]);
    assert.deepEqual([get(made, 2).width, get(made, 2).height], [160, 90]);
    assert.deepEqual([get(made, 5).width, get(made, 5).height], [80, 44]);
    assert.ok(Math.abs(rate(1) / 400_000 - 1) < 0.25, `${rate(1)} bit/s`);
    assert.ok(Math.abs(rate(3) / 100_000 - 1) < 0.25, `${rate(3)} bit/s`);
    assert.ok(Math.abs(rate(2) / 100_000 - 1) < 0.25, `${rate(2)} bit/s: as many bits a pixel`);
    assert.equal(get(made, 1).frames, 90);
    assert.equal(get(made, 4).frames, 30);
    const gaps = get(made, 4).captureTimesUs.map((time, i, all) => (i === 0 ? 100_000 : time - all[i - 1]));
    assert.ok(gaps.every((gap) => Math.abs(gap - 100_000) < 1));
  });

  it("a keyframe is made in the encoding it is asked of, and in each when all are meant", () => {
    bench.set({ id: 1, wishes: whole }, { id: 2, wishes: { ...whole, scaleResolutionDownBy: 2 } });
    bench.run(5);
    bench.memory.control.requestKeyframe(2);
    const one = bench.run(5);
    assert.deepEqual([get(one, 1).keyframes, get(one, 2).keyframes], [0, 1]);
    bench.memory.control.requestKeyframe(0);
    const both = bench.run(5);
    assert.deepEqual([get(both, 1).keyframes, get(both, 2).keyframes], [1, 1]);
  });

  it("follows changed limits in the running encoder: a new size begins with a keyframe, a new rate does not", () => {
    bench.set({ id: 1, wishes: whole });
    bench.run(30);
    bench.set({ id: 1, wishes: { ...whole, maxBitrateBps: 80_000 } });
    bench.run(30);
    const slow = get(bench.run(60), 1);
    assert.equal(slow.keyframes, 0);
    assert.ok(Math.abs((slow.bytes * 8) / 2 / 80_000 - 1) < 0.3, `${slow.bytes * 4} bit/s`);
    bench.set({ id: 1, wishes: { ...whole, scaleResolutionDownBy: 2 } });
    const half = get(bench.run(3), 1);
    assert.deepEqual([half.keyframes, half.width], [1, 160]);
  });

  it("the bitrate of all still bounds the one with a limit of its own", () => {
    bench.set({ id: 1, wishes: { ...whole, maxBitrateBps: 300_000 } });
    bench.memory.control.set(ControlWord.targetBitrateBps, 100_000);
    bench.run(30);
    const made = get(bench.run(60), 1);
    assert.ok(Math.abs((made.bytes * 8) / 2 / 100_000 - 1) < 0.25, `${made.bytes * 4} bit/s`);
  });

  it("rests the top layer on a path too narrow for it, and begins it anew when there is room again", () => {
    const lower = { scaleResolutionDownBy: 2 };
    bench.set(
      { id: 1, wishes: { ...whole, below: [lower] } },
      { id: 2, wishes: { ...whole, ...lower, below: [] } },
    );
    const path = (bps: number) => bench.memory.control.set(ControlWord.pathBitrateBps, bps);
    const counts = () => {
      const made = bench.run(30);
      return [made.get(1)?.frames ?? 0, made.get(1)?.keyframes ?? 0, get(made, 2).frames];
    };
    assert.deepEqual(counts(), [30, 1, 30]);
    // Of 400 kbit/s for the whole picture the lower one wants a quarter.
    path(120_000);
    assert.deepEqual(counts(), [0, 0, 30]);
    assert.equal(bench.memory.control.targetBps(1), 0);
    path(150_000);
    assert.deepEqual(counts(), [30, 1, 30]);
    assert.equal(bench.memory.control.targetBps(1), 50_000);
    assert.equal(bench.memory.control.targetBps(2), 100_000);
    path(50_000);
    assert.deepEqual(counts(), [0, 0, 30], "the lowest never rests");
    assert.equal(bench.memory.control.targetBps(2), 50_000);
  });

  it("keeps the usual encoder ready while nobody looks; whoever comes gets a keyframe of it", () => {
    bench.set({ id: 1, wishes: whole });
    bench.run(3);
    bench.set();
    assert.equal(bench.run(3).size, 0);
    bench.set({ id: 9, wishes: whole });
    assert.equal(get(bench.run(3), 9).keyframes, 1);
  });

  it("shows black once a second in place of the pictures, of their size, without the camera's help", () => {
    bench.set({ id: 1, wishes: whole }, { id: 2, wishes: { ...whole, blank: true } });
    const made = bench.run(90);
    assert.equal(get(made, 1).frames, 90);
    assert.equal(get(made, 2).frames, 3);
    assert.deepEqual([get(made, 2).width, get(made, 2).height], [320, 180]);
    assert.ok(get(made, 2).bytes < 2_000, "nothing of the scene is in it");
    bench.set({ id: 2, wishes: { ...whole, blank: true } });
    const idleUs = 1e12;
    const next = bench.stage.step(idleUs);
    assert.equal(next, idleUs + 1e6, "wakes by itself for the next one");
  });
});

describe("the encodings of the microphone", () => {
  function sound(channels: 1 | 2 = 1) {
    const memory = makeMemory(channels);
    const events: WorkerEvent[] = [];
    const stage = new MicrophoneStage(hostOf(memory, "microphone", events));
    const encoded = new SlotConsumer(memory.wiringOf("sender").encodedAudio);
    memory.control.set(ControlWord.audioConsumers, 1);
    let nowUs = 1_000_000;
    const run = (frames: number) => {
      const bytes = new Map<number, number[]>();
      const times = new Map<number, number[]>();
      const heads = new Map<number, number>();
      for (let i = 0; i <= frames; i++, nowUs += 20_000) {
        stage.step(nowUs);
        while (encoded.take()) {
          const { tag, byteLength, rtpTimestamp, slot } = encoded.descriptor;
          bytes.set(tag, [...(bytes.get(tag) ?? []), byteLength]);
          times.set(tag, [...(times.get(tag) ?? []), rtpTimestamp]);
          heads.set(tag, encoded.bytes(slot)[0]);
          encoded.release(slot);
        }
      }
      return { bytes, times, heads };
    };
    const pause = (us: number) => {
      nowUs += us;
    };
    return { memory, stage, run, pause, events };
  }
  const opus: AudioWishes = { kind: "audio", codec: "opus", blank: false, channels: 1 };
  const sum = (values: readonly number[] = []) => values.reduce((total, value) => total + value, 0);

  it("keep to their bitrates, and silence costs next to nothing", () => {
    const { stage, run } = sound();
    stage.order({
      type: "setSoundEncodings",
      inputId: 0,
      encodings: [
        { id: 1, wishes: opus },
        { id: 2, wishes: { ...opus, maxBitrateBps: 12_000 } },
        { id: 3, wishes: { ...opus, blank: true } },
      ],
    });
    const { bytes } = run(100);
    const bps = (id: number) => (sum(bytes.get(id)) * 8) / 2;
    assert.ok(bps(1) > 20_000 && bps(1) < 40_000, `${bps(1)} bit/s`);
    assert.ok(bps(2) > 8_000 && bps(2) < 15_000, `${bps(2)} bit/s`);
    assert.ok(bps(3) < 3_000, `${bps(3)} bit/s of silence`);
    stage.close();
  });

  it("come in the channels, packets and codecs that peers want", () => {
    const { stage, run } = sound(2);
    const wish = (id: number, more: Partial<AudioWishes>) => ({ id, wishes: { ...opus, ...more } });
    stage.order({
      type: "setSoundEncodings",
      inputId: 0,
      encodings: [
        wish(1, {}),
        wish(2, { channels: 2 }),
        wish(3, { frameUs: 40_000 }),
        wish(4, { codec: "PCMU" }),
        wish(5, { codec: "PCMA", frameUs: 10_000 }),
      ],
    });
    const { bytes, times, heads } = run(20);
    // RFC 6716 §3.1: the third bit of the first byte says stereo.
    assert.deepEqual([(heads.get(1) ?? 0) & 4, (heads.get(2) ?? 0) & 4], [0, 4]);
    const steps = (id: number) =>
      new Set(
        times
          .get(id)
          ?.slice(1)
          .map((time, i) => time - (times.get(id)?.[i] ?? 0)),
      );
    assert.deepEqual([...steps(1)], [960]);
    assert.deepEqual([...steps(3)], [1920]);
    assert.deepEqual([...steps(4)], [160]);
    assert.deepEqual([...steps(5)], [80]);
    assert.ok(bytes.get(4)?.every((length) => length === 160));
    assert.ok(bytes.get(5)?.every((length) => length === 80));
    stage.close();
  });

  it("let what was slept through pass on the RTP clock", () => {
    const { memory, stage, run, pause } = sound();
    stage.order({ type: "setSoundEncodings", inputId: 0, encodings: [{ id: 1, wishes: opus }] });
    const before = run(5).times.get(1) ?? [];
    memory.control.set(ControlWord.audioConsumers, 0);
    run(0);
    pause(1_000_000);
    memory.control.set(ControlWord.audioConsumers, 1);
    const after = run(5).times.get(1) ?? [];
    const gap = after[0] - (before.at(-1) ?? 0);
    assert.ok(gap > 48_000 && gap < 48_000 + 4 * 960, `${gap} samples passed`);
    assert.ok(after.every((time, i) => i === 0 || time - after[i - 1] === 960));
    stage.close();
  });
});
