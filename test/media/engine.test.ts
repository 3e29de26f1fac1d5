import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { until } from "../../interop/until.js";
import { native } from "../../native/addon.js";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { MediaEngine, type MediaEngineOptions, type WorkerFailure } from "../../src/media/engine.js";
import { WORKER_NAMES } from "../../src/media/engine_messages.js";
import type { MediaTransport, TransportOptions } from "../../src/media/transport_api.js";
import { untilTone } from "../support/tones.js";

const options: MediaEngineOptions = {
  videoSource: { kind: "test", width: 640, height: 360, frameRate: 30, noise: false, tag: 1 },
  audioSource: { kind: "tone", frequencyHz: 660, channels: 1 },
  maxWidth: 640,
  maxHeight: 368,
  videoBitrateBps: 800_000,
  warmUp: false,
};

function threadNames(): string[] {
  return readdirSync("/proc/self/task").map((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim();
    } catch {
      return "";
    }
  });
}

describe("MediaEngine", function () {
  this.timeout(120_000);

  it("names its threads for the operating system and ends them all", async () => {
    const engine = await MediaEngine.start(options);
    const names = threadNames();
    for (const name of WORKER_NAMES) assert.ok(names.includes(name), `${name} among ${names}`);
    await engine.stop();
    await engine.stop();
    const after = threadNames();
    for (const name of WORKER_NAMES) assert.ok(!after.includes(name), `${name} is gone`);
  });

  it("sleeps while there is no call: no frame, hardly a wake-up", async () => {
    const engine = await MediaEngine.start(options);
    const before = engine.stats();
    const cpuBefore = process.cpuUsage();
    const begunMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const halfSeconds = (performance.now() - begunMs) / 500;
    const after = engine.stats();
    for (const name of WORKER_NAMES) {
      assert.equal(after[name].frames, 0, name);
      assert.ok(
        after[name].wakeups - before[name].wakeups <= 10 * halfSeconds,
        `${name} woke ${after[name].wakeups} times`,
      );
    }
    assert.ok(process.cpuUsage(cpuBefore).user < 250_000 * halfSeconds);
    await engine.stop();
  });

  it("starts and stops again and again without growing memory, threads or descriptors", async function () {
    const cycles = Number(process.env.ROOMRTC_ENGINE_CYCLES ?? 10);
    this.timeout(cycles * 10_000);
    const measure = () => ({
      threads: readdirSync("/proc/self/task").length,
      descriptors: readdirSync("/proc/self/fd").length,
      rss: process.memoryUsage().rss,
    });
    const cycle = async () => (await MediaEngine.start(options)).stop();
    for (let i = 0; i < 3; i++) await cycle();
    const before = measure();
    for (let i = 0; i < cycles; i++) await cycle();
    const after = measure();
    assert.equal(after.threads, before.threads);
    assert.equal(after.descriptors, before.descriptors);
    const grown = (after.rss - before.rss) / 2 ** 20;
    // One engine's memory is some 12 MiB: a leak of a tenth of it per cycle would show.
    assert.ok(grown < 10 + 0.3 * cycles, `${grown.toFixed(1)} MiB more after ${cycles} cycles`);
  });

  it("does not start with a source that cannot be opened, says which, and leaves no thread", async () => {
    const videoSource = { kind: "file", path: "/nonexistent/clip.y4m", loop: true } as const;
    await assert.rejects(MediaEngine.start({ ...options, videoSource }), {
      code: "SOURCE_FAILED",
      message: /clip\.y4m/,
    });
    const names = threadNames();
    for (const name of WORKER_NAMES) assert.ok(!names.includes(name), name);
  });

  it("refuses transports once it is stopped", async () => {
    const engine = await MediaEngine.start(options);
    await engine.stop();
    assert.throws(() => engine.createTransport(transportOptions("controlled", "x")), {
      code: "ENGINE_STATE",
    });
  });

  it("replaces any worker that dies and says so", async () => {
    const engine = await MediaEngine.start(options);
    for (const name of WORKER_NAMES) {
      const failed = once(engine, "workerfailed") as Promise<[WorkerFailure]>;
      await engine.killWorker(name);
      const [failure] = await failed;
      assert.equal(failure.name, name);
      assert.equal(failure.restarted, true);
    }
    const call = await connect(engine, engine);
    await call.mediaFlows;
    await engine.stop();
  });

  it("gives up on a worker that keeps dying, and goes on without it", async () => {
    const engine = await MediaEngine.start(options);
    const restarted: boolean[] = [];
    for (let i = 0; i < 4; i++) {
      const failed = once(engine, "workerfailed") as Promise<[WorkerFailure]>;
      await engine.killWorker("camera");
      restarted.push((await failed)[0].restarted);
    }
    assert.deepEqual(restarted, [true, true, true, false]);
    await engine.stop();
  });
});

