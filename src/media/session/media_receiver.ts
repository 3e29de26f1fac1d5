import type { AccessUnitInfo } from "../../protocol/jitter/video_jitter_buffer.js";
import { RedReader } from "../../protocol/red/red.js";
import { RtcpType } from "../../protocol/rtcp/packets.js";
import { parseCompound } from "../../protocol/rtcp/parser.js";
import { readTransportSequence } from "../../protocol/rtp/header_extensions.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { unwrapRtx } from "../../protocol/rtx/rtx.js";
import { readTelephoneEvent, type TelephoneEvent } from "../../protocol/telephone_event/telephone_event.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import { InterceptorChain } from "../interceptors/interceptor_chain.js";
import type { ReceiveStreamOptions } from "../transport_api.js";
import { type Arrival, ArrivalFlag, emptyArrival } from "./arrival_log.js";
import { noteContributors } from "./contributors.js";
import type { PacketTap } from "./packet_tap.js";
import type { PictureParity } from "./picture_parity.js";
import { ReceiveStream } from "./receive_stream.js";
import { ReceiveStreams } from "./receive_streams.js";
import type { RedundantSound } from "./redundant_sound.js";
import { type DiscardKind, ReceiveCounters } from "./stream_counters.js";

/** Where a transport's media goes. Buffers and objects handed over are reused after the call. */
export interface MediaSinks {
  /** Room for the next access unit; undefined while the decoder has no free slot. The same room until it is published. */
  videoRoom(): Uint8Array | undefined;
  /** The access unit lies at the beginning of the room. `captureWallUs`: the sender's clock, µs since 1970; 0: unknown. */
  publishVideo(stream: ReceiveStream, unit: AccessUnitInfo, captureWallUs: number): void;
  /** One packet of sound, its payload in `bytes` where `header` says. False: no room. */
  audio(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
    captureWallUs: number,
  ): boolean;
  /** The peer pressed a key (RFC 4733). */
  tone(mid: string, event: number): void;
  /** For the rtcp thread; `urgent`: at once. */
  arrival(arrival: Arrival, urgent: boolean): void;
  /** One unprotected compound. */
  rtcp(bytes: Uint8Array, offset: number, length: number, arrivalUs: number): void;
}

/** Largest packet that a stage may make. */
const MAX_MADE_BYTES = 1500;
/** Without a free slot the decoder is asked again after this long. */
const ROOM_RETRY_US = 2_000;

/** What happens to authenticated RTP: found its stream, logged, into the jitter buffer or on to the speaker. */
export class MediaReceiver {
  /** The stream whose first packet was the last one handled; take it and set it undefined. */
  startedStream: ReceiveStream | undefined;
  readonly #sinks: MediaSinks;
  readonly #interceptors: readonly RtpInterceptorFactory[];
  readonly #streams = new ReceiveStreams();
  readonly #arrival = emptyArrival();
  readonly #event: TelephoneEvent = { event: 0, isEnd: false, duration: 0 };
  readonly #original = new RtpHeader();
  readonly #repaired = new RtpHeader();
  readonly #red = new RedReader();
  #waitingForRoomUs = Number.POSITIVE_INFINITY;

  /** @param interceptors the application's, in the order in which a packet meets them */
  constructor(sinks: MediaSinks, interceptors: readonly RtpInterceptorFactory[] = []) {
    this.#sinks = sinks;
    this.#interceptors = interceptors;
  }

  add(streamId: number, options: ReceiveStreamOptions, counters: Float64Array): void {
    this.#streams.remove(streamId)?.stages?.close();
    const stream = new ReceiveStream(streamId, options, counters);
    const { kind, mid, extensions } = options;
    stream.stages = InterceptorChain.make({
      factories: this.#interceptors,
      stream: { direction: "in", kind, mid, streamId, ssrc: 0, extensions },
      maxPacketBytes: MAX_MADE_BYTES,
    });
    this.#streams.add(stream);
  }

