/** The parent's end of one stack's process: one order at a time, one answer each. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./child.mjs", import.meta.url));

export class StackProcess {
  #child;

  static async start(name) {
    const child = fork(program, [name], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const stack = new StackProcess(child);
    stack.title = await stack.#answer();
    return stack;
  }

  constructor(child) {
    this.#child = child;
  }

  call(order, options = {}) {
    this.#child.send({ order, options });
    return this.#answer();
  }

  async end() {
    this.#child.send({ order: "end" });
    await once(this.#child, "exit");
  }

  #answer() {
    return new Promise((resolve, reject) => {
      const onExit = (code, signal) => reject(new Error(`the stack's process ended (${code ?? signal})`));
      this.#child.once("exit", onExit);
      this.#child.once("message", ({ result, error }) => {
        this.#child.off("exit", onExit);
        if (error === undefined) resolve(result);
        else reject(new Error(error));
      });
    });
  }
}
