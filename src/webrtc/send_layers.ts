/** The streams that one sender makes: one, or one for each of its encodings that has a rid (simulcast). */
import type { LowerLayer, SendLimits } from "../media/transport_api.js";
import { internals } from "./internals.js";
import type { RTCRtpEncodingParameters } from "./rtc_rtp_parameters.js";
import type { RTCRtpSender } from "./rtc_rtp_sender.js";
import type { StreamSource } from "./stream_source.js";

export interface SendLayer {
  /** Undefined: it is the sender's only stream. */
  readonly rid: string | undefined;
  readonly encoding: RTCRtpEncodingParameters;
  readonly source: StreamSource;
  readonly limits: SendLimits;
}

/** What the sender sends by what was negotiated, inactive encodings left out. */
export function activeLayers(sender: RTCRtpSender): SendLayer[] {
  const { encodings, negotiated } = sender[internals];
  const layers = negotiated?.sendLayers ?? [];
  if (layers.length === 0) {
    const [encoding = {}] = encodings;
    const { source } = sender[internals];
    const only = { rid: undefined, encoding, source, limits: limitsOf(encoding) };
    return encoding.active === false ? [] : [only];
  }
  const active = encodings.filter(
    ({ rid, active }) => active !== false && layers.some((layer) => layer.rid === rid),
  );
  return active.map((encoding) => ({
    rid: encoding.rid,
    encoding,
    source: layerSource(sender, encoding.rid ?? ""),
    limits: { ...limitsOf(encoding), below: lowerThan(encoding, active) },
  }));
}

/** A layer keeps its sources while the sender lives; the first one that is asked for has the sender's own. */
export function layerSource(sender: RTCRtpSender, rid: string): StreamSource {
  const { layerSources, source, host } = sender[internals];
  const known = layerSources.get(rid);
  if (known !== undefined) return known;
  const made = layerSources.size === 0 ? source : host.newSource();
  layerSources.set(rid, made);
  return made;
}

/** Whether one of the sender's streams has that SSRC. */
export function sendsAs({ [internals]: { source, layerSources } }: RTCRtpSender, ssrc: number): boolean {
  return [source, ...layerSources.values()].some((each) => each.ssrc === ssrc);
}

/** The stream with that SSRC goes on under another. */
export function replaceSource(sender: RTCRtpSender, ssrc: number): void {
  const state = sender[internals];
  const made = state.host.newSource();
  for (const [rid, source] of state.layerSources) if (source.ssrc === ssrc) state.layerSources.set(rid, made);
  if (state.source.ssrc === ssrc) state.source = made;
}

function limitsOf({ maxBitrate, maxFramerate, scaleResolutionDownBy }: RTCRtpEncodingParameters): SendLimits {
  return {
    ...(maxBitrate !== undefined && { maxBitrateBps: maxBitrate }),
    ...(maxFramerate !== undefined && { maxFrameRate: maxFramerate }),
    ...(scaleResolutionDownBy !== undefined && scaleResolutionDownBy !== 1 && { scaleResolutionDownBy }),
  };
}

/** The smaller picture is lower; of equal ones that with less bits, then that which was named first. */
function lowerThan(
  encoding: RTCRtpEncodingParameters,
  all: readonly RTCRtpEncodingParameters[],
): LowerLayer[] {
  const ordered = [...all].sort((a, b) => scaleOf(b) - scaleOf(a) || rateOf(a) - rateOf(b));
  return ordered.slice(0, ordered.indexOf(encoding)).map((lower) => ({
    scaleResolutionDownBy: scaleOf(lower),
    ...(lower.maxBitrate !== undefined && { maxBitrateBps: lower.maxBitrate }),
  }));
}

function scaleOf({ scaleResolutionDownBy = 1 }: RTCRtpEncodingParameters): number {
  return scaleResolutionDownBy;
}

function rateOf({ maxBitrate = 2 ** 32 }: RTCRtpEncodingParameters): number {
  return maxBitrate;
}
