/** What the peer's H.264 level leaves of what an encoding may be (RFC 6184 §8.2.2). */
import type { SendLimits } from "../../media/transport_api.js";
import { limitsBelowLevel31 } from "../../protocol/h264/level_limits.js";
import { type AgreedCodec, isH264 } from "../../protocol/sdp/codec_negotiation.js";
import { parseFmtp } from "../../protocol/sdp/fmtp.js";
import { negotiateH264, parseH264Fmtp } from "../../protocol/sdp/h264_fmtp.js";

/**
 * Levels below 3.1 are kept to. From 3.1 on a level is no limit: every browser states 3.1 and takes more, and one encode is to serve all
 * peers that take the same. Nor is one that is not stated (GStreamer's webrtcbin leaves it out of answers).
 */
export function withinLevel(limits: SendLimits, { local, remote }: AgreedCodec): SendLimits {
  if (!isH264(remote) || !parseFmtp(remote.fmtp).has("profile-level-id")) return limits;
  const theirs = parseH264Fmtp(remote.fmtp);
  const ours = parseH264Fmtp(local.fmtp);
  const level = theirs && ours && limitsBelowLevel31(negotiateH264(theirs, ours).level);
  if (level === undefined) return limits;
  const { macroblocks, macroblocksPerSecond, bitrateBps } = level;
  return {
    ...limits,
    maxMacroblocks: macroblocks,
    // At the largest picture of the level; a smaller one might have more.
    maxFrameRate: Math.min(
      limits.maxFrameRate ?? Number.POSITIVE_INFINITY,
      macroblocksPerSecond / macroblocks,
    ),
    maxBitrateBps: Math.min(limits.maxBitrateBps ?? Number.POSITIVE_INFINITY, bitrateBps),
  };
}
