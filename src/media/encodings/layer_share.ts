import type { LowerLayer } from "../transport_api.js";

/** A layer's part of the path, and what it would have on a wide one. */
export interface LayerShare {
  readonly bitrateBps: number;
  readonly fullBps: number;
}

/** Below this part of its full bitrate a layer is not worth its bits: the one below it looks better. */
const PAUSE_SHARE = 1 / 12;
/**
 * A paused layer comes back with this part. It must be found by the estimate, which grows to one and a half times what comes through: layers
 * of a quarter of the size below leave an eighth of the full bitrate then.
 */
const RESUME_SHARE = 1 / 10;

/** As many bits a pixel as the whole picture has by the engine's target, within the layer's own limit. */
function fullBpsOf({ scaleResolutionDownBy, maxBitrateBps }: LowerLayer, targetBps: number): number {
  const own = Math.round(targetBps / scaleResolutionDownBy ** 2);
  return Math.min(own, maxBitrateBps ?? own);
}

/**
 * What a layer may use of a path: what those below leave, who have all they want first.
 *
 * @param pathBps 0: no limit is known
 */
export function shareOf(
  layer: LowerLayer,
  below: readonly LowerLayer[],
  targetBps: number,
  pathBps: number,
): LayerShare {
  const fullBps = fullBpsOf(layer, targetBps);
  if (pathBps <= 0) return { bitrateBps: fullBps, fullBps };
  let leftBps = pathBps;
  for (const lower of below) leftBps -= fullBpsOf(lower, targetBps);
  return { bitrateBps: Math.min(fullBps, Math.max(0, leftBps)), fullBps };
}

/** Whether a layer is to rest. The lowest never does. */
export function isTooNarrow({ bitrateBps, fullBps }: LayerShare, isPaused: boolean): boolean {
  return bitrateBps < fullBps * (isPaused ? RESUME_SHARE : PAUSE_SHARE);
}
