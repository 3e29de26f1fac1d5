import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** An example that runs in a process of its own, as its reader would run it. */
export class ExampleProcess {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<[number | null, NodeJS.Signals | null]>;
  readonly #waiting = new Set<() => void>();

  constructor(name: string, ...args: readonly string[]) {
    const script = fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
    this.#child = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.#exited = once(this.#child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const output = this.#child.stdout;
    if (output === null) throw new Error("the process has no output");
    createInterface({ input: output }).on("line", (line) => {
      this.lines.push(line);
      for (const look of this.#waiting) look();
    });
    void this.#exited.then(() => {
      for (const look of this.#waiting) look();
    });
  }

  /** Starts one that serves a page, and resolves when it does. */
  static async serving(
    name: string,
    ...args: readonly string[]
  ): Promise<{ example: ExampleProcess; url: string }> {
    const example = new ExampleProcess(name, "--port", "0", ...args);
    const [, url] = await example.line(/open (http:\S+) in a browser/);
    return { example, url };
  }

  /** The first line that matches, also one that came before. Rejects when the process ends without it. */
  line(pattern: RegExp): Promise<RegExpMatchArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.map((line) => line.match(pattern)).find((match) => match !== null);
        if (found) resolve(found);
        else if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          reject(new Error(`It ended without ${pattern}:\n${this.lines.join("\n")}`));
        } else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The exit status; the process ends by itself. */
  async exit(): Promise<number | null> {
    const [status] = await this.#exited;
    return status;
  }

  /** Ctrl-C; resolves to the exit status. */
  stop(): Promise<number | null> {
    this.#child.kill("SIGINT");
    return this.exit();
  }

  /** For `afterEach`: a test that failed leaves nothing running. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.#exited;
  }
}
