/**
 * `npm run bench -- srtp [--rounds N]`: protecting and unprotecting RTP with payloads of 1200 bytes, beside OpenSSL's
 * own AES-GCM at that size and beside libsrtp2. Every round measures all sides one after the other, so that what else
 * the machine does meets all of them; the table shows medians over the rounds and their range.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DatagramTable, native, type SrtpContext, type SrtpProfile } from "../native/addon.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const profiles: readonly SrtpProfile[] = ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"];
const headerBytes = 12;
const payloadBytes = 1200;
const packetBytes = headerBytes + payloadBytes;
const strideBytes = packetBytes + 20;
const batchPackets = 64;
const batchesPerRound = 60;

/** Who does it: OpenSSL's bare cipher, libsrtp2, the C++ core, or the core through its JavaScript calls. */
export type SrtpSide = "openssl" | "libsrtp2" | "roomrtc" | "js call each" | "js call a batch";

export interface SrtpMeasurement {
  readonly side: SrtpSide;
  readonly profile: SrtpProfile;
  readonly operation: "protect" | "unprotect";
  /** Nanoseconds a packet, one figure a round. */
  readonly nanoseconds: number[];
}

function mustRun(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}

/** Builds native/bench/srtp_bench.cc (a no-op when nothing changed) and gives its path. */
function nativeProgram(): string {
  mustRun("cmake", ["-S", ".", "-B", "build-bench", "-DROOMRTC_BENCH=ON", "-DCMAKE_BUILD_TYPE=Release"]);
  mustRun("cmake", ["--build", "build-bench", "--target", "srtp_bench"]);
  return `${root}/build-bench/srtp_bench`;
}

/** Packets with ever new sequence numbers over shared memory, as the sender worker has them. */
class Batch {
  readonly slab = new Uint8Array(new SharedArrayBuffer(batchPackets * strideBytes));
  readonly table = new Int32Array(batchPackets * DatagramTable.words);
  #sequence = 0;

