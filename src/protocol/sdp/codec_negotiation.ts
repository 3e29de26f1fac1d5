import type { CodecCapability } from "./codec_capabilities.js";
import { formatFmtp, parseFmtp } from "./fmtp.js";
import { formatH264Fmtp, h264Matches, negotiateH264, parseH264Fmtp } from "./h264_fmtp.js";
import { SdpError } from "./sdp_error.js";
import type { SdpCodec, SdpFeedback } from "./sdp_model.js";

/** What identifies a format: SDP codecs and capabilities alike. */
export interface CodecIdentity {
  readonly name: string;
  readonly clockRate: number;
  readonly channels?: number;
  readonly fmtp?: string;
}

export function isH264(codec: CodecIdentity): boolean {
  return codec.name.toUpperCase() === "H264";
}

export function isRtx(codec: CodecIdentity): boolean {
  return codec.name.toLowerCase() === "rtx";
}

/** What other packets travel in (RFC 2198): sound with copies of what came before, pictures with parity. */
export function isRed(codec: CodecIdentity): boolean {
  return codec.name.toLowerCase() === "red";
}

/** Parity of what goes in RED beside it (RFC 5109). */
export function isUlpfec(codec: CodecIdentity): boolean {
  return codec.name.toLowerCase() === "ulpfec";
}

/** Parity in a stream of its own (RFC 8627). */
export function isFlexfec(codec: CodecIdentity): boolean {
  return codec.name.toLowerCase() === "flexfec";
}

const auxiliaries: readonly string[] = ["rtx", "red", "ulpfec", "flexfec", "cn", "telephone-event"];

/** What comes beside a codec and is of no use without one. */
export function isAuxiliary(codec: CodecIdentity): boolean {
  return auxiliaries.includes(codec.name.toLowerCase());
}

/** The payload types of a RED packet's blocks, "111/111" (RFC 2198 §5); empty: it does not say. */
export function redBlocks(red: CodecIdentity): number[] {
  const blocks = (red.fmtp ?? "").split("/");
  return blocks.every((block) => /^\d{1,3}$/.test(block)) ? blocks.map(Number) : [];
}

/** Whether all that the RED format says it carries is among the codecs. */
function isCarried(red: SdpCodec, codecs: readonly SdpCodec[]): boolean {
  return redBlocks(red).every((block) =>
    codecs.some((codec) => codec.payloadType === block && !isAuxiliary(codec)),
  );
}

/** Leaves out what has nothing to carry. */
function withoutOrphans(codecs: readonly SdpCodec[]): SdpCodec[] {
  const carriers = codecs.filter((codec) => isRed(codec) && isCarried(codec, codecs));
  return codecs.filter((codec) => {
    if (isUlpfec(codec)) return carriers.length > 0;
    return !isRed(codec) || carriers.includes(codec);
  });
}

/** The payload type that an RTX one repeats (RFC 4588 §8.6); -1: it names none. */
export function repeatedPayloadType(rtx: CodecIdentity): number {
  const apt = parseFmtp(rtx.fmtp).get("apt") ?? "";
  return /^\d{1,3}$/.test(apt) ? Number(apt) : -1;
}

/** Which parameter tells formats of one name apart, and what it is when it is left out. */
const profiles: Readonly<Record<string, readonly [name: string, usual: string]>> = {
  // RFC 9628 §6.1.
  vp9: ["profile-id", "0"],
  // AV1 RTP specification §7.2.1.
  av1: ["profile", "0"],
  // RFC 7798 §7.1.
  h265: ["profile-id", "1"],
};

function profileOf({ name, fmtp }: CodecIdentity): string {
  const [parameter, usual] = profiles[name.toLowerCase()] ?? ["", ""];
  return parameter === "" ? "" : (parseFmtp(fmtp).get(parameter) ?? usual);
}

/** Whether two payload types mean the same format (RFC 3264 §6.1, RFC 6184 §8.2.2 for H.264). */
export function codecsMatch(a: CodecIdentity, b: CodecIdentity): boolean {
  if (a.name.toLowerCase() !== b.name.toLowerCase() || a.clockRate !== b.clockRate) return false;
  if ((a.channels ?? 1) !== (b.channels ?? 1)) return false;
  if (isRtx(a)) return repeatedPayloadType(a) === repeatedPayloadType(b);
  if (!isH264(a)) return profileOf(a) === profileOf(b);
  const left = parseH264Fmtp(a.fmtp);
  const right = parseH264Fmtp(b.fmtp);
  return left !== undefined && right !== undefined && h264Matches(left, right);
}

/**
 * Hands out payload types within one BUNDLE group, where each number has one meaning for the whole session
 * (RFC 8843 §9.1, RFC 8829 §5.2.1).
 */
export class PayloadTypeTable {
  private readonly taken = new Map<number, CodecIdentity>();