describe("MediaEngine: a call between two engines", function () {
  this.timeout(120_000);
  let alice: MediaEngine;
  let bob: MediaEngine;
  before(async () => {
    alice = await MediaEngine.start({
      ...options,
      videoSource: { ...options.videoSource, tag: 0xa11c } as never,
    });
    bob = await MediaEngine.start({
      ...options,
      videoSource: { ...options.videoSource, tag: 0xb0b0 } as never,
    });
  });
  after(async () => {
    await alice.stop();
    await bob.stop();
  });

  it("shows each the other's pictures and plays the other's tone", async () => {
    const call = await connect(alice, bob);
    await call.mediaFlows;
    const seen = await new Promise<number[]>((resolve) => {
      const frames: number[] = [];
      const end = bob.onPicture((bytes, picture) => {
        const luma = bytes.subarray(picture.offsetY);
        const code = readBlockCode(luma, picture.width, picture.height, picture.strideY);
        assert.equal(code?.tag, 0xa11c);
        frames.push(code?.frameNumber ?? -1);
        if (frames.length < 20) return;
        end();
        resolve(frames);
      });
    });
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    );
    // Where threads wait for a processor, sound is skipped and made up: one stretch without that tells the pitch.
    await untilTone("bob hears alice", 660, 3, async () => {
      const { receive } = await call.b.getStats();
      return receive.find(({ kind }) => kind === "audio")?.toneHz;
    });
    const [stats, video] = await until("capture to decoded is not measured", 25, async () => {
      const stats = await call.b.getStats();
      const video = stats.receive.find(({ kind }) => kind === "video");
      return video !== undefined && video.latency.count > 20 ? ([stats, video] as const) : undefined;
    });
    assert.equal(video.width, 640);
    assert.ok(video.latency.p50 > 0);
    assert.equal(stats.iceState === "connected" || stats.iceState === "completed", true);
    assert.equal(stats.dtlsState, "connected");
    assert.notEqual(stats.srtpProfile, "");
    await call.close();
    assert.equal((await call.a.getStats()).iceState, "closed");
  });

  it("a decoder that dies in a call is replaced, and pictures come again", async () => {
    const call = await connect(alice, bob);
    await call.mediaFlows;
    const failed = once(bob, "workerfailed");
    await bob.killWorker("decoder");
    await failed;
    await new Promise<void>((resolve) => {
      const end = bob.onPicture(() => {
        end();
        resolve();
      });
    });
    await call.close();
  });

  it("an encoder that dies in a call is replaced, and pictures go on", async () => {
    const call = await connect(alice, bob);
    await call.mediaFlows;
    const failed = once(alice, "workerfailed");
    await alice.killWorker("encoder");
    await failed;
    const framesBefore = alice.stats().encoder.frames;
    await new Promise<void>((resolve) => {
      const end = bob.onPicture(() => {
        if (alice.stats().encoder.frames < framesBefore + 5) return;
        end();
        resolve();
      });
    });
    await call.close();
  });

  it("a sender that dies ends the call with a reason, and the next call works", async () => {
    const call = await connect(alice, bob);
    await call.mediaFlows;
    const failed = new Promise<{ code: string; message: string }>((resolve) => call.a.on("failed", resolve));
    await alice.killWorker("sender");
    const reason = await failed;
    assert.equal(reason.code, "WORKER_FAILED");
    assert.match(reason.message, /sender/);
    await call.close();
    const next = await connect(alice, bob);
    await next.mediaFlows;
    await next.close();
  });
});

