/** The engine's streams, from what was negotiated, the tracks and the parameters. */
import { isAudioCodec, isAudioFormat, isVideoFormat } from "../../media/codecs/codec_name.js";
import {
  type HeaderExtensionIds,
  type PlayoutDelay,
  type ReceiveStreamOptions,
  type SendStreamOptions,
  type SoundOptions,
  streamKey,
} from "../../media/transport_api.js";
import { extensionUris } from "../../protocol/sdp/codec_capabilities.js";
import {
  type AgreedCodec,
  isFlexfec,
  isH264,
  isRed,
  isRtx,
  isUlpfec,
  redBlocks,
  repeatedPayloadType,
} from "../../protocol/sdp/codec_negotiation.js";
import { receives, sends } from "../../protocol/sdp/directions.js";
import { parseH264Fmtp } from "../../protocol/sdp/h264_fmtp.js";
import type { AgreedExtension, NegotiatedMedia } from "../../protocol/sdp/negotiated_media.js";
import type { SdpCodec, SdpFeedback } from "../../protocol/sdp/sdp_model.js";
import type { WantedMedia, WantedStream } from "../bundle_transport.js";
import { carriedFormat, type MediaCodec, mediaCodecs, sentCodec } from "../carried_format.js";
import { internals } from "../internals.js";
import type { RTCRtpSender } from "../rtc_rtp_sender.js";
import type { RTCRtpTransceiver } from "../rtc_rtp_transceiver.js";
import type { PlayoutDelayMs } from "../rtc_settings.js";
import { activeLayers, type SendLayer } from "../send_layers.js";
import { inputOf } from "../track_input.js";
import type { RTCRtpScriptTransform } from "../transforms/rtc_rtp_script_transform.js";
import { withinLevel } from "./level_limits.js";
import { soundOptions } from "./sound_options.js";

/** What all send streams of a connection have in common. */
export interface SendingSettings {
  readonly cname: string;
  readonly playoutDelay: PlayoutDelayMs | undefined;
}

export function wantedMedia(
  transceivers: readonly RTCRtpTransceiver[],
  settings: SendingSettings,
): WantedMedia {
  const send = new Map<string, WantedStream>();
  const receive = new Map<string, ReceiveStreamOptions>();
  const playoutTargetUs = new Map<string, number>();
  const receiveTransforms = new Map<string, RTCRtpScriptTransform>();
  for (const transceiver of transceivers) {
    const { negotiated } = transceiver.sender[internals];
    if (negotiated === null || transceiver[internals].stopping || transceiver[internals].stopped) continue;
    if (!mediaCodecs(negotiated).some(({ codec }) => isVideoFormat(codec) || isAudioFormat(codec))) continue;
    if (negotiated.sending && hasLiveTrack(transceiver.sender)) {
      for (const stream of wantedStreams(transceiver.sender, negotiated, settings)) {
        send.set(streamKey(stream.options), stream);
      }
    }
    if (!negotiated.receiving) continue;
    for (const options of receivedStreams(transceiver, negotiated)) receive.set(streamKey(options), options);
    const { jitterBufferTarget, transform } = transceiver.receiver;
    if (transform !== null) receiveTransforms.set(negotiated.mid, transform);
    if (jitterBufferTarget !== null) playoutTargetUs.set(negotiated.mid, jitterBufferTarget * 1000);
  }
  return { send, receive, playoutTargetUs, receiveTransforms };
}

/** Each side's payload type for the retransmission of which of its payload types. */
function rtxCodecs({ codecs }: NegotiatedMedia) {
  const numbers = (codec: SdpCodec) => ({
    payloadType: codec.payloadType,
    repeats: repeatedPayloadType(codec),
  });
  return codecs.flatMap(({ local, remote }) =>
    isRtx(local) ? [{ local: numbers(local), remote: numbers(remote) }] : [],
  );
}

/** RED of the format that is sent, where it was preferred to that. */
function soundRed(negotiated: NegotiatedMedia, { remote }: AgreedCodec): Pick<SendStreamOptions, "red"> {
  const red = negotiated.codecs.find((codec) => codec.remote === remote || isRed(codec.remote))?.remote;
  const carries = red !== undefined && isRed(red) && redBlocks(red).includes(remote.payloadType);
  return carries ? { red: { payloadType: red.payloadType } } : {};
}