  /** Records the numbers a description already uses. */
  reserve(codecs: readonly SdpCodec[]): void {
    for (const codec of codecs) this.taken.set(codec.payloadType, codec);
  }

  /** Whether a description already uses the format. */
  knows(capability: CodecCapability): boolean {
    for (const codec of this.taken.values()) if (codecsMatch(codec, capability)) return true;
    return false;
  }

  /** The number that already means this format, the preferred one, or a free one. */
  assign(capability: CodecCapability, inUse: ReadonlySet<number>): number {
    for (const [payloadType, codec] of this.taken) {
      if (!inUse.has(payloadType) && codecsMatch(codec, capability)) return payloadType;
    }
    const payloadType = this.freeNumber(capability.preferredPayloadType);
    this.taken.set(payloadType, capability);
    return payloadType;
  }

  private freeNumber(preferred: number | undefined): number {
    if (preferred !== undefined && preferred <= 127 && !this.taken.has(preferred)) return preferred;
    // RFC 3551 §3: 96 to 127 are dynamic; RFC 5761 §4: 35 to 63 may be, the rest would look like RTCP.
    for (let number = 96; number <= 127; number++) if (!this.taken.has(number)) return number;
    for (let number = 35; number <= 63; number++) if (!this.taken.has(number)) return number;
    throw new SdpError("SDP_LIMIT", "no payload type is left");
  }
}

/** The codecs of an offered section, in the order of preference given. */
export function offerCodecs(capabilities: readonly CodecCapability[], table: PayloadTypeTable): SdpCodec[] {
  const inUse = new Set<number>();
  const offer = (capability: CodecCapability): SdpCodec => {
    const payloadType = table.assign(capability, inUse);
    inUse.add(payloadType);
    return toSdpCodec(capability, payloadType);
  };
  const offered = capabilities
    .filter((capability) => !isRtx(capability) && (!capability.answersOnly || table.knows(capability)))
    .map(offer);
  const codecs = withoutOrphans(
    offered.flatMap((codec) => (isSoundRed(codec) ? redOf(codec, offered) : [codec])),
  );
  return [...codecs, ...rtxFor(codecs, capabilities).map(offer)];
}

function isSoundRed(codec: CodecIdentity): boolean {
  return isRed(codec) && codec.channels !== undefined;
}

/** What RED of sound is of: the codec of its clock rate and channels, two blocks of it a packet. */
function redOf(red: SdpCodec, codecs: readonly SdpCodec[]): SdpCodec[] {
  const primary = codecs.find((codec) => isPrimary(codec, red));
  return primary === undefined ? [] : [{ ...red, fmtp: `${primary.payloadType}/${primary.payloadType}` }];
}

function isPrimary(codec: CodecIdentity, red: CodecIdentity): boolean {
  return !isAuxiliary(codec) && codec.clockRate === red.clockRate && codec.channels === red.channels;
}

/** RTX for each of the codecs, where the capabilities have it. */
function rtxFor(codecs: readonly SdpCodec[], capabilities: readonly CodecCapability[]): CodecCapability[] {
  const rtx = capabilities.find(isRtx);
  if (rtx === undefined) return [];
  const first = rtx.preferredPayloadType ?? 96;
  // Parity itself travels in RED, or is not repeated.
  const repeated = codecs.filter((codec) => !isUlpfec(codec) && !isFlexfec(codec));
  return repeated.map(({ payloadType }, index) => ({
    ...rtx,
    fmtp: `apt=${payloadType}`,
    preferredPayloadType: first + index,
  }));
}

function toSdpCodec(capability: CodecCapability, payloadType: number): SdpCodec {
  return {
    payloadType,
    name: capability.name,
    clockRate: capability.clockRate,
    ...(capability.channels !== undefined && { channels: capability.channels }),
    ...(capability.fmtp !== undefined && { fmtp: capability.fmtp }),
    feedback: capability.feedback,
  };
}

/**
 * The codecs of an answered section: those both sides have, under the offer's numbers (RFC 8829 §5.3.1). The codec we
 * prefer comes first, though RFC 3264 §6.1 would rather keep the offer's order: one encode can serve all peers only if
 * they take the same codec. Formats of one codec stay in the offer's order unless `keepOwnOrder`: the application stated
 * a preference.
 */
export function answerCodecs(
  offered: readonly SdpCodec[],
  capabilities: readonly CodecCapability[],
  keepOwnOrder: boolean,
): SdpCodec[] {
  const rank = new Map<SdpCodec, number>();
  const answered = offered.flatMap((codec) => {
    if (isRtx(codec)) return [];
    const index = capabilities.findIndex((capability) => codecsMatch(capability, codec));
    if (index < 0) return [];
    const answer = answerCodec(codec, capabilities[index]);
    rank.set(answer, keepOwnOrder ? index : firstOfName(capabilities, capabilities[index]));
    return [answer];
  });
  if (answered.every(isAuxiliary)) return [];
  answered.sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  const codecs = withoutOrphans(answered);
  return [...codecs, ...answerRtx(offered, codecs, capabilities)];
}

