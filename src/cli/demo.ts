/**
 * `roomrtc demo`: a server and a peer that answers, to be called from a browser; with --json, a call between two
 * peer processes that is measured. All it needs lies in a folder of its own that goes with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type CallReport, joinReports, type PeerReport } from "../client/report.js";
import { parseHostPort } from "../config/kinds.js";
import { type Override, parseConfig } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { silentLogger } from "../server/logger.js";
import type { RoomServer } from "../server/room_server.js";
import { CommandError } from "./command_error.js";
import { describe, startServer } from "./server.js";
import { type Ending, endingAfter } from "./signals.js";

export interface DemoFlags {
  readonly seconds?: number;
  readonly json?: true;
  readonly video?: string;
  readonly audio?: string;
  readonly set: readonly Override[];
}

/** What one peer process is started with. */
interface PeerWords {
  readonly user: string;
  readonly call?: string;
  readonly video?: string;
  readonly audio?: string;
  readonly seconds?: number;
  readonly tag: number;
}

interface Stage {
  readonly folder: string;
  readonly config: Config;
  readonly server: RoomServer;
  readonly flags: readonly Override[];
}

const MAIN = fileURLToPath(new URL("./main.js", import.meta.url));
const DEFAULT_SECONDS = 10;
/** Longest that peers may take beyond the call itself. */
const GRACE_MS = 30_000;
/** A peer that was asked to end and did not within this time is ended by force. */
const STOP_MS = 10_000;
/** Of what a peer said, kept for the words about its end. */
const HEARD_LINES = 50;

export async function runDemo(flags: DemoFlags): Promise<void> {
  if (flags.json) {
    const report = await measureCall(flags);
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.ok ? 0 : 1;
  } else {
    await runInteractive(flags);
  }
}

