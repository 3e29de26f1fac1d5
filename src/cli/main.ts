#!/usr/bin/env node
/**
 * The `roomrtc` command: reads the words, leaves the work to client/ and server/. What a command needs is loaded with it
 * alone: a server has no use for codecs, a client none for a web server.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { ConfigError, type Override } from "../config/load.js";
import type { ClientFlags } from "./client.js";
import type { DemoFlags } from "./demo.js";
import type { ServerFlags } from "./server.js";

const DEFAULT_CONF = "room_rtc.conf";

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || value > 86_400) {
    throw new InvalidArgumentError("allowed: seconds from above 0 to 86400");
  }
  return value;
}

function collectOverride(text: string, earlier: Override[]): Override[] {
  const match = /^(\w+)\.(\w+)=(.*)$/s.exec(text);
  if (!match) throw new InvalidArgumentError("allowed: SECTION.KEY=VALUE");
  return [...earlier, [match[1], match[2], match[3]]];
}

/** Every key of the configuration can be set from the command line, checked as if it stood in the file. */
function overrideOption(): Option {
  return new Option("--set <SECTION.KEY=VALUE>", "override one key of the configuration (repeatable)")
    .argParser(collectOverride)
    .default([], "none");
}

/** `client` takes [CONF] [HOST:PORT]; a lone word with a port at its end is the address. */
export function splitClientWords(words: readonly string[]): { conf: string; address?: string } {
  const isAddress = (word: string) => /:\d+$/.test(word);
  const [first, second] = words;
  if (second !== undefined) return { conf: first, address: second };
  if (first !== undefined && isAddress(first)) return { conf: DEFAULT_CONF, address: first };
  return { conf: first ?? DEFAULT_CONF };
}

function program(): Command {
  const command = new Command("roomrtc")
    .description("Video calls on standard WebRTC: signaling server, terminal and kiosk client, demo")
    .showHelpAfterError()
    .enablePositionalOptions();

  command
    .command("server")
    .description("run the signaling server and its web client")
    .argument("[conf]", "configuration file", DEFAULT_CONF)
    .addOption(overrideOption())
    .action(async (conf: string, flags: ServerFlags) => {
      const { runServer } = await import("./server.js");
      return runServer(conf, flags);
    });

  command
    .command("client")
    .description("log in and call, or answer by itself")
    .argument("[words...]", "[CONF] [HOST:PORT]")
    .requiredOption("--user <name>", "user to log in as")
    .requiredOption("--password-file <file>", "file whose first line is the password")
    .option("--register", "register the user first")
    .option("--call <user>", "call this user")
    .option("--auto-answer", "accept every call")
    .option("--video <source>", "test, test:noise, file:PATH (.y4m, .h264), v4l2:/dev/videoN or none")
    .option("--audio <source>", "tone, tone:HZ, file:PATH (.wav), null or none")
    .option("--record <file>", "write what arrives to this file (.mp4, .webm, .mkv, .y4m, .h264 or .wav)")
    .option("--seconds <n>", "end after this long in the call", seconds)
    .option(
      "--fingerprint <sha256>",
      "the server certificate's SHA-256 fingerprint, in place of the remembered one",
    )
    .option("--json", "print one JSON report as the last line of standard output")
    .addOption(
      new Option("--tag <n>", "16 bits in the test picture's block code").argParser(Number).hideHelp(),
    )
    .addOption(new Option("--with-parent", "end when the parent process does").hideHelp())
    .addOption(overrideOption())
    .action(async (words: string[], flags: ClientFlags) => {
      const { runClient } = await import("./client.js");
      const { conf, address } = splitClientWords(words);
      return runClient(conf, address, flags);
    });

  command
    .command("demo", { isDefault: false })
    .description(
      "a server and a peer that answers, to call from a browser; with --json, a measured call of two peers",
    )
    .option("--seconds <n>", "end after this long", seconds)
    .option("--json", "call between two peer processes and print one JSON object")
    .option("--video <source>", "source of the peers' picture")
    .option("--audio <source>", "source of the peers' sound")
    .addOption(overrideOption())
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import("./demo.js");
      return runDemo(flags);
    });
  return command;
}

async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    const known = error instanceof ConfigError || (error instanceof Error && "code" in error);
    process.stderr.write(
      `roomrtc: ${known && error instanceof Error ? error.message : String(stackOf(error))}\n`,
    );
    process.exitCode = 1;
  }
}

function stackOf(error: unknown): unknown {
  return error instanceof Error ? (error.stack ?? error.message) : error;
}

await main();
