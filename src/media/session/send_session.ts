import type { SendLog } from "../../protocol/bwe/send_log.js";
import { MAX_FEC_HEAD_BYTES } from "../../protocol/fec/fec_format.js";
import type { TransportAddress } from "../../protocol/primitives/address.js";
import { copyBytes } from "../../protocol/primitives/bytes.js";
import type { RandomSource } from "../../protocol/primitives/random.js";
import { RedWriter } from "../../protocol/red/red.js";
import {
  type AccessUnitAssembler,
  type FramePacketizer,
  PayloadTraits,
} from "../../protocol/rtp/payload_format.js";
import { RTP_FIXED_HEADER_BYTES, writeRtpHeader } from "../../protocol/rtp/rtp_header.js";
import { sequenceDifference } from "../../protocol/rtp/unwrap.js";
import { RTX_OVERHEAD_BYTES } from "../../protocol/rtx/rtx.js";
import {
  TELEPHONE_EVENT_BYTES,
  writeTelephoneEvent,
} from "../../protocol/telephone_event/telephone_event.js";
import { ToneSender } from "../../protocol/telephone_event/tone_sender.js";
import { isVideoFormat } from "../codecs/codec_name.js";
import type { FrameTransform } from "../transforms/frame_transform.js";
import type { SendStreamOptions } from "../transport_api.js";
import { DepartureStamps } from "./departure_stamps.js";
import type { EncodedFrame } from "./encoded_frame.js";
import { FrameCounter } from "./frame_counter.js";
import { NackResponder } from "./nack_responder.js";
import type { OutgoingStages } from "./outgoing_stages.js";
import { PacketExtensions } from "./packet_extensions.js";
import { PacketMapper } from "./packet_mapper.js";
import { PacketRing } from "./packet_ring.js";
import { MOST_GROUPS, ParitySender } from "./parity_sender.js";
import { ParityStream } from "./parity_stream.js";
import { assemblerOf, packetizerOf } from "./payload_formats.js";
import { RtpTimeline } from "./rtp_timeline.js";
import { SendCounters } from "./stream_counters.js";
import { freshNumbering, type StreamNumbering } from "./stream_numbering.js";

/** Video packets kept for retransmission: 4 s at 2 Mbit/s. */
const VIDEO_HISTORY = 1024;
/** Of RED with a single block (RFC 2198 §3). */
const RED_HEAD_BYTES = 1;
/** Of a stream of parity (RFC 8627 §4.2.1). */
const CSRC_BYTES = 4;
/** Audio is not sent again; the ring only has to hold what one call sends. */
const AUDIO_HISTORY = 64;
/** Packets that are passed on may be as large as Ethernet carries them: whoever made them knew no better. */
const MAX_PASSED_BYTES = 1472;
/** Where packets may begin: a decoder that knows nothing can go on from here. */
const BEGINNING = PayloadTraits.randomAccess | PayloadTraits.keyframeStart;
/** How often the application is asked for a keyframe that does not come. */
const KEYFRAME_AGAIN_US = 1_000_000;

export interface SendSessionOptions {
  readonly stream: SendStreamOptions;
  /** Frames of this encoding are sent; 0 when absent. */
  readonly encoding?: number;
  /** Of an earlier stream with this SSRC, under the same keys; undefined: begin at random. */
  readonly numbering?: StreamNumbering;
  /** Largest UDP payload. */
  readonly maxPacketBytes: number;
  readonly random: RandomSource;
  /** Wall clock (µs since 1970) minus monotonic clock. */
  readonly wallOffsetUs: number;
  /** A {@link SendCounters} block. */
  readonly counters: Float64Array;
  /** The transport's: numbers its packets and knows when they left. */
  readonly log: SendLog;
  readonly stages?: OutgoingStages | undefined;
}

/**
 * One track to one peer: turns encoded frames into RTP packets in its {@link PacketRing}, ready to be protected, and
 * keeps them for retransmission. Sequence numbers and timestamps start at random (RFC 3550 §5.1), or go on where a stream of
 * the same SSRC ended: both ends' SRTP contexts know an SSRC for as long as the keys last, and refuse numbers they had before.
 */
