/**
 * `npm run bench -- broadcast`: one source to many peers, encoded once or passed on as packets: packets a second and the CPU time of the
 * sending process alone; the receivers are another process. That one's CPU time where packets are read, with decoding and without.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { native } from "../native/addon.js";
import { gatheringComplete } from "../src/exchange/index.js";
import { MediaEngine } from "../src/media/engine.js";
import { i420Bytes, i420Layout } from "../src/protocol/primitives/i420.js";
import { writeRtpHeader } from "../src/protocol/rtp/rtp_header.js";
import { Vp8Packetizer } from "../src/protocol/vp8/packetizer.js";
import {
  createLocalTrack,
  type MediaStreamTrack,
  nonstandard,
  RTCPeerConnection,
} from "../src/webrtc/index.js";
import type { CpuReading, ReceiverOrder, ReceiverReport, Reception } from "./broadcast_messages.js";

const RECEIVERS = fileURLToPath(new URL("./broadcast_receivers.js", import.meta.url));
const SIZE = { width: 320, height: 180, frameRate: 30 };
const BITRATE_BPS = 500_000;
/** Connections have found their rates, code is compiled. */
const SETTLE_MS = 3000;

interface Options {
  readonly receivers: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
}

/** What the sending process did in a second. */
interface Figures {
  readonly packets: number;
  readonly pictures: number;
  readonly cpuMs: number;
  readonly senderMs: number;
  readonly writeUs: number;
  /** Of the receiving process. */
  readonly receivingMs: number;
}

const sides = {
  encoded: { make: encodedSide, reception: { decode: "always", readsPackets: false } },
  packets: { make: packetSide, reception: { decode: "always", readsPackets: true } },
  undecoded: { make: packetSide, reception: { decode: "wanted", readsPackets: true } },
} as const satisfies Record<string, { make(): Side; reception: Reception }>;

const names = ["encoded", "packets", "undecoded"] as const satisfies readonly (keyof typeof sides)[];

export async function run(args: string[]): Promise<void> {
  const options = readOptions(args);
  const { width, height, frameRate } = SIZE;
  print(
    `broadcast: ${width}x${height} at ${frameRate}, ${BITRATE_BPS / 1e3} kbit/s, with sound where it is encoded; loopback`,
  );
  print(`${options.rounds} rounds of ${options.seconds} s, all in turn; medians (least to most)\n`);
  const all = new Map<string, Figures[]>();
  for (let round = 0; round < options.rounds; round++) {
    for (const count of options.receivers) {
      for (const side of names) {
        const key = `${side}/${count}`;
        all.set(key, [...(all.get(key) ?? []), await measure(side, count, options.seconds)]);
      }
    }
  }
  for (const side of ["encoded", "packets"] as const) printSide(side, options, all);
  printReceivers(options, all);
  print(`\nload of the machine at the end: ${loadavg()[0].toFixed(1)} on ${cpus().length} CPUs`);
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      receivers: { type: "string", default: "1,10,50" },
      seconds: { type: "string", default: "5" },
      rounds: { type: "string", default: "3" },
    },
  });
  const whole = (name: string, text: string) => {
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`--${name}: found '${text}'; allowed: whole numbers above 0`);
  };
  return {
    receivers: values.receivers.split(",").map((text) => whole("receivers", text)),
    seconds: whole("seconds", values.seconds),
    rounds: whole("rounds", values.rounds),
  };
}

/** What is sent, and what it costs the main thread to give it. */
interface Side {
  readonly tracks: readonly MediaStreamTrack[];
  /** Mean, µs; 0: the main thread gives nothing. */
  writeUs(): number;
  stop(): void;
}

function encodedSide(): Side {
  const tracks = [createLocalTrack({ kind: "video" }), createLocalTrack({ kind: "audio" })];
  return { tracks, writeUs: () => 0, stop: () => undefined };
}

