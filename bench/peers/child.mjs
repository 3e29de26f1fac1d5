/** One stack's process: does what main.mjs orders, one thing at a time. */
import { setTimeout as pass } from "node:timers/promises";
import { hostAddress } from "./host_address.mjs";

/** A set-up that takes longer has failed. */
const SETUP_LIMIT_MS = 20_000;

const [name] = process.argv.slice(2);
const { openStack } = await import(`./stacks/${name}.mjs`);
const stack = await openStack(hostAddress());

const orders = { setup, idle, srtp: (options) => stack.srtp(options) };

process.on("message", async ({ order, options }) => {
  if (order === "end") {
    await stack.close?.();
    process.exit(0);
  }
  try {
    process.send({ result: await orders[order](options) });
  } catch (error) {
    process.send({ error: `${name}, ${order}: ${error.stack}` });
  }
});
process.send({ result: stack.title });

/** Milliseconds; null: did not connect. */
async function setup() {
  const pair = stack.createPair();
  const from = performance.now();
  const connected = await Promise.race([pair.connect().then(() => true), pass(SETUP_LIMIT_MS, false)]);
  const ms = performance.now() - from;
  await pair.close();
  // What a closing leaves behind is not the next set-up's.
  await pass(20);
  return connected ? ms : null;
}

async function idle({ pairs, seconds }) {
  // One connection first: what is loaded and compiled on first use is no connection's cost.
  await setup();
  const before = await observe(seconds);
  const open = [];
  for (let i = 0; i < pairs; i++) {
    const pair = stack.createPair();
    await pair.connect();
    open.push(pair);
  }
  await pass(2_000);
  const during = await observe(seconds);
  for (const pair of open) await pair.close();
  return {
    rssBefore: before.rss,
    rssOpen: during.rss,
    cpuBefore: before.cpu,
    cpuOpen: during.cpu,
  };
}

/** Resident bytes, and CPU seconds a second of all threads. */
async function observe(seconds) {
  const from = performance.now();
  const cpu = process.cpuUsage();
  await pass(1000 * seconds);
  const { user, system } = process.cpuUsage(cpu);
  return { rss: process.memoryUsage.rss(), cpu: (user + system) / 1000 / (performance.now() - from) };
}
