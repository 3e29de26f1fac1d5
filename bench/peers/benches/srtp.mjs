import { inTurn } from "../in_turn.mjs";
import { printTable, say, spread } from "../table.mjs";

/** SRTP packets that arrive and are unprotected, through one connection. */
export async function srtp({ names, rounds, seconds }) {
  say(`RTP packets through one connection's SRTP, one direction, 1000 bytes of payload, as fast as it goes.`);
  say(`${rounds} rounds of ${seconds} s, the stacks in turn; median (smallest to largest).\n`);
  const results = await inTurn(names, rounds, (stack) => stack.call("srtp", { seconds, payloadBytes: 1000 }));
  printTable(
    ["stack", "packets/s received", "lost, %", "CPU, us a packet", "how"],
    [...results].map(([title, all]) => {
      if (all[0].unsupported) return [title, "-", "-", "-", all[0].unsupported];
      const rate = spread(all.map(({ received, seconds: took }) => received / took));
      const lost = spread(all.map(({ sent, received }) => 100 * (1 - received / sent)));
      const cpu = spread(all.map(({ cpuUs, received }) => cpuUs / received));
      const figure = `${rate.median.toFixed(0)} (${rate.min.toFixed(0)}-${rate.max.toFixed(0)})`;
      return [title, figure, lost.median.toFixed(2), cpu.median.toFixed(1), all[0].how];
    }),
  );
}
