/** What a level allows (ITU-T H.264 table A-1). */
export interface H264LevelLimits {
  /** MaxFS: macroblocks of a picture. */
  readonly macroblocks: number;
  /** MaxMBPS: macroblocks a second. */
  readonly macroblocksPerSecond: number;
  /** MaxBR of the Baseline, Main and Extended profiles. */
  readonly bitrateBps: number;
}

/** Level (ten times its number; 9: level 1b) → MaxFS, MaxMBPS, MaxBR in kbit/s; those below 3.1. */
const LEVELS: ReadonlyMap<number, readonly [number, number, number]> = new Map([
  [10, [99, 1485, 64]],
  [9, [99, 1485, 128]],
  [11, [396, 3000, 192]],
  [12, [396, 6000, 384]],
  [13, [396, 11_880, 768]],
  [20, [396, 11_880, 2000]],
  [21, [792, 19_800, 4000]],
  [22, [1620, 20_250, 4000]],
  [30, [1620, 40_500, 10_000]],
]);

/** Undefined for levels from 3.1 on, and for numbers that are none. */
export function limitsBelowLevel31(level: number): H264LevelLimits | undefined {
  const row = LEVELS.get(level);
  if (row === undefined) return undefined;
  const [macroblocks, macroblocksPerSecond, kbps] = row;
  return { macroblocks, macroblocksPerSecond, bitrateBps: kbps * 1000 };
}

/** Macroblocks of a picture. */
export function macroblocksOf(width: number, height: number): number {
  return Math.ceil(width / 16) * Math.ceil(height / 16);
}
