import { StackProcess } from "../stack_process.mjs";
import { printTable, say, spread } from "../table.mjs";

/** createOffer to both sides connected: one connection of each stack in turn, `--runs` times. */
export async function setup({ names, runs }) {
  say(
    `Connection set-up: createOffer to both sides "connected"; one audio section, trickled host candidates.`,
  );
  say(`${runs} runs, the stacks in turn; both ends in the stack's one process; ms.\n`);
  const stacks = await startAll(names);
  const times = new Map(stacks.map((stack) => [stack, []]));
  for (let run = 0; run <= runs; run++) {
    for (const stack of stacks) times.get(stack).push(await stack.call("setup"));
  }
  printTable(
    ["stack", "median", "p10", "p90", "max", "first", "failed"],
    stacks.map((stack) => {
      const [first, ...rest] = times.get(stack);
      const good = rest.filter((ms) => ms !== null);
      const { median, p10, p90, max } = spread(good);
      const figures = [median, p10, p90, max, first ?? Number.NaN].map((ms) => ms.toFixed(2));
      return [stack.title, ...figures, String(rest.length - good.length)];
    }),
  );
  say(`\n"first" is the process's first connection, which the other columns leave out.`);
  await Promise.all(stacks.map((stack) => stack.end()));
}

async function startAll(names) {
  const stacks = [];
  for (const name of names) stacks.push(await StackProcess.start(name));
  return stacks;
}
