/** `roomrtc client`: one login that calls or answers, words on standard error, the report on standard output. */
import { readFileSync } from "node:fs";
import { Peer } from "../client/peer.js";
import type { PeerReport } from "../client/report.js";
import { loadConfig, type Override } from "../config/load.js";
import { CommandError } from "./command_error.js";
import { logOptions, openLog } from "./log.js";
import { type Ending, endingAfter, endWithParent } from "./signals.js";

export interface ClientFlags {
  readonly user: string;
  readonly passwordFile: string;
  readonly register?: true;
  readonly call?: string;
  readonly autoAnswer?: true;
  readonly video?: string;
  readonly audio?: string;
  readonly record?: string;
  readonly seconds?: number;
  readonly fingerprint?: string;
  readonly json?: true;
  readonly tag?: number;
  readonly withParent?: true;
  readonly set: readonly Override[];
}

export async function runClient(
  conf: string,
  address: string | undefined,
  flags: ClientFlags,
): Promise<void> {
  const overrides = address === undefined ? [] : [["server", "client_server_addr", address] as const];
  const { config, notices } = loadConfig(conf, [...flags.set, ...overrides]);
  const log = await openLog(logOptions(config, config.server.client_log_file), "roomrtc-client");
  const say = (text: string) => {
    log.logger.info(text);
    process.stderr.write(`${text}\n`);
  };
  for (const notice of notices) say(`notice: ${notice}`);
  const ending = endingAfter();
  if (flags.withParent) endWithParent(ending);
  try {
    const peer = await Peer.start({
      config,
      user: flags.user,
      password: readPassword(flags.passwordFile),
      register: flags.register === true,
      autoAnswer: flags.autoAnswer === true,
      reconnect: flags.call === undefined,
      video: flags.video ?? config.media.video_source,
      audio: flags.audio ?? config.media.audio_source,
      ...(flags.tag === undefined ? {} : { tag: flags.tag }),
      ...(flags.record === undefined ? {} : { record: flags.record }),
      ...(flags.fingerprint === undefined ? {} : { fingerprint: flags.fingerprint }),
    });
    peer.on("notice", (text) => say(`notice: ${text}`));
    const report = await converse(peer, flags, ending, say);
    log.logger.info({ report }, "call report");
    if (flags.json) process.stdout.write(`${JSON.stringify(report ?? null)}\n`);
    process.exitCode = hasServed(flags, report) ? 0 : 1;
  } catch (error) {
    log.logger.error({ err: error }, "ended by an error");
    throw error;
  } finally {
    ending.release();
    await log.close();
  }
}

/** Whether one call is what the command is about: then that call's end is its own. */
function isForOneCall({ call, seconds, json }: ClientFlags): boolean {
  return call !== undefined || seconds !== undefined || json === true;
}

/** One who waits for calls has served even where none came, and whatever became of those that did. */
function hasServed(flags: ClientFlags, report: PeerReport | undefined): boolean {
  if (report === undefined) return flags.call === undefined;
  return report.ok || !isForOneCall(flags);
}

/** Logs in, places or awaits the call, and ends it by time, by signal, or when the peer does. */
async function converse(
  peer: Peer,
  flags: ClientFlags,
  ending: Ending,
  say: (text: string) => void,
): Promise<PeerReport | undefined> {
  let report: PeerReport | undefined;
  try {
    watch(peer, flags, ending, say, (latest) => {
      report = latest;
    });
    await peer.login();
    say(`logged in as ${flags.user}`);
    if (flags.call !== undefined) peer.call(flags.call);
    say(`ending: ${await Promise.race([ending.ended, signalingFailure(peer)])}`);
    await peer.hangUp();
  } finally {
    await peer.close();
  }
  return report;
}

/** Rejects when the server is out of reach for good: its certificate changed, or it refuses the login. */
function signalingFailure(peer: Peer): Promise<never> {
  return new Promise((_, fail) => {
    peer.once("signalingfailed", ({ message, code }) =>
      fail(new CommandError("SIGNALING_FAILED", `signaling given up: ${message} (${code})`)),
    );
  });
}

function watch(
  peer: Peer,
  flags: ClientFlags,
  ending: Ending,
  say: (text: string) => void,
  keep: (report: PeerReport) => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  peer.on("incoming", (from) => {
    say(
      flags.autoAnswer
        ? `${from} calls, answering`
        : `${from} calls, and nobody is here to answer (--auto-answer)`,
    );
    if (!flags.autoAnswer) peer.reject();
  });
  peer.on("connected", (user) => {
    say(`in a call with ${user}`);
    if (flags.seconds !== undefined) timer = setTimeout(() => ending.end("time"), flags.seconds * 1000);
  });
  peer.on("ended", (report) => {
    clearTimeout(timer);
    keep(report);
    say(`call with ${report.peer} ended (${report.code}): ${report.reason}`);
    // A client that answers goes on answering, unless it was told how long or to report.
    if (isForOneCall(flags)) ending.end("call ended");
  });
}

/** The file's first line; without the file there is nothing to log in with. */
function readPassword(file: string): string {
  const [password] = readText(file).split(/\r?\n/);
  if (password === "") {
    throw new CommandError("BAD_PASSWORD_FILE", `password file ${file}: its first line is empty`);
  }
  return password;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError("BAD_PASSWORD_FILE", `password file ${file}: ${why}`);
  }
}
