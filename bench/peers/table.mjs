/** Median and spread of figures; a table whose columns are as wide as what is in them. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median: median ?? Number.NaN, p10: at(0.1), p90: at(0.9), p99: at(0.99), min: at(0), max: at(1) };
}

export function printTable(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column]).length)),
  );
  const line = (cells) =>
    cells
      .map((cell, column) =>
        column === 0 ? String(cell).padEnd(widths[0]) : String(cell).padStart(widths[column]),
      )
      .join("  ")
      .trimEnd();
  for (const cells of [head, ...rows]) say(line(cells));
}

export function say(line) {
  process.stdout.write(`${line}\n`);
}
