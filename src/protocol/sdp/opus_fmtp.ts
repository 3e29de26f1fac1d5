/** Opus in SDP (RFC 7587 §6.1, §7). The parameters state what the receiver wants, each side for itself. */
import { formatFmtp, parseFmtp } from "./fmtp.js";

export interface OpusParameters {
  /** Milliseconds in a packet at least; 10 when absent here. */
  readonly minPtimeMs?: number;
  readonly useInbandFec: boolean;
  readonly useDtx: boolean;
  /** The receiver likes stereo. */
  readonly stereo: boolean;
  /** The sender is likely to send stereo. */
  readonly spropStereo: boolean;
  readonly maxAverageBitrateBps?: number;
  readonly maxPlaybackRate?: number;
  readonly constantBitrate: boolean;
}

export const defaultOpusParameters: OpusParameters = {
  minPtimeMs: 10,
  useInbandFec: true,
  useDtx: false,
  stereo: false,
  spropStereo: false,
  constantBitrate: false,
};

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

/** Never fails: a parameter that makes no sense counts as absent (RFC 7587 §7: unknown ones are ignored). */
export function parseOpusFmtp(fmtp: string | undefined): OpusParameters {
  const parameters = parseFmtp(fmtp);
  const minPtimeMs = positive(parameters.get("minptime"));
  const maxAverageBitrateBps = positive(parameters.get("maxaveragebitrate"));
  const maxPlaybackRate = positive(parameters.get("maxplaybackrate"));
  return {
    ...(minPtimeMs !== undefined && { minPtimeMs }),
    ...(maxAverageBitrateBps !== undefined && { maxAverageBitrateBps }),
    ...(maxPlaybackRate !== undefined && { maxPlaybackRate }),
    useInbandFec: parameters.get("useinbandfec") === "1",
    useDtx: parameters.get("usedtx") === "1",
    stereo: parameters.get("stereo") === "1",
    spropStereo: parameters.get("sprop-stereo") === "1",
    constantBitrate: parameters.get("cbr") === "1",
  };
}

export function formatOpusFmtp(parameters: OpusParameters): string {
  const entries: [string, string][] = [];
  const number = (key: string, value: number | undefined) =>
    value !== undefined && entries.push([key, `${value}`]);
  const flag = (key: string, value: boolean) => value && entries.push([key, "1"]);
  number("minptime", parameters.minPtimeMs);
  number("maxaveragebitrate", parameters.maxAverageBitrateBps);
  number("maxplaybackrate", parameters.maxPlaybackRate);
  flag("useinbandfec", parameters.useInbandFec);
  flag("usedtx", parameters.useDtx);
  flag("stereo", parameters.stereo);
  flag("sprop-stereo", parameters.spropStereo);
  flag("cbr", parameters.constantBitrate);
  return formatFmtp(new Map(entries));
}
