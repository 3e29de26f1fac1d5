import { once } from "node:events";
import type { Worker } from "node:worker_threads";

/** The last that a worker says before it ends. */
export async function finalMessage(worker: Worker): Promise<unknown> {
  const messages: unknown[] = [];
  worker.on("message", (message) => messages.push(message));
  await once(worker, "exit");
  return messages.at(-1);
}
