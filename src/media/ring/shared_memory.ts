/**
 * Shared memory that outlives its first user. A SharedArrayBuffer goes back to the system only when the garbage
 * collector notices, and malloc then rarely gives large ones back: an engine started and stopped in turn would grow
 * the process. So what an engine lets go of is kept for the next one.
 */

/** Blocks kept, at most; more is left to the garbage collector. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

const kept = new Map<number, SharedArrayBuffer[]>();
let keptBytes = 0;

/**
 * A block of exactly `bytes`. Zeroed unless `zero` is false: frame slots are written before they are read, and
 * touching them would cost pages that may never be used.
 */
export function allocateShared(bytes: number, zero = true): SharedArrayBuffer {
  const block = kept.get(bytes)?.pop();
  if (block === undefined) return new SharedArrayBuffer(bytes);
  keptBytes -= bytes;
  if (zero) new Uint8Array(block).fill(0);
  return block;
}

/** Gives a block back. No thread may hold it any more. */
export function releaseShared(block: SharedArrayBuffer): void {
  if (keptBytes + block.byteLength > MAX_KEPT_BYTES) return;
  keptBytes += block.byteLength;
  const same = kept.get(block.byteLength);
  if (same === undefined) kept.set(block.byteLength, [block]);
  else same.push(block);
}
