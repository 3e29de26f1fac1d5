/** Two media engines, each with its eight threads, in a call over real sockets on the loopback interface. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { native } from "../../native/addon.js";
import { MediaEngine } from "../../src/media/engine.js";
import type { MediaTransport, TransportOptions, TransportStats } from "../../src/media/transport_api.js";

const EXTENSIONS = { mid: 1, absCaptureTime: 2 };
const ICE = {
  a: { usernameFragment: "ufragA", password: "password+of+the+first+peer" },
  b: { usernameFragment: "ufragB", password: "password+of+the+second+peer" },
};

interface Peer {
  readonly engine: MediaEngine;
  readonly transport: MediaTransport;
  readonly fingerprint: string;
}

function startEngine(): Promise<MediaEngine> {
  return MediaEngine.start({
    videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: false, tag: 1 },
    audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    maxWidth: 640,
    maxHeight: 480,
    videoBitrateBps: 500_000,
  });
}

function makePeer(engine: MediaEngine, name: "a" | "b", settings: TransportOptions["settings"] = {}): Peer {
  const certificate = native.Certificate.generate();
  const { certificatePem, privateKeyPem } = certificate;
  const transport = engine.createTransport({
    iceRole: name === "a" ? "controlling" : "controlled",
    local: ICE[name],
    stunServers: [],
    certificatePem,
    privateKeyPem,
    settings: { bindAddresses: ["127.0.0.1"], ...settings },
  });
  return { engine, transport, fingerprint: certificate.fingerprint("sha-256") };
}

/** What signaling does, without signaling. */
function connect(
  own: Peer,
  peer: Peer,
  name: "a" | "b",
  fingerprint = peer.fingerprint,
  picture: "H264" | "VP8" = "H264",
): void {
  const { transport } = own;
  const base = name === "a" ? 0x100 : 0x200;
  peer.transport.on("candidate", ({ candidate }) => transport.addRemoteCandidate(candidate));
  peer.transport.on("gatheringcomplete", () => transport.endOfRemoteCandidates());
  for (const kind of ["video", "audio"] as const) {
    const mid = kind === "video" ? "0" : "1";
    const codec =
      kind === "video"
        ? { payloadType: 96, codec: picture, clockRate: 90_000 }
        : { payloadType: 111, codec: "opus" as const, clockRate: 48_000, channels: 2 as const };
    const common = { kind, mid, extensions: EXTENSIONS, nack: kind === "video", reducedSizeRtcp: true };
    const { payloadType, clockRate } = codec;
    const ssrc = base + Number(mid);
    transport.addReceiveStream({ ...common, payloadTypes: [codec], ssrcs: [], localSsrc: ssrc });
    transport.addSendStream({
      ...common,
      ssrc,
      cname: name,
      payloadType,
      codec: codec.codec,
      clockRate,
      packetizationMode: 1,
    });
  }
  transport.setRemoteIceParameters(name === "a" ? ICE.b : ICE.a, false);
  transport.startDtls(name === "a" ? "server" : "client", [{ algorithm: "sha-256", value: fingerprint }]);
}

