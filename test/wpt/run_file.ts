/** Runs one test file in a process of its own. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type FileOutcome, missingDom, type Subtest, subtest } from "./outcome.js";
import type { PageMessage } from "./page.js";
import { readTestPage, type TestPage } from "./page_scripts.js";

const page = fileURLToPath(new URL("./page.js", import.meta.url));

export interface Limits {
  readonly normalMs: number;
  /** For files that the suite calls long. */
  readonly longMs: number;
}

/** Twice what the suite gives a browser: the machine may be busy. */
export const defaultLimits: Limits = { normalMs: 20_000, longMs: 120_000 };

/** Outcomes of a file, one for each of its variants. */
export async function runFile(root: string, path: string, limits = defaultLimits): Promise<FileOutcome[]> {
  const test = readTestPage(root, path);
  const outcomes: FileOutcome[] = [];
  for (const variant of test.variants) {
    const file = `${path}${variant}`;
    const reason = obstacle(test);
    outcomes.push(
      reason === ""
        ? await runVariant(root, path, variant, test.long ? limits.longMs : limits.normalMs)
        : { file, subtests: [], error: "", notApplicable: reason },
    );
  }
  return outcomes;
}

function obstacle({ missing, usesModules }: TestPage): string {
  if (missing.length > 0) return `the checkout has no ${missing.join(", ")}`;
  return usesModules ? "it loads modules" : "";
}

function runVariant(root: string, path: string, variant: string, limitMs: number): Promise<FileOutcome> {
  const child = fork(page, [root, path, variant], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  const subtests: Subtest[] = [];
  let error = "";
  let broken = "";
  let complete = false;
  let stderr = "";
  child.stderr?.on("data", (text) => {
    stderr = `${stderr}${text}`.slice(-2000);
  });
  child.on("message", (message: PageMessage) => {
    if (message.type === "subtest") subtests.push(subtest(message.name, message.status, message.message));
    if (message.type === "broken") broken ||= message.message;
    if (message.type === "complete") {
      complete = true;
      if (message.status !== 0) error = message.message || `the harness ended with status ${message.status}`;
    }
  });
  const limit = setTimeout(() => {
    error ||= `not at its end after ${limitMs / 1000} s`;
    child.kill("SIGKILL");
  }, limitMs);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      if (!complete)
        error ||= broken || `the process ended with ${signal ?? code}: ${stderr.trim().slice(-500)}`;
      const dom = missingDom(broken) ?? (subtests.length === 0 ? missingDom(error) : undefined);
      const notApplicable = dom === undefined ? "" : `it needs ${dom}`;
      resolve({
        file: `${path}${variant}`,
        subtests,
        error: notApplicable === "" ? error || broken : "",
        notApplicable,
      });
    });
  });
}
