// The line protocol of interop/process_peer.ts for drivers in JavaScript.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export function write(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Answers each request by the action of its name, one after the other. */
export function serve(actions) {
  let last = Promise.resolve();
  const handle = async ({ id, do: name, ...request }) => {
    try {
      write({ id, result: (await actions[name](request)) ?? {} });
    } catch (error) {
      write({ id, error: error?.stack ?? String(error) });
    }
  };
  const input = createInterface({ input: process.stdin });
  input.on("line", (line) => {
    const request = JSON.parse(line);
    last = last.then(() => handle(request));
  });
  input.on("close", () => process.exit(0));
}

/** The tone to send, one second of 48 kHz mono. */
export function readSound({ soundPath }) {
  const bytes = readFileSync(soundPath);
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
