/**
 * Reads the bits of a NAL unit's payload and skips its emulation prevention bytes (ITU-T H.264 §7.3.1). Past the end
 * every bit is 0 and `overrun` says so, so a parser checks once, at its end.
 */
export class NalBitReader {
  overrun = false;
  private bit = 0;
  private zeros = 0;
  private at: number;
  private readonly end: number;

  /** `offset` points behind the NAL header byte. */
  constructor(
    private readonly buf: Uint8Array,
    offset: number,
    length: number,
  ) {
    this.at = offset;
    this.end = offset + length;
  }

  u1(): number {
    if (this.bit === 0) this.skipEmulationPrevention();
    if (this.at >= this.end) {
      this.overrun = true;
      return 0;
    }
    const value = (this.buf[this.at] >> (7 - this.bit)) & 1;
    this.bit = (this.bit + 1) & 7;
    if (this.bit === 0) this.leaveByte();
    return value;
  }

  /** Up to 32 bits, most significant first. */
  u(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) value = value * 2 + this.u1();
    return value;
  }

  /** Unsigned Exp-Golomb (§9.1). */
  ue(): number {
    let zeros = 0;
    while (zeros < 32 && this.u1() === 0 && !this.overrun) zeros++;
    if (zeros === 32) this.overrun = true;
    return this.overrun ? 0 : 2 ** zeros - 1 + this.u(zeros);
  }

  /** Signed Exp-Golomb (§9.1.1). */
  se(): number {
    const code = this.ue();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }

  private leaveByte(): void {
    this.zeros = this.buf[this.at] === 0 ? this.zeros + 1 : 0;
    this.at++;
  }

  private skipEmulationPrevention(): void {
    if (this.zeros < 2 || this.at >= this.end || this.buf[this.at] !== 3) return;
    this.at++;
    this.zeros = 0;
  }
}
