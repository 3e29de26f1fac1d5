/** One end of `npm run bench -- data`, a process of its own: the parent carries descriptions and candidates, and orders. */
import { MediaEngine } from "../src/media/engine.js";
import type { MediaTransport } from "../src/media/transport_api.js";
import { createLocalTrack, MediaStream, RTCPeerConnection } from "../src/webrtc/index.js";
import type { Order, Report, Role, Said, VideoFigures } from "./data_messages.js";

const VIDEO = { kind: "test", width: 1280, height: 720, frameRate: 30, noise: true, tag: 1 } as const;
const MESSAGE_BYTES = 65_536;
const PING_BYTES = 64;
const HIGH_WATER_BYTES = 4 << 20;
const LOW_WATER_BYTES = 1 << 20;

const [role, picture] = process.argv.slice(2) as [Role, "video" | "none"];
const sends = role === "sender";
let transport: MediaTransport | undefined;

const engine = await MediaEngine.start({
  videoSource: sends && picture === "video" ? VIDEO : { kind: "none" },
  audioSource: { kind: "none" },
  videoBitrateBps: 2_000_000,
});
const transportFactory = {
  createTransport: (options: Parameters<MediaEngine["createTransport"]>[0]) => {
    transport = engine.createTransport(options);
    return transport;
  },
};
const pc = new RTCPeerConnection({}, { transportFactory, transport: { bindAddresses: ["127.0.0.1"] } });
const channel = pc.createDataChannel("bench", { negotiated: true, id: 0 });
channel.binaryType = "arraybuffer";
const opened = new Promise((resolve) => channel.addEventListener("open", resolve, { once: true }));
if (picture === "video") {
  if (sends) pc.addTrack(createLocalTrack({ kind: "video" }), new MediaStream());
  else pc.addTransceiver("video", { direction: "recvonly" });
}

pc.onicecandidate = ({ candidate }) => void (candidate && say({ candidate: candidate.toJSON() }));
channel.onerror = ({ error }) => {
  process.stderr.write(`${role}: ${error.message}\n`);
  process.exit(1);
};

/** The answering end says each message of a ping back, and when the last byte of a transfer has come. */
let expectedBytes = 0;
if (!sends) {
  channel.onmessage = ({ data }) => {
    if (expectedBytes === 0) channel.send(data);
    else {
      expectedBytes -= data.byteLength;
      if (expectedBytes <= 0) channel.send(new Uint8Array(1));
      expectedBytes = Math.max(0, expectedBytes);
    }
  };
}

async function ping(count: number): Promise<number[]> {
  const message = new Uint8Array(PING_BYTES);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    const back = nextMessage();
    channel.send(message);
    await back;
    times.push((performance.now() - from) * 1000);
  }
  return times;
}

/** Seconds from the first byte handed over to the other end's word that the last has come. */
async function bulk(bytes: number): Promise<number> {
  const message = new Uint8Array(MESSAGE_BYTES);
  const done = nextMessage();
  const from = performance.now();
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
  for (let sent = 0; sent < bytes; sent += MESSAGE_BYTES) {
    if (channel.bufferedAmount > HIGH_WATER_BYTES) {
      await new Promise((resolve) => channel.addEventListener("bufferedamountlow", resolve, { once: true }));
    }
    channel.send(message);
  }
  await done;
  return (performance.now() - from) / 1000;
}

function nextMessage(): Promise<unknown> {
  return new Promise((resolve) => channel.addEventListener("message", resolve, { once: true }));
}

async function videoFigures(): Promise<VideoFigures> {
  const stats = await transport?.getStats();
  const received = stats?.receive.find(({ kind }) => kind === "video");
  const { p50 = 0, p99 = 0 } = received?.latency ?? {};
  return {
    framesSent: stats?.send.find(({ kind }) => kind === "video")?.framesSent ?? 0,
    framesDecoded: received?.framesDecoded ?? 0,
    p50Us: p50,
    p99Us: p99,
  };
}

async function obey(order: Order): Promise<Report> {
  switch (order.type) {
    case "open":
      await opened;
      return null;
    case "expect":
      expectedBytes = Math.ceil(order.bytes / MESSAGE_BYTES) * MESSAGE_BYTES;
      return null;
    case "ping":
      return ping(order.count);
    case "bulk":
      return bulk(order.bytes);
    case "video":
      return videoFigures();
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }
    case "end":
      pc.close();
      await engine.stop();
      process.exit(0);
  }
}

process.on("message", async (message: Said | { order: Order }) => {
  if ("order" in message) say({ report: await obey(message.order) });
  else if ("candidate" in message) await pc.addIceCandidate(message.candidate);
  else await describe(message.description);
});

// Whoever gave the orders is gone, be it by a failure of its own: nobody would end this process.
process.once("disconnect", () => process.exit(1));

async function describe(description: { type: "offer" | "answer"; sdp: string }): Promise<void> {
  await pc.setRemoteDescription(description);
  if (description.type === "offer") await describeOurs();
}

async function describeOurs(): Promise<void> {
  await pc.setLocalDescription();
  const { type, sdp } = pc.localDescription as RTCSessionDescriptionInit;
  say({ description: { type, sdp } as { type: "offer" | "answer"; sdp: string } });
}

interface RTCSessionDescriptionInit {
  readonly type: string;
  readonly sdp: string;
}

function say(message: Said | { report: Report } | { ready: true }): void {
  process.send?.(message);
}

say({ ready: true });
if (sends) await describeOurs();
