/**
 * Where the protocol cores get their randomness from: they own none, so that a whole call can be replayed.
 */
export interface RandomSource {
  /** `n` fresh random bytes. */
  bytes(n: number): Uint8Array;
  /** A uniform integer in [0, 2^32). */
  uint32(): number;
}

/** A uniform number in [0, 1). */
export function randomFloat(random: RandomSource): number {
  return random.uint32() / 4294967296;
}

/**
 * A repeatable source for tests and emulation, never for keys: Bob Jenkins' small fast counter generator (sfc32).
 * The same seed gives the same sequence on every machine.
 */
export function seededRandom(seed: number): RandomSource {
  let a = seed >>> 0;
  let b = 0x9e3779b9;
  let c = 0x243f6a88;
  let counter = 1;

  const uint32 = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  };
  // The first outputs still show the seed's structure.
  for (let i = 0; i < 15; i++) uint32();

  const bytes = (n: number): Uint8Array => {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = uint32() >>> 24;
    return out;
  };
  return { bytes, uint32 };
}
