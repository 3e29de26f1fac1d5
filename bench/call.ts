/**
 * `npm run bench -- call`: what a call costs beyond its codec. In turn, on the same pictures with the same settings: the bare
 * codec (convert, encode, decode on one thread, paced) and a call of two processes over loopback, one direction of video;
 * then call set-ups, and an engine without a call.
 */
import { setTimeout as pass } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type ImageLayout, native } from "../native/addon.js";
import { measureCall } from "../src/cli/demo.js";
import type { CallReport } from "../src/client/report.js";
import type { Override } from "../src/config/load.js";
import { MediaEngine } from "../src/media/engine.js";
import { Descriptor } from "../src/media/ring/descriptor.js";
import { parseVideoSource } from "../src/media/source_spec.js";
import { openVideoSource } from "../src/media/sources/open_video_source.js";
import { type BareCodecResult, measureBareCodec } from "./codec.js";

const SIZE = { width: 1280, height: 720, frameRate: 30 };
const BITRATE_BPS = 2_000_000;
const NO_SOUND = "none";

interface Options {
  readonly video: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly setups: number;
}

/** A row: a name and a figure of each round. */
type Row = readonly [name: string, values: readonly number[], unit: string];

export async function run(args: string[]): Promise<void> {
  const options = readOptions(args);
  print(
    `call: ${options.video}, ${SIZE.width}x${SIZE.height} at ${SIZE.frameRate}, ${BITRATE_BPS / 1e6} Mbit/s, loopback`,
  );
  print(
    `${options.rounds} rounds of ${options.seconds} s each side in turn; OpenH264 ${native.openH264Version()}\n`,
  );
  const codec: BareCodecResult[] = [];
  const calls: CallReport[] = [];
  for (let round = 0; round < options.rounds; round++) {
    codec.push(bareCodec(options));
    calls.push(await oneWay(options));
  }
  printRows(rowsOf(codec, calls));
  printStages(calls);
  await setups(options);
  await idle();
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      clip: { type: "string" },
      seconds: { type: "string", default: "10" },
      rounds: { type: "string", default: "3" },
      setups: { type: "string", default: "20" },
    },
  });
  const count = (name: string, text: string) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0)
      throw new Error(`--${name}: found '${text}'; allowed: a whole number`);
    return value;
  };
  return {
    video: values.clip === undefined ? "test:noise" : `file:${values.clip}`,
    seconds: count("seconds", values.seconds),
    rounds: count("rounds", values.rounds),
    setups: count("setups", values.setups),
  };
}

/** The codec alone on the pictures that the call's camera would give. */
function bareCodec({ video, seconds }: Options): BareCodecResult {
  const source = openVideoSource(parseVideoSource(video, SIZE));
  if (!source) throw new Error(`no pictures from ${video}`);
  const descriptor = new Descriptor();
  const scratch = new Uint8Array(source.pictureBytes);
  source.capture(scratch, descriptor, 0, 0);
  const result = measureBareCodec({
    width: source.width,
    height: source.height,
    frameRate: source.frameRate,
    bitrateBps: BITRATE_BPS,
    seconds,
    sourceLayout: layoutOf(descriptor),
    sourceBytes: source.pictureBytes,
    frames: (frame, picture) => source.capture(picture, descriptor, frame, (frame * 1e6) / source.frameRate),
    paced: true,
  });
  source.close();
  return result;
}

function layoutOf(picture: Descriptor): ImageLayout {
  const { width, height, strideY, strideU, strideV, offsetY, offsetU, offsetV } = picture;
  const planes = [
    { offset: offsetY, stride: strideY },
    { offset: offsetU, stride: strideU },
    { offset: offsetV, stride: strideV },
  ];
  return { format: "I420", width, height, planes };
}

const SETTINGS: readonly Override[] = [
  ["media", "frame_width", String(SIZE.width)],
  ["media", "frame_height", String(SIZE.height)],
  ["media", "frame_rate", String(SIZE.frameRate)],
  ["media", "video_bitrate_bps", String(BITRATE_BPS)],
];

/** One sends, one receives; no sound, as in the bare codec. */
function oneWay({ video, seconds }: Options): Promise<CallReport> {
  return measureCall(
    { seconds, json: true, set: SETTINGS },
    { caller: { video, audio: NO_SOUND }, callee: { video: "none", audio: NO_SOUND } },
  );
}

