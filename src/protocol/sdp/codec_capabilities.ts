/** What this stack can encode and decode, as SDP says it. */
import { formatH264Fmtp, type H264Profile } from "./h264_fmtp.js";
import { defaultOpusParameters, formatOpusFmtp, type OpusParameters } from "./opus_fmtp.js";
import type { SdpFeedback } from "./sdp_model.js";

export type RtpKind = "audio" | "video";

/** A codec without a payload type. */
export interface CodecCapability {
  readonly kind: RtpKind;
  readonly name: string;
  readonly clockRate: number;
  readonly channels?: number;
  readonly fmtp?: string;
  readonly feedback: readonly SdpFeedback[];
  /** Not offered, but answered; offered again once it was. */
  readonly answersOnly?: boolean;
  /** The payload type to take when it is free; the next free dynamic one otherwise. */
  readonly preferredPayloadType?: number;
}

/** RFC 4585 §4.2, RFC 5104 §7.1: what our RTCP can do for video. */
export const videoFeedback: readonly SdpFeedback[] = [
  { type: "nack" },
  { type: "nack", parameter: "pli" },
  { type: "ccm", parameter: "fir" },
  { type: "ccm", parameter: "tmmbr" },
  { type: "goog-remb" },
  { type: "transport-cc" },
];

/** The last three are passed on, neither encoded nor decoded. */
export type VideoCodec = "H264" | "VP8" | "VP9" | "AV1" | "H265";

export interface VideoCapabilityOptions {
  /** What to offer and take, the preferred first; H.264, then VP8 by default (RFC 7742 §5: both must be there). */
  readonly codecs?: readonly VideoCodec[];
  /** Ten times the highest H.264 level to receive; 31 by default (1280x720 at 30). */
  readonly level?: number;
  /** First payload type of the video codecs; 96 by default. */
  readonly payloadType?: number;
  /** Whether lost packets are repeated in a stream of their own (RFC 4588) where the peer can; true by default. */
  readonly rtx?: boolean;
  /** Parity against loss (RFC 5109 in RED, RFC 2198) where the peer can; true by default. */
  readonly ulpfec?: boolean;
  /** Parity in a stream of its own (RFC 8627). True: offered, too; absent: taken and sent where the peer offers it; false: neither. */
  readonly flexfec?: boolean;
}

/** Payload types that {@link h264Capabilities} takes. */
const H264_FORMATS = 4;

/**
 * H.264 in both packetization modes (RFC 6184 §6.2). Constrained Baseline first; Baseline as well, since many stacks
 * announce what is Constrained Baseline in fact as "42001f".
 */
export function h264Capabilities(options: VideoCapabilityOptions = {}): CodecCapability[] {
  const profiles: readonly H264Profile[] = ["constrained-baseline", "baseline"];
  const first = options.payloadType ?? 96;
  return profiles.flatMap((profile, profileIndex) =>
    ([1, 0] as const).map((packetizationMode, modeIndex) => ({
      kind: "video" as const,
      name: "H264",
      clockRate: 90_000,
      fmtp: formatH264Fmtp({
        profile,
        level: options.level ?? 31,
        packetizationMode,
        levelAsymmetryAllowed: true,
      }),
      feedback: videoFeedback,
      preferredPayloadType: first + 2 * profileIndex + modeIndex,
    })),
  );
}

/** VP8 without limits of its own (RFC 7741 §6.1). */
export function vp8Capabilities(options: VideoCapabilityOptions = {}): CodecCapability[] {
  return [
    {
      kind: "video",
      name: "VP8",
      clockRate: 90_000,
      feedback: videoFeedback,
      preferredPayloadType: (options.payloadType ?? 96) + H264_FORMATS,
    },
  ];
}

/** VP9 profile 0 (RFC 9628 §6), AV1 Main at level 3.1 (AV1 RTP specification §7.2), H.265 Main at level 3.1 (RFC 7798 §7.1). */
const passedOn = {
  VP9: "profile-id=0",
  AV1: "level-idx=5;profile=0;tier=0",
  H265: "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST",
} as const;

function passedOnCapabilities(name: keyof typeof passedOn): CodecCapability[] {
  return [{ kind: "video", name, clockRate: 90_000, fmtp: passedOn[name], feedback: videoFeedback }];
}

const videoCapabilitiesOf: Readonly<Record<VideoCodec, typeof vp8Capabilities>> = {
  H264: h264Capabilities,
  VP8: vp8Capabilities,
  VP9: () => passedOnCapabilities("VP9"),
  AV1: () => passedOnCapabilities("AV1"),
  H265: () => passedOnCapabilities("H265"),
};

/**
 * Retransmission (RFC 4588), once for all codecs: in a description it becomes a payload type for each of them, whose `apt`
 * names the one that it repeats.
 */
export const rtxCapability: CodecCapability = {
  kind: "video",
  name: "rtx",
  clockRate: 90_000,
  feedback: [],
  preferredPayloadType: 112,
};

/** What carries VP8 and parity of it in one stream (RFC 2198, RFC 5109 §14.2). */
const ulpfecCapabilities: readonly CodecCapability[] = [
  { kind: "video", name: "red", clockRate: 90_000, feedback: [], preferredPayloadType: 120 },
  { kind: "video", name: "ulpfec", clockRate: 90_000, feedback: [], preferredPayloadType: 121 },
];

/** RFC 8627 §5.1: the window is how long parity may come behind what it protects, µs. */
const flexfecCapability: CodecCapability = {
  kind: "video",
  name: "flexfec",
  clockRate: 90_000,
  fmtp: "repair-window=200000",
  feedback: [],
  preferredPayloadType: 122,
};