/**
 * RED with parity for pictures. VP8 alone: its pictures are numbered, so that lost parity is not taken for a lost picture (browsers do the
 * same). Where what is lost is repeated by RTX, RED must be, too.
 */
function pictureRed(
  negotiated: NegotiatedMedia,
  codec: MediaCodec["codec"],
  hasRtx: boolean,
): Pick<SendStreamOptions, "red"> {
  const red = negotiated.codecs.find(({ remote }) => isRed(remote))?.remote;
  const ulpfec = negotiated.codecs.find(({ remote }) => isUlpfec(remote))?.remote;
  const rtx = rtxCodecs(negotiated).find(({ remote }) => remote.repeats === red?.payloadType)?.remote;
  if (codec !== "VP8" || !red || !ulpfec || (hasRtx && rtx === undefined)) return {};
  return {
    red: {
      payloadType: red.payloadType,
      ulpfec: ulpfec.payloadType,
      ...(hasRtx && rtx !== undefined && { rtx: rtx.payloadType }),
    },
  };
}

/** Parity in a stream of its own; rather than in RED, where both were agreed. */
function pictureFlexfec(
  { codecs }: NegotiatedMedia,
  ssrc: number,
): Pick<SendStreamOptions, "flexfec"> | undefined {
  const flexfec = codecs.find(({ remote }) => isFlexfec(remote))?.remote;
  return flexfec && { flexfec: { ssrc, payloadType: flexfec.payloadType } };
}

/** What the peer may wrap packets in. */
function receivedRed({ codecs }: NegotiatedMedia): Pick<ReceiveStreamOptions, "red"> {
  const red = codecs.find(({ local }) => isRed(local))?.local;
  const ulpfec = codecs.find(({ local }) => isUlpfec(local))?.local;
  if (red === undefined) return {};
  return { red: { payloadType: red.payloadType, ...(ulpfec && { ulpfec: ulpfec.payloadType }) } };
}

function receivedFlexfec({ codecs, remoteParities }: NegotiatedMedia): Partial<ReceiveStreamOptions> {
  const flexfec = codecs.find(({ local }) => isFlexfec(local))?.local;
  return flexfec === undefined
    ? {}
    : { flexfec: { payloadType: flexfec.payloadType }, parities: remoteParities };
}

function hasLiveTrack({ track }: RTCRtpSender): boolean {
  return track !== null && track.readyState !== "ended";
}

/** A stream for each layer that is active, all of the same track; what comes encoded can be but one. */
function wantedStreams(
  sender: RTCRtpSender,
  negotiated: NegotiatedMedia,
  settings: SendingSettings,
): WantedStream[] {
  const { track } = sender;
  const sent = sentCodec(track, negotiated);
  if (sent === undefined) return [];
  const { transform } = sender;
  const shared = { blank: track?.enabled === false, input: inputOf(track), transform };
  const layers = activeLayers(sender);
  return (carriedFormat(track) === undefined ? layers : layers.slice(0, 1)).map((layer) => ({
    ...shared,
    options: sendOptions(sender, layer, negotiated, sent, settings),
    limits: withinLevel(layer.limits, sent),
  }));
}