  setPlayoutTarget(streamId: number, targetUs: number): void {
    for (const stream of this.#streams) if (stream.streamId === streamId) stream.setPlayoutTarget(targetUs);
  }

  /** Copies of the stream's packets go there from now on; undefined: nowhere. */
  setTap(streamId: number, tap: PacketTap | undefined): void {
    for (const stream of this.#streams) if (stream.streamId === streamId) stream.tap = tap;
  }

  remove(streamId: number): void {
    this.#streams.remove(streamId)?.stages?.close();
  }

  /** Handles one packet of `length` bytes. Returns why it was not wanted, if it was not. */
  handlePacket(
    bytes: Uint8Array,
    header: RtpHeader,
    length: number,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const stream = this.#streams.find(bytes, header);
    if (stream === undefined) return this.#streams.full ? "rtp-stream-limit" : "rtp-unknown-stream";
    if (stream.stages === undefined) return this.#take(stream, bytes, header, length, arrivalUs);
    return this.#intercept(stream, stream.stages, bytes, header, length, arrivalUs);
  }

  /** The application's stages see a packet first, and what they make of it goes on. */
  #intercept(
    stream: ReceiveStream,
    stages: InterceptorChain,
    bytes: Uint8Array,
    header: RtpHeader,
    length: number,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const offset = header.packetOffset;
    const passed = stages.pass(bytes, offset, length, length, arrivalUs);
    const problem =
      passed >= 0 && parseRtp(bytes, offset, passed, header)
        ? this.#take(stream, bytes, header, passed, arrivalUs)
        : undefined;
    for (let at = stages.nextMade(arrivalUs); at >= 0; at = stages.nextMade(arrivalUs)) {
      const made = stages.madeLength;
      if (parseRtp(stages.made, at, made, header)) this.#take(stream, stages.made, header, made, arrivalUs);
    }
    return problem;
  }

  #take(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    length: number,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const repeats = stream.repeatedBy(header.payloadType);
    if (repeats >= 0) return this.#retransmission(stream, bytes, header, repeats, arrivalUs);
    if (stream.isFlexfec(header.payloadType)) return this.#parity(stream, bytes, header, length, arrivalUs);
    if (!stream.accepts(header.payloadType)) return "rtp-unknown-stream";
    const first = !stream.started;
    if (!stream.admit(header.ssrc, header.sequenceNumber, arrivalUs)) return "rtp-stream-limit";
    if (first) this.startedStream = stream;
    this.#notePath(stream, bytes, header);
    this.#log(stream, header, length, arrivalUs, 0, stream.note(header, arrivalUs));
    stream.noteCaptureTime(bytes, header);
    if (header.csrcCount > 0) {
      noteContributors(stream.counters, ReceiveCounters.contributors, bytes, header, arrivalUs);
    }
    if (stream.jitter !== undefined) return this.#picture(stream, bytes, header, arrivalUs);
    if (stream.isRed(header.payloadType)) return this.#redundant(stream, bytes, header, arrivalUs);
    return this.#audio(stream, bytes, header, arrivalUs);
  }

