const BUCKET_US = 5_000_000;
/** Up a third of the way at once, down a three-hundredth: what happens once in ten frames is nearly all covered. */
const RISE = 1 / 3;
const FALL = 1 / 300;

export interface PlayoutClockOptions {
  readonly clockRate: number;
  /** Least and most delay over the fastest path; 0 and 1 s by default. */
  readonly minDelayUs?: number;
  readonly maxDelayUs?: number;
  /** Added to the usual lateness; 0 by default. Whoever plays in whole frames needs part of one. */
  readonly marginUs?: number;
}

/**
 * Tells when a frame of a given RTP timestamp should be shown. It keeps the fastest transit of the last five to ten
 * seconds (which follows the two clocks' drift) and adds a delay that covers the usual lateness. Call `update` for every
 * complete frame, then `playoutUs`. Timestamps are unwrapped ones.
 */
export class PlayoutClock {
  /** Wanted by lip-sync on top of the path's own delay. */
  extraDelayUs = 0;
  minDelayUs: number;
  maxDelayUs: number;
  /** Least delay that the application asks for, whatever the path needs; may exceed the most of the options. */
  targetUs = 0;
  private readonly usPerUnit: number;
  private readonly marginUs: number;
  private lateness = 0;
  private bucketStartUs = Number.NEGATIVE_INFINITY;
  private bucketMin = Number.POSITIVE_INFINITY;
  private previousMin = Number.POSITIVE_INFINITY;

  constructor(options: PlayoutClockOptions) {
    this.usPerUnit = 1e6 / options.clockRate;
    this.minDelayUs = options.minDelayUs ?? 0;
    this.maxDelayUs = options.maxDelayUs ?? 1_000_000;
    this.marginUs = options.marginUs ?? 0;
  }

  update(extTimestamp: number, arrivalUs: number): void {
    const transit = arrivalUs - extTimestamp * this.usPerUnit;
    if (arrivalUs - this.bucketStartUs >= BUCKET_US) {
      // A silence as long as a whole bucket leaves nothing worth remembering but the last one.
      this.previousMin = this.bucketMin;
      this.bucketMin = transit;
      this.bucketStartUs = arrivalUs;
    } else if (transit < this.bucketMin) this.bucketMin = transit;
    const late = Math.min(transit - this.fastestTransit, this.maxDelayUs);
    this.lateness += (late - this.lateness) * (late > this.lateness ? RISE : FALL);
  }

  /** Forgets all, for a stream that started over. */
  reset(): void {
    this.lateness = 0;
    this.bucketStartUs = Number.NEGATIVE_INFINITY;
    this.bucketMin = Number.POSITIVE_INFINITY;
    this.previousMin = Number.POSITIVE_INFINITY;
  }

  /** Delay over the fastest path, µs. */
  get delayUs(): number {
    const own = Math.max(this.lateness + this.marginUs, this.minDelayUs, this.targetUs);
    return Math.min(Math.max(own + this.extraDelayUs, 0), Math.max(this.maxDelayUs, this.targetUs));
  }

  /** When the frame is due on the local clock; meaningful after the first `update`. */
  playoutUs(extTimestamp: number): number {
    return extTimestamp * this.usPerUnit + this.fastestTransit + this.delayUs;
  }

  private get fastestTransit(): number {
    return Math.min(this.bucketMin, this.previousMin);
  }
}
