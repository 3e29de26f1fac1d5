/** A stream as lip-sync sees it. */
export interface SyncInput {
  /** When the sender captured a sample of the stream, on the clock its streams share (µs; `SenderClock` or abs-capture-time). */
  readonly captureUs: number;
  /** When it would be presented here by the stream's own jitter alone (µs, local clock). */
  readonly playoutUs: number;
}

export interface SyncDelays {
  audioUs: number;
  videoUs: number;
}

/**
 * The least extra delays that present sound and picture of one moment together: the stream that is ahead waits, never more than
 * `maxUs`. Writes into `into`. Differences beyond ten times that are no lip-sync but incomparable clocks: both get 0.
 */
export function syncDelays(audio: SyncInput, video: SyncInput, into: SyncDelays, maxUs = 500_000): void {
  const audioTransitUs = audio.playoutUs - audio.captureUs;
  const videoTransitUs = video.playoutUs - video.captureUs;
  const videoBehindUs = videoTransitUs - audioTransitUs;
  const comparable = Math.abs(videoBehindUs) <= 10 * maxUs;
  into.audioUs = comparable ? Math.min(Math.max(videoBehindUs, 0), maxUs) : 0;
  into.videoUs = comparable ? Math.min(Math.max(-videoBehindUs, 0), maxUs) : 0;
}
