// `npm run soak -- connections [--count N] [--stage NAME] [--every N] [--json]`: opens and closes N pairs of connections one after the
// other in this process, at each stage in turn or at the one named, with data channels and without, and prints what the process
// holds. Ends with status 1 when descriptors or threads grew, or the main thread's heap by more than --kib a pair.
import { parseArgs } from "node:util";
import { stopDefaultEngine } from "../../src/webrtc/index.js";
import { openAndClose, STAGES, type Stage } from "./connections.js";
import { type Resources, resources } from "./resources.js";

interface Sample extends Resources {
  readonly pairs: number;
}

interface Plan {
  readonly count: number;
  readonly every: number;
  readonly stages: readonly Stage[];
  readonly maxKib: number;
  readonly json: boolean;
}

function planOf(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: "string", default: "1000" },
      every: { type: "string", default: "100" },
      stage: { type: "string" },
      kib: { type: "string", default: "8" },
      json: { type: "boolean", default: false },
    },
  });
  const [count, every] = [Number(values.count), Number(values.every)];
  const stages = values.stage === undefined ? STAGES : STAGES.filter((stage) => stage === values.stage);
  if (stages.length === 0) throw new Error(`--stage: found '${values.stage}'; allowed: ${STAGES.join(", ")}`);
  if (!(every > 0 && count >= 3 * every))
    throw new Error(
      `--count ${values.count}, --every ${values.every}: allowed is a count of at least three times every`,
    );
  return { count, every, stages, maxKib: Number(values.kib), json: values.json };
}

async function sample(pairs: number): Promise<Sample> {
  // What the last pair's threads had to say has been heard by then.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return { pairs, ...resources() };
}

function print({ pairs, descriptors, threads, residentKib, heapKib }: Sample): void {
  const memory = `resident ${(residentKib / 1024).toFixed(1)} MiB, main heap ${(heapKib / 1024).toFixed(1)} MiB`;
  console.log(
    `${String(pairs).padStart(6)} pairs: ${descriptors} descriptors, ${threads} threads, ${memory}`,
  );
}

/** What grew after the first third, which warms up: caches, pools and compiled code come with use. */
function growth(samples: readonly Sample[]) {
  const from = samples[Math.max(1, Math.floor(samples.length / 3))];
  const to = samples[samples.length - 1];
  const aPair = (kib: number) => Number((kib / (to.pairs - from.pairs)).toFixed(2));
  return {
    pairs: to.pairs,
    descriptors: to.descriptors - from.descriptors,
    threads: to.threads - from.threads,
    heapKibAPair: aPair(to.heapKib - from.heapKib),
    residentKibAPair: aPair(to.residentKib - from.residentKib),
  };
}

export async function run(args: string[]): Promise<void> {
  const { count, every, stages, maxKib, json } = planOf(args);
  const samples: Sample[] = [await sample(0)];
  for (let pair = 1; pair <= count; pair++) {
    await openAndClose(stages[pair % stages.length], pair % 2 === 0);
    if (pair % every !== 0) continue;
    samples.push(await sample(pair));
    if (!json) print(samples[samples.length - 1]);
  }
  await stopDefaultEngine();
  const grew = growth(samples);
  console.log(json ? JSON.stringify(grew) : `after the first third: ${JSON.stringify(grew)}`);
  if (grew.descriptors > 0 || grew.threads > 0 || grew.heapKibAPair > maxKib) process.exitCode = 1;
}
