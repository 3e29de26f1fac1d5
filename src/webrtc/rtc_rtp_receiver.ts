import type { MediaKind } from "../media/transport_api.js";
import { receives } from "../protocol/sdp/directions.js";
import type { NegotiatedMedia } from "../protocol/sdp/negotiated_media.js";
import { defaultCapabilities } from "./codec_preferences.js";
import type { ConnectionHost } from "./connection_host.js";
import { checkConstructor, internals } from "./internals.js";
import type { MediaStream } from "./media_stream.js";
import { createRemoteTrack, type MediaStreamTrack } from "./media_stream_track.js";
import type { RTCDtlsTransport } from "./rtc_dtls_transport.js";
import { type RTCRtpCapabilities, type RTCRtpReceiveParameters, toRtpCodec } from "./rtc_rtp_parameters.js";
import type { RTCRtpContributingSource, RTCRtpSynchronizationSource } from "./rtc_rtp_sources.js";
import type { RTCStatsReport } from "./rtc_stats_report.js";
import { type RTCRtpScriptTransform, takeTransform } from "./transforms/rtc_rtp_script_transform.js";
import { checkArguments, checkThis, defineInterface } from "./web_idl.js";

/** WebRTC 1.0 §5.3: the longest wait an application may ask of the jitter buffer. */
const maxJitterTargetMs = 4000;
/** WebRTC 1.0 §5.3.1: a source that was silent longer is no longer told. */
const sourceLifeMs = 10_000;

interface ReceiverState {
  readonly track: MediaStreamTrack;
  jitterBufferTarget: number | null;
  readonly host: ConnectionHost;
  readonly kind: MediaKind;
  transport: RTCDtlsTransport | null;
  /** Streams the peer put the track in. */
  streams: readonly MediaStream[];
  negotiated: NegotiatedMedia | null;
  transform: RTCRtpScriptTransform | null;
  /** Tracks of the layers that the peer sends, by name (nonstandard). */
  readonly layers: Map<string, MediaStreamTrack>;
}

/** WebRTC 1.0 §5.3. */
export class RTCRtpReceiver {
  declare readonly track: MediaStreamTrack;
  /** @internal */
  readonly [internals]: ReceiverState;

  /** @internal */
  constructor(token: typeof internals, host: ConnectionHost, kind: MediaKind) {
    checkConstructor(token);
    this[internals] = {
      track: createRemoteTrack(kind),
      jitterBufferTarget: null,
      host,
      kind,
      transport: null,
      streams: [],
      negotiated: null,
      transform: null,
      layers: new Map(),
    };
  }

  get transport(): RTCDtlsTransport | null {
    return this[internals].transport;
  }

  /** What frames go through before they are decoded (WebRTC Encoded Transform §5). */
  get transform(): RTCRtpScriptTransform | null {
    return this[internals].transform;
  }

  /** @throws TypeError; InvalidStateError for a transform that is in use elsewhere. */
  set transform(value: RTCRtpScriptTransform | null) {
    const state = this[internals];
    state.transform = takeTransform(value, state.transform);
    state.host.syncMedia();
  }

  static getCapabilities(kind: string): RTCRtpCapabilities | null {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "getCapabilities");
    return defaultCapabilities(kind);
  }

  getParameters(): RTCRtpReceiveParameters {
    const { negotiated, kind } = this[internals];
    return {
      headerExtensions: (negotiated?.extensions ?? [])
        .filter(({ direction }) => receives(direction))
        .map(({ uri, id }) => ({ uri, id, encrypted: false })),
      rtcp: {
        ...(negotiated?.remoteCname && { cname: negotiated.remoteCname }),
        reducedSize: negotiated?.reducedSizeRtcp ?? false,
      },
      codecs: (negotiated?.codecs ?? []).map(({ local }) => ({
        ...toRtpCodec(kind, local),
        payloadType: local.payloadType,
      })),
    };
  }

  /** Milliseconds the jitter buffer shall hold at least; null: as the network needs it. */
  get jitterBufferTarget(): number | null {
    return this[internals].jitterBufferTarget;
  }

  /** @throws RangeError outside of 0 to 4000. */
  set jitterBufferTarget(target: number | null) {
    const state = this[internals];
    const value = target === null || target === undefined ? null : Number(target);
    if (value !== null && !Number.isFinite(value))
      throw new TypeError("jitterBufferTarget is no finite number");
    if (value !== null && !(value >= 0 && value <= maxJitterTargetMs)) {
      throw new RangeError(`jitterBufferTarget is ${value}; allowed: 0 to ${maxJitterTargetMs}`);
    }
    state.jitterBufferTarget = value;
    state.host.syncMedia();
  }

  /** Who was mixed into what came within ten seconds, the latest first. */
  getContributingSources(): RTCRtpContributingSource[] {
    const { negotiated, host } = checkThis(this[internals]);
    return negotiated === null ? [] : host.contributorsOf(negotiated.mid).filter(isFresh);
  }

  /** The SSRC that was heard of last, when it was within ten seconds. */
  getSynchronizationSources(): RTCRtpSynchronizationSource[] {
    const { negotiated, host } = this[internals];
    const source = negotiated === null ? null : host.sourceOf(negotiated.mid);
    return source !== null && isFresh(source) ? [source] : [];
  }

  async getStats(): Promise<RTCStatsReport> {
    return this[internals].host.statsOf(this);
  }
}

function isFresh({ timestamp }: RTCRtpContributingSource): boolean {
  return timestamp >= performance.timeOrigin + performance.now() - sourceLifeMs;
}

defineInterface(RTCRtpReceiver, { attributes: ["track"] });
