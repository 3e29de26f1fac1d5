import assert from "node:assert/strict";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import type { VideoCodecName } from "../../src/media/codecs/codec_name.js";
import type { VideoEncoding } from "../../src/media/encodings/encoding.js";
import { EngineMemory, type MemoryOptions } from "../../src/media/engine_memory.js";
import type { WorkerEvent } from "../../src/media/engine_messages.js";
import { PlayoutCounter, streamRow, WorkerCounter, workerRow } from "../../src/media/metrics_rows.js";
import { ControlWord } from "../../src/media/ring/control_block.js";
import { SlotConsumer } from "../../src/media/ring/slot_channel.js";
import { allocateCounters, ReceiveCounters } from "../../src/media/session/stream_counters.js";
import { WorkerThread } from "../../src/media/worker_thread.js";

const memoryOptions: MemoryOptions = {
  maxWidth: 1280,
  maxHeight: 720,
  codec: { idrInterval: 0, encoderThreads: 1, maxNalBytes: 1100, bitrateBps: 2_000_000 },
  audio: { bitrateBps: 32_000, fec: true, dtx: false, frameSamples: 960 },
  videoSource: { kind: "test", width: 1280, height: 720, frameRate: 30, noise: true, tag: 0x5a17 },
  audioSource: { kind: "none" },
  warmUp: false,
};

/** camera → encoder → decoder as real threads, the encoder's channel wired straight to the decoder. */
class Pipeline {
  readonly memory = new EngineMemory(memoryOptions);
  readonly events: WorkerEvent[] = [];
  readonly pictures = new SlotConsumer(this.memory.wiringOf("decoder").pictures);
  readonly counters = new Float64Array(allocateCounters(ReceiveCounters.words));
  onOutput: () => void = () => {};
  readonly #encoder: WorkerThread<"encoder">;
  readonly #threads: { ready: Promise<void>; exited: Promise<void>; stop(): Promise<void> }[];