export class SendSession {
  readonly stream: SendStreamOptions;
  readonly ring: PacketRing;
  readonly responder: NackResponder;
  /** Keys of a telephone, in streams of sound. */
  readonly tones = new ToneSender();
  /** The application's worker, which frames go through. */
  transform: FrameTransform<EncodedFrame> | undefined;
  /** Parity that goes in a stream of its own. */
  readonly parityStream: ParityStream | undefined;
  /** The application's. */
  readonly stages: OutgoingStages | undefined;
  /** Frames of this encoding are sent. */
  encoding: number;
  /** Video: nothing goes out before a keyframe has; the peer could not decode it. */
  needsKeyframe: boolean;
  /** Sequence number of the first packet of the last {@link packetize}. */
  firstSequenceNumber = 0;
  /** The next sequence number. */
  #next: number;
  readonly #maxPacketBytes: number;
  readonly #counters: Float64Array;
  /** Video only. */
  readonly #packetizer: FramePacketizer | undefined;
  /** Sound that goes with a copy of what went before. */
  readonly #red: RedWriter | undefined;
  /** Pictures that parity may go with. */
  readonly #parity: ParitySender | undefined;
  /** Of a stream that passes packets on, and what looks into them for a keyframe. */
  readonly #mapper: PacketMapper | undefined;
  readonly #inspector: AccessUnitAssembler | undefined;
  readonly #passedBytes: number;
  #keyframeAskedUs = Number.NEGATIVE_INFINITY;
  /** Packets passed on that wait to go out together: the first's number, how many. */
  stagedFirst = 0;
  stagedCount = 0;
  readonly #extensions: PacketExtensions;
  readonly #stamps: DepartureStamps;
  readonly #timeline: RtpTimeline;
  readonly #frames: FrameCounter;
  readonly #fields;
  #newEncoding = false;
  #toneTimestamp = 0;

