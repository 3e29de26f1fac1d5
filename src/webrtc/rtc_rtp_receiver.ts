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
import type { RTCStatsReport } from "./rtc_stats_report.js";

interface ReceiverState {
  readonly host: ConnectionHost;
  readonly kind: MediaKind;
  transport: RTCDtlsTransport | null;
  /** Streams the peer put the track in. */
  streams: readonly MediaStream[];
  negotiated: NegotiatedMedia | null;
}

/** WebRTC 1.0 §5.3. */
export class RTCRtpReceiver {
  readonly track: MediaStreamTrack;
  readonly [internals]: ReceiverState;

  /** @internal */
  constructor(token: typeof internals, host: ConnectionHost, kind: MediaKind) {
    checkConstructor(token);
    this.track = createRemoteTrack(kind);
    this[internals] = { host, kind, transport: null, streams: [], negotiated: null };
  }

  get transport(): RTCDtlsTransport | null {
    return this[internals].transport;
  }

  static getCapabilities(kind: string): RTCRtpCapabilities | null {
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

  getStats(): Promise<RTCStatsReport> {
    return this[internals].host.statsOf(this);
  }
}
