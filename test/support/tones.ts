/** Tones in the sound of a call, which a busy machine skips and makes up in places. */
import { until } from "../../interop/until.js";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";

const LIMIT_S = 25;

/** Listens again and again until the tone is heard, to within `slackHz`; rejects with what was heard last. */
export async function untilTone(
  what: string,
  hz: number,
  slackHz: number,
  listen: () => number | undefined | Promise<number | undefined>,
): Promise<void> {
  let heard: number | undefined;
  await until(
    `${what}: no tone of ${hz} Hz`,
    LIMIT_S,
    async () => {
      heard = await listen();
      return heard !== undefined && Math.abs(heard - hz) < slackHz ? true : undefined;
    },
    () => `; heard last: ${heard} Hz`,
  );
}

/** The tones of a recording, one for each window of {@link ToneDetector}; windows overlap by half. */
export function tonesIn(pcm: Int16Array, channels: number): number[] {
  const step = ToneDetector.windowSamples / 2;
  const detector = new ToneDetector();
  const tones: number[] = [];
  for (let at = 0; at + step <= pcm.length / channels; at += step) {
    detector.add(pcm.subarray(at * channels, (at + step) * channels), channels, step);
    if (at > 0) tones.push(detector.frequencyHz());
  }
  return tones;
}
