import type { FecFormat } from "../../protocol/fec/fec_format.js";
import { type AccessUnitInfo, VideoJitterBuffer } from "../../protocol/jitter/video_jitter_buffer.js";
import {
  extensionEquals,
  readAbsCaptureTime,
  readAudioLevel,
  readPlayoutDelayUs,
} from "../../protocol/rtp/header_extensions.js";
import { ntpToUnixUs } from "../../protocol/rtp/ntp.js";
import type { AccessUnitAssembler } from "../../protocol/rtp/payload_format.js";
import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { sequenceDifference } from "../../protocol/rtp/unwrap.js";
import { SenderClock } from "../../protocol/sync/sender_clock.js";
import {
  type CodecName,
  codecNumber,
  codecOfNumber,
  isAudioFormat,
  isVideoFormat,
} from "../codecs/codec_name.js";
import type { InterceptorChain } from "../interceptors/interceptor_chain.js";
import type { ReceiveStreamOptions } from "../transport_api.js";
import { CaptureTimes } from "./capture_times.js";
import type { PacketTap } from "./packet_tap.js";
import { assemblerOf } from "./payload_formats.js";
import { PictureParity } from "./picture_parity.js";
import { RedundantSound } from "./redundant_sound.js";
import { ReceiveCounters } from "./stream_counters.js";

/** Another source takes a stream over once the current one has been silent for this long. */
const TAKEOVER_US = 500_000;
/** Time to decode in, for pictures that are held until shortly before they are due. */
const RELEASE_LEAD_US = 60_000;
const MIN_GIVE_UP_US = 200_000;
const MAX_GIVE_UP_US = 1_000_000;
const TELEPHONE_EVENT = codecNumber("telephone-event");
const NO_REPAIRS: NonNullable<ReceiveStreamOptions["repairs"]> = [];
const NO_RTX: NonNullable<ReceiveStreamOptions["rtx"]> = [];

/** One m-line's incoming media: what it accepts, its current source, its jitter buffer (video). */
export class ReceiveStream {
  readonly streamId: number;
  readonly options: ReceiveStreamOptions;
  /** A {@link ReceiveCounters} block. */
  readonly counters: Float64Array;
  /** Video only; sound is buffered where it is played. */
  jitter: VideoJitterBuffer | undefined;
  /** Sound with copies of what came before, where that is negotiated. */
  readonly redundancy: RedundantSound | undefined;
  /** Of pictures, once parity has come. */
  parity: PictureParity | undefined;
  /** Whether a packet has arrived. */
  started = false;
  /** Packets were inserted since access units were last asked for. */
  fresh = false;
  /** The application's stages. */
  stages: InterceptorChain | undefined;
  /** Whoever reads the packets. */
  tap: PacketTap | undefined;
  /** What the rtcp thread was last told. */
  keyframeNeeded = false;
  #ssrc = 0;
  #newest = 0;
  #lastUs = 0;
  #keyframeEpoch = 0;
  #targetUs = 0;
  /** Of the last key. */
  #toneTimestamp = -1;
  #tone = -1;
  #senderClock: SenderClock;
  #captureTimes = new CaptureTimes();
  #clockRate: number;
  #payloadType = -1;
  readonly #mid: Uint8Array;
  readonly #rid: Uint8Array | undefined;

