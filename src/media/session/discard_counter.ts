import { type DiscardKind, discardKinds, TransportCounters } from "./stream_counters.js";

const wordOf = Object.fromEntries(
  discardKinds.map((kind, index) => [kind, TransportCounters.discarded + index]),
) as Readonly<Record<DiscardKind, number>>;

/** Counts a datagram nobody wanted in a {@link TransportCounters} block. Returns true for the first of its kind. */
export function countDiscarded(counters: Float64Array, kind: DiscardKind): boolean {
  return counters[wordOf[kind]]++ === 0;
}

/** The counts of a transport's block by kind, without the zeros. */
export function readDiscarded(counters: Float64Array): Record<string, number> {
  const found: Record<string, number> = {};
  for (const kind of discardKinds) {
    const count = counters[wordOf[kind]];
    if (count > 0) found[kind] = count;
  }
  return found;
}