function transportOptions(iceRole: "controlling" | "controlled", name: string): TransportOptions {
  const certificate = native.Certificate.generate();
  return {
    iceRole,
    local: { usernameFragment: `${name}ufrag`, password: `${name}PasswordOf22Characters` },
    stunServers: [],
    certificatePem: certificate.certificatePem,
    privateKeyPem: certificate.privateKeyPem,
    settings: { bindAddresses: ["127.0.0.1"], includeLoopback: true },
  };
}

interface Call {
  readonly a: MediaTransport;
  readonly b: MediaTransport;
  /** Both sides decoded video and sound. */
  readonly mediaFlows: Promise<unknown>;
  close(): Promise<void>;
}

/** Connects two transports directly, video and sound both ways. */
async function connect(engineA: MediaEngine, engineB: MediaEngine): Promise<Call> {
  const optionsA = transportOptions("controlling", "alice");
  const optionsB = transportOptions("controlled", "bobby");
  const a = engineA.createTransport(optionsA);
  const b = engineB.createTransport(optionsB);
  const mediaFlows = Promise.all([decodesBoth(a), decodesBoth(b)]);
  a.on("candidate", ({ candidate }) => b.addRemoteCandidate(candidate));
  b.on("candidate", ({ candidate }) => a.addRemoteCandidate(candidate));
  wire(a, optionsB, "client", 1000);
  wire(b, optionsA, "server", 2000);
  return {
    a,
    b,
    mediaFlows,
    close: async () => {
      await Promise.all([a.close(), b.close()]);
    },
  };
}

function decodesBoth(transport: MediaTransport): Promise<void> {
  const mids = new Set<string>();
  return new Promise((resolve, reject) => {
    transport.on("firstframe", ({ mid }) => {
      if (mids.add(mid).size === 2) resolve();
    });
    transport.on("failed", ({ code, message }) => reject(new Error(`${code}: ${message}`)));
  });
}

function wire(
  transport: MediaTransport,
  remote: TransportOptions,
  role: "client" | "server",
  ssrc: number,
): void {
  const { certificatePem, privateKeyPem } = remote;
  const certificate = native.Certificate.fromPem(certificatePem, privateKeyPem);
  transport.setRemoteIceParameters(remote.local, false);
  transport.startDtls(role, [{ algorithm: "sha-256", value: certificate.fingerprint("sha-256") }]);
  const common = { cname: "test", reducedSizeRtcp: true, extensions: { mid: 1, absCaptureTime: 2 } } as const;
  const receive = { ssrcs: [], extensions: common.extensions, reducedSizeRtcp: true } as const;
  const h264 = { payloadType: 96, codec: "H264", clockRate: 90_000 } as const;
  const opus = { payloadType: 111, codec: "opus", clockRate: 48_000, channels: 1 } as const;
  transport.addReceiveStream({
    kind: "video",
    mid: "0",
    payloadTypes: [h264],
    nack: true,
    localSsrc: ssrc,
    ...receive,
  });
  transport.addReceiveStream({
    kind: "audio",
    mid: "1",
    payloadTypes: [opus],
    nack: false,
    localSsrc: ssrc + 1,
    ...receive,
  });
  transport.addSendStream({
    kind: "video",
    mid: "0",
    ssrc,
    payloadType: 96,
    codec: "H264",
    clockRate: 90_000,
    packetizationMode: 1,
    nack: true,
    ...common,
  });
  transport.addSendStream({
    kind: "audio",
    mid: "1",
    ssrc: ssrc + 1,
    payloadType: 111,
    codec: "opus",
    clockRate: 48_000,
    nack: false,
    ...common,
  });
  transport.gather();
}