/** The same pictures, encoded once before and given out as packets that another program would have sent. */
function packetSide(): Side {
  const source = new nonstandard.RTPTrackSource({ codec: { mimeType: "video/VP8" } });
  const pictures = encodePictures();
  let sequenceNumber = 0;
  let picture = 0;
  let writes = 0;
  let spentMs = 0;
  const packetizer = new Vp8Packetizer();
  const packet = new Uint8Array(1200);
  const timer = setInterval(() => {
    const frame = pictures[picture % pictures.length];
    packetizer.start(frame, 1100, false, 0, frame.length);
    const timestamp = (picture++ * 3000) >>> 0;
    for (let bytes = packetizer.next(packet, 12); bytes > 0; bytes = packetizer.next(packet, 12)) {
      const marker = packetizer.isLast;
      writeRtpHeader(packet, 0, { marker, payloadType: 96, sequenceNumber, timestamp, ssrc: 1 });
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      const from = performance.now();
      source.writeRtp(packet.subarray(0, 12 + bytes));
      spentMs += performance.now() - from;
      writes++;
    }
  }, 1000 / SIZE.frameRate);
  return {
    tracks: [source.createTrack()],
    writeUs: () => (spentMs / Math.max(1, writes)) * 1000,
    stop: () => clearInterval(timer),
  };
}

function encodePictures(): Uint8Array[] {
  const { width, height, frameRate } = SIZE;
  const encoder = new native.Vp8Encoder({
    width,
    height,
    frameRate,
    bitrateBps: BITRATE_BPS,
    keyframeInterval: 30,
  });
  const luma = width * height;
  const picture = new Uint8Array(i420Bytes(width, height)).fill(128);
  const out = new Uint8Array(luma * 2);
  const layout = i420Layout(width, height);
  const frames = Array.from({ length: 60 }, (_, frame) => {
    for (let i = 0; i < luma; i++) picture[i] = ((i * 7) ^ (i >> 6)) + frame * 5;
    return out.slice(0, encoder.encode(picture, layout, (frame * 1e6) / frameRate, frame === 0, out));
  });
  encoder.close();
  return frames.filter(({ length }) => length > 0);
}

async function measure(name: keyof typeof sides, count: number, seconds: number): Promise<Figures> {
  const isEncoded = name === "encoded";
  const engine = await MediaEngine.start({
    videoSource: isEncoded ? { kind: "test", ...SIZE, noise: true, tag: 1 } : { kind: "none" },
    audioSource: isEncoded ? { kind: "tone", frequencyHz: 440, channels: 1 } : { kind: "none" },
    videoBitrateBps: BITRATE_BPS,
  });
  const { make, reception } = sides[name];
  const receivers = await Receivers.start(reception);
  const side = make();
  const connections: RTCPeerConnection[] = [];
  try {
    for (let i = 0; i < count; i++) connections.push(await connect(engine, side.tracks, receivers));
    await pass(SETTLE_MS);
    const before = await sample(engine, connections, receivers);
    await pass(seconds * 1000);
    const after = await sample(engine, connections, receivers);
    const passed = (after.atMs - before.atMs) / 1000;
    const each = (key: "packets" | "pictures" | "cpuMs" | "senderMs") => (after[key] - before[key]) / passed;
    return {
      packets: each("packets"),
      pictures: each("pictures") / count,
      cpuMs: each("cpuMs"),
      senderMs: each("senderMs"),
      writeUs: side.writeUs(),
      receivingMs: cpuPerSecond(before.receivers.after, after.receivers.before),
    };
  } finally {
    side.stop();
    for (const pc of connections) pc.close();
    await receivers.end();
    await engine.stop();
  }
}

