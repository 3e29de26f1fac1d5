/**
 * `npm run bench:peers -- setup|data|idle|srtp|media`: RoomRTC beside other WebRTC stacks (docs/benchmarks.md has the options).
 * The stacks take turns, so that what else the machine does hits all alike. Prints medians with their spread.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { data } from "./benches/data.mjs";
import { idle } from "./benches/idle.mjs";
import { media } from "./benches/media.mjs";
import { setup } from "./benches/setup.mjs";
import { srtp } from "./benches/srtp.mjs";
import { buildPion } from "./pion_process.mjs";
import { say } from "./table.mjs";

const STACKS = ["roomrtc", "pion", "node-datachannel", "wrtc", "werift"];

const benches = { setup, data, idle, srtp, media };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "50" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "5" },
    pairs: { type: "string", default: "50" },
    megabytes: { type: "string", default: "200" },
    rtt: { type: "string", default: "0,20,50,100" },
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
  const options = {
    names,
    runs: count("runs"),
    rounds: count("rounds"),
    seconds: count("seconds"),
    pairs: count("pairs"),
    megabytes: count("megabytes"),
    roundTripsMs: values.rtt.split(",").map((text) => whole("rtt", text, 0)),
  };
  if (bench !== "media" && names.includes("pion")) buildPion();
  await benches[bench](options);
  say(`\nload of the machine at the end: ${loadavg()[0].toFixed(1)} on ${cpus().length} CPUs`);
}

function count(name) {
  return whole(name, values[name], 1);
}

function whole(name, text, least) {
  const value = Number(text);
  if (text !== "" && Number.isInteger(value) && value >= least) return value;
  fail(`--${name}: found '${text}'; allowed: a whole number of at least ${least}`);
  process.exit();
}

function fail(message) {
  process.stderr.write(`bench:peers: ${message}\n`);
  process.exitCode = 2;
}
