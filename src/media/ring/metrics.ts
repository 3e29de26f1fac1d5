import type { LatencySummary } from "../transport_api.js";
import { allocateShared } from "./shared_memory.js";

/**
 * Rows of counters and log-bucket histograms in shared memory. Each row has one writing thread; anyone reads, without
 * locks: a counter is one aligned float64, so a reader sees the old or the new value, never a mix.
 */

/** Float64 counters a row. */
export const ROW_COUNTERS = 64;
/** Histograms a row. */
export const ROW_HISTOGRAMS = 4;

/** Buckets per doubling: a bucket is at most 3.2 % wide, its middle at most 1.6 % off. */
const SUB_BUCKETS = 32;
/** Up to 2²⁷ µs, 134 s. */
const OCTAVES = 27;
const BUCKETS = SUB_BUCKETS * OCTAVES;
/** count, sum, max before the buckets. */
const HISTOGRAM_HEAD_FLOATS = 4;
const HISTOGRAM_BYTES = HISTOGRAM_HEAD_FLOATS * 8 + BUCKETS * 4;
const ROW_BYTES = Math.ceil((ROW_COUNTERS * 8 + ROW_HISTOGRAMS * HISTOGRAM_BYTES) / 64) * 64;

/** A table's memory, structured-cloneable. */
export interface MetricsBuffers {
  readonly rows: number;
  readonly buffer: SharedArrayBuffer;
}

/** A histogram of durations in microseconds, logarithmic from 1 µs to two minutes. */
export class Histogram {
  readonly #head: Float64Array;
  readonly #buckets: Int32Array;

  constructor(buffer: ArrayBufferLike = new ArrayBuffer(HISTOGRAM_BYTES), byteOffset = 0) {
    this.#head = new Float64Array(buffer, byteOffset, HISTOGRAM_HEAD_FLOATS);
    this.#buckets = new Int32Array(buffer, byteOffset + HISTOGRAM_HEAD_FLOATS * 8, BUCKETS);
  }

  /** Adds one duration; negative ones (clocks that disagree) count as 0. */
  record(us: number): void {
    const value = us > 0 ? us : 0;
    this.#buckets[bucketOf(value)]++;
    this.#head[1] += value;
    if (value > this.#head[2]) this.#head[2] = value;
    this.#head[0]++;
  }

  get count(): number {
    return this.#head[0];
  }

  /** Mean in µs, 0 when empty. */
  get mean(): number {
    return this.#head[0] === 0 ? 0 : this.#head[1] / this.#head[0];
  }

  get max(): number {
    return this.#head[2];
  }

  /** The value below which `fraction` (0 to 1) of the records lie, within the width of a bucket; 0 when empty. */
  percentile(fraction: number): number {
    let total = 0;
    for (let i = 0; i < BUCKETS; i++) total += this.#buckets[i];
    if (total === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * total));
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#buckets[i];
      if (seen >= rank) return Math.min(bucketMiddle(i), this.#head[2]);
    }
    return this.#head[2];
  }

  summary(): LatencySummary {
    return {
      count: this.count,
      p50: this.percentile(0.5),
      p95: this.percentile(0.95),
      p99: this.percentile(0.99),
      max: this.max,
    };
  }

  /** Writer only. */
  clear(): void {
    this.#head.fill(0);
    this.#buckets.fill(0);
  }
}

/** One writer's row. */
export class MetricsRow {
  /** Index with the constants of the row's kind (metrics_rows.ts). */
  readonly counters: Float64Array;
  readonly histograms: readonly Histogram[];

  constructor(buffer: ArrayBufferLike, byteOffset: number) {
    this.counters = new Float64Array(buffer, byteOffset, ROW_COUNTERS);
    const first = byteOffset + ROW_COUNTERS * 8;
    this.histograms = Array.from(
      { length: ROW_HISTOGRAMS },
      (_, i) => new Histogram(buffer, first + i * HISTOGRAM_BYTES),
    );
  }

  add(counter: number, amount = 1): void {
    this.counters[counter] += amount;
  }

  set(counter: number, value: number): void {
    this.counters[counter] = value;
  }

  get(counter: number): number {
    return this.counters[counter];
  }

  record(histogram: number, us: number): void {
    this.histograms[histogram].record(us);
  }

  /** Before a row is used for another stream; no thread may be writing to it. */
  clear(): void {
    this.counters.fill(0);
    for (const histogram of this.histograms) histogram.clear();
  }
}

/** All rows of an engine. */
export class MetricsTable {
  readonly buffers: MetricsBuffers;
  readonly #rows = new Map<number, MetricsRow>();

  static allocate(rows: number): MetricsTable {
    return new MetricsTable({ rows, buffer: allocateShared(rows * ROW_BYTES) });
  }

  constructor(buffers: MetricsBuffers) {
    this.buffers = buffers;
  }

  /** The views are made at first use and kept. */
  row(index: number): MetricsRow {
    if (!Number.isInteger(index) || index < 0 || index >= this.buffers.rows) {
      throw new RangeError(`metrics row ${index} is outside 0 to ${this.buffers.rows - 1}`);
    }
    let row = this.#rows.get(index);
    if (row === undefined) {
      row = new MetricsRow(this.buffers.buffer, index * ROW_BYTES);
      this.#rows.set(index, row);
    }
    return row;
  }
}

function bucketOf(us: number): number {
  if (us < 1) return 0;
  const octave = 31 - Math.clz32(Math.min(us, 2 ** 31 - 1));
  const within = Math.floor((us / 2 ** octave - 1) * SUB_BUCKETS);
  return Math.min(octave * SUB_BUCKETS + within, BUCKETS - 1);
}

function bucketMiddle(bucket: number): number {
  const octave = Math.floor(bucket / SUB_BUCKETS);
  const within = bucket % SUB_BUCKETS;
  return 2 ** octave * (1 + (within + 0.5) / SUB_BUCKETS);
}
