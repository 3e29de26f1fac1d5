/** `npm run bench -- media [ROUNDS]`: what one RTP packet costs in each stage, in time and on the heap. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { measureStages, mediaStages, type StageFigures } from "./media_stages.js";

/** V8's collector, which Node hides unless asked. */
export function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** A line: median, smallest and largest of the rounds; bytes allocated. */
export function figuresLine({ name, nsPerPacket, bytesPerPacket }: StageFigures): string {
  const sorted = [...nsPerPacket].sort((a, b) => a - b);
  const [median, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted[sorted.length - 1]];
  const ns = `${median.toFixed(0)} (${least.toFixed(0)} to ${most.toFixed(0)})`;
  return `${name.padEnd(56)}${ns.padStart(22)}${bytesPerPacket.toFixed(1).padStart(10)}`;
}

export async function run([rounds = "15"]: string[]): Promise<void> {
  const count = Number(rounds);
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`rounds: found '${rounds}'; allowed: a whole number of at least 1`);
  process.stdout.write(`${"".padEnd(56)}${"ns a packet".padStart(22)}${"bytes".padStart(10)}\n`);
  for (const figures of measureStages(mediaStages(), count, collector())) {
    process.stdout.write(`${figuresLine(figures)}\n`);
  }
}
