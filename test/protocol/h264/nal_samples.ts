import type { RandomSource } from "../../../src/protocol/primitives/random.js";

/** A NAL unit of `length` bytes with random content that needs no emulation prevention and does not end in zero. */
export function makeNal(random: RandomSource, header: number, length: number): Uint8Array {
  const nal = random.bytes(length);
  for (let i = 1; i < length; i++) if (nal[i] < 4) nal[i] += 4;
  nal[0] = header;
  return nal;
}

/** Joins NAL units with start codes of the given lengths (cycled). */
export function annexB(nals: readonly Uint8Array[], startCodes: readonly (3 | 4)[] = [4]): Uint8Array {
  const parts: number[] = [];
  nals.forEach((nal, i) => {
    if (startCodes[i % startCodes.length] === 4) parts.push(0);
    parts.push(0, 0, 1);
    for (const byte of nal) parts.push(byte);
  });
  return Uint8Array.from(parts);
}

/** Writes bits most significant first, with Exp-Golomb codes, as a parameter set needs. */
export class BitWriter {
  private readonly bits: number[] = [];

  u(count: number, value: number): this {
    for (let i = count - 1; i >= 0; i--) this.bits.push(Math.floor(value / 2 ** i) % 2);
    return this;
  }

  ue(value: number): this {
    const length = Math.floor(Math.log2(value + 1));
    return this.u(length, 0).u(length + 1, value + 1);
  }

  se(value: number): this {
    return this.ue(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** rbsp_trailing_bits, then the bytes with emulation prevention behind `header`. */
  nal(header: number): Uint8Array {
    this.bits.push(1);
    while (this.bits.length % 8 !== 0) this.bits.push(0);
    const out = [header];
    let zeros = 0;
    for (let i = 0; i < this.bits.length; i += 8) {
      const byte = Number.parseInt(this.bits.slice(i, i + 8).join(""), 2);
      if (zeros >= 2 && byte <= 3) {
        out.push(3);
        zeros = 0;
      }
      zeros = byte === 0 ? zeros + 1 : 0;
      out.push(byte);
    }
    return Uint8Array.from(out);
  }
}
