export interface ResendBudgetOptions {
  /** What may be sent again for each byte sent, 0.5 by default. */
  readonly share?: number;
  /** What may be sent again at once, and at the very beginning: 64 KiB by default, a large keyframe lost as a whole. */
  readonly burstBytes?: number;
}

/**
 * Bounds what NACKs make a sender repeat (RFC 4585 §8: feedback must not amplify traffic): a share of what it sends anyway, and a
 * burst. A peer that asks for everything again and again gets that much and no more. Tell it with `note()` what was sent,
 * ask with `take()` before anything is repeated.
 */
export class ResendBudget {
  private readonly share: number;
  private readonly burstBytes: number;
  private bytes: number;

  constructor(options: ResendBudgetOptions = {}) {
    this.share = options.share ?? 0.5;
    this.burstBytes = options.burstBytes ?? 65_536;
    this.bytes = this.burstBytes;
  }

  note(sentBytes: number): void {
    this.bytes = Math.min(this.burstBytes, this.bytes + sentBytes * this.share);
  }

  take(bytes: number): boolean {
    if (bytes > this.bytes) return false;
    this.bytes -= bytes;
    return true;
  }
}