  constructor() {
    const { control, doorbells } = this.memory;
    control.set(ControlWord.targetBitrateBps, 2_000_000);
    control.set(ControlWord.frameRate, 30);
    control.set(ControlWord.picturesWanted, 1);
    const listeners = {
      onEvent: (event: WorkerEvent) => {
        this.events.push(event);
        if (event.type === "output") this.onOutput();
      },
      onDeath: (code: string, message: string) => assert.fail(`${code}: ${message}`),
    };
    const encoderWiring = this.memory.wiringOf("encoder");
    // The encoder rings the sender; here the decoder sits in the sender's place.
    const toDecoder = { ...encoderWiring.doorbells, sender: doorbells.decoder.buffer };
    const decoderWiring = { ...this.memory.wiringOf("decoder"), accessUnits: encoderWiring.encodedVideo };
    const decoder = new WorkerThread<"decoder">(decoderWiring, doorbells.decoder, listeners);
    decoder.post({
      type: "addPlayoutStream",
      streamId: 0,
      transportId: 1,
      mid: "0",
      channels: 1,
      counters: this.counters.buffer as SharedArrayBuffer,
      targetUs: 0,
      isWanted: true,
      syncWith: [],
    });
    this.#encoder = new WorkerThread<"encoder">(
      { ...encoderWiring, doorbells: toDecoder },
      doorbells.encoder,
      listeners,
    );
    this.#threads = [
      decoder,
      this.#encoder,
      new WorkerThread<"camera">(this.memory.wiringOf("camera"), doorbells.camera, listeners),
    ];
  }

  async ready(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ready));
  }

  setDemand(...codecs: VideoCodecName[]): void {
    const encodings = codecs.map((codec): VideoEncoding => {
      const wishes = { kind: "video", codec, blank: false, scaleResolutionDownBy: 1 } as const;
      return { id: codec === "H264" ? 1 : 2, wishes };
    });
    this.#encoder.post({ type: "setPictureEncodings", inputId: 0, encodings });
    this.memory.control.set(ControlWord.videoConsumers, codecs.length);
    this.memory.doorbells.camera.ring();
  }

  /** Runs until the encoder has made so many frames more. */
  async encode(frames: number): Promise<void> {
    const row = this.memory.metrics.row(workerRow("encoder"));
    const end = row.get(WorkerCounter.frames) + frames;
    await new Promise<void>((resolve) => {
      this.onOutput = () => {
        while (this.pictures.take()) this.pictures.release(this.pictures.slot);
        if (row.get(WorkerCounter.frames) >= end) resolve();
      };
    });
  }

  /** Runs until `cause` has made as many keyframes, however late its order is read or a slot is free, and no more after that. */
  async makesKeyframes(count: number, cause: () => void): Promise<void> {
    const row = this.memory.metrics.row(workerRow("encoder"));
    const end = row.get(WorkerCounter.keyframes) + count;
    cause();
    while (row.get(WorkerCounter.keyframes) < end) await this.encode(1);
    await this.encode(6);
    assert.equal(row.get(WorkerCounter.keyframes), end);
  }

  async stop(): Promise<void> {
    for (const thread of [...this.#threads].reverse()) await thread.stop();
    await Promise.all(this.#threads.map((thread) => thread.exited));
  }
}

describe("video pipeline: camera, encoder and decoder threads", function () {
  this.timeout(120_000);
  let pipeline: Pipeline;
  before(async () => {
    pipeline = new Pipeline();
    await pipeline.ready();
  });
  after(() => pipeline.stop());

  it("stays idle while nobody wants video", () => {
    const row = pipeline.memory.metrics.row(workerRow("camera"));
    assert.equal(row.get(WorkerCounter.frames), 0);
  });

  it("shows the very pictures that were captured, in order, at 2 Mbit/s", async () => {
    const seen: number[] = [];
    await new Promise<void>((resolve, reject) => {
      pipeline.onOutput = () => {
        while (pipeline.pictures.take()) {
          const picture = pipeline.pictures.descriptor;
          const luma = pipeline.pictures.bytes(picture.slot).subarray(picture.offsetY);
          const code = readBlockCode(luma, picture.width, picture.height, picture.strideY);
          try {
            assert.ok(code !== null, `no block code in frame ${picture.frameNumber}`);
            assert.equal(code.frameNumber, picture.frameNumber);
            assert.equal(code.captureTimeUs, Math.floor(picture.captureTimeUs));
            assert.equal(code.tag, 0x5a17);
          } catch (error) {
            reject(error);
          }
          seen.push(picture.frameNumber);
          pipeline.pictures.release(picture.slot);
        }
        if (seen.length >= 30) resolve();
      };
      pipeline.setDemand("H264");
    });
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    const first = pipeline.events.find((event) => event.type === "firstframe");
    assert.deepEqual(first, { type: "firstframe", streamId: 0, width: 1280, height: 720 });
  });

  it("answers a change of the keyframe epoch with one IDR", async () => {
    await pipeline.makesKeyframes(1, () => pipeline.memory.control.requestKeyframe(0));
  });

  it("starts small slices with an IDR when a peer needs packetization mode 0", async () => {
    const { metrics, control } = pipeline.memory;
    await pipeline.makesKeyframes(1, () => control.add(ControlWord.smallNalConsumers, 1));
    assert.equal(metrics.row(streamRow(0)).get(PlayoutCounter.decodeErrors), 0);
  });

  it("goes over to VP8 in mid-stream, with a keyframe, and the decoder with it", async () => {
    const row = pipeline.memory.metrics.row(streamRow(0));
    await pipeline.makesKeyframes(1, () => pipeline.setDemand("VP8"));
    const shown = row.get(PlayoutCounter.framesDecoded);
    while (row.get(PlayoutCounter.framesDecoded) < shown + 4) await pipeline.encode(1);
    assert.equal(row.get(PlayoutCounter.decodeErrors), 0);
  });

  it("encodes in each codec that is taken, and a keyframe in each when one is wanted", async () => {
    await pipeline.makesKeyframes(1, () => pipeline.setDemand("VP8", "H264"));
    await pipeline.makesKeyframes(2, () => pipeline.memory.control.requestKeyframe(0));
  });

  it("makes a keyframe in the one encoding that it is asked of", async () => {
    await pipeline.makesKeyframes(1, () => pipeline.memory.control.requestKeyframe(2));
  });

  it("counts what it decoded and its delay from the capture", () => {
    const row = pipeline.memory.metrics.row(streamRow(0));
    assert.ok(row.get(PlayoutCounter.framesDecoded) >= 30);
    assert.equal(row.get(PlayoutCounter.width), 1280);
    assert.equal(row.get(PlayoutCounter.decodeErrors), 0);
    assert.ok(row.histograms[0].count >= 30, "capture to decoded is recorded");
    assert.ok(row.histograms[0].percentile(0.5) > 0);
  });
});
