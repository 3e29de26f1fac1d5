/** The loop that every worker runs: orders, work, sleep until rung or due. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { native } from "../../../native/addon.js";
import type { OrderOf, WiringOf, WorkerEvent, WorkerName } from "../engine_messages.js";
import { WORKER_NAMES } from "../engine_messages.js";
import { WorkerCounter, workerRow } from "../metrics_rows.js";
import { ControlBlock } from "./control_block.js";
import { Doorbell } from "./doorbell.js";
import { type MetricsRow, MetricsTable } from "./metrics.js";

/** What a worker's decisions see of their thread. */
export interface WorkerHost<N extends WorkerName> {
  readonly name: N;
  readonly wiring: WiringOf<N>;
  readonly control: ControlBlock;
  readonly metrics: MetricsTable;
  /** This worker's own row. */
  readonly row: MetricsRow;
  readonly doorbells: Readonly<Record<WorkerName, Doorbell>>;
  /** To the main thread; works while the loop runs. What is in `transfer` moves there and is empty here. */
  post(event: WorkerEvent, transfer?: ArrayBuffer[]): void;
}

/** One worker's work. Sans-IO but for the device it owns. */
export interface Stage<N extends WorkerName> {
  order(order: Exclude<OrderOf<N>, { type: "stop" }>): void;
  /** Does all that can be done now. Returns the time (µs) to be called again without a ring; Infinity: none. */
  step(nowUs: number): number;
  /** Frees what the garbage collector does not. */
  close(): void;
  /** Sleeps in its own way (a poller whose eventfd the doorbell knows) for at most `timeoutUs`. */
  poll?(timeoutUs: number): void;
}

/** How often the thread's CPU time goes to its metrics row. */
const CPU_SAMPLE_US = 100_000;

/** Runs this thread as worker `name`; returns when it was told to stop. */
export function runStage<N extends WorkerName>(name: N, setup: (host: WorkerHost<N>) => Stage<N>): void {
  native.setThreadName(name);
  const host = makeHost(name);
  try {
    const stage = setup(host);
    host.post({ type: "ready", name });
    try {
      loop(host, stage);
    } finally {
      stage.close();
    }
    host.post({ type: "stopped", name });
  } catch (error) {
    host.post(failure(name, error));
    process.exitCode = 1;
  }
}

/** As {@link runStage}, once what the stage needs has been loaded: the loop itself leaves no time for it. */
export async function runStageWith<N extends WorkerName, T>(
  name: N,
  prepare: (wiring: WiringOf<N>) => Promise<T>,
  setup: (host: WorkerHost<N>, prepared: T) => Stage<N>,
): Promise<void> {
  let prepared: T;
  try {
    prepared = await prepare(workerData as WiringOf<N>);
  } catch (error) {
    makeHost(name).post(failure(name, error));
    process.exitCode = 1;
    return;
  }
  runStage(name, (host) => setup(host, prepared));
}

function makeHost<N extends WorkerName>(name: N): WorkerHost<N> {
  if (parentPort === null) throw new Error(`${name}: runs only as a worker of the media engine`);
  const port = parentPort;
  const wiring = workerData as WiringOf<N>;
  const metrics = new MetricsTable(wiring.metrics);
  const bells = WORKER_NAMES.map((other) => [other, new Doorbell(wiring.doorbells[other])] as const);
  return {
    name,
    wiring,
    control: new ControlBlock(wiring.control),
    metrics,
    row: metrics.row(workerRow(name)),
    doorbells: Object.fromEntries(bells) as Record<WorkerName, Doorbell>,
    post: (event, transfer) => port.postMessage(event, transfer),
  };
}

function loop<N extends WorkerName>(host: WorkerHost<N>, stage: Stage<N>): void {
  const bell = host.doorbells[host.name];
  const poll = stage.poll?.bind(stage);
  let ordersSeen = -1;
  let cpuDueUs = 0;
  for (;;) {
    const rung = bell.sequence();
    const orders = bell.controlSequence();
    if (orders !== ordersSeen) {
      ordersSeen = orders;
      if (!drainOrders(stage)) return;
    }
    const nowUs = native.monotonicUs();
    if (nowUs >= cpuDueUs) {
      host.row.set(WorkerCounter.cpuUs, native.threadCpuUs());
      cpuDueUs = nowUs + CPU_SAMPLE_US;
    }
    const deadlineUs = stage.step(nowUs);
    host.row.add(WorkerCounter.wakeups);
    bell.wait(rung, deadlineUs, poll);
  }
}

/** Returns false when told to stop. */
function drainOrders<N extends WorkerName>(stage: Stage<N>): boolean {
  for (;;) {
    const received = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
    if (received === undefined) return true;
    const { message } = received;
    if ((message as { type: string }).type === "stop") return false;
    stage.order(message as Exclude<OrderOf<N>, { type: "stop" }>);
  }
}

function failure(name: WorkerName, error: unknown): WorkerEvent {
  const { code, message, stack } = error as { code?: unknown; message?: string; stack?: string };
  return {
    type: "failed",
    name,
    code: typeof code === "string" ? code : "WORKER_FAILED",
    message: message ?? String(error),
    ...(stack === undefined ? {} : { stack }),
  };
}
