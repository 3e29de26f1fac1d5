/** The `roomrtc` command as its users run it: a process of its own, in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as pass } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
export const PASSWORD = "correct horse battery";
/** Small pictures and any port: what every client of these tests is given. */
export const SMALL = set({
  "media.frame_width": 320,
  "media.frame_height": 180,
  "network.bind_address": "127.0.0.1",
});

/** One of those in a .y4m. */
export const Y4M_FRAME_BYTES = "FRAME\n".length + 320 * 180 * 1.5;

export function set(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `roomrtc`. */
export class Command {
  stdout = "";
  stderr = "";
  readonly process: ChildProcess;
  readonly ended: Promise<Outcome>;
  /** Lines of both streams that nobody has asked for yet. */
  readonly #lines: string[] = [];
  #heard = () => {};

  constructor(folder: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.process = spawn(process.execPath, [MAIN, ...words], {
      cwd: folder,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines = (stream: Readable | null, keep: (line: string) => void) => {
      if (stream === null) return;
      createInterface({ input: stream }).on("line", (line) => {
        keep(line);
        this.#hear(line);
      });
    };
    lines(this.process.stdout, (line) => {
      this.stdout += `${line}\n`;
    });
    lines(this.process.stderr, (line) => {
      this.stderr += `${line}\n`;
    });
    this.ended = new Promise((done) =>
      this.process.once("close", (status) => done({ status, stdout: this.stdout, stderr: this.stderr })),
    );
  }

  /** The first line on either stream that matches and was not handed out yet; rejects when the command ends first. */
  async line(pattern: RegExp): Promise<string> {
    const ended = this.ended.then(({ status }) => {
      throw new Error(`ended with status ${status} before a line ${pattern}:\n${this.stdout}${this.stderr}`);
    });
    ended.catch(() => undefined);
    for (;;) {
      const found = this.#lines.findIndex((line) => pattern.test(line));
      if (found >= 0) return this.#lines.splice(found, 1)[0];
      const more = new Promise<void>((done) => {
        this.#heard = done;
      });
      await Promise.race([more, ended]);
    }
  }

  #hear(line: string): void {
    this.#lines.push(line);
    this.#heard();
  }
}

/** A folder with what runs in it; {@link Desk.clear} ends all of it. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), "roomrtc-commands-"));
  readonly #running: Command[] = [];

  constructor() {
    this.write("password", `${PASSWORD}\n`);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  start(...words: string[]): Command {
    const command = new Command(this.folder, words);
    this.#running.push(command);
    return command;
  }

  run(...words: string[]): Promise<Outcome> {
    return this.start(...words).ended;
  }

  /** A client of the server at `address`, registered when it is not. */
  client(address: string, user: string, ...words: string[]): Command {
    const login = ["--user", user, "--password-file", this.path("password"), "--register"];
    return this.start("client", address, ...login, ...SMALL, ...words);
  }

  /** A call to the kiosk that ends by Ctrl-C once pictures of it are recorded, however long that takes. */
  async callUntilSeen(address: string, user: string, ...words: string[]): Promise<Outcome> {
    const file = `${user}.y4m`;
    const command = this.client(address, user, "--call", "kiosk", "--record", file, ...words);
    await command.line(/^in a call with kiosk/);
    while (statSync(this.path(file)).size < 3 * Y4M_FRAME_BYTES) await pass(20);
    command.process.kill("SIGINT");
    return command.ended;
  }

  async clear(): Promise<void> {
    for (const { process: child } of this.#running) child.kill("SIGKILL");
    await Promise.all(this.#running.map(({ ended }) => ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts `roomrtc server` on any port of the loopback address; its address as HOST:PORT. */
export async function startServer(
  desk: Desk,
  ...words: string[]
): Promise<{ command: Command; address: string }> {
  const anywhere = set({ "server.server_client_addr": "127.0.0.1:0", "server.http_port": 0 });
  const command = desk.start("server", ...anywhere, ...words);
  const line = await command.line(/^RoomRTC server on /);
  return { command, address: /on (\S+) /.exec(line)?.[1] ?? "" };
}
