import type { AudioCodecName } from "../../media/codecs/codec_name.js";
import type { SoundOptions } from "../../media/transport_api.js";
import type { NegotiatedMedia } from "../../protocol/sdp/negotiated_media.js";
import { parseOpusFmtp } from "../../protocol/sdp/opus_fmtp.js";
import type { SdpCodec } from "../../protocol/sdp/sdp_model.js";

/** Packets of sound that both Opus and G.711 can make (RFC 6716 §2.1.4), in milliseconds. */
const FRAMES_MS = [10, 20, 40, 60] as const;

/** How the peer wants its sound: what its description says of the codec and of packets. */
export function soundOptions(codec: AudioCodecName, remote: SdpCodec, media: NegotiatedMedia): SoundOptions {
  const frameUs = frameOf(media);
  const packet = frameUs === undefined ? {} : { frameUs };
  if (codec !== "opus") return packet;
  const { stereo, useInbandFec, useDtx, maxAverageBitrateBps } = parseOpusFmtp(remote.fmtp);
  return {
    ...packet,
    // RFC 7587 §6.1: who does not say that it likes stereo likes mono.
    ...(stereo && { channels: 2 }),
    ...(!useInbandFec && { fec: false }),
    ...(useDtx && { dtx: true }),
    ...(maxAverageBitrateBps !== undefined && { maxBitrateBps: maxAverageBitrateBps }),
  };
}

/** The longest packet that is no longer than asked for; undefined: nothing is asked for. */
function frameOf({ remotePtimeMs, remoteMaxPtimeMs }: NegotiatedMedia): number | undefined {
  if (remotePtimeMs === undefined && remoteMaxPtimeMs === undefined) return undefined;
  const most = remoteMaxPtimeMs ?? 60;
  // Without a wish of the peer's own 20 ms stay, as far as they are allowed.
  const wished = Math.min(remotePtimeMs ?? 20, most);
  return 1000 * (FRAMES_MS.findLast((frame) => frame <= wished) ?? FRAMES_MS[0]);
}
