import { StackProcess } from "./stack_process.mjs";

/** The stacks in turn, a fresh process for each, `rounds` times: title → what `measure` found. */
export async function inTurn(names, rounds, measure) {
  const results = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const stack = await StackProcess.start(name);
      const found = await measure(stack);
      results.set(stack.title, [...(results.get(stack.title) ?? []), found]);
      await stack.end();
    }
  }
  return results;
}