async function withStage<T>(
  flags: DemoFlags,
  ports: readonly Override[],
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `roomrtc-demo-${process.pid}-`));
  const own: Override[] = [
    ["server", "users_file", join(folder, "users.txt")],
    ["server", "server_private_key_file", join(folder, "key.pem")],
    ["server", "server_certification_file", join(folder, "cert.pem")],
    ["server", "client_log_file", join(folder, "client.log")],
    ["network", "include_loopback", "true"],
  ];
  const all = [...own, ...ports, ...flags.set];
  const { config } = parseConfig("", "demo", all);
  try {
    const server = await startServer(config, silentLogger, { takeNextFreePort: true });
    try {
      return await work({ folder, config, server, flags: all });
    } finally {
      await server.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runInteractive(flags: DemoFlags): Promise<void> {
  const ending = endingAfter(flags.seconds);
  try {
    await withStage(flags, [], (stage) => answerCalls(stage, flags, ending));
  } finally {
    ending.release();
  }
}

/** Runs the peer that answers until the ending. */
async function answerCalls(stage: Stage, flags: DemoFlags, ending: Ending): Promise<void> {
  const peer = startPeer(stage, { user: "demo", tag: 1, ...sources(flags) });
  try {
    await Promise.race([peer.ready, ending.ended]);
    process.stdout.write(`${takenPorts(stage)}${describe(stage.server)}\n\n${whatToDo(stage.server)}`);
    peer.onLine = (line) => process.stdout.write(`demo: ${line}\n`);
    await Promise.race([ending.ended, peer.died]);
  } finally {
    peer.onLine = undefined;
    await stopPeer(peer);
  }
}

function whatToDo(server: RoomServer): string {
  const { port, httpPort } = server.address();
  const address = httpPort === null ? `https://localhost:${port}/` : `http://localhost:${httpPort}/`;
  return (
    `  Open ${address}\n  Register a name and a password, then call "demo".\n\n` +
    "Accounts of the demo vanish with it. Ctrl-C ends it.\n"
  );
}

/** A line for each port that another program has, and which one stands in for it. */
function takenPorts({ config, server }: Stage): string {
  const { port, httpPort } = server.address();
  const pairs = [
    [parseHostPort(config.server.server_client_addr)?.port ?? 0, port],
    [config.server.http_port, httpPort ?? 0],
  ];
  return pairs
    .filter(([wanted, taken]) => wanted !== 0 && wanted !== taken)
    .map(([wanted, taken]) => `Port ${wanted} is taken, using ${taken} instead.\n`)
    .join("");
}

/** What the two peers of a measured call send; texts as in the configuration. */
export interface CallSources {
  readonly caller: { readonly video?: string; readonly audio?: string };
  readonly callee: { readonly video?: string; readonly audio?: string };
}

/** Both send what the flags say; without a word on sound, each end gets a tone of its own. */
function sameSources({ video, audio }: DemoFlags): CallSources {
  const common = { ...(video === undefined ? {} : { video }) };
  return {
    caller: { ...common, audio: audio ?? "tone:440" },
    callee: { ...common, audio: audio ?? "tone:660" },
  };
}

/** Calls between two peer processes over a server in this one. */
export async function measureCall(
  flags: DemoFlags,
  sent: CallSources = sameSources(flags),
): Promise<CallReport> {
  const { seconds = DEFAULT_SECONDS } = flags;
  const ports: Override[] = [
    ["server", "server_client_addr", "127.0.0.1:0"],
    ["server", "http_port", "0"],
    ["network", "bind_address", "127.0.0.1"],
  ];
  const ending = endingAfter();
  const interrupted = ending.ended.then((why) => {
    throw new CommandError("INTERRUPTED", `the call was ended early: ${why}`);
  });
  interrupted.catch(() => undefined);
  try {
    return await withStage(flags, ports, (stage) => callBetween(stage, seconds, sent, interrupted));
  } finally {
    ending.release();
  }
}

async function callBetween(
  stage: Stage,
  seconds: number,
  sent: CallSources,
  interrupted: Promise<never>,
): Promise<CallReport> {
  const callee = startPeer(stage, { user: "callee", tag: 2, ...sent.callee });
  const running = [callee];
  try {
    await Promise.race([callee.ready, interrupted]);
    const caller = startPeer(stage, { user: "caller", tag: 1, call: "callee", seconds, ...sent.caller });
    running.push(caller);
    const reports = Promise.all([caller.report, callee.report]);
    const [first, second] = await within(Promise.race([reports, interrupted]), seconds * 1000 + GRACE_MS);
    return joinReports(first, second);
  } finally {
    await Promise.all(running.map(stopPeer));
  }
}

async function stopPeer({ process: child, exited }: PeerProcess): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exited;
  clearTimeout(timer);
}

function sources({ video, audio }: DemoFlags): { video?: string; audio?: string } {
  return { ...(video === undefined ? {} : { video }), ...(audio === undefined ? {} : { audio }) };
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(
      () => fail(new CommandError("NO_REPORT", `the peers gave no report within ${milliseconds / 1000} s`)),
      milliseconds,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

interface PeerProcess {
  readonly process: ChildProcess;
  /** Logged in. */
  readonly ready: Promise<void>;
  readonly report: Promise<PeerReport>;
  readonly exited: Promise<void>;
  /** Rejects when it ends, with what it said. */
  readonly died: Promise<never>;
  /** Hears what the peer says once it is ready. */
  onLine: ((line: string) => void) | undefined;
}

function startPeer({ folder, server, flags }: Stage, words: PeerWords): PeerProcess {
  const passwordFile = join(folder, `${words.user}.password`);
  writeFileSync(passwordFile, `${randomBytes(18).toString("base64url")}\n`, { mode: 0o600 });
  const child = spawn(process.execPath, [MAIN, "client", ...peerWords(server, flags, words, passwordFile)], {
    // The channel carries nothing: its end tells the peer that this process is gone.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = new Promise<void>((done) => child.once("close", () => done()));
  const heard: string[] = [];
  const died = exited.then(() => {
    throw new CommandError("PEER_FAILED", `${words.user} ended early:\n${heard.join("\n")}`);
  });
  died.catch(() => undefined);
  const loggedIn = new Promise<void>((done) => {
    createInterface({ input: child.stderr as Readable }).on("line", (line) => {
      heard.push(line);
      if (heard.length > HEARD_LINES) heard.shift();
      if (line.startsWith("logged in as")) done();
      else peer.onLine?.(line);
    });
  });
  const ready = Promise.race([loggedIn, died]);
  ready.catch(() => undefined);
  const report = readReport(child, words.user, exited, heard);
  const peer: PeerProcess = { process: child, ready, report, exited, died, onLine: undefined };
  return peer;
}

function peerWords(
  server: RoomServer,
  flags: readonly Override[],
  words: PeerWords,
  passwordFile: string,
): string[] {
  const { port } = server.address();
  return [
    join(passwordFile, "..", "none.conf"),
    `127.0.0.1:${port}`,
    ...["--user", words.user, "--password-file", passwordFile, "--register"],
    ...["--fingerprint", server.fingerprint, "--tag", String(words.tag), "--with-parent"],
    ...(words.call === undefined ? ["--auto-answer"] : ["--call", words.call]),
    ...(words.seconds === undefined ? [] : ["--seconds", String(words.seconds)]),
    ...(words.call === undefined && words.user === "demo" ? [] : ["--json"]),
    ...(words.video === undefined ? [] : ["--video", words.video]),
    ...(words.audio === undefined ? [] : ["--audio", words.audio]),
    ...flags.flatMap(([section, key, value]) => ["--set", `${section}.${key}=${value}`]),
  ];
}

/** The last line of the peer's standard output. */
function readReport(
  child: ChildProcess,
  user: string,
  exited: Promise<void>,
  heard: string[],
): Promise<PeerReport> {
  let last = "";
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      last = line;
    });
  }
  const report = exited.then(() => {
    try {
      const parsed: PeerReport | null = JSON.parse(last);
      if (parsed) return parsed;
    } catch {
      // Said below, with what the peer said.
    }
    throw new CommandError("NO_REPORT", `${user} gave no report:\n${heard.join("\n")}`);
  });
  report.catch(() => undefined);
  return report;
}