/** The offered retransmissions of what was answered. */
function answerRtx(
  offered: readonly SdpCodec[],
  answered: readonly SdpCodec[],
  capabilities: readonly CodecCapability[],
): SdpCodec[] {
  const rtx = capabilities.find(isRtx);
  if (rtx === undefined) return [];
  return answered.flatMap(({ payloadType }) => {
    const repair = offered.find((codec) => isRtx(codec) && repeatedPayloadType(codec) === payloadType);
    return repair === undefined ? [] : [{ ...repair, fmtp: `apt=${payloadType}`, feedback: [] }];
  });
}

/** All formats of a codec rank as its first one does; so does RED of sound: who offers it first wants it sent. */
function firstOfName(capabilities: readonly CodecCapability[], capability: CodecCapability): number {
  return capabilities.findIndex((other) =>
    isSoundRed(capability) ? isPrimary(other, capability) : other.name === capability.name,
  );
}

function answerCodec(offered: SdpCodec, capability: CodecCapability): SdpCodec {
  const fmtp = answerFmtp(offered, capability);
  return {
    payloadType: offered.payloadType,
    name: offered.name,
    clockRate: offered.clockRate,
    ...(offered.channels !== undefined && { channels: offered.channels }),
    ...(fmtp !== undefined && { fmtp }),
    feedback: commonFeedback(capability.feedback, offered.feedback),
  };
}

function answerFmtp(offered: SdpCodec, capability: CodecCapability): string | undefined {
  if (isRed(offered)) return offered.fmtp;
  if (!isH264(offered)) return capability.fmtp;
  const remote = parseH264Fmtp(offered.fmtp);
  const local = parseH264Fmtp(capability.fmtp);
  return remote && local ? formatH264Fmtp(negotiateH264(local, remote)) : capability.fmtp;
}

/** RFC 4585 §4.2: a feedback message is used when both sides list it. */
export function commonFeedback(a: readonly SdpFeedback[], b: readonly SdpFeedback[]): SdpFeedback[] {
  return a.filter((x) => b.some((y) => x.type === y.type && x.parameter === y.parameter));
}

/** One format both descriptions agree on, with each side's number for it. */
export interface AgreedCodec {
  readonly local: SdpCodec;
  readonly remote: SdpCodec;
  readonly feedback: readonly SdpFeedback[];
}

/**
 * A profile-level-id left out means Baseline (RFC 6184 §8.1), but GStreamer's webrtcbin leaves it out of answers to
 * formats that state one: the number says which format was meant.
 */
function withProfileOf(local: SdpCodec, remote: SdpCodec): SdpCodec {
  if (!isH264(local) || !isH264(remote)) return remote;
  const parameters = parseFmtp(remote.fmtp);
  const stated = parseFmtp(local.fmtp).get("profile-level-id");
  if (stated === undefined || parameters.has("profile-level-id")) return remote;
  return { ...remote, fmtp: formatFmtp(new Map([...parameters, ["profile-level-id", stated]])) };
}

/**
 * What may flow after offer and answer, in the remote description's order. The sender writes `remote.payloadType`, the receiver expects `local.payloadType`.
 */
export function agreedCodecs(local: readonly SdpCodec[], remote: readonly SdpCodec[]): AgreedCodec[] {
  const agreed = withoutOrphans(remote).flatMap((remoteCodec) => {
    if (isRtx(remoteCodec)) return [];
    const sameNumber = local.find(({ payloadType }) => payloadType === remoteCodec.payloadType);
    const match =
      sameNumber && codecsMatch(sameNumber, withProfileOf(sameNumber, remoteCodec))
        ? sameNumber
        : local.find((codec) => codecsMatch(codec, remoteCodec));
    if (match === undefined) return [];
    return [
      { local: match, remote: remoteCodec, feedback: commonFeedback(match.feedback, remoteCodec.feedback) },
    ];
  });
  return [...agreed, ...agreed.flatMap((codec) => agreedRtx(codec, local, remote))];
}

/** The retransmission of a format, where both sides have it: each names the format by its own number. */
function agreedRtx(
  codec: AgreedCodec,
  local: readonly SdpCodec[],
  remote: readonly SdpCodec[],
): AgreedCodec[] {
  const repeats = (of: SdpCodec) => (candidate: SdpCodec) =>
    isRtx(candidate) && repeatedPayloadType(candidate) === of.payloadType;
  const ours = local.find(repeats(codec.local));
  const theirs = remote.find(repeats(codec.remote));
  return ours === undefined || theirs === undefined ? [] : [{ local: ours, remote: theirs, feedback: [] }];
}
