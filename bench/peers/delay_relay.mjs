/** The UDP relay of delay_relay/ that stands between two ends and makes their round trip longer. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("./delay_relay", import.meta.url));
const built = fileURLToPath(new URL("../../build/bench", import.meta.url));
const ENDS = ["a", "b"];

/** Compiles the relay and its proof: a second each. */
export function buildDelayRelay() {
  mkdirSync(built, { recursive: true });
  for (const name of ["relay", "flood"]) {
    const flags = ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror"];
    execFileSync("g++", [...flags, "-o", `${built}/${name}`, `${sources}/${name}.cc`], { stdio: "inherit" });
  }
}

/** A program of delay_relay/ that prints two ports first. */
class PortProgram {
  static async start(name, words) {
    const child = spawn(`${built}/${name}`, words.map(String), { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const program = new PortProgram(child, lines);
    program.ports = await program.numbers();
    return program;
  }

  constructor(child, lines) {
    this.child = child;
    this.lines = lines;
  }

  write(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Those of the next line. */
  async numbers() {
    const { value, done } = await this.lines.next();
    if (done)
      throw new Error(`${this.child.spawnfile} ended (${this.child.exitCode ?? this.child.signalCode})`);
    return value.split(" ").map(Number);
  }
}

export class DelayRelay {
  #program;

  /** @param roundTripMs each way takes half of it */
  static async start(address, roundTripMs) {
    const relay = new DelayRelay();
    relay.#program = await PortProgram.start("relay", [address, 500 * roundTripMs]);
    return relay;
  }

  /** The port that stands for the offerer (0) or the answerer (1), whose own is `port`. */
  standIn(end, port) {
    this.#program.write(`${ENDS[end]} ${port}`);
    return this.#program.ports[end];
  }

  /** Returns how many datagrams it had to drop. */
  async stop() {
    const { child } = this.#program;
    const exit = once(child, "exit");
    child.stdin.end();
    const [dropped] = await this.#program.numbers();
    await exit;
    return dropped;
  }
}

/** Mbit/s that pass the relay, in datagrams of 1200 bytes and joined as the kernel joins them. */
export async function relayCapacity(address, roundTripMs, seconds) {
  const relay = await PortProgram.start("relay", [address, 500 * roundTripMs]);
  const flood = await PortProgram.start("flood", [address, relay.ports[1], seconds]);
  for (const end of [0, 1]) relay.write(`${ENDS[end]} ${flood.ports[end]}`);
  flood.write("go");
  const [received, lost] = await flood.numbers();
  relay.child.stdin.end();
  return { mbps: (8 * received) / 1e6 / seconds, lost: lost / (received + lost) };
}
