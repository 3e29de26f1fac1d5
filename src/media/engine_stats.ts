import { WORKER_NAMES, type WorkerName } from "./engine_messages.js";
import { WorkerCounter, WorkerHistogram, workerRow } from "./metrics_rows.js";
import type { MetricsTable } from "./ring/metrics.js";
import type { LatencySummary } from "./transport_api.js";

/** One thread's numbers since the engine started. Latencies in µs. */
export interface WorkerStats {
  readonly cpuUs: number;
  readonly wakeups: number;
  /** camera: captured; encoder: encoded; decoder: decoded; microphone: packets. */
  readonly frames: number;
  readonly keyframes: number;
  readonly bytes: number;
  /** Skipped because a newer frame was there, because no slot was free, by the encoder's rate control. */
  readonly droppedNewer: number;
  readonly droppedFull: number;
  readonly droppedRate: number;
  readonly errors: number;
  readonly width: number;
  readonly height: number;
  /** The stage's own work on a frame. */
  readonly work: LatencySummary;
  /** From the previous stage's publishing to this stage's start. */
  readonly hop: LatencySummary;
  /** encoder: capture to encoded; decoder: complete to decoded. */
  readonly total: LatencySummary;
  /** decoder: decoded to presented. */
  readonly presented: LatencySummary;
}

export type EngineStats = Readonly<Record<WorkerName, WorkerStats>>;

/** Reads every worker's row. */
export function engineStats(metrics: MetricsTable): EngineStats {
  return Object.fromEntries(WORKER_NAMES.map((name) => [name, workerStats(metrics, name)])) as Record<
    WorkerName,
    WorkerStats
  >;
}

function workerStats(metrics: MetricsTable, name: WorkerName): WorkerStats {
  const row = metrics.row(workerRow(name));
  const { histograms } = row;
  return {
    cpuUs: row.get(WorkerCounter.cpuUs),
    wakeups: row.get(WorkerCounter.wakeups),
    frames: row.get(WorkerCounter.frames),
    keyframes: row.get(WorkerCounter.keyframes),
    bytes: row.get(WorkerCounter.bytes),
    droppedNewer: row.get(WorkerCounter.droppedNewer),
    droppedFull: row.get(WorkerCounter.droppedFull),
    droppedRate: row.get(WorkerCounter.droppedRate),
    errors: row.get(WorkerCounter.errors),
    width: row.get(WorkerCounter.width),
    height: row.get(WorkerCounter.height),
    work: histograms[WorkerHistogram.work].summary(),
    hop: histograms[WorkerHistogram.hop].summary(),
    total: histograms[WorkerHistogram.sinceCapture].summary(),
    presented: histograms[WorkerHistogram.presented].summary(),
  };
}
