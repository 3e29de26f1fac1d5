/** ICE, DTLS, RTP and SCTP without descriptions, as ORTC has it: both ends exchange what they need in a way of their own. */
import { systemRandom } from "../media/session/system_random.js";
import type {
  Fingerprint,
  HeaderExtensionIds,
  IceParameters,
  IceRole,
  MediaTransport,
  TransportFactory,
  TransportSettings,
} from "../media/transport_api.js";
import { createIceParameters } from "./bundle_transport.js";
import { defaultEngine } from "./default_engine.js";
import { internals, randomIceText } from "./internals.js";
import { createRemoteTrack, type MediaStreamTrack, setRemoteSource } from "./media_stream_track.js";
import { type TrackCodec, trackFormat } from "./nonstandard/track_codec.js";
import type { RTCCertificate } from "./rtc_certificate.js";
import { spareCertificates } from "./spare_certificates.js";
import { inputOf } from "./track_input.js";

/** What one end has to know of the other; plain data, as JSON say. */
export interface DirectParameters {
  readonly ice: IceParameters;
  /** Values of candidate attributes, "candidate:…" (RFC 8839 §5.1). */
  readonly candidates: readonly string[];
  readonly fingerprints: readonly Fingerprint[];
}

export interface DirectTransportOptions {
  /** One end controls, the other is controlled; the controlling one is the DTLS server. */
  readonly role: IceRole;
  /** Made anew where it is absent. */
  readonly certificate?: RTCCertificate;
  readonly settings?: TransportSettings;
  readonly stunServers?: readonly { readonly address: string; readonly port: number }[];
  /** The default engine where it is absent. */
  readonly engine?: TransportFactory;
}

/** What both ends have agreed on for one stream. */
export interface DirectStream {
  /** Names the stream in the transport; in its packets too, where the extension is in use. */
  readonly mid: string;
  readonly codec: TrackCodec;
  readonly payloadType: number;
  /** Of RFC 8285's extensions; absent: none. */
  readonly extensions?: HeaderExtensionIds;
  /** Whether lost packets are asked for and sent again; true for pictures by default. */
  readonly nack?: boolean;
}

export interface DirectSendStream extends DirectStream {
  readonly ssrc: number;
}

/** One path to one peer. Data channels go by {@link media}. */
export class DirectTransport {
  /** The engine's transport: statistics, data channels, events. */
  readonly media: MediaTransport;
  readonly #role: IceRole;
  readonly #ice = createIceParameters(systemRandom);
  readonly #certificate: RTCCertificate;
  readonly #cname = randomIceText(systemRandom, 16);
  readonly #localSsrc = systemRandom.uint32() || 1;

  constructor({ role, certificate, settings = {}, stunServers = [], engine }: DirectTransportOptions) {
    this.#role = role;
    this.#certificate = certificate ?? spareCertificates.take();
    const { certificatePem, privateKeyPem } = this.#certificate[internals];
    this.media = (engine ?? defaultEngine()).createTransport({
      iceRole: role,
      local: this.#ice,
      stunServers,
      certificatePem,
      privateKeyPem,
      settings,
    });
  }

  /** Gathers candidates; resolves with what the peer has to be told. */
  gather(): Promise<DirectParameters> {
    const candidates: string[] = [];
    return new Promise((resolve) => {
      this.media.on("candidate", ({ candidate }) => candidates.push(candidate));
      this.media.on("gatheringcomplete", () =>
        resolve({ ice: this.#ice, candidates, fingerprints: [this.#certificate[internals].fingerprint] }),
      );
      this.media.gather();
    });
  }

  /** Finds a path to the peer and shakes hands; resolves when media flows. Rejects when there is no path, or it is another peer. */
  connect({ ice, candidates, fingerprints }: DirectParameters): Promise<void> {
    const { media } = this;
    return new Promise((resolve, reject) => {
      media.on("dtlsstate", (state, { error }) => {
        if (state === "connected") resolve();
        else if (state === "failed") reject(new Error(error ?? "the DTLS handshake failed"));
      });
      media.on("icestate", (state) => {
        if (state === "failed") reject(new Error("no path to the peer was found"));
      });
      media.on("failed", ({ message }) => reject(new Error(message)));
      media.setRemoteIceParameters(ice, false);
      for (const candidate of candidates) media.addRemoteCandidate(candidate);
      media.endOfRemoteCandidates();
      media.startDtls(this.#role === "controlling" ? "server" : "client", fingerprints);
    });
  }

  /** @throws TypeError for a codec that is none of ours. */
  send(
    track: MediaStreamTrack,
    { mid, codec, payloadType, ssrc, extensions = {}, nack }: DirectSendStream,
  ): void {
    const format = trackFormat(codec);
    const input = inputOf(track);
    this.media.addSendStream({
      kind: format.kind,
      mid,
      ssrc,
      cname: this.#cname,
      payloadType,
      codec: format.codec,
      clockRate: format.clockRate,
      ...(format.codec === "H264" && { packetizationMode: 1 }),
      extensions,
      nack: nack ?? format.kind === "video",
      reducedSizeRtcp: true,
      ...(input !== undefined && { source: this.media.inputId?.(input) ?? -1 }),
      ...(input?.isEncoded && { encoded: true }),
    });
  }

  /** The track of what the peer sends so; sinks and recorders take it as any other. @throws TypeError as {@link send}. */
  receive({ mid, codec, payloadType, extensions = {}, nack }: DirectStream): MediaStreamTrack {
    const format = trackFormat(codec);
    const { kind, clockRate, channels } = format;
    this.media.addReceiveStream({
      kind,
      mid,
      payloadTypes: [
        { payloadType, codec: format.codec, clockRate, ...(channels === 2 && { channels: 2 as const }) },
      ],
      ssrcs: [],
      extensions,
      nack: nack ?? kind === "video",
      localSsrc: this.#localSsrc,
      reducedSizeRtcp: true,
    });
    const track = createRemoteTrack(kind);
    setRemoteSource(track, { transport: this.media, mid });
    return track;
  }

  /** Ends streams, channels and the path; resolves when all is let go. */
  close(): Promise<void> {
    return this.media.close();
  }
}
