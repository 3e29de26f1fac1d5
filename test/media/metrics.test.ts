import assert from "node:assert/strict";
import { METRICS_ROWS, streamRow, workerRow } from "../../src/media/metrics_rows.js";
import { Histogram, MetricsTable } from "../../src/media/ring/metrics.js";

describe("metrics", () => {
  it("percentiles lie within a bucket's width of the exact ones", () => {
    const histogram = new Histogram();
    for (let us = 1; us <= 100_000; us++) histogram.record(us);
    for (const [fraction, exact] of [
      [0.5, 50_000],
      [0.95, 95_000],
      [0.99, 99_000],
    ] as const) {
      const found = histogram.percentile(fraction);
      assert.ok(Math.abs(found - exact) / exact < 0.02, `p${fraction * 100}: ${found}`);
    }
    assert.equal(histogram.max, 100_000);
    assert.equal(histogram.count, 100_000);
    assert.equal(histogram.mean, 50_000.5);
  });

  it("takes 0, negative and enormous durations", () => {
    const histogram = new Histogram();
    for (const us of [0, -5, 0.2, 1e12]) histogram.record(us);
    assert.deepEqual(histogram.summary().count, 4);
    assert.ok(histogram.percentile(0.5) < 1.13);
    assert.equal(histogram.max, 1e12);
  });

  it("an empty histogram is all zero", () => {
    assert.deepEqual(new Histogram().summary(), { count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });

  it("rows do not overlap", () => {
    const table = MetricsTable.allocate(METRICS_ROWS);
    const rows = [workerRow("camera"), workerRow("speaker"), streamRow(0), streamRow(255)];
    for (const row of rows) {
      table.row(row).counters.fill(row + 1);
      table.row(row).record(3, row + 1);
    }
    const reader = new MetricsTable(table.buffers);
    for (const row of rows) {
      assert.ok(reader.row(row).counters.every((value) => value === row + 1));
      assert.equal(reader.row(row).histograms[3].max, row + 1);
    }
    assert.throws(() => table.row(METRICS_ROWS), RangeError);
  });
});
