/** What came of the subtests of one file, told by the page's process. */

/** The suite's numbers for a subtest's status, in their order. */
const statuses = ["passed", "failed", "timed out", "not run", "not applicable"] as const;
export type SubtestStatus = (typeof statuses)[number];

export interface Subtest {
  readonly name: string;
  readonly status: SubtestStatus;
  readonly message: string;
}

export interface FileOutcome {
  readonly file: string;
  readonly subtests: readonly Subtest[];
  /** Why the file as a whole went wrong; "" when it came to its end. */
  readonly error: string;
  /** Why nothing of it can run here; "" when it can. */
  readonly notApplicable: string;
}

/** What only a page with a document offers. */
const DOM = [
  "document",
  "requestAnimationFrame",
  "(?:HTML|SVG)\\w*",
  "\\w*AudioContext",
  "\\w*Canvas\\w*",
  "ImageData",
  "createImageBitmap",
  "MediaRecorder",
  "MediaStreamTrackProcessor",
  "MediaStreamTrackGenerator",
  "VideoFrame",
  "VideoEncoder",
  "VideoDecoder",
  "Worker",
  "SharedWorker",
  "XMLHttpRequest",
  "Audio",
  "Image",
  "getComputedStyle",
  "test_driver",
];
const needsDom = new RegExp(`\\b(${DOM.join("|")}) is not (defined|a constructor)\\b`);

/** The missing piece of a page that an error names; undefined: the error is ours. */
export function missingDom(message: string): string | undefined {
  return needsDom.exec(message)?.[1];
}

export function subtest(name: string, number: number, message: string): Subtest {
  const status = statuses[number] ?? "failed";
  if (status === "failed" && missingDom(message) !== undefined)
    return { name, status: "not applicable", message };
  return { name, status, message };
}

export interface Counts {
  passed: number;
  failed: number;
  notApplicable: number;
}

export function count({ subtests, error, notApplicable }: FileOutcome): Counts {
  const counts = { passed: 0, failed: 0, notApplicable: 0 };
  for (const { status } of subtests) {
    if (status === "passed") counts.passed++;
    else if (status === "not applicable") counts.notApplicable++;
    else counts.failed++;
  }
  if (notApplicable !== "") counts.notApplicable++;
  else if (error !== "") counts.failed++;
  return counts;
}