/** Resolves when `done` holds for the transport's statistics. */
async function until(
  transport: MediaTransport,
  done: (stats: TransportStats) => boolean,
): Promise<TransportStats> {
  for (;;) {
    const stats = await transport.getStats();
    if (done(stats)) return stats;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function decoded(stats: TransportStats): number {
  return stats.receive.find(({ kind }) => kind === "video")?.framesDecoded ?? 0;
}

/** Connects two peers; resolves when each has decoded the other's first picture. */
async function call([a, b]: readonly [Peer, Peer], picture: "H264" | "VP8" = "H264"): Promise<void> {
  const first = [a, b].map(({ transport }) => once(transport as never, "firstframe"));
  connect(a, b, "a", b.fingerprint, picture);
  connect(b, a, "b", a.fingerprint, picture);
  a.transport.gather();
  b.transport.gather();
  await Promise.all(first);
}

function next<E extends "failed" | "closed" | "bye">(peer: Peer, event: E): Promise<unknown[]> {
  return once(peer.transport as never, event);
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("two media engines in a call", function () {
  this.timeout(120_000);
  let a: MediaEngine;
  let b: MediaEngine;

  before(async () => {
    [a, b] = await Promise.all([startEngine(), startEngine()]);
  });

  after(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
  });

  it("carry picture and sound both ways through real sockets", async () => {
    const peers = [makePeer(a, "a"), makePeer(b, "b")] as const;
    await call(peers);
    for (const { transport } of peers) {
      const stats = await until(transport, (s) => decoded(s) > 60);
      const video = stats.receive.find(({ kind }) => kind === "video");
      const audio = stats.receive.find(({ kind }) => kind === "audio");
      assert.ok(video && audio);
      assert.equal(video.width, 320);
      assert.equal(video.packetsLost, 0);
      assert.ok(video.latency.count > 0 && video.latency.p50 > 0);
      assert.ok(audio.packetsReceived > 20);
      // Where the machine is busy, a gap now and then hides the tone from one measurement.
      await until(transport, (s) => s.receive.some(({ toneHz }) => Math.abs(toneHz - 440) < 5));
      assert.equal(stats.srtpProfile, "AEAD_AES_128_GCM");
      // A speaker thread that is behind on a busy machine is no fault of what came.
      const { "audio-queue-full": _, ...discarded } = stats.discarded;
      assert.deepEqual(discarded, {});
    }
    await Promise.all(peers.map(({ transport }) => transport.close()));
  });

  it("encode for a peer that takes H.264 and one that takes VP8 at once", async () => {
    const first = [makePeer(a, "a"), makePeer(b, "b")] as const;
    const second = [makePeer(a, "a"), makePeer(b, "b")] as const;
    await call(first, "H264");
    await call(second, "VP8");
    for (const { transport } of [...first, ...second]) {
      const stats = await until(transport, (s) => decoded(s) > 20);
      const video = stats.receive.find(({ kind }) => kind === "video");
      assert.equal(video?.width, 320);
    }
    await Promise.all([...first, ...second].map(({ transport }) => transport.close()));
  });

  it("give every socket back, call after call", async () => {
    const round = async (): Promise<number> => {
      const peers = [makePeer(a, "a"), makePeer(b, "b")] as const;
      await call(peers);
      await Promise.all(peers.map(({ transport }) => transport.close()));
      return openDescriptors();
    };
    const before = await round();
    for (let i = 0; i < 4; i++) assert.equal(await round(), before);
  });

  it("tell the other side of the end: BYE, then close_notify", async () => {
    const peers = [makePeer(a, "a"), makePeer(b, "b")] as const;
    await call(peers);
    const bye = next(peers[1], "bye");
    const failed = next(peers[1], "failed");
    await peers[0].transport.close();
    await bye;
    const [{ code }] = (await failed) as [{ code: string }];
    assert.equal(code, "ERR_DTLS_CLOSED");
    await peers[1].transport.close();
  });

  it("hear nothing from a peer whose certificate was not announced", async () => {
    const peers = [makePeer(a, "a"), makePeer(b, "b")] as const;
    const failed = next(peers[0], "failed");
    connect(peers[0], peers[1], "a", Array(32).fill("00").join(":"));
    connect(peers[1], peers[0], "b");
    for (const { transport } of peers) transport.gather();
    const [{ code }] = (await failed) as [{ code: string }];
    assert.equal(code, "ERR_DTLS_FINGERPRINT");
    const stats = await peers[1].transport.getStats();
    assert.equal(decoded(stats), 0);
    await Promise.all(peers.map(({ transport }) => transport.close()));
  });

  it("say which address could not be bound", async () => {
    // RFC 5737: an address for documentation, which no interface has.
    const peer = makePeer(a, "a", { bindAddresses: ["192.0.2.1"] });
    const failed = next(peer, "failed");
    peer.transport.gather();
    const [{ code, message }] = (await failed) as [{ code: string; message: string }];
    assert.equal(code, "ERR_TRANSPORT_BIND");
    assert.match(message, /192\.0\.2\.1/);
    await peer.transport.close();
  });

  it("notice that the peer has fallen silent: unstable, then failed", async () => {
    // Long enough for threads that wait for a processor; shorter silences of theirs come and go.
    const quick = { unstableAfterUs: 500_000, failAfterUs: 2_000_000 };
    const peers = [makePeer(a, "a", quick), makePeer(b, "b")] as const;
    const failed = next(peers[0], "failed");
    const told: boolean[] = [];
    peers[0].transport.on("unstable", (unstable) => told.push(unstable));
    await call(peers);
    await b.killWorker("receiver");
    const [{ code }] = (await failed) as [{ code: string }];
    assert.equal(code, "ERR_TRANSPORT_SILENT");
    assert.equal(told.at(-1), true, `unstable: ${told}`);
    await Promise.all(peers.map(({ transport }) => transport.close()));
  });
});
