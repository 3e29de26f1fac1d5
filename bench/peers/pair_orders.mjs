/** What a process that holds both ends of its connections is told to do. */
import { setTimeout as pass } from "node:timers/promises";

/** A set-up that takes longer has failed. */
const SETUP_LIMIT_MS = 20_000;

export function pairOrders(stack) {
  return {
    setup: () => setup(stack),
    idle: (options) => idle(stack, options),
    srtp: (options) => stack.srtp(options),
  };
}

/** False: not within the limit. */
function connects(pair) {
  return Promise.race([pair.connect().then(() => true), pass(SETUP_LIMIT_MS, false)]);
}

/** Milliseconds; null: did not connect. */
async function setup(stack) {
  const pair = stack.createPair();
  const from = performance.now();
  const connected = await connects(pair);
  const ms = performance.now() - from;
  await pair.close();
  // What a closing leaves behind is not the next set-up's.
  await pass(20);
  return connected ? ms : null;
}

async function idle(stack, { pairs, seconds }) {
  // One connection first: what is loaded and compiled on first use is no connection's cost.
  await setup(stack);
  const before = await observe(seconds);
  const open = [];
  let failed = 0;
  while (open.length < pairs) {
    const pair = stack.createPair();
    if (await connects(pair)) {
      open.push(pair);
    } else {
      failed++;
      await pair.close();
    }
  }
  await pass(2_000);
  const during = await observe(seconds);
  for (const pair of open) await pair.close();
  return {
    failed,
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
