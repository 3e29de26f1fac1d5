/** The process of one test file: makes the globals of a page, runs the file's scripts, tells the outcome of each subtest. */
import { runInThisContext } from "node:vm";
import { stopDefaultEngine } from "../../src/webrtc/index.js";
import { installPageGlobals } from "./page_globals.js";
import { readTestPage } from "./page_scripts.js";

export type PageMessage =
  | { readonly type: "subtest"; readonly name: string; readonly status: number; readonly message: string }
  /** The suite's harness has ended; `status` is 0 when nothing went wrong outside the subtests. */
  | { readonly type: "complete"; readonly status: number; readonly message: string }
  /** A script threw before it could define its subtests. */
  | { readonly type: "broken"; readonly message: string };

interface HarnessTest {
  readonly name: string;
  readonly status: number;
  readonly message: string | null;
}

/** What the suite's testharness.js defines. */
interface Harness {
  add_result_callback(callback: (test: HarnessTest) => void): void;
  add_completion_callback(
    callback: (tests: HarnessTest[], status: { status: number; message: string | null }) => void,
  ): void;
}

function tell(message: PageMessage): void {
  process.send?.(message);
}

function listen(): void {
  const harness = globalThis as unknown as Harness;
  harness.add_result_callback(({ name, status, message }) =>
    tell({ type: "subtest", name, status, message: message ?? "" }),
  );
  harness.add_completion_callback((_tests, { status, message }) => {
    tell({ type: "complete", status, message: message ?? "" });
    // Connections that the file left open must not keep the process.
    void stopDefaultEngine().then(() => process.disconnect?.());
  });
}

/** Errors outside of subtests are events of the page, which the harness listens for. */
function forwardErrors(target: EventTarget): void {
  const fire = (type: string, values: object) =>
    target.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), values));
  process.on("uncaughtException", (error: Error) => fire("error", { error, message: String(error) }));
  process.on("unhandledRejection", (reason) => fire("unhandledrejection", { reason }));
}

function run(root: string, path: string, variant: string): void {
  forwardErrors(installPageGlobals({ root, path, variant }));
  for (const { name, source } of readTestPage(root, path).scripts) {
    try {
      runInThisContext(source, { filename: name });
    } catch (error) {
      tell({ type: "broken", message: String(error) });
    }
    if (name.endsWith("/testharness.js")) listen();
  }
}

// A file that waits for what never comes is ended by its limit, not by an empty event loop.
process.on("message", () => undefined);
const [root = "", path = "", variant = ""] = process.argv.slice(2);
run(root, path, variant);