  constructor(options: SendSessionOptions) {
    const { stream, maxPacketBytes, random } = options;
    const isEncoded = stream.encoded ?? false;
    const packetBytes = isEncoded ? Math.max(MAX_PASSED_BYTES, maxPacketBytes) : maxPacketBytes;
    this.stream = stream;
    this.encoding = options.encoding ?? 0;
    this.ring = new PacketRing(stream.kind === "video" ? VIDEO_HISTORY : AUDIO_HISTORY, packetBytes);
    this.needsKeyframe = stream.kind === "video";
    this.#packetizer = isVideoFormat(stream.codec)
      ? packetizerOf(stream.codec, { mode: stream.packetizationMode ?? 0, random })
      : undefined;
    // What comes as packets cannot be told from what comes as samples yet: both go as they are.
    const hasRed = stream.kind === "audio" && stream.red !== undefined && !isEncoded;
    this.#red = hasRed ? new RedWriter(1) : undefined;
    // What an application's stage changes afterwards, parity would bring back as it was.
    const format = stream.flexfec === undefined ? "ulpfec" : "flexfec";
    const isAgreed = stream.flexfec !== undefined || stream.red?.ulpfec !== undefined;
    const hasParity = isAgreed && options.stages === undefined && !isEncoded;
    this.#parity = hasParity
      ? new ParitySender(format, maxPacketBytes, stream.nack, options.counters)
      : undefined;
    const repairBytes = stream.rtx === undefined ? 0 : RTX_OVERHEAD_BYTES;
    this.#maxPacketBytes = maxPacketBytes - repairBytes;
    this.#passedBytes = packetBytes - repairBytes;
    this.#mapper = isEncoded
      ? new PacketMapper({
          clockRate: stream.clockRate,
          timestampAt: (nowUs) => this.#timeline.at(nowUs),
        })
      : undefined;
    this.#inspector = isEncoded && isVideoFormat(stream.codec) ? assemblerOf(stream.codec) : undefined;
    this.stages = options.stages;
    this.#counters = options.counters;
    this.#frames = new FrameCounter(stream.kind, options.counters);
    const { sequenceNumber, timestampBase, rtxSequenceNumber, paritySequenceNumber } =
      options.numbering ?? freshNumbering(random, stream);
    this.parityStream =
      stream.flexfec === undefined || !hasParity
        ? undefined
        : new ParityStream(stream.flexfec, stream.ssrc, paritySequenceNumber, maxPacketBytes);
    this.#next = sequenceNumber;
    this.#timeline = new RtpTimeline(timestampBase, stream.clockRate, options.counters);
    this.responder = new NackResponder({
      ...options,
      maxPacketBytes: packetBytes,
      history: this.ring,
      firstRtxSequenceNumber: rtxSequenceNumber,
    });
    this.#extensions = new PacketExtensions(stream, options.wallOffsetUs);
    this.#stamps = new DepartureStamps(stream.extensions, options.log);
    this.#fields = {
      marker: false,
      payloadType: this.#mediaType,
      sequenceNumber: 0,
      timestamp: 0,
      ssrc: stream.ssrc,
    };
  }

  /** The payload type of packets of media. */
  get #mediaType(): number {
    return this.#red === undefined ? this.stream.payloadType : (this.stream.red?.payloadType ?? 0);
  }

  get numbering(): StreamNumbering {
    const rtxSequenceNumber = this.responder.nextRtxSequenceNumber ?? 0;
    return {
      sequenceNumber: this.#next,
      timestampBase: this.#timeline.base,
      rtxSequenceNumber,
      paritySequenceNumber: this.parityStream?.nextSequenceNumber ?? 0,
    };
  }

  /** Whether a frame is of this stream's encoding. */
  takes(frame: EncodedFrame): boolean {
    return this.encoding === (frame.encoding ?? 0) && this.stream.codec === frame.codec;
  }

  /**
   * Writes the frame's packets, unprotected, into the ring's slots from {@link firstSequenceNumber} on; returns how
   * many. 0: the frame is not to be sent (a keyframe is due, or it is empty).
   */
  packetize(frame: EncodedFrame, rtpOverhead: number, nowUs: number): number {
    // RFC 4733 §2.1: the event takes the place of what it sounds like.
    if (this.tones.isActive) return 0;
    if (frame.isPacket) return this.#pass(frame, rtpOverhead, nowUs);
    if (this.stream.kind === "video" && !this.stream.encoded) this.#frames.countEncoded(frame);
    if (frame.length === 0 || (this.needsKeyframe && !frame.keyframe)) {
      this.#counters[SendCounters.framesSkipped]++;
      return 0;
    }
    this.#extensions.begin(frame);
    if (this.stream.kind === "video") this.#extensions.addPresentation(frame);
    const headerBytes = RTP_FIXED_HEADER_BYTES + this.#extensions.blockBytes;
    const maxPayload = this.#maxPacketBytes - headerBytes - rtpOverhead;
    this.firstSequenceNumber = this.#next;
    const count =
      this.stream.kind === "video" ? this.#video(frame, maxPayload) : this.#audio(frame, maxPayload);
    if (count > 0) this.#frames.countSent(frame, this.firstSequenceNumber);
    return count;
  }

  /** The RTP time that the frame will have. */
  rtpTimestampOf({ captureTimeUs, rtpTimestamp }: EncodedFrame): number {
    if (this.stream.kind === "video") return Math.round(this.#timeline.at(captureTimeUs)) % 2 ** 32;
    return this.#timeline.ofSound(rtpTimestamp);
  }

  /** Whether to ask the application (again) for the keyframe that this stream must begin with. */
  asksKeyframe(nowUs: number): boolean {
    if (!this.needsKeyframe || !this.stream.encoded) return false;
    if (nowUs - this.#keyframeAskedUs < KEYFRAME_AGAIN_US) return false;
    this.#keyframeAskedUs = nowUs;
    return true;
  }

  /** Begins a tone, when events are negotiated. */
  startTone(event: number, durationUs: number, nowUs: number): void {
    if (this.stream.telephoneEvent === undefined) return;
    this.#toneTimestamp = Math.round(this.#timeline.present(nowUs)) % 2 ** 32;
    this.tones.start(event, durationUs, nowUs);
  }

  /** Writes the tone's packet that is due, as {@link packetize} does a frame's; 0: none is. */
  packetizeTone(nowUs: number): number {
    const { telephoneEvent } = this.stream;
    if (telephoneEvent === undefined || !this.tones.poll(nowUs, this.stream.clockRate)) return 0;
    this.#extensions.begin({ captureTimeUs: nowUs });
    this.firstSequenceNumber = this.#next;
    this.#fields.timestamp = this.#toneTimestamp;
    this.#fields.payloadType = telephoneEvent;
    const offset = this.ring.offsetOf(this.ring.slotOf(this.#next));
    const header = this.#writeHeader(offset, this.tones.isFirst);
    this.#fields.payloadType = this.#mediaType;
    writeTelephoneEvent(this.ring.slab, offset + header, this.tones.packet);
    this.#commit(header, TELEPHONE_EVENT_BYTES);
    this.#red?.clear();
    this.tones.sent();
    return 1;
  }

  /** Another encoding: its first picture must be a keyframe, its sound goes on in the same RTP time. */
  setEncoding(encoding: number): void {
    if (encoding === this.encoding) return;
    this.encoding = encoding;
    this.needsKeyframe = this.stream.kind === "video";
    this.#newEncoding = true;
  }

  /** So much waits to leave that what waits must go before more is written. */
  get isCrowded(): boolean {
    const { ring, parityStream } = this;
    return ring.waiting > ring.capacity / 4 || (parityStream?.ring.waiting ?? 0) > MOST_GROUPS;
  }

  /** Packets leave: of this stream's {@link ring}, or of its parity's. They are still plain. */
  depart(ring: PacketRing, first: number, count: number, nowUs: number): void {
    const head = ring.countToEnd(first, count);
    this.#departAt(ring, ring.slotOf(first), head, nowUs);
    this.#departAt(ring, 0, count - head, nowUs);
  }

  #departAt(ring: PacketRing, slot: number, count: number, nowUs: number): void {
    this.#stamps.stamp(ring, slot, count, nowUs);
    ring.markLeft(slot, count);
  }

  /** The packets waited this long for the sender, together. */
  countDelay(delayUs: number): void {
    this.#counters[SendCounters.packetSendDelayUs] += delayUs;
  }

  /** After the packets were protected and handed to the socket. */
  countSent(packets: number, bytes: number): void {
    this.#counters[SendCounters.packetsSent] += packets;
    this.#counters[SendCounters.bytesSent] += bytes;
  }

  /** Of what is sent, the share that is parity. */
  get parityShare(): number {
    return this.#parity?.share ?? 0;
  }

  /** Most bytes of a packet before protection. */
  maxPlainBytes(rtpOverhead: number): number {
    return (this.stream.encoded ? this.#passedBytes : this.#maxPacketBytes) - rtpOverhead;
  }

  /** Where all of it goes from now on. */
  setDestination(to: TransportAddress): void {
    this.ring.setDestination(to);
    if (this.responder.ring !== this.ring) this.responder.ring.setDestination(to);
    this.parityStream?.ring.setDestination(to);
    this.stages?.setDestination(to);
  }

  countSkipped(): void {
    this.#counters[SendCounters.framesSkipped]++;
  }

  countDropped(packets: number): void {
    this.#counters[SendCounters.packetsDropped] += packets;
  }

  #video(frame: EncodedFrame, maxPayload: number): number {
    const timestamp = this.#timeline.at(frame.captureTimeUs);
    this.#fields.timestamp = Math.round(timestamp) % 2 ** 32;
    this.#timeline.noteOffset(timestamp, frame.captureTimeUs);
    const packetizer = this.#packetizer;
    const parity = this.#parity?.begin() ? this.#parity : undefined;
    const room = maxPayload - (parity === undefined ? 0 : this.#parityOverhead);
    if (!packetizer?.begin(frame.bytes, frame.length, room)) return 0;
    let count = 0;
    const slots = this.ring.capacity - this.ring.waiting;
    while (count < slots) {
      const offset = this.ring.offsetOf(this.ring.slotOf(this.#next));
      const header = RTP_FIXED_HEADER_BYTES + this.#extensions.blockBytes;
      const at = offset + (parity === undefined ? 0 : this.#redHead);
      const payload = packetizer.next(this.ring.slab, at + header);
      if (payload === 0) break;
      this.#writeHeader(at, packetizer.isLast);
      if (parity !== undefined) this.#protect(parity, offset, header, payload, packetizer.isLast);
      else this.#commit(header, payload);
      count++;
    }
    if (parity !== undefined) count += this.#writeParity(parity, count);
    if (count > 0 && frame.keyframe) this.needsKeyframe = false;
    return count;
  }

  /** What a packet may be shorter for, so that its parity fits: RED or a CSRC, the parity's head and the packet's header extensions in it. */
  get #parityOverhead(): number {
    return CSRC_BYTES + MAX_FEC_HEAD_BYTES + this.#extensions.blockBytes;
  }

  /**
   * Puts the packet that was written one byte behind its place into RED, once its parity is added up as it would be by itself
   * (RFC 5109 §14.2).
   */
  #protect(parity: ParitySender, offset: number, header: number, payload: number, isLast: boolean): void {
    parity.add(this.ring.slab, offset + this.#redHead, header + payload);
    if (this.#redHead > 0) this.#wrapRed(offset, header, this.stream.payloadType, isLast);
    this.#commit(header, this.#redHead + payload);
  }

  /** What goes before the payload of a packet that is protected. */
  get #redHead(): number {
    return this.parityStream === undefined ? RED_HEAD_BYTES : 0;
  }

  /** The same for parity in a stream of its own; none of the packets is the media's. */
  #writeParityStream(parity: ParitySender, stream: ParityStream): number {
    const header = RTP_FIXED_HEADER_BYTES + CSRC_BYTES + this.#extensions.blockBytes;
    parity.endFrame();
    stream.begin();
    while (stream.count < MOST_GROUPS) {
      const bytes = parity.write(stream.ring.slab, stream.offset + header);
      if (bytes === 0) break;
      stream.put(header, bytes, this.#fields.timestamp, this.#extensions.writer);
    }
    return 0;
  }

  /** Behind a frame's `sent` packets, the parity that is due; returns how many packets of it. */
  #writeParity(parity: ParitySender, sent: number): number {
    if (this.parityStream !== undefined) return this.#writeParityStream(parity, this.parityStream);
    const header = RTP_FIXED_HEADER_BYTES + this.#extensions.blockBytes;
    parity.endFrame();
    let count = 0;
    while (sent + count + this.ring.waiting < this.ring.capacity) {
      const offset = this.ring.offsetOf(this.ring.slotOf(this.#next));
      const bytes = parity.write(this.ring.slab, offset + header + RED_HEAD_BYTES);
      if (bytes === 0) break;
      this.#wrapRed(offset, header, this.stream.red?.ulpfec ?? 0, false);
      this.#commit(header, RED_HEAD_BYTES + bytes);
      count++;
    }
    return count;
  }

  /** RFC 2198 §3: before the only block stands its payload type. */
  #wrapRed(offset: number, header: number, payloadType: number, marker: boolean): void {
    this.#fields.payloadType = this.stream.red?.payloadType ?? 0;
    this.#writeHeader(offset, marker);
    this.#fields.payloadType = this.stream.payloadType;
    this.ring.slab[offset + header] = payloadType;
  }

  /** Another stream's packet under our numbers and extensions. */
  #pass(frame: EncodedFrame, rtpOverhead: number, nowUs: number): number {
    const mapper = this.#mapper;
    if (mapper === undefined || !mapper.read(frame.bytes, frame.length)) return 0;
    if (this.#newEncoding) mapper.restart();
    this.#newEncoding = false;
    if (this.#inspector !== undefined && mapper.isNewSource) this.needsKeyframe = true;
    if (this.needsKeyframe && !this.#isBeginning(frame.bytes, mapper)) {
      this.#counters[SendCounters.framesSkipped]++;
      return 0;
    }
    mapper.map(this.#next, nowUs);
    const { sequenceNumber, header } = mapper;
    this.#extensions.begin(mapper);
    const headerBytes = RTP_FIXED_HEADER_BYTES + this.#extensions.blockBytes;
    const isTooLarge = headerBytes + header.payloadLength > this.#passedBytes - rtpOverhead;
    if (isTooLarge || this.ring.has(sequenceNumber)) {
      this.#counters[SendCounters.packetsDropped]++;
      return 0;
    }
    this.needsKeyframe = false;
    this.#writePassed(frame.bytes, mapper, headerBytes);
    this.#frames.countPassed(this.firstSequenceNumber, header.marker, nowUs);
    return 1;
  }

  #isBeginning(bytes: Uint8Array, { header }: PacketMapper): boolean {
    const traits = this.#inspector?.inspect(bytes, header.payloadOffset, header.payloadLength) ?? BEGINNING;
    return (traits & BEGINNING) !== 0;
  }

  #writePassed(bytes: Uint8Array, mapper: PacketMapper, headerBytes: number): void {
    const { header, sequenceNumber, timestamp } = mapper;
    const next = this.#next;
    this.#next = this.firstSequenceNumber = sequenceNumber;
    this.#fields.timestamp = timestamp;
    this.#timeline.noteOffset(timestamp, mapper.captureTimeUs);
    const offset = this.ring.offsetOf(this.ring.slotOf(sequenceNumber));
    this.#writeHeader(offset, header.marker);
    copyBytes(bytes, header.payloadOffset, this.ring.slab, offset + headerBytes, header.payloadLength);
    this.#commit(headerBytes, header.payloadLength);
    // One that came late leaves the count where it was.
    if (sequenceDifference(next, this.#next) > 0) this.#next = next;
  }

  /** RFC 7587 §4.2, RFC 3551 §4.5.14: one packet is one RTP payload; the timestamp counts samples. */
  #audio(frame: EncodedFrame, maxPayload: number): number {
    // RFC 2198 §3: one byte before the only block.
    if (frame.length + (this.#red === undefined ? 0 : 1) > maxPayload) return 0;
    if (this.#newEncoding) this.#timeline.joinSound(frame);
    this.#newEncoding = false;
    const timestamp = this.#timeline.ofSound(frame.rtpTimestamp);
    // RFC 3551 §4.1: the first packet after a silence carries the marker.
    const talkspurt = this.#timeline.passSound(timestamp, frame);
    this.#fields.timestamp = timestamp;
    this.#timeline.noteOffset(timestamp, frame.captureTimeUs);
    const offset = this.ring.offsetOf(this.ring.slotOf(this.#next));
    const header = RTP_FIXED_HEADER_BYTES + this.#extensions.blockBytes;
    const payload = this.#writeSound(frame, timestamp, offset + header, maxPayload);
    this.#writeHeader(offset, talkspurt);
    this.#commit(header, payload);
    return 1;
  }

  #writeSound({ bytes, length }: EncodedFrame, timestamp: number, at: number, maxPayload: number): number {
    const { slab } = this.ring;
    if (this.#red !== undefined) {
      return this.#red.write(bytes, 0, length, this.stream.payloadType, timestamp, slab, at, maxPayload);
    }
    copyBytes(bytes, 0, slab, at, length);
    return length;
  }

  #writeHeader(offset: number, marker: boolean): number {
    this.#fields.marker = marker;
    this.#fields.sequenceNumber = this.#next;
    return writeRtpHeader(this.ring.slab, offset, this.#fields, this.#extensions.writer);
  }

  #commit(header: number, payload: number): void {
    this.ring.put(this.#next, header + payload);
    this.#counters[SendCounters.payloadBytesSent] += payload;
    this.#counters[SendCounters.headerBytesSent] += header;
    this.#next = (this.#next + 1) & 0xffff;
  }
}