function flexfecCapabilities({ flexfec }: VideoCapabilityOptions): CodecCapability[] {
  if (flexfec === false) return [];
  return [flexfec === true ? flexfecCapability : { ...flexfecCapability, answersOnly: true }];
}

/** The video codecs of the options, in their order, and what repairs their streams. */
export function videoCapabilities(options: VideoCapabilityOptions = {}): CodecCapability[] {
  const codecs = (options.codecs ?? ["H264", "VP8"]).flatMap((codec) => videoCapabilitiesOf[codec](options));
  const rtx = options.rtx === false ? [] : [rtxCapability];
  const parity = options.ulpfec === false ? [] : ulpfecCapabilities;
  return [...codecs, ...rtx, ...parity, ...flexfecCapabilities(options)];
}

/** G.722 is passed on, neither encoded nor decoded. */
export type AudioCodec = "opus" | "PCMU" | "PCMA" | "G722";

export interface AudioCapabilityOptions {
  /** What to offer and take, the preferred first; Opus, then PCMU and PCMA by default (RFC 7874 §3: all must be there). */
  readonly codecs?: readonly AudioCodec[];
  /** Keys of a telephone (RFC 4733); true by default. */
  readonly telephoneEvent?: boolean;
  /** Noise in place of silence beside G.711 (RFC 3389), which we take and do not send; true by default. */
  readonly comfortNoise?: boolean;
  /** Opus with a copy of the packet before (RFC 2198): taken where it comes, sent where it is preferred to Opus; true by default. */
  readonly red?: boolean;
  readonly parameters?: OpusParameters;
  /** 111 by default. */
  readonly payloadType?: number;
}

/** Opus; always "opus/48000/2" in SDP (RFC 7587 §7). */
export function opusCapabilities(options: AudioCapabilityOptions = {}): CodecCapability[] {
  return [
    {
      kind: "audio",
      name: "opus",
      clockRate: 48_000,
      channels: 2,
      fmtp: formatOpusFmtp(options.parameters ?? defaultOpusParameters),
      feedback: [{ type: "transport-cc" }],
      preferredPayloadType: options.payloadType ?? 111,
    },
  ];
}

/** RED of Opus (RFC 2198); in a description its `fmtp` names the payload types of its blocks. */
const opusRedCapability: CodecCapability = {
  kind: "audio",
  name: "red",
  clockRate: 48_000,
  channels: 2,
  feedback: [],
  preferredPayloadType: 63,
};

/** RFC 3551 table 4: payload types of their own. */
const staticSound = { PCMU: 0, PCMA: 8, G722: 9, CN: 13 } as const;

/** G.722 names 8000 as well, though it codes 16000 samples a second (RFC 3551 §4.5.2). */
function telephoneSound(name: keyof typeof staticSound): CodecCapability {
  return {
    kind: "audio",
    name,
    clockRate: 8000,
    feedback: [],
    preferredPayloadType: staticSound[name],
  };
}

/** RFC 4733 §2.5.1.1: one for each clock rate that sound has; a stream has only one. */
function telephoneEvents(clockRate: 48_000 | 8000, preferredPayloadType: number): CodecCapability {
  return {
    kind: "audio",
    name: "telephone-event",
    clockRate,
    fmtp: "0-15",
    feedback: [],
    preferredPayloadType,
  };
}

/** The sound codecs of the options, in their order, and what comes in their streams beside them. */
export function audioCapabilities(options: AudioCapabilityOptions = {}): CodecCapability[] {
  const names = options.codecs ?? ["opus", "PCMU", "PCMA"];
  const red = options.red === false ? [] : [opusRedCapability];
  const codecs = names.flatMap((name) =>
    name === "opus" ? [...opusCapabilities(options), ...red] : [telephoneSound(name)],
  );
  const hasOpus = names.includes("opus");
  const hasG711 = names.some((name) => name !== "opus");
  const noise = hasG711 && options.comfortNoise !== false ? [telephoneSound("CN")] : [];
  if (options.telephoneEvent === false) return [...codecs, ...noise];
  return [
    ...codecs,
    ...noise,
    ...(hasOpus ? [telephoneEvents(48_000, 110)] : []),
    ...(hasG711 ? [telephoneEvents(8000, 126)] : []),
  ];
}

/** The capabilities of one codec by its name, whether or not it is offered by default. */
export function capabilitiesOf(name: VideoCodec | AudioCodec): CodecCapability[] {
  if (name === "opus") return opusCapabilities();
  if (name === "PCMU" || name === "PCMA" || name === "G722") return [telephoneSound(name)];
  return videoCapabilitiesOf[name]({});
}

/** URIs of the RTP header extensions this stack knows (RFC 8285). */
export const extensionUris = {
  /** RFC 9143 §15. */
  mid: "urn:ietf:params:rtp-hdrext:sdes:mid",
  /** RFC 8852 §3.1, §3.2: which of a section's layers a packet is of, or repeats. */
  rid: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  repairedRid: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
  absCaptureTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
  absSendTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
  transportCc: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  /** RFC 6464. */
  audioLevel: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  /** 3GPP TS 26.114 §7.4.5. */
  videoOrientation: "urn:3gpp:video-orientation",
  playoutDelay: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
} as const;

/** What says something about one kind of media only. */
const kindOfExtension: Readonly<Record<string, RtpKind | undefined>> = {
  [extensionUris.audioLevel]: "audio",
  [extensionUris.rid]: "video",
  [extensionUris.repairedRid]: "video",
  [extensionUris.videoOrientation]: "video",
  [extensionUris.playoutDelay]: "video",
};

/** Those of the extensions that belong in a section of this kind. */
export function extensionsOf(kind: RtpKind, uris: readonly string[]): string[] {
  return uris.filter((uri) => (kindOfExtension[uri] ?? kind) === kind);
}
