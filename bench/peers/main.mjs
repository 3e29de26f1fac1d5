/**
 * `npm run bench:peers -- setup|idle|srtp [--runs N] [--rounds N] [--seconds N] [--pairs N] [--only NAME,NAME]`: RoomRTC
 * beside other WebRTC stacks. Every stack has a process of its own that holds both ends of its connections; the stacks
 * take turns, so that what else the machine does hits all alike. Prints medians with their spread.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { StackProcess } from "./stack_process.mjs";
import { printTable, spread } from "./table.mjs";

/** What each stack calls itself, with its version. */
const titles = new Map();

const STACKS = ["roomrtc", "node-datachannel", "wrtc", "werift"];

const benches = { setup, idle, srtp };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "50" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    pairs: { type: "string", default: "50" },
    only: { type: "string", default: STACKS.join(",") },
  },
});
const [bench] = positionals;
const names = values.only.split(",");
const unknown = names.find((name) => !STACKS.includes(name));

if (!Object.hasOwn(benches, bench ?? "")) {
  fail(`unknown '${bench ?? ""}'; allowed: ${Object.keys(benches).join(", ")}`);
} else if (unknown !== undefined) {
  fail(`--only: found '${unknown}'; allowed: ${STACKS.join(", ")}`);
} else {
  await benches[bench]();
  print(`\nload of the machine at the end: ${loadavg()[0].toFixed(1)} on ${cpus().length} CPUs`);
}

/** createOffer to both sides connected: one connection of each stack in turn, `--runs` times. */
async function setup() {
  const runs = count("runs");
  print(
    `Connection set-up: createOffer to both sides "connected"; one audio section, trickled host candidates.`,
  );
  print(`${runs} runs, the stacks in turn; both ends in the stack's one process; ms.\n`);
  const stacks = await startAll();
  const times = new Map(stacks.map((stack) => [stack, []]));
  for (let run = 0; run <= runs; run++) {
    for (const stack of stacks) times.get(stack).push(await stack.call("setup"));
  }
  printTable(
    ["stack", "median", "p10", "p90", "max", "first", "failed"],
    stacks.map((stack) => {
      const [first, ...rest] = times.get(stack);
      const good = rest.filter((ms) => ms !== null);
      const { median, p10, p90, max } = spread(good);
      const figures = [median, p10, p90, max, first ?? Number.NaN].map((ms) => ms.toFixed(2));
      return [stack.title, ...figures, String(rest.length - good.length)];
    }),
  );
  print(`\n"first" is the process's first connection, which the other columns leave out.`);
  await Promise.all(stacks.map((stack) => stack.end()));
}

/** What open connections cost that carry nothing: a fresh process for every round. */
async function idle() {
  const pairs = count("pairs");
  const seconds = count("seconds");
  print(`${2 * pairs} open idle connections (${pairs} pairs, one audio section each, nothing sent).`);
  print(`${count("rounds")} rounds of ${seconds} s, a fresh process each; median (smallest to largest).\n`);
  const results = await rounds((stack) => stack.call("idle", { pairs, seconds }));
  const row = (name, pick, digits) => {
    const { median, min, max } = spread(results.get(name).map(pick));
    return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
  };
  printTable(
    [
      "stack",
      "process before, MiB",
      "with all open, MiB",
      "KiB a connection",
      "CPU before, %",
      "CPU open, %",
    ],
    [...results.keys()].map((name) => [
      titles.get(name),
      row(name, ({ rssBefore }) => rssBefore / 2 ** 20, 0),
      row(name, ({ rssOpen }) => rssOpen / 2 ** 20, 0),
      row(name, ({ rssBefore, rssOpen }) => (rssOpen - rssBefore) / 1024 / (2 * pairs), 0),
      row(name, ({ cpuBefore }) => 100 * cpuBefore, 2),
      row(name, ({ cpuOpen }) => 100 * cpuOpen, 2),
    ]),
  );
}

/** SRTP packets that arrive and are unprotected, through one connection. */
async function srtp() {
  const seconds = count("seconds");
  print(
    `RTP packets through one connection's SRTP, one direction, 1000 bytes of payload, as fast as it goes.`,
  );
  print(`${count("rounds")} rounds of ${seconds} s, the stacks in turn; median (smallest to largest).\n`);
  const results = await rounds((stack) => stack.call("srtp", { seconds, payloadBytes: 1000 }));
  printTable(
    ["stack", "packets/s received", "lost, %", "CPU, us a packet", "how"],
    [...results.keys()].map((name) => {
      const all = results.get(name);
      if (all[0].unsupported) return [titles.get(name), "-", "-", "-", all[0].unsupported];
      const rate = spread(all.map(({ received, seconds: took }) => received / took));
      const lost = spread(all.map(({ sent, received }) => 100 * (1 - received / sent)));
      const cpu = spread(all.map(({ cpuUs, received }) => cpuUs / received));
      const figure = `${rate.median.toFixed(0)} (${rate.min.toFixed(0)}-${rate.max.toFixed(0)})`;
      return [titles.get(name), figure, lost.median.toFixed(2), cpu.median.toFixed(1), all[0].how];
    }),
  );
}

async function rounds(measure) {
  const results = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < count("rounds"); round++) {
    for (const name of names) {
      const stack = await StackProcess.start(name);
      titles.set(name, stack.title);
      results.get(name).push(await measure(stack));
      await stack.end();
    }
  }
  return results;
}

async function startAll() {
  const stacks = [];
  for (const name of names) stacks.push(await StackProcess.start(name));
  return stacks;
}

function count(name) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  fail(`--${name}: found '${values[name]}'; allowed: a whole number above 0`);
  process.exit(2);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}

function fail(message) {
  process.stderr.write(`bench:peers: ${message}\n`);
  process.exitCode = 2;
}
