import { inTurn } from "../in_turn.mjs";
import { printTable, say, spread } from "../table.mjs";

/** What open connections cost that carry nothing: a fresh process for every round. */
export async function idle({ names, rounds, pairs, seconds }) {
  say(`${2 * pairs} open idle connections (${pairs} pairs, one audio section each, nothing sent).`);
  say(`${rounds} rounds of ${seconds} s, a fresh process each; median (smallest to largest).\n`);
  const results = await inTurn(names, rounds, (stack) => stack.call("idle", { pairs, seconds }));
  const row = (all, pick, digits) => {
    const { median, min, max } = spread(all.map(pick));
    return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
  };
  printTable(
    [
      "stack",
      "process before, MiB",
      "with all open, MiB",
      "KiB a connection",
      "CPU before, %",
      "CPU open, %",
      "failed",
    ],
    [...results].map(([title, all]) => [
      title,
      row(all, ({ rssBefore }) => rssBefore / 2 ** 20, 0),
      row(all, ({ rssOpen }) => rssOpen / 2 ** 20, 0),
      row(all, ({ rssBefore, rssOpen }) => (rssOpen - rssBefore) / 1024 / (2 * pairs), 0),
      row(all, ({ cpuBefore }) => 100 * cpuBefore, 2),
      row(all, ({ cpuOpen }) => 100 * cpuOpen, 2),
      String(all.reduce((sum, { failed }) => sum + failed, 0)),
    ]),
  );
}