  fill(): void {
    const view = new DataView(this.slab.buffer);
    for (let i = 0; i < batchPackets; i++) {
      const offset = i * strideBytes;
      view.setUint16(offset, 0x8060);
      view.setUint16(offset + 2, ++this.#sequence & 0xffff);
      view.setUint32(offset + 4, 1);
      view.setUint32(offset + 8, 0xabcdef);
      this.table[i * DatagramTable.words + DatagramTable.offset] = offset;
      this.table[i * DatagramTable.words + DatagramTable.length] = packetBytes;
    }
  }
}

function contextFor(profile: SrtpProfile): SrtpContext {
  return new native.SrtpContext({
    profile,
    masterKey: new Uint8Array(profile === "AEAD_AES_256_GCM" ? 32 : 16).fill(3),
    masterSalt: new Uint8Array(profile === "AES128_CM_SHA1_80" ? 14 : 12).fill(5),
  });
}

/** Processor time, which leaves out the moments the thread was not running. */
function nanosecondsEach(work: () => void): number {
  const startUs = native.threadCpuUs();
  work();
  return ((native.threadCpuUs() - startUs) * 1e3) / batchPackets;
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[Math.floor(values.length / 2)]!;

interface JsCalls {
  protect(batch: Batch): void;
  unprotect(batch: Batch): void;
}

function callsForEach(sender: SrtpContext, receiver: SrtpContext): JsCalls {
  const sealedBytes = packetBytes + sender.rtpOverhead;
  return {
    protect: ({ slab }) => {
      for (let i = 0; i < batchPackets; i++) sender.protectRtp(slab, i * strideBytes, packetBytes);
    },
    unprotect: ({ slab }) => {
      for (let i = 0; i < batchPackets; i++) receiver.unprotectRtp(slab, i * strideBytes, sealedBytes);
    },
  };
}

function callsForBatch(sender: SrtpContext, receiver: SrtpContext): JsCalls {
  return {
    protect: ({ slab, table }) => sender.protectRtpBatch(slab, table, 0, batchPackets),
    unprotect: ({ slab, table }) => receiver.unprotectRtpBatch(slab, table, 0, batchPackets),
  };
}

/** One way to call, with one profile: protects a batch, then unprotects the same packets. */
class JsContestant {
  readonly #batch = new Batch();
  readonly #protectNs: number[] = [];
  readonly #unprotectNs: number[] = [];

  constructor(
    readonly label: string,
    readonly calls: JsCalls,
  ) {}

  runBatch(): void {
    this.#batch.fill();
    this.#protectNs.push(nanosecondsEach(() => this.calls.protect(this.#batch)));
    this.#unprotectNs.push(nanosecondsEach(() => this.calls.unprotect(this.#batch)));
  }

  lines(): string[] {
    return [
      `${this.label} protect ${median(this.#protectNs)}`,
      `${this.label} unprotect ${median(this.#unprotectNs)}`,
    ];
  }
}

/** One round of the JavaScript calls, batch by batch in turn, in the format of the native program's lines. */
function jsRound(): string[] {
  const contestants = profiles.flatMap((profile) => [
    new JsContestant(`js-call-each ${profile}`, callsForEach(contextFor(profile), contextFor(profile))),
    new JsContestant(`js-call-a-batch ${profile}`, callsForBatch(contextFor(profile), contextFor(profile))),
  ]);
  for (let i = 0; i < batchesPerRound; i++) {
    for (const contestant of contestants) contestant.runBatch();
  }
  return contestants.flatMap((contestant) => contestant.lines());
}

/** Measures every side `rounds` times, interleaved. Builds the native program first. */
export function measureSrtp(rounds: number): SrtpMeasurement[] {
  const program = nativeProgram();
  const found = new Map<string, SrtpMeasurement>();
  jsRound(); // lets the compiler settle
  for (let round = 0; round < rounds; round++) {
    for (const line of [...mustRun(program, []).trim().split("\n"), ...jsRound()]) {
      const [side, profile, operation, nanoseconds] = line.split(" ");
      const key = `${side} ${profile} ${operation}`;
      const entry = found.get(key) ?? {
        side: side!.replaceAll("-", " ") as SrtpSide,
        profile: profile as SrtpProfile,
        operation: operation as SrtpMeasurement["operation"],
        nanoseconds: [],
      };
      entry.nanoseconds.push(Number(nanoseconds));
      found.set(key, entry);
    }
  }
  return [...found.values()];
}

/** The side's rate as a share of bare AES-128-GCM's: the median over rounds of each round's own ratio. */
function shareOf(reference: SrtpMeasurement, one: SrtpMeasurement): number {
  return median(one.nanoseconds.map((nanoseconds, round) => reference.nanoseconds[round]! / nanoseconds));
}

function row(one: SrtpMeasurement, reference: SrtpMeasurement): string {
  const order = sorted(one.nanoseconds);
  const us = (nanoseconds: number) => (nanoseconds / 1e3).toFixed(2);
  const middle = median(one.nanoseconds);
  return [
    one.profile.padEnd(18),
    one.side.padEnd(16),
    us(middle).padStart(6),
    `${us(order[0]!)}–${us(order.at(-1)!)}`.padStart(12),
    `${((payloadBytes * 8) / middle).toFixed(1)}`.padStart(8),
    shareOf(reference, one).toFixed(2).padStart(7),
  ].join("  ");
}

function roundsFrom(args: readonly string[]): number {
  const at = args.indexOf("--rounds");
  const rounds = at < 0 ? 15 : Number(args[at + 1]);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a whole number from 1");
  return rounds;
}

/** The `srtp` benchmark's entry. */
export async function run(args: string[]): Promise<void> {
  const rounds = roundsFrom(args);
  const measured = measureSrtp(rounds);
  const sides: readonly SrtpSide[] = ["openssl", "roomrtc", "js call a batch", "js call each", "libsrtp2"];
  console.log(
    `SRTP, ${payloadBytes}-byte payloads, ${rounds} rounds of ${batchPackets * batchesPerRound} packets.`,
  );
  console.log("openssl: bare AES-GCM (IV, 12 bytes of associated data, payload, tag) by EVP, key kept.");
  console.log("Processor time, median of the rounds' medians, and their range.");
  console.log("rate: against bare AES-128-GCM of the same round, median.");
  for (const operation of ["protect", "unprotect"] as const) {
    console.log(
      `\n${operation.padEnd(18)}  ${"side".padEnd(16)}  ${"µs".padStart(6)}  ${"range".padStart(12)}    Gbit/s     rate`,
    );
    const mine = measured.filter((one) => one.operation === operation);
    const reference = mine.find((one) => one.side === "openssl" && one.profile === "AEAD_AES_128_GCM")!;
    for (const profile of profiles) {
      for (const side of sides) {
        const one = mine.find((candidate) => candidate.side === side && candidate.profile === profile);
        if (one) console.log(row(one, reference));
      }
    }
  }
}
