/**
 * `npm run bench -- data`: data channels between two processes over loopback: a bulk transfer in messages of 64 KiB, the round
 * trip of 64 bytes, and a call's video with and without a transfer beside it, in turn.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Order, Report, Role, Said, VideoFigures } from "./data_messages.js";

const PROGRAM = fileURLToPath(new URL("./data_end.js", import.meta.url));
/** Before figures count: code is compiled, windows have opened. */
const WARM_UP = { bytes: 20e6, pings: 300 };

interface Options {
  readonly megabytes: number;
  readonly pings: number;
  readonly videoMegabytes: number;
  readonly seconds: number;
  readonly rounds: number;
}

export async function run(args: string[]): Promise<void> {
  const options = readOptions(args);
  print(`data channels, two processes, loopback; ${options.rounds} rounds\n`);
  print(`${"".padEnd(44)}${"median".padStart(10)}${"least".padStart(10)}${"most".padStart(10)}`);
  await transfers(options);
  await besideVideo(options);
  print(`\nload of the machine at the end: ${loadavg()[0].toFixed(1)} on ${cpus().length} CPUs`);
}

function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      megabytes: { type: "string", default: "200" },
      pings: { type: "string", default: "2000" },
      "video-megabytes": { type: "string", default: "60" },
      seconds: { type: "string", default: "4" },
      rounds: { type: "string", default: "3" },
    },
  });
  const count = (name: keyof typeof values) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`--${name}: found '${values[name]}'; allowed: a whole number above 0`);
  };
  return {
    megabytes: count("megabytes"),
    pings: count("pings"),
    videoMegabytes: count("video-megabytes"),
    seconds: count("seconds"),
    rounds: count("rounds"),
  };
}

async function transfers({ megabytes, pings, rounds }: Options): Promise<void> {
  const rates: number[] = [];
  const cpu: number[] = [];
  const [p50, p99]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const pair = await Pair.start("none");
    await pair.ping(WARM_UP.pings);
    const times = (await pair.ping(pings)).toSorted((a, b) => a - b);
    p50.push(at(times, 0.5));
    p99.push(at(times, 0.99));
    await pair.bulk(WARM_UP.bytes);
    const before = await pair.cpuSeconds();
    const bytes = megabytes * 1e6;
    rates.push((bytes * 8) / (await pair.bulk(bytes)) / 1e6);
    cpu.push(((await pair.cpuSeconds()) - before) / (bytes / 1e9));
    await pair.end();
  }
  printRow(`${megabytes} MB in messages of 64 KiB`, rates, "Mbit/s");
  printRow("CPU of both ends, a gigabyte", cpu, "s");
  printRow(`round trip of 64 bytes, p50 of ${pings}`, p50, "us");
  printRow(`round trip of 64 bytes, p99 of ${pings}`, p99, "us");
}

async function besideVideo({ videoMegabytes, seconds, rounds }: Options): Promise<void> {
  const alone: VideoFigures[] = [];
  const beside: VideoFigures[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await callWith(seconds, () => Promise.resolve()));
    beside.push(await callWith(seconds, (pair) => pair.bulk(videoMegabytes * 1e6)));
  }
  print("");
  for (const [name, figures] of [
    ["720p30 alone", alone],
    [`720p30 beside ${videoMegabytes} MB`, beside],
  ] as const) {
    const row = (what: string, pick: (one: VideoFigures) => number, unit: string) =>
      printRow(`${name}, ${what}`, figures.map(pick), unit);
    row("capture to decoded p50", ({ p50Us }) => p50Us / 1000, "ms");
    row("capture to decoded p99", ({ p99Us }) => p99Us / 1000, "ms");
    row("frames sent", ({ framesSent }) => framesSent, "");
    row("frames decoded", ({ framesDecoded }) => framesDecoded, "");
  }
}

/** A call of its own of so many seconds; `work` begins after one of them. */
async function callWith(seconds: number, work: (pair: Pair) => Promise<unknown>): Promise<VideoFigures> {
  const pair = await Pair.start("video");
  const over = pass(seconds * 1000);
  await pass(1000);
  await work(pair);
  await over;
  const figures = await pair.video();
  await pair.end();
  return figures;
}

/** Two processes and the signaling between them. */
class Pair {
  private constructor(
    private readonly sender: End,
    private readonly receiver: End,
  ) {}

  static async start(picture: "video" | "none"): Promise<Pair> {
    const [sender, receiver] = [new End("sender", picture), new End("receiver", picture)];
    sender.onSaid = (said) => receiver.tell(said);
    receiver.onSaid = (said) => sender.tell(said);
    await Promise.all([sender.order({ type: "open" }), receiver.order({ type: "open" })]);
    return new Pair(sender, receiver);
  }

  ping(count: number): Promise<number[]> {
    return this.sender.order({ type: "ping", count }) as Promise<number[]>;
  }

  async bulk(bytes: number): Promise<number> {
    await this.receiver.order({ type: "expect", bytes });
    return (await this.sender.order({ type: "bulk", bytes })) as number;
  }

  async cpuSeconds(): Promise<number> {
    const ends = [this.sender, this.receiver];
    const both = await Promise.all(ends.map((end) => end.order({ type: "cpu" }) as Promise<number>));
    return both[0] + both[1];
  }

  async video(): Promise<VideoFigures> {
    const { framesSent } = (await this.sender.order({ type: "video" })) as VideoFigures;
    const received = (await this.receiver.order({ type: "video" })) as VideoFigures;
    return { ...received, framesSent };
  }

  async end(): Promise<void> {
    await Promise.all([this.sender.end(), this.receiver.end()]);
  }
}

class End {
  onSaid: ((said: Said) => void) | undefined;
  readonly #child: ChildProcess;
  /** What came before its way was known. */
  readonly #early: Said[] = [];
  #ready = false;
  #answer: ((report: Report) => void) | undefined;

  constructor(role: Role, picture: "video" | "none") {
    this.#child = fork(PROGRAM, [role, picture], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (message: Said | { report: Report } | { ready: true }) => {
      if ("ready" in message) this.#begin();
      else if ("report" in message) this.#answer?.(message.report);
      else this.onSaid?.(message);
    });
    this.#child.on("exit", (code, signal) => {
      if (code === 0) return;
      throw new Error(`the ${role}'s process ended with ${code ?? signal}`);
    });
  }

  /** A process hears nothing before its modules are loaded. */
  tell(said: Said): void {
    if (this.#ready) this.#child.send(said);
    else this.#early.push(said);
  }

  async order(order: Order): Promise<Report> {
    if (!this.#ready) await once(this.#child, "message");
    const report = new Promise<Report>((resolve) => {
      this.#answer = resolve;
    });
    this.#child.send({ order });
    return report;
  }

  async end(): Promise<void> {
    this.#child.send({ order: { type: "end" } });
    await once(this.#child, "exit");
  }

  #begin(): void {
    this.#ready = true;
    for (const said of this.#early.splice(0)) this.#child.send(said);
  }
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function printRow(name: string, values: readonly number[], unit: string): void {
  const sorted = values.toSorted((a, b) => a - b);
  const figures = [at(sorted, 0.5), sorted[0], sorted[sorted.length - 1]];
  print(`${name.padEnd(44)}${figures.map((value) => value.toFixed(1).padStart(10)).join("")} ${unit}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
