/**
 * `npm run bench -- narrow`: a call over paths narrower than its picture, with short queues, in virtual time: pictures that leave at once beside
 * pictures that leave at a multiple of what the path is thought to carry; and how long it takes to find that a path is wide again. The network is emulated and everything else is real but the
 * camera, whose pictures follow the estimate with a keyframe every five seconds; so a busy machine makes no difference.
 */
import { parseArgs } from "node:util";
import { ReceiveCounters, SendCounters } from "../src/media/session/stream_counters.js";
import { VirtualCall } from "../test/session/virtual_call.js";

const EXTENSIONS = { transportCc: 3, absSendTime: 4, audioLevel: 5 };
const AHEAD = [Number.POSITIVE_INFINITY, 4, 2, 1.5] as const;
const DELAY_US = 20_000;
/** What comes before belongs to finding the limit. */
const SETTLED_S = 10;
const KEYFRAMES = 5;
const KEYFRAME_S = 5;
const PATHS = [
  { rateBps: 300_000, queueMs: 100 },
  { rateBps: 800_000, queueMs: 50 },
  { rateBps: 800_000, queueMs: 100 },
  { rateBps: 1_500_000, queueMs: 50 },
  { rateBps: 1_500_000, queueMs: 100 },
] as const;

/** A path of 3 Mbit/s, which is enough, is as narrow as this for six seconds. */
const NARROWS_BPS = [250_000, 500_000, 1_000_000] as const;
const WIDE_BPS = 3_000_000;
const NARROW_S = 6;
const ENOUGH_BPS = 2_000_000;
const MOST_S = 60;

interface Outcome {
  made: number;
  lost: number;
  bytes: number;
  readonly delaysMs: number[];
}

function measure(path: (typeof PATHS)[number], paceAhead: number, seed: number, into: Outcome): void {
  const { rateBps, queueMs } = path;
  const link = { delayUs: DELAY_US, rateBps, queueBytes: (rateBps * queueMs) / 8000 };
  const both = { extensions: EXTENSIONS, rtx: true };
  const a = { ...both, adapts: true, paceAhead };
  const call = new VirtualCall({ seed, link, a, b: { ...both, sends: false } });
  try {
    call.run(SETTLED_S);
    const before = { units: call.b.units.length, ...figuresOf(call) };
    for (let i = 0; i < KEYFRAMES; i++) {
      call.a.keyframeEpoch++;
      call.run(KEYFRAME_S);
    }
    const after = figuresOf(call);
    into.made += after.made - before.made;
    into.lost += after.lost - before.lost;
    into.bytes += after.bytes - before.bytes;
    for (const { atUs, captureWallUs } of call.b.units.slice(before.units)) {
      into.delaysMs.push((atUs - call.a.captureTimeUs(captureWallUs)) / 1000);
    }
  } finally {
    call.close();
  }
}

function figuresOf({ a, b }: VirtualCall) {
  return {
    made: a.made.length,
    lost: b.receiveCounters[ReceiveCounters.packetsLost],
    bytes: a.sendCounters[SendCounters.bytesSent],
  };
}

function row(path: (typeof PATHS)[number], paceAhead: number, seeds: number): string {
  const outcome: Outcome = { made: 0, lost: 0, bytes: 0, delaysMs: [] };
  for (let seed = 1; seed <= seeds; seed++) measure(path, paceAhead, seed, outcome);
  const { made, lost, bytes, delaysMs } = outcome;
  delaysMs.sort((x, y) => x - y);
  const percentile = (share: number) =>
    delaysMs[Math.floor(share * (delaysMs.length - 1))]?.toFixed(0) ?? "-";
  const seconds = seeds * KEYFRAMES * KEYFRAME_S;
  return [
    `${path.rateBps / 1e6} Mbit/s, ${path.queueMs} ms`,
    paceAhead === Number.POSITIVE_INFINITY ? "at once" : `${paceAhead} times`,
    `${((100 * delaysMs.length) / made).toFixed(1)} %`,
    `${percentile(0.5)} / ${percentile(0.95)} / ${percentile(0.99)}`,
    `${lost}`,
    ((8 * bytes) / seconds / 1e6).toFixed(2),
  ].join(" | ");
}

/** Seconds of virtual time until the estimate lets pictures of 2 Mbit/s through. */
function recovery(narrowBps: number, paceAhead: number, seed: number): number {
  const link = (rateBps: number) => ({ delayUs: DELAY_US, rateBps, queueBytes: (rateBps * 150) / 8000 });
  const both = { extensions: EXTENSIONS, rtx: true };
  const a = { ...both, adapts: true, paceAhead };
  const call = new VirtualCall({ seed, link: link(WIDE_BPS), a, b: { ...both, sends: false } });
  try {
    call.run(SETTLED_S);
    call.setLink(link(narrowBps));
    call.run(NARROW_S);
    call.setLink(link(WIDE_BPS));
    const startUs = call.nowUs;
    call.run(MOST_S, () => call.a.sender.availableBps >= ENOUGH_BPS);
    return (call.nowUs - startUs) / 1e6;
  } finally {
    call.close();
  }
}

function recoveryRow(narrowBps: number, paceAhead: number, seeds: number): string {
  const seconds = Array.from({ length: seeds }, (_, i) => recovery(narrowBps, paceAhead, i + 1)).sort(
    (x, y) => x - y,
  );
  const [median, least, most] = [seconds[seconds.length >> 1], seconds[0], seconds[seconds.length - 1]];
  const how = paceAhead === Number.POSITIVE_INFINITY ? "growth alone" : "trains";
  return `${narrowBps / 1e6} Mbit/s | ${how} | ${median.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { seeds: { type: "string", default: "6" } } });
  const seeds = Number(values.seeds);
  if (!(Number.isInteger(seeds) && seeds > 0 && seeds <= 1000)) {
    throw new RangeError(`--seeds: found '${values.seeds}'; allowed: a whole number from 1 to 1000`);
  }
  console.log(
    "| path, its queue | pictures leave | arrived | delay ms p50 / p95 / p99 | packets lost | sent Mbit/s |",
  );
  console.log("| --- | --- | --- | --- | --- | --- |");
  for (const path of PATHS) for (const ahead of AHEAD) console.log(`| ${row(path, ahead, seeds)} |`);
  console.log(
    `\n| was as narrow as | found by | seconds until ${ENOUGH_BPS / 1e6} Mbit/s may be sent again |`,
  );
  console.log("| --- | --- | --- |");
  for (const narrowBps of NARROWS_BPS) {
    for (const ahead of [Number.POSITIVE_INFINITY, 2]) {
      console.log(`| ${recoveryRow(narrowBps, ahead, seeds)} |`);
    }
  }
}