  /** Sound with copies of what was sent before (RFC 2198): those of what is missing go first, the packet's own part last. */
  #redundant(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const { redundancy } = stream;
    if (redundancy === undefined) return undefined;
    const { reader } = redundancy;
    if (!reader.parse(bytes, header.payloadOffset, header.payloadLength)) return "rtp-malformed";
    const primary = reader.count - 1;
    for (let block = 0; block < primary; block++) {
      const isUsed = this.#recoverSound(stream, redundancy, block, bytes, header, arrivalUs);
      stream.countFec(reader.length(block), isUsed);
    }
    header.payloadType = reader.payloadType(primary);
    header.payloadOffset = reader.offset(primary);
    header.payloadLength = reader.length(primary);
    if (stream.codecOf(header.payloadType) < 0) return "rtp-unknown-stream";
    return this.#audio(stream, bytes, header, arrivalUs);
  }

  #recoverSound(
    stream: ReceiveStream,
    redundancy: RedundantSound,
    block: number,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
  ): boolean {
    const copy = this.#original;
    if (!redundancy.find(block, header, copy) || !stream.isSound(copy.payloadType)) return false;
    if (!this.#sinks.audio(stream, bytes, copy, arrivalUs, 0)) return false;
    redundancy.note(copy.sequenceNumber, copy.timestamp);
    stream.tap?.addPart(bytes, copy, stream.codecOf(copy.payloadType), arrivalUs);
    stream.counters[ReceiveCounters.framesReceived]++;
    return true;
  }

  /** A packet of the RTX stream (RFC 4588 §4): what it repeats takes its place in the stream of the current source. */
  #retransmission(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    payloadType: number,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const end = header.payloadOffset + header.payloadLength;
    const { ssrc } = stream;
    const original = this.#original;
    this.#notePath(stream, bytes, header);
    // Before the stream there is nothing to repair; without an original it is the padding that browsers probe with.
    const mayRepair = stream.started && stream.jitter !== undefined && stream.mayRepair(header.ssrc);
    const offset = mayRepair ? unwrapRtx(bytes, header, ssrc, payloadType) : -1;
    if (offset < 0 || !parseRtp(bytes, offset, end - offset, original)) {
      this.#log(stream, header, end - header.packetOffset, arrivalUs, ArrivalFlag.pathOnly, false);
      return undefined;
    }
    stream.noteRepeated(original);
    this.#log(stream, original, end - offset, arrivalUs, ArrivalFlag.repeated, false);
    return this.#picture(stream, bytes, original, arrivalUs);
  }

  /** A packet of pictures, in RED or by itself. */
  #picture(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const problem = stream.isRed(header.payloadType) ? this.#unwrapRed(stream, bytes, header) : undefined;
    if (problem !== undefined) return problem;
    const { parity } = stream;
    if (parity === undefined) return this.#video(stream, bytes, header, arrivalUs);
    if (header.payloadLength > 0) parity.handlePacket(bytes, header);
    this.#video(stream, bytes, header, arrivalUs);
    return this.#repair(stream, parity, arrivalUs);
  }

  /** Makes `header` that of the packet's last block, where pictures are (RFC 2198 §3); parity leaves its number and nothing else. */
  #unwrapRed(stream: ReceiveStream, bytes: Uint8Array, header: RtpHeader): DiscardKind | undefined {
    const red = this.#red;
    const { ulpfec } = stream.options.red ?? {};
    if (!red.parse(bytes, header.payloadOffset, header.payloadLength)) return "rtp-malformed";
    for (let block = 0; block < red.count; block++) {
      if (red.payloadType(block) !== ulpfec) continue;
      stream.handleParity("ulpfec", bytes, red.offset(block), red.length(block));
    }
    const primary = red.count - 1;
    header.payloadType = red.payloadType(primary);
    header.payloadOffset = red.offset(primary);
    header.payloadLength = header.payloadType === ulpfec ? 0 : red.length(primary);
    if (header.payloadType === ulpfec || stream.isPicture(header.payloadType)) return undefined;
    return "rtp-unknown-stream";
  }

  /** Parity in a stream of its own (RFC 8627): its contributing source is the one that it is of. */
  #parity(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    length: number,
    arrivalUs: number,
  ): DiscardKind | undefined {
    this.#notePath(stream, bytes, header);
    this.#log(stream, header, length, arrivalUs, ArrivalFlag.pathOnly, false);
    if (!stream.started || stream.jitter === undefined || !stream.mayMend(header.ssrc)) return undefined;
    if (header.csrcCount > 0 && header.csrc(bytes, 0) !== stream.ssrc) return undefined;
    stream.handleParity("flexfec", bytes, header.payloadOffset, header.payloadLength);
    stream.counters[ReceiveCounters.fecSsrc] = header.ssrc;
    return stream.parity === undefined ? undefined : this.#repair(stream, stream.parity, arrivalUs);
  }

  /** What parity brings back takes its place as if it had been repeated. */
  #repair(stream: ReceiveStream, parity: PictureParity, arrivalUs: number): undefined {
    const { counters } = stream;
    const repaired = this.#repaired;
    for (let length = parity.poll(); length > 0; length = parity.poll()) {
      if (!parseRtp(parity.packet, 0, length, repaired) || !stream.isPicture(repaired.payloadType)) continue;
      counters[ReceiveCounters.recovered]++;
      this.#arrival.transportSequence = -1;
      this.#log(stream, repaired, length, arrivalUs, ArrivalFlag.repeated, false);
      this.#video(stream, parity.packet, repaired, arrivalUs);
    }
    counters[ReceiveCounters.fecDiscarded] += parity.takeDiscarded();
    return undefined;
  }

  /** For the record to come. */
  #notePath(stream: ReceiveStream, bytes: Uint8Array, header: RtpHeader): void {
    const { transportCc = 0 } = stream.options.extensions;
    this.#arrival.transportSequence = readTransportSequence(bytes, header, transportCc);
  }

  /** Hands the completed access units to the decoder; call after a batch of packets and at the deadline. */
  deliver(nowUs: number): void {
    this.#waitingForRoomUs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#streams.size; i++) {
      const stream = this.#streams.at(i);
      stream.tap?.flush();
      if (stream.jitter !== undefined && stream.started) this.#deliverVideo(stream, nowUs);
    }
  }

  nextDeadlineUs(): number {
    let deadlineUs = this.#waitingForRoomUs;
    for (let i = 0; i < this.#streams.size; i++) {
      deadlineUs = Math.min(deadlineUs, this.#streams.at(i).jitter?.nextDeadlineUs() ?? deadlineUs);
    }
    return deadlineUs;
  }

  /** One unprotected compound: its sender reports put capture times on the sender's wall clock (RFC 3550 §6.4.1). */
  handleCompound(bytes: Uint8Array, offset: number, length: number, arrivalUs: number): void {
    this.#sinks.rtcp(bytes, offset, length, arrivalUs);
    if (bytes[offset + 1] !== RtcpType.sr) return;
    for (const packet of parseCompound(bytes, offset, length)) {
      if (packet.type !== "sr") continue;
      const { ssrc, ntpSeconds, ntpFraction, rtpTimestamp } = packet;
      for (const stream of this.#streams) {
        if (!stream.started || stream.ssrc !== ssrc) continue;
        stream.noteSenderReport(ntpSeconds, ntpFraction, rtpTimestamp);
        stream.followRoundTrip();
      }
    }
  }

  close(): void {
    for (const stream of [...this.#streams]) this.remove(stream.streamId);
  }

  #video(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
  ): DiscardKind | undefined {
    const { jitter } = stream;
    if (jitter === undefined) return undefined;
    stream.fresh = true;
    stream.followPlayoutDelay(bytes, header);
    // Parity is of use here alone.
    const codec = stream.codecOf(header.payloadType);
    if (codec >= 0) stream.tap?.add(bytes, header, codec, arrivalUs);
    if (!jitter.insert(bytes, header, arrivalUs)) stream.countRefused();
    return undefined;
  }

  #audio(
    stream: ReceiveStream,
    bytes: Uint8Array,
    header: RtpHeader,
    arrivalUs: number,
  ): DiscardKind | undefined {
    if (header.payloadLength === 0) return undefined;
    stream.redundancy?.note(header.sequenceNumber, header.timestamp);
    stream.noteAudioLevel(bytes, header);
    stream.tap?.add(bytes, header, stream.codecOf(header.payloadType), arrivalUs);
    if (stream.isTelephoneEvent(header.payloadType)) this.#tone(stream, bytes, header);
    const captureWallUs = stream.captureWallUs(header.timestamp, bytes, header);
    if (this.#sinks.audio(stream, bytes, header, arrivalUs, captureWallUs)) {
      stream.counters[ReceiveCounters.framesReceived]++;
      return undefined;
    }
    stream.counters[ReceiveCounters.framesDropped]++;
    return "audio-queue-full";
  }

  /** A tone's packets all have its timestamp; it is told of by the first that arrives. */
  #tone(stream: ReceiveStream, bytes: Uint8Array, header: RtpHeader): void {
    const event = this.#event;
    if (!readTelephoneEvent(bytes, header.payloadOffset, header.payloadLength, event)) return;
    if (!stream.noteTone(header.timestamp, event.event)) return;
    this.#sinks.tone(stream.options.mid, event.event);
  }

  #deliverVideo(stream: ReceiveStream, nowUs: number): void {
    const { jitter } = stream;
    if (jitter === undefined || !(stream.fresh || nowUs >= jitter.nextDeadlineUs())) return;
    for (;;) {
      const room = this.#sinks.videoRoom();
      if (room === undefined) {
        this.#waitingForRoomUs = nowUs + ROOM_RETRY_US;
        return;
      }
      const unit = jitter.pollAccessUnit(room, nowUs);
      if (unit === undefined) break;
      stream.counters[ReceiveCounters.framesReceived]++;
      if (unit.keyframe) this.#keyframeCame(stream, nowUs);
      this.#sinks.publishVideo(stream, unit, stream.unitCaptureWallUs(unit));
    }
    stream.fresh = false;
    stream.counters[ReceiveCounters.framesDropped] = jitter.stats.framesDropped;
    if (jitter.takePassed()) this.#tellJitter(stream, ArrivalFlag.passed, nowUs);
    if (jitter.needsKeyframe && !stream.keyframeNeeded) this.#needKeyframe(stream, nowUs);
    if (stream.decoderWantsKeyframe()) this.#tellJitter(stream, ArrivalFlag.keyframeNeeded, nowUs);
  }

  #needKeyframe(stream: ReceiveStream, nowUs: number): void {
    stream.keyframeNeeded = true;
    this.#tellJitter(stream, ArrivalFlag.keyframeNeeded, nowUs);
  }

  /** Told whoever wanted it: the decoder and the application ask past the jitter buffer. */
  #keyframeCame(stream: ReceiveStream, nowUs: number): void {
    stream.keyframeNeeded = false;
    this.#tellJitter(stream, ArrivalFlag.keyframeCame, nowUs);
  }

  #tellJitter(stream: ReceiveStream, flags: number, nowUs: number): void {
    const arrival = this.#arrival;
    arrival.streamId = stream.streamId;
    arrival.ssrc = stream.ssrc;
    arrival.sequenceNumber = stream.jitter?.firstNeededSequence ?? 0;
    arrival.flags = flags;
    arrival.transportSequence = -1;
    arrival.arrivalUs = nowUs;
    arrival.bytes = 0;
    this.#sinks.arrival(arrival, flags === ArrivalFlag.keyframeNeeded);
  }

  #log(
    stream: ReceiveStream,
    header: RtpHeader,
    bytes: number,
    arrivalUs: number,
    flags: number,
    gap: boolean,
  ): void {
    const arrival = this.#arrival;
    arrival.streamId = stream.streamId;
    arrival.ssrc = header.ssrc;
    arrival.sequenceNumber = header.sequenceNumber;
    arrival.rtpTimestamp = header.timestamp;
    arrival.flags = flags;
    arrival.bytes = bytes;
    arrival.arrivalUs = arrivalUs;
    this.#sinks.arrival(arrival, gap && stream.options.nack);
  }
}
