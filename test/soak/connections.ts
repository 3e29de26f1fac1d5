/** Pairs of connections in one process, closed at any stage of their life. */
import assert from "node:assert/strict";
import { type RTCDataChannel, RTCPeerConnection, whenClosed } from "../../src/webrtc/index.js";
import { nextEvent } from "../webrtc/fake_transport.js";

/** How far a pair gets before it is closed. */
export const STAGES = [
  "created",
  "offered",
  "gathered",
  "checking",
  "handshake",
  "connected",
  "talked",
  "wrong fingerprint",
  "peer lost",
] as const;
export type Stage = (typeof STAGES)[number];

interface Pair {
  readonly a: RTCPeerConnection;
  readonly b: RTCPeerConnection;
  readonly channel: RTCDataChannel | undefined;
}

const settings = { transport: { includeLoopback: true, interfaces: { allow: ["lo"] } } } as const;

function makePair(hasData: boolean): Pair {
  const a = new RTCPeerConnection({}, settings);
  const b = new RTCPeerConnection({}, settings);
  a.onicecandidate = ({ candidate }) =>
    void (candidate && b.remoteDescription && b.addIceCandidate(candidate));
  b.onicecandidate = ({ candidate }) =>
    void (candidate && a.remoteDescription && a.addIceCandidate(candidate));
  const channel = hasData ? a.createDataChannel("soak") : undefined;
  if (!hasData) a.addTransceiver("audio");
  return { a, b, channel };
}

/** The state, or the failure that came instead. */
async function until(pc: RTCPeerConnection, done: () => boolean, ...events: string[]): Promise<void> {
  while (!done()) await Promise.race(events.map((event) => nextEvent(pc, event)));
}

async function offer({ a, b }: Pair): Promise<void> {
  await a.setLocalDescription();
  await until(a, () => a.iceGatheringState === "complete", "icegatheringstatechange");
  await b.setRemoteDescription(a.localDescription ?? { type: "offer", sdp: "" });
}

async function answer({ a, b }: Pair, change: (sdp: string) => string = (sdp) => sdp): Promise<void> {
  await b.setLocalDescription();
  await until(b, () => b.iceGatheringState === "complete", "icegatheringstatechange");
  await a.setRemoteDescription({ type: "answer", sdp: change(b.localDescription?.sdp ?? "") });
}

async function connect(pair: Pair): Promise<void> {
  await offer(pair);
  await answer(pair);
  const { a, b } = pair;
  for (const pc of [a, b]) await until(pc, () => pc.connectionState === "connected", "connectionstatechange");
}

async function talk({ b, channel }: Pair, opened: Promise<{ channel: RTCDataChannel }>): Promise<void> {
  assert.ok(channel !== undefined);
  const { channel: theirs } = await opened;
  theirs.onmessage = ({ data }) => theirs.send(data);
  if (channel.readyState !== "open") await nextEvent(channel, "open");
  const echoed = nextEvent<MessageEvent>(channel, "message");
  channel.send("x".repeat(5000));
  assert.equal((await echoed).data.length, 5000);
  assert.equal(b.connectionState, "connected");
}

const WRONG = `a=fingerprint:sha-256 ${Array(32).fill("AA").join(":")}`;

const reach: Readonly<Record<Stage, (pair: Pair) => Promise<void>>> = {
  created: async () => undefined,
  offered: async ({ a }) => void (await a.createOffer()),
  gathered: offer,
  checking: async (pair) => {
    await offer(pair);
    await answer(pair);
    await until(pair.a, () => pair.a.iceConnectionState !== "new", "iceconnectionstatechange");
  },
  handshake: async (pair) => {
    await offer(pair);
    await answer(pair);
    const isBegun = () => ["connected", "completed"].includes(pair.a.iceConnectionState);
    await until(pair.a, isBegun, "iceconnectionstatechange");
  },
  connected: connect,
  talked: async (pair) => {
    const opened = nextEvent<Event & { channel: RTCDataChannel }>(pair.b, "datachannel");
    await connect(pair);
    await talk(pair, opened);
  },
  "wrong fingerprint": async (pair) => {
    await offer(pair);
    await answer(pair, (sdp) => sdp.replaceAll(/a=fingerprint:.*/g, WRONG));
    await until(pair.a, () => pair.a.connectionState === "failed", "connectionstatechange");
  },
  "peer lost": async (pair) => {
    await connect(pair);
    const gone = nextEvent(pair.b, "connectionstatechange");
    pair.a.close();
    await gone;
  },
};

/** Opens a pair, takes it to the stage, closes both and waits until the threads have let go of them. */
export async function openAndClose(stage: Stage, hasData: boolean): Promise<void> {
  const pair = makePair(hasData || stage === "talked");
  await reach[stage](pair);
  for (const pc of [pair.a, pair.b]) pc.close();
  await Promise.all([whenClosed(pair.a), whenClosed(pair.b)]);
}
