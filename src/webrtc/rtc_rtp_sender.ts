import { randomUUID } from "node:crypto";
import type { MediaKind } from "../media/transport_api.js";
import { isAuxiliary } from "../protocol/sdp/codec_negotiation.js";
import { sends } from "../protocol/sdp/directions.js";
import type { NegotiatedMedia } from "../protocol/sdp/negotiated_media.js";
import { carriedFormat, sentCodec } from "./carried_format.js";
import { defaultCapabilities } from "./codec_preferences.js";
import type { ConnectionHost } from "./connection_host.js";
import { domError } from "./dom_error.js";
import { checkConstructor, inTask, internals, queueTask } from "./internals.js";
import { MediaStream } from "./media_stream.js";
import { MediaStreamTrack } from "./media_stream_track.js";
import type { RTCDtlsTransport } from "./rtc_dtls_transport.js";
import { type DtmfHost, RTCDTMFSender } from "./rtc_dtmf_sender.js";
import {
  checkDegradationPreference,
  checkSetParameters,
  type RTCDegradationPreference,
  type RTCRtpCapabilities,
  type RTCRtpEncodingParameters,
  type RTCRtpSendParameters,
  toRtpCodec,
} from "./rtc_rtp_parameters.js";
import type { RTCStatsReport } from "./rtc_stats_report.js";
import type { StreamSource } from "./stream_source.js";
import { type RTCRtpScriptTransform, takeTransform } from "./transforms/rtc_rtp_script_transform.js";
import { checkArguments, defineInterface } from "./web_idl.js";

export interface SenderInit {
  readonly host: ConnectionHost;
  readonly kind: MediaKind;
  readonly track: MediaStreamTrack | null;
  readonly streamIds: readonly string[];
  readonly encodings: RTCRtpEncodingParameters[];
  readonly source: StreamSource;
}

interface SenderState {
  readonly host: ConnectionHost;
  readonly kind: MediaKind;
  readonly dtmf: RTCDTMFSender | null;
  source: StreamSource;
  /** Of the layers, by rid. */
  readonly layerSources: Map<string, StreamSource>;
  /** The track's name in `a=msid`; stays when the track is replaced (RFC 8829 §5.2.1). */
  readonly msidTrackId: string;
  track: MediaStreamTrack | null;
  streamIds: string[];
  encodings: RTCRtpEncodingParameters[];
  degradationPreference: RTCDegradationPreference | undefined;
  transport: RTCDtlsTransport | null;
  negotiated: NegotiatedMedia | null;
  lastReturned: RTCRtpSendParameters | null;
  transform: RTCRtpScriptTransform | null;
  isStopped: () => boolean;
}

/** WebRTC 1.0 §5.2. */
export class RTCRtpSender {
  /** @internal */
  readonly [internals]: SenderState;

  /** @internal */
  constructor(token: typeof internals, init: SenderInit) {
    checkConstructor(token);
    this[internals] = {
      host: init.host,
      kind: init.kind,
      dtmf: init.kind === "audio" ? new RTCDTMFSender(internals, dtmfHostOf(this)) : null,
      source: init.source,
      layerSources: new Map(),
      msidTrackId: init.track?.id ?? randomUUID(),
      track: null,
      streamIds: [...init.streamIds],
      encodings: init.encodings,
      degradationPreference: undefined,
      transport: null,
      negotiated: null,
      lastReturned: null,
      transform: null,
      isStopped: () => false,
    };
    attachTrack(this, init.track);
  }

  get track(): MediaStreamTrack | null {
    return this[internals].track;
  }

  get transport(): RTCDtlsTransport | null {
    return this[internals].transport;
  }

  /** What frames go through before they are packetized (WebRTC Encoded Transform §5). */
  get transform(): RTCRtpScriptTransform | null {
    return this[internals].transform;
  }

  /** @throws TypeError; InvalidStateError for a transform that is in use elsewhere. */
  set transform(value: RTCRtpScriptTransform | null) {
    const state = this[internals];
    state.transform = takeTransform(value, state.transform);
    state.host.syncMedia();
  }

  /** Of a sender of sound. */
  get dtmf(): RTCDTMFSender | null {
    return this[internals].dtmf;
  }

