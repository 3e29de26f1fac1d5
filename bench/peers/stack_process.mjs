/** The parent's end of one stack's process: an answer to each order; notes come unasked. */
import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import { launchPion } from "./pion_process.mjs";

const program = fileURLToPath(new URL("./child.mjs", import.meta.url));

export class StackProcess extends EventEmitter {
  #child;
  #calls = 0;
  /** What waits for the answer to a call, by its number. */
  #waiting = new Map();

  static async start(name) {
    const child = name === "pion" ? launchPion() : launchNode(name);
    const stack = new StackProcess(child);
    // Its title, unasked.
    stack.title = await stack.#answer(0);
    return stack;
  }

  constructor(child) {
    super();
    this.#child = child;
    child.on("message", ({ id, note, ...answer }) => {
      if (note !== undefined) this.emit("note", note);
      else this.#settle(id, answer);
    });
    child.on("exit", (code, signal) => {
      const error = `the stack's process ended (${code ?? signal})`;
      for (const id of [...this.#waiting.keys()]) this.#settle(id, { error });
    });
  }

  call(order, options = {}) {
    const id = ++this.#calls;
    const answer = this.#answer(id);
    this.#child.send({ id, order, options });
    return answer;
  }

  async end() {
    const exit = once(this.#child, "exit");
    this.#child.send({ order: "end" });
    await exit;
  }

  #answer(id) {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(id, { result, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  }
}

function launchNode(name) {
  return fork(program, [name], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
}