function sendOptions(
  sender: RTCRtpSender,
  { rid, source }: SendLayer,
  negotiated: NegotiatedMedia,
  main: MediaCodec,
  { cname, playoutDelay }: SendingSettings,
): SendStreamOptions {
  const { kind } = sender[internals];
  const { ssrc, rtxSsrc, paritySsrc } = source;
  const { codec, remote, feedback } = main;
  const events = mediaCodecs(negotiated).find(
    (other) => other.codec === "telephone-event" && other.remote.clockRate === remote.clockRate,
  );
  const rtx = rtxCodecs(negotiated).find((repair) => repair.remote.repeats === remote.payloadType);
  const mode = isH264(remote) ? parseH264Fmtp(remote.fmtp)?.packetizationMode : undefined;
  return {
    kind,
    mid: negotiated.mid,
    ...(rid !== undefined && { layer: rid }),
    ssrc,
    cname,
    payloadType: remote.payloadType,
    codec,
    clockRate: remote.clockRate,
    ...(mode !== undefined && { packetizationMode: mode === 0 ? 0 : 1 }),
    extensions: sendExtensions(negotiated, feedback),
    nack: feedback.some(({ type, parameter }) => type === "nack" && parameter === undefined),
    ...(kind === "video" && playoutDelay !== undefined && { playoutDelay: inMicroseconds(playoutDelay) }),
    ...(rtx !== undefined && { rtx: { ssrc: rtxSsrc, payloadType: rtx.remote.payloadType } }),
    ...(kind === "audio"
      ? soundRed(negotiated, main)
      : // Layers have no a=ssrc-group to say which of them a stream of parity is for.
        (rid === undefined && pictureFlexfec(negotiated, paritySsrc)) ||
        pictureRed(negotiated, codec, rtx !== undefined)),
    reducedSizeRtcp: negotiated.reducedSizeRtcp,
    ...(isAudioCodec(codec) && soundMembers(soundOptions(codec, remote, negotiated))),
    ...(events !== undefined && { telephoneEvent: events.remote.payloadType }),
    ...(carriedFormat(sender.track) !== undefined && { encoded: true }),
    ...(sender.transform !== null && { transformed: true }),
  };
}

function inMicroseconds({ min, max }: PlayoutDelayMs): PlayoutDelay {
  return { minUs: 1000 * min, maxUs: 1000 * max };
}

function soundMembers(sound: SoundOptions): Pick<SendStreamOptions, "sound"> {
  return Object.keys(sound).length > 0 ? { sound } : {};
}

/** A stream for each layer that the peer sends, or one. */
function receivedStreams(
  transceiver: RTCRtpTransceiver,
  negotiated: NegotiatedMedia,
): ReceiveStreamOptions[] {
  const options = receiveOptions(transceiver, negotiated);
  if (negotiated.receiveLayers.length === 0) return [options];
  return negotiated.receiveLayers.map(({ name, rid, ssrc }) => ({
    ...options,
    layer: name,
    ...(rid !== undefined && { rid }),
    ssrcs: ssrc === undefined ? [] : [ssrc],
    repairs: negotiated.remoteRepairs.filter((repair) => repair.ssrc === ssrc),
  }));
}

function receiveOptions(transceiver: RTCRtpTransceiver, negotiated: NegotiatedMedia): ReceiveStreamOptions {
  const { kind, source } = transceiver.sender[internals];
  const nack = negotiated.codecs.some(({ feedback }) =>
    feedback.some((f) => f.type === "nack" && !f.parameter),
  );
  return {
    kind,
    mid: negotiated.mid,
    payloadTypes: mediaCodecs(negotiated).map(({ codec, local }) => ({
      payloadType: local.payloadType,
      codec,
      clockRate: local.clockRate,
      ...((local.channels === 1 || local.channels === 2) && { channels: local.channels }),
    })),
    ssrcs: negotiated.remoteSsrcs,
    rtx: rtxCodecs(negotiated).map(({ local }) => local),
    ...receivedRed(negotiated),
    repairs: negotiated.remoteRepairs,
    ...(negotiated.receiverRtt !== undefined && { receiverRtt: negotiated.receiverRtt }),
    ...receivedFlexfec(negotiated),
    extensions: extensionIds(negotiated.extensions.filter(({ direction }) => receives(direction))),
    nack,
    localSsrc: source.ssrc,
    reducedSizeRtcp: negotiated.reducedSizeRtcp,
  };
}

/** Transport-wide numbers are of use only to a sender that hears of them again. */
function sendExtensions(
  { extensions }: NegotiatedMedia,
  feedback: readonly SdpFeedback[],
): HeaderExtensionIds {
  const { transportCc, ...ids } = extensionIds(extensions.filter(({ direction }) => sends(direction)));
  const isHeard = transportCc !== undefined && feedback.some(({ type }) => type === "transport-cc");
  return isHeard ? { ...ids, transportCc } : ids;
}

function extensionIds(extensions: readonly AgreedExtension[]): HeaderExtensionIds {
  const names = Object.entries(extensionUris);
  return Object.fromEntries(
    extensions.flatMap(({ uri, id }) =>
      names.filter(([, known]) => known === uri).map(([name]) => [name, id]),
    ),
  );
}
