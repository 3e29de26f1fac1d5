import type { RTCStats } from "./rtc_stats.js";

import { defineInterface } from "./web_idl.js";

/** A read-only map from id to statistics (WebRTC 1.0 §8.4). */
export class RTCStatsReport implements ReadonlyMap<string, RTCStats> {
  private readonly entriesById: ReadonlyMap<string, RTCStats>;

  constructor(stats: Iterable<RTCStats>) {
    this.entriesById = new Map([...stats].map((entry) => [entry.id, entry]));
  }

  get size(): number {
    return this.entriesById.size;
  }

  get(id: string): RTCStats | undefined {
    return this.entriesById.get(id);
  }

  has(id: string): boolean {
    return this.entriesById.has(id);
  }

  entries(): MapIterator<[string, RTCStats]> {
    return this.entriesById.entries();
  }

  keys(): MapIterator<string> {
    return this.entriesById.keys();
  }

  values(): MapIterator<RTCStats> {
    return this.entriesById.values();
  }

  forEach(visit: (value: RTCStats, key: string, map: ReadonlyMap<string, RTCStats>) => void): void {
    for (const [id, entry] of this.entriesById) visit(entry, id, this);
  }

  declare [Symbol.iterator]: () => MapIterator<[string, RTCStats]>;
}
// Web IDL §3.7.12: the very function.
Object.defineProperty(RTCStatsReport.prototype, Symbol.iterator, {
  value: RTCStatsReport.prototype.entries,
  writable: true,
  configurable: true,
});
defineInterface(RTCStatsReport);