function rowsOf(codec: readonly BareCodecResult[], calls: readonly CallReport[]): Row[] {
  const ms = (us: number) => us / 1000;
  const latency = calls.map(({ directions }) => directions[0].video.latencyUs);
  const codecCpu = codec.map(({ cpuSecondsPerSecond }) => cpuSecondsPerSecond);
  const callCpu = calls.map(({ cpuSeconds, seconds }) => cpuSeconds / seconds);
  return [
    ["codec, frame p50", codec.map(({ totalUs }) => ms(totalUs.p50)), "ms"],
    ["codec, frame p99", codec.map(({ totalUs }) => ms(totalUs.p99)), "ms"],
    ["codec, CPU per second", codecCpu, "s"],
    ["call, capture to decoded p50", latency.map(({ p50 }) => ms(p50)), "ms"],
    ["call, capture to decoded p95", latency.map(({ p95 }) => ms(p95)), "ms"],
    ["call, capture to decoded p99", latency.map(({ p99 }) => ms(p99)), "ms"],
    ["call, capture to decoded max", latency.map(({ max }) => ms(max)), "ms"],
    ["call, CPU per second (both ends)", callCpu, "s"],
    ["beyond the codec, p50", latency.map(({ p50 }, i) => ms(p50 - codec[i].totalUs.p50)), "ms"],
    ["beyond the codec, p99", latency.map(({ p99 }, i) => ms(p99 - codec[i].totalUs.p99)), "ms"],
    ["CPU, call / codec", callCpu.map((cpu, i) => cpu / codecCpu[i]), "x"],
    [
      "frames not decoded",
      calls.map(({ directions: [{ video }] }) => video.framesEncoded - video.framesDecoded),
      "",
    ],
  ];
}

/** Where a frame's time goes, thread by thread: the waiting before it and its own work; medians over the rounds. */
function printStages(calls: readonly CallReport[]): void {
  print("\nstage                  wait p50      p99   work p50      p99   µs");
  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  for (const [end, name] of STAGES) {
    const stages = calls.map(({ stages }) => stages[end][name]);
    const figures = [
      stages.map(({ hop }) => hop.p50),
      stages.map(({ hop }) => hop.p99),
      stages.map(({ work }) => work.p50),
      stages.map(({ work }) => work.p99),
    ];
    print(`${name.padEnd(22)}${figures.map((values) => median(values).toFixed(0).padStart(9)).join("")}`);
  }
}

/** Which end's thread does it: 0 sends, 1 receives. */
const STAGES = [
  [0, "camera"],
  [0, "encoder"],
  [0, "sender"],
  [1, "receiver"],
  [1, "decoder"],
] as const;

/** Offer to first decoded frame, with the offered default picture, in a call of its own each. */
async function setups({ setups: count }: Options): Promise<void> {
  if (count === 0) return;
  const times: number[] = [];
  for (let i = 0; i < count; i++)
    times.push((await measureCall({ seconds: 0.2, json: true, set: SETTINGS })).setupMs);
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  print(
    `\nset-up, offer to first decoded frame, ${count} calls: median ${at(0.5)} ms, 95th percentile ${at(0.95)} ms, max ${at(1)} ms`,
  );
}

/** An engine that nobody calls. */
async function idle(): Promise<void> {
  const engine = await MediaEngine.start({
    videoSource: parseVideoSource("test", SIZE),
    audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
  });
  await pass(1000);
  const from = process.cpuUsage();
  const wall = performance.now();
  await pass(5000);
  const { user, system } = process.cpuUsage(from);
  const share = (user + system) / 1000 / (performance.now() - wall);
  await engine.stop();
  print(`idle engine, no call: ${(share * 100).toFixed(2)} % of a core`);
}

function printRows(rows: readonly Row[]): void {
  print(`${"".padEnd(34)}${"median".padStart(10)}${"least".padStart(10)}${"most".padStart(10)}`);
  for (const [name, values, unit] of rows) {
    const sorted = values.toSorted((a, b) => a - b);
    const figures = [sorted[sorted.length >> 1], sorted[0], sorted[sorted.length - 1]];
    print(`${name.padEnd(34)}${figures.map((value) => value.toFixed(2).padStart(10)).join("")} ${unit}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