  constructor(streamId: number, options: ReceiveStreamOptions, counters: Float64Array) {
    this.streamId = streamId;
    this.options = options;
    this.counters = counters;
    this.#clockRate = options.payloadTypes[0]?.clockRate ?? (options.kind === "video" ? 90_000 : 48_000);
    this.#senderClock = new SenderClock(this.#clockRate);
    this.jitter = this.#makeJitter();
    this.redundancy =
      options.kind === "audio" && options.red !== undefined ? new RedundantSound() : undefined;
    this.#mid = new TextEncoder().encode(options.mid);
    this.#rid = options.rid === undefined ? undefined : new TextEncoder().encode(options.rid);
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  accepts(payloadType: number): boolean {
    return this.codecOf(payloadType) >= 0 || this.isRed(payloadType);
  }

  /** Whether such packets carry others (RFC 2198). */
  isRed(payloadType: number): boolean {
    return this.options.red?.payloadType === payloadType;
  }

  /** The payload type that `payloadType` repeats (RFC 4588); -1: it is no retransmission. */
  repeatedBy(payloadType: number): number {
    const { rtx = NO_RTX } = this.options;
    for (let i = 0; i < rtx.length; i++) if (rtx[i].payloadType === payloadType) return rtx[i].repeats;
    return -1;
  }

  /** Whether an RTX source repeats the current source: it does unless it was announced for another. */
  mayRepair(repairSsrc: number): boolean {
    const { repairs = NO_REPAIRS } = this.options;
    for (let i = 0; i < repairs.length; i++) {
      if (repairs[i].repairSsrc === repairSsrc) return repairs[i].ssrc === this.#ssrc;
    }
    return true;
  }

  isTelephoneEvent(payloadType: number): boolean {
    return this.codecOf(payloadType) === TELEPHONE_EVENT;
  }

  /** Whether a payload type stands for sound itself, not for what comes beside it. */
  isSound(payloadType: number): boolean {
    const codec = this.codecOf(payloadType);
    return codec >= 0 && isAudioFormat(codecOfNumber(codec));
  }

  /** Whether a payload type stands for pictures. */
  isPicture(payloadType: number): boolean {
    const codec = this.codecOf(payloadType);
    return codec >= 0 && isVideoFormat(codecOfNumber(codec));
  }

  /** Whether the key of that event was not told of yet. */
  noteTone(timestamp: number, event: number): boolean {
    if (this.#toneTimestamp === timestamp && this.#tone === event) return false;
    this.#toneTimestamp = timestamp;
    this.#tone = event;
    return true;
  }

  /** The number of the codec that a payload type stands for; -1: none. */
  codecOf(payloadType: number): number {
    const { payloadTypes } = this.options;
    for (let i = 0; i < payloadTypes.length; i++) {
      if (payloadTypes[i].payloadType === payloadType) return codecNumber(payloadTypes[i].codec);
    }
    return -1;
  }

  /**
   * Whose the packet is by its mid and rid extensions (RFC 8843 §9.2, RFC 8853 §6.1): this stream's, another's, or it does not say. A
   * retransmission names the layer that it repeats; some senders call that its rid.
   */
  claim(bytes: Uint8Array, header: RtpHeader): "own" | "other" | "silent" {
    const { mid = 0, rid = 0, repairedRid = 0 } = this.options.extensions;
    if (header.extensionOffset(mid) < 0) return "silent";
    if (!extensionEquals(bytes, header, mid, this.#mid)) return "other";
    // A layer without a rid is known by the source that was announced for it alone.
    if (this.#rid === undefined) return this.options.layer === undefined ? "own" : "silent";
    const isRepair = header.extensionOffset(repairedRid) >= 0 && this.repeatedBy(header.payloadType) >= 0;
    const id = isRepair ? repairedRid : rid;
    if (header.extensionOffset(id) < 0) return "silent";
    return extensionEquals(bytes, header, id, this.#rid) ? "own" : "other";
  }

  /**
   * Whether a packet of this source is taken: the current one's always, another's only when that has gone quiet, for
   * what is left of the old one is then of no use (RFC 3550 §8.2) and two at once would tear the picture.
   */
  admit(ssrc: number, sequenceNumber: number, nowUs: number): boolean {
    if (this.started && ssrc === this.#ssrc) {
      this.#lastUs = nowUs;
      return true;
    }
    if (this.started && nowUs - this.#lastUs < TAKEOVER_US) return false;
    if (this.started) this.jitter = this.#makeJitter();
    this.redundancy?.reset();
    this.parity = undefined;
    this.#applyTarget();
    this.started = true;
    this.#ssrc = ssrc;
    this.#newest = (sequenceNumber - 1) & 0xffff;
    this.#lastUs = nowUs;
    this.#senderClock = new SenderClock(this.#clockRate);
    this.#captureTimes = new CaptureTimes();
    this.counters[ReceiveCounters.ssrc] = ssrc;
    this.counters[ReceiveCounters.audioLevel] = -1;
    this.counters[ReceiveCounters.captureUnixUs] = 0;
    return true;
  }

  /** Counts the packet; true when it did not follow the newest one: something is missing, or came late. */
  note(
    { sequenceNumber, timestamp, payloadType, headerBytes, payloadLength, paddingLength }: RtpHeader,
    arrivalUs: number,
  ): boolean {
    if (payloadType !== this.#payloadType) this.#followClock(payloadType);
    const { counters } = this;
    counters[ReceiveCounters.packetsReceived]++;
    counters[ReceiveCounters.bytesReceived] += payloadLength;
    counters[ReceiveCounters.headerBytesReceived] += headerBytes + paddingLength;
    counters[ReceiveCounters.rtpTimestamp] = timestamp;
    counters[ReceiveCounters.receivedUs] = arrivalUs;
    const ahead = sequenceDifference(sequenceNumber, this.#newest);
    if (ahead > 0) this.#newest = sequenceNumber;
    return ahead !== 1;
  }

  /** Counts a packet that came by RTX. */
  noteRepeated({ headerBytes, payloadLength, paddingLength }: RtpHeader): void {
    const { counters } = this;
    counters[ReceiveCounters.packetsReceived]++;
    counters[ReceiveCounters.bytesReceived] += payloadLength;
    counters[ReceiveCounters.headerBytesReceived] += headerBytes + paddingLength;
    counters[ReceiveCounters.retransmittedPackets]++;
    counters[ReceiveCounters.retransmittedBytes] += payloadLength;
  }

  /** Whether such packets are parity in a stream of its own (RFC 8627). */
  isFlexfec(payloadType: number): boolean {
    return this.options.flexfec?.payloadType === payloadType;
  }

  /** Whether a source has parity of the current source: it has unless it was announced for another. */
  mayMend(paritySsrc: number): boolean {
    const { parities = NO_REPAIRS } = this.options;
    for (let i = 0; i < parities.length; i++) {
      if (parities[i].repairSsrc === paritySsrc) return parities[i].ssrc === this.#ssrc;
    }
    return true;
  }

  /** Parity for the current source came. */
  handleParity(format: FecFormat, bytes: Uint8Array, offset: number, length: number): void {
    this.parity ??= new PictureParity(format, this.#ssrc);
    if (this.parity.format === format) this.parity.handleParity(bytes, offset, length);
    else this.counters[ReceiveCounters.fecDiscarded]++;
    this.counters[ReceiveCounters.fecPackets]++;
    this.counters[ReceiveCounters.fecBytes] += length;
  }

  /** Counts a copy of sound that came; `isUsed`: it brought something back. */
  countFec(bytes: number, isUsed: boolean): void {
    const { counters } = this;
    counters[ReceiveCounters.fecPackets]++;
    counters[ReceiveCounters.fecBytes] += bytes;
    counters[isUsed ? ReceiveCounters.recovered : ReceiveCounters.fecDiscarded]++;
  }

  /** The jitter buffer did not want the packet: a duplicate, too late, or absurd. */
  countRefused(): void {
    const stats = this.jitter?.stats;
    if (stats === undefined) return;
    this.counters[ReceiveCounters.packetsDuplicated] = stats.packetsDuplicated;
    this.counters[ReceiveCounters.packetsDiscarded] = stats.packetsLate + stats.packetsRefused;
  }

  /** Whether the decoder has asked for a keyframe since this was last called. */
  decoderWantsKeyframe(): boolean {
    const epoch = this.counters[ReceiveCounters.keyframeEpoch];
    if (epoch === this.#keyframeEpoch) return false;
    this.#keyframeEpoch = epoch;
    return true;
  }

  /** Least delay of the jitter buffer; 0: as the path needs it. */
  setPlayoutTarget(targetUs: number): void {
    this.#targetUs = targetUs;
    this.#applyTarget();
  }

  noteSenderReport(ntpSeconds: number, ntpFraction: number, rtpTimestamp: number): void {
    this.#senderClock.handleSenderReport(ntpSeconds, ntpFraction, rtpTimestamp);
  }

  /** A stuck stream waits for what was asked for again, two or three round trips long. */
  followRoundTrip(): void {
    const rttUs = this.counters[ReceiveCounters.rttUs];
    if (this.jitter === undefined || rttUs === 0) return;
    this.jitter.giveUpUs = Math.min(Math.max(MIN_GIVE_UP_US, 3 * rttUs), MAX_GIVE_UP_US);
  }

  /** The sender may bound the delay of its pictures: 0 for what is to be shown at once, a game's say. */
  followPlayoutDelay(bytes: Uint8Array, header: RtpHeader): void {
    const id = this.options.extensions.playoutDelay ?? 0;
    const minUs = readPlayoutDelayUs(bytes, header, id, 0);
    if (this.jitter === undefined || minUs < 0) return;
    const { clock } = this.jitter;
    clock.minDelayUs = minUs;
    clock.maxDelayUs = Math.max(minUs, readPlayoutDelayUs(bytes, header, id, 1));
  }

  noteCaptureTime(bytes: Uint8Array, header: RtpHeader): void {
    const id = this.options.extensions.absCaptureTime ?? 0;
    if (id === 0) return;
    this.#captureTimes.note(bytes, header, id, this.#clockRate, this.counters);
  }

  noteAudioLevel(bytes: Uint8Array, header: RtpHeader): void {
    const level = readAudioLevel(bytes, header, this.options.extensions.audioLevel ?? 0);
    this.counters[ReceiveCounters.audioLevel] = level < 0 ? -1 : level & 127;
  }

  /** When the access unit was captured by the sender's clock, µs since 1970; 0: not known. */
  unitCaptureWallUs(unit: AccessUnitInfo): number {
    return Number.isNaN(unit.captureUnixUs) ? this.#byReport(unit.rtpTimestamp) : unit.captureUnixUs;
  }

  /** The same for a packet of sound. */
  captureWallUs(rtpTimestamp: number, bytes: Uint8Array, header: RtpHeader): number {
    const id = this.options.extensions.absCaptureTime ?? 0;
    const seconds = readAbsCaptureTime(bytes, header, id, 0);
    if (seconds < 0) return this.#byReport(rtpTimestamp);
    return ntpToUnixUs(seconds, readAbsCaptureTime(bytes, header, id, 1));
  }

  /** What is asked to wait long waits as packets: pictures are thousand times as large. */
  #applyTarget(): void {
    if (this.jitter === undefined) return;
    this.jitter.clock.targetUs = this.#targetUs;
    this.jitter.releaseLeadUs = this.#targetUs > 0 ? RELEASE_LEAD_US : Number.POSITIVE_INFINITY;
  }

  #byReport(rtpTimestamp: number): number {
    return this.#senderClock.known ? this.#senderClock.captureUnixUs(rtpTimestamp) : 0;
  }

  /** Sound in another codec may count in another clock: what was known of the sender's is of no use then. */
  #followClock(payloadType: number): void {
    this.#payloadType = payloadType;
    const format = this.options.payloadTypes.find((known) => known.payloadType === payloadType);
    if (format === undefined || !isAudioFormat(format.codec) || format.clockRate === this.#clockRate) return;
    this.#clockRate = format.clockRate;
    this.#senderClock = new SenderClock(this.#clockRate);
  }

  #makeJitter(): VideoJitterBuffer | undefined {
    const { kind, jitterPackets } = this.options;
    if (kind !== "video") return undefined;
    return new VideoJitterBuffer({
      ...assemblersOf(this.options),
      clockRate: this.#clockRate,
      absCaptureTimeId: this.options.extensions.absCaptureTime ?? 0,
      videoOrientationId: this.options.extensions.videoOrientation ?? 0,
      ...(jitterPackets === undefined ? {} : { capacityPackets: jitterPackets }),
    });
  }
}

/** One assembler for each codec, whatever number of payload types it has. */
function assemblersOf({ payloadTypes }: ReceiveStreamOptions) {
  const byCodec = new Map<CodecName, AccessUnitAssembler>();
  const assemblers = new Map<number, AccessUnitAssembler>();
  for (const { payloadType, codec } of payloadTypes) {
    if (!isVideoFormat(codec)) continue;
    const assembler = byCodec.get(codec) ?? assemblerOf(codec);
    byCodec.set(codec, assembler);
    assemblers.set(payloadType, assembler);
  }
  return { assembler: byCodec.values().next().value ?? assemblerOf("H264"), assemblers };
}