async function connect(
  engine: MediaEngine,
  tracks: readonly MediaStreamTrack[],
  receivers: Receivers,
): Promise<RTCPeerConnection> {
  const settings = { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"] } };
  const pc = new RTCPeerConnection({}, settings);
  for (const track of tracks) pc.addTransceiver(track, { direction: "sendonly" });
  await pc.setLocalDescription();
  await gatheringComplete(pc);
  const sdp = await receivers.answer(pc.localDescription?.sdp ?? "");
  await pc.setRemoteDescription({ type: "answer", sdp });
  while (pc.connectionState !== "connected")
    await once(pc as unknown as EventTarget, "connectionstatechange");
  return pc;
}

async function sample(engine: MediaEngine, connections: readonly RTCPeerConnection[], receivers: Receivers) {
  // What the counting itself costs is not in between.
  const { counts, ...readings } = await receivers.pictures();
  const pictures = counts.reduce((sum, value) => sum + value, 0);
  let packets = 0;
  for (const pc of connections) {
    for (const stats of (await pc.getStats()).values()) {
      if (stats.type === "outbound-rtp") packets += (stats as { packetsSent?: number }).packetsSent ?? 0;
    }
  }
  const { user, system } = process.cpuUsage();
  return {
    packets,
    pictures,
    receivers: readings,
    cpuMs: (user + system) / 1000,
    senderMs: engine.stats().sender.cpuUs / 1000,
    atMs: performance.now(),
  };
}

/** Milliseconds. */
function cpuPerSecond(from: CpuReading, to: CpuReading): number {
  return ((to.cpuMs - from.cpuMs) * 1000) / (to.atMs - from.atMs);
}

/** The other process. */
class Receivers {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(reception: Reception): Promise<Receivers> {
    const receivers = new Receivers(fork(RECEIVERS, [JSON.stringify(reception)]));
    await receivers.#hear("ready");
    return receivers;
  }

  async answer(sdp: string): Promise<string> {
    this.#say({ type: "offer", sdp });
    return (await this.#hear("answer")).sdp;
  }

  pictures(): Promise<ReceiverReport & { type: "pictures" }> {
    this.#say({ type: "count" });
    return this.#hear("pictures");
  }

  async end(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#say({ type: "end" });
    await exited;
  }

  #say(order: ReceiverOrder): void {
    this.#child.send(order);
  }

  async #hear<T extends ReceiverReport["type"]>(type: T): Promise<ReceiverReport & { type: T }> {
    const [report] = (await once(this.#child, "message")) as [ReceiverReport];
    if (report.type !== type) throw new Error(`the receivers said ${report.type} instead of ${type}`);
    return report as ReceiverReport & { type: T };
  }
}

function printSide(
  side: keyof typeof sides,
  { receivers }: Options,
  all: ReadonlyMap<string, Figures[]>,
): void {
  print(side === "encoded" ? "encoded once, H.264 and Opus" : "\npassed on as packets, VP8");
  const widths = [9, 23, 12, 24, 24, 22];
  const row = (cells: readonly string[]) => print(cells.map((cell, i) => cell.padStart(widths[i])).join(""));
  row(["receivers", "packets/s", "pictures/s", "CPU, % of a core", "a receiver more, %", "sender thread, %"]);
  const [least] = receivers;
  for (const count of receivers) {
    const rounds = all.get(`${side}/${count}`) ?? [];
    const first = all.get(`${side}/${least}`) ?? [];
    const more = rounds.map(({ cpuMs }, i) => (cpuMs - first[i].cpuMs) / 10 / Math.max(1, count - least));
    row([
      `${count}`,
      spread(
        rounds.map(({ packets }) => packets),
        0,
      ),
      spread(
        rounds.map(({ pictures }) => pictures),
        1,
        false,
      ),
      spread(
        rounds.map(({ cpuMs }) => cpuMs / 10),
        1,
      ),
      count === least ? "" : spread(more, 2),
      spread(
        rounds.map(({ senderMs }) => senderMs / 10),
        1,
      ),
    ]);
  }
  const writes = receivers.flatMap((count) =>
    (all.get(`${side}/${count}`) ?? []).map(({ writeUs }) => writeUs),
  );
  if (side === "packets")
    print(`writeRtp on the main thread, with its two readings of the clock: ${spread(writes, 2)} us`);
}

/** What each stream more costs the process that receives it and reads its packets. */
function printReceivers({ receivers }: Options, all: ReadonlyMap<string, Figures[]>): void {
  const [least] = receivers;
  for (const side of ["packets", "undecoded"] as const) {
    print(
      `\nthe receiving process, which reads the packets, ${side === "packets" ? "and decodes" : "not decoded"}`,
    );
    const row = (cells: readonly string[]) => print(cells.map((cell) => cell.padStart(22)).join(""));
    row(["streams", "pictures/s", "CPU, % of a core", "a stream more, %"]);
    for (const count of receivers) {
      const rounds = all.get(`${side}/${count}`) ?? [];
      const first = all.get(`${side}/${least}`) ?? [];
      const more = rounds.map(
        ({ receivingMs }, i) => (receivingMs - first[i].receivingMs) / 10 / Math.max(1, count - least),
      );
      const pictures = rounds.map((round) => round.pictures);
      const cpu = rounds.map(({ receivingMs }) => receivingMs / 10);
      row([`${count}`, spread(pictures, 1), spread(cpu, 1), count === least ? "" : spread(more, 2)]);
    }
  }
}

function spread(values: readonly number[], digits: number, isWhole = true): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]];
  const text = (value = 0) => value.toFixed(digits);
  return isWhole ? `${text(median)} (${text(least)} to ${text(most)})` : text(median);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