  static getCapabilities(kind: string): RTCRtpCapabilities | null {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "getCapabilities");
    return defaultCapabilities(kind);
  }

  getParameters(): RTCRtpSendParameters {
    const state = this[internals];
    if (state.lastReturned !== null) return structuredClone(state.lastReturned);
    const { negotiated } = state;
    const parameters: RTCRtpSendParameters = {
      transactionId: randomUUID(),
      encodings: structuredClone(state.encodings),
      ...(state.degradationPreference !== undefined && {
        degradationPreference: state.degradationPreference,
      }),
      headerExtensions: (negotiated?.extensions ?? [])
        .filter(({ direction }) => sends(direction))
        .map(({ uri, id }) => ({ uri, id, encrypted: false })),
      rtcp: { cname: state.host.cname, reducedSize: negotiated?.reducedSizeRtcp ?? false },
      codecs: (negotiated?.codecs ?? []).map(({ remote }) => ({
        ...toRtpCodec(state.kind, remote),
        payloadType: remote.payloadType,
      })),
    };
    state.lastReturned = parameters;
    // WebRTC 1.0 §5.2: valid until the event loop comes round.
    queueTask(() => {
      state.lastReturned = null;
    });
    return structuredClone(parameters);
  }

  async setParameters(parameters: RTCRtpSendParameters): Promise<void> {
    const state = this[internals];
    if (state.isStopped()) throw domError("InvalidStateError", "The transceiver is stopped");
    if (state.lastReturned === null)
      throw domError("InvalidStateError", "getParameters was not called just before");
    const encodings = checkSetParameters(state.kind, parameters, state.lastReturned);
    const { degradationPreference } = parameters;
    checkDegradationPreference(degradationPreference);
    // What getParameters returned stays valid until the task.
    await inTask();
    state.degradationPreference = degradationPreference;
    state.lastReturned = null;
    state.encodings = changedEncodings(state.encodings, encodings);
    if (!state.host.isClosed) state.host.syncMedia();
  }

  /** Another track of the same kind, or none, without a new negotiation. */
  async replaceTrack(withTrack: MediaStreamTrack | null): Promise<void> {
    const state = this[internals];
    if (withTrack !== null && !(withTrack instanceof MediaStreamTrack)) {
      throw new TypeError("replaceTrack takes a MediaStreamTrack or null");
    }
    if (withTrack !== null && withTrack.kind !== state.kind) {
      throw new TypeError(`The sender carries ${state.kind}, the track is ${withTrack.kind}`);
    }
    return state.host.operations.chain(async () => {
      if (state.isStopped()) throw domError("InvalidStateError", "The transceiver is stopped");
      await inTask();
      if (state.host.isClosed) return;
      checkCarried(withTrack, state.negotiated);
      attachTrack(this, withTrack);
      state.host.syncMedia();
    });
  }

  /** The streams the peer shall find the track in. */
  setStreams(...streams: MediaStream[]): void {
    const state = this[internals];
    if (state.host.isClosed) throw domError("InvalidStateError", "The connection is closed");
    if (streams.some((stream) => !(stream instanceof MediaStream))) {
      throw new TypeError("setStreams takes MediaStreams");
    }
    state.streamIds = [...new Set(streams.map((stream) => stream.id))];
    state.host.updateNegotiationNeeded();
  }

  async getStats(): Promise<RTCStatsReport> {
    return this[internals].host.statsOf(this);
  }
}
defineInterface(RTCRtpSender);

/** A description that came in between decides which encodings there are; of those that are left the change holds. */
function changedEncodings(
  present: readonly RTCRtpEncodingParameters[],
  changed: readonly RTCRtpEncodingParameters[],
): RTCRtpEncodingParameters[] {
  return present.map((encoding) => changed.find(({ rid }) => rid === encoding.rid) ?? encoding);
}

/** @throws InvalidModificationError for a track that comes in a codec which was not negotiated. */
function checkCarried(track: MediaStreamTrack | null, negotiated: NegotiatedMedia | null): void {
  const format = carriedFormat(track);
  if (format === undefined || negotiated === null || sentCodec(track, negotiated) !== undefined) return;
  throw domError("InvalidModificationError", `${format.codec}, in which the track comes, is not negotiated`);
}

function dtmfHostOf(sender: RTCRtpSender): DtmfHost {
  return {
    canSend: () => {
      const { negotiated, encodings, host, isStopped } = sender[internals];
      const mayFlow = host.isConnected && !isStopped() && encodings[0]?.active !== false;
      return mayFlow && negotiated?.sending === true && hasTelephoneEvents(negotiated);
    },
    get isStopped() {
      return sender[internals].isStopped();
    },
    send: (event, durationMs) => {
      const { host, negotiated } = sender[internals];
      if (negotiated !== null) host.sendTone(negotiated.mid, event, durationMs);
    },
  };
}

/** Events at the clock rate of what is sent: a stream has only one. */
function hasTelephoneEvents({ codecs }: NegotiatedMedia): boolean {
  const sound = codecs.find(({ remote }) => !isAuxiliary(remote));
  return codecs.some(
    ({ remote: { name, clockRate } }) =>
      name.toLowerCase() === "telephone-event" && clockRate === sound?.remote.clockRate,
  );
}

const detachers = new WeakMap<RTCRtpSender, () => void>();

/** Sets the sender's track and watches its state instead of the former one's. */
export function attachTrack(sender: RTCRtpSender, track: MediaStreamTrack | null): void {
  const state = sender[internals];
  unwatchTrack(sender);
  state.track = track;
  if (track === null) return;
  const sync = () => state.host.syncMedia();
  const { observers } = track[internals];
  observers.add(sync);
  detachers.set(sender, () => observers.delete(sync));
}

/** A sender that will never send again no longer hears of its track, so that neither keeps the other. */
export function unwatchTrack(sender: RTCRtpSender): void {
  detachers.get(sender)?.();
  detachers.delete(sender);
}
