// `npm run soak -- exits [--count N] [--seed N]`: N programs that end in the middle of a call, each in a way and at a moment drawn from the
// seed, two at a time; a line after every ten. Ends with status 1 when one crashed, hung or gave another exit status than it should.
import { parseArgs } from "node:util";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { drawExit, runExit } from "./exits.js";

const AT_A_TIME = 2;
const EVERY = 10;

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { count: { type: "string", default: "100" }, seed: { type: "string" } },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const random = seededRandom(seed);
  const drawn = Array.from({ length: Number(values.count) }, (_, index) => drawExit(random, index));
  const total = drawn.length;
  let ended = 0;
  let failed = 0;
  const take = async () => {
    for (let next = drawn.shift(); next !== undefined; next = drawn.shift()) {
      const { assignment, problem } = await runExit(next);
      if (problem !== "") {
        failed++;
        console.log(`${JSON.stringify(assignment)}: ${problem}`);
      }
      if (++ended % EVERY === 0) console.log(`${ended} of ${total}, ${failed} not as they should`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, take));
  console.log(`${total - failed} ended as they should, ${failed} did not (seed ${seed})`);
  if (failed > 0) process.exitCode = 1;
}
