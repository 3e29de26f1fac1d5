import type { SrtpContext } from "../../../native/addon.js";
import { BandwidthEstimator } from "../../protocol/bwe/bandwidth_estimator.js";
import { SendLog } from "../../protocol/bwe/send_log.js";
import { TRAIN_PACKETS } from "../../protocol/bwe/train_rate.js";
import type { RandomSource } from "../../protocol/primitives/random.js";
import { TransportFeedbackReader } from "../../protocol/twcc/feedback_reader.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import type { FrameTransform } from "../transforms/frame_transform.js";
import type { MediaKind, SendStreamOptions } from "../transport_api.js";
import { type Departure, Departures } from "./departures.js";
import type { EncodedFrame } from "./encoded_frame.js";
import type { SendRoute, SrtpKeys } from "./messages.js";
import { OutgoingStages } from "./outgoing_stages.js";
import { type DatagramSender, PacketOutput } from "./packet_output.js";
import { PacketRing } from "./packet_ring.js";
import { SendSession } from "./send_session.js";
import { SendCounters, TransportCounters } from "./stream_counters.js";
import type { StreamNumbering } from "./stream_numbering.js";

/** Packets passed on that go out together at most: what segmentation offload takes. */
const MAX_STAGED = 64;

/** A train is lengthened by so many packets at most: a few kilobytes, and less than the RTX stream has slots for. */
const MAX_REPEATS = 40;

/** RTCP compounds are at most this long before protection (RFC 3550 gives no bound; ours stay below the MTU). */
const RTCP_RING = 16;

export interface SendTransportOptions {
  readonly maxPacketBytes: number;
  readonly random: RandomSource;
  readonly wallOffsetUs: number;
  /** A {@link TransportCounters} block. */
  readonly counters: Float64Array;
  readonly createSrtp: (keys: SrtpKeys) => SrtpContext;
  /** Called when a stream becomes able to send video, and must start with a keyframe of its encoding; `isPushed`: the application makes it. */
  readonly onKeyframeNeeded: (encoding: number, isPushed: boolean) => void;
  /** How much faster than the path pictures leave, for comparisons; Infinity: always at once. */
  readonly paceAhead?: number;
  /** Of the application, in the order in which a packet meets them. */
  readonly interceptors?: readonly RtpInterceptorFactory[];
}

/** Everything one peer is sent but ICE and DTLS: its streams, its SRTP context, its place to send to. */
export class SendTransport {
  readonly #options: SendTransportOptions;
  readonly #sessions = new Map<number, SendSession>();
  /** Of streams that were taken away, by SSRC: renegotiation may bring one back. */
  readonly #numberings = new Map<number, StreamNumbering>();
  readonly #video: SendSession[] = [];
  readonly #audio: SendSession[] = [];
  readonly #rtcp: PacketRing;
  readonly #output: PacketOutput;
  readonly #departures: Departures;
  /** The number of the last train; from 1 on. */
  #train = 0;
  #rtcpNext = 0;
  #hasStaged = false;
  /** Sessions with a transform. */
  #transforming = 0;
  readonly #log = new SendLog();
  readonly #feedback = new TransportFeedbackReader();
  readonly #bandwidth = new BandwidthEstimator();
  #limitBps = Number.POSITIVE_INFINITY;
  #srtp: SrtpContext | undefined;

  constructor(options: SendTransportOptions) {
    this.#options = options;
    this.#rtcp = new PacketRing(RTCP_RING, options.maxPacketBytes);
    const leave = (departure: Departure, count: number, nowUs: number) =>
      this.#leave(departure, count, nowUs);
    this.#departures = new Departures(leave, options.paceAhead);
    this.#output = new PacketOutput(options.counters, (bytes, nowUs) =>
      this.#departures.handleSent(bytes, nowUs),
    );
  }

  get ready(): boolean {
    return this.#srtp !== undefined && this.#output.isOpen;
  }

  setKeys(keys: SrtpKeys): void {
    this.#srtp?.close();
    this.#srtp = this.#options.createSrtp(keys);
    this.#askForKeyframes();
  }

  setRoute(route: SendRoute, socket: DatagramSender): void {
    this.#output.setRoute(route, socket);
    this.#rtcp.setDestination(route);
    for (const session of this.#sessions.values()) session.setDestination(route);
    this.#askForKeyframes();
  }

  addStream(streamId: number, stream: SendStreamOptions, counters: Float64Array, encoding = 0): void {
    this.removeStream(streamId);
    const { maxPacketBytes, random, wallOffsetUs } = this.#options;
    const numbering = this.#numberings.get(stream.ssrc);
    const session = new SendSession({
      stream,
      encoding,
      maxPacketBytes,
      random,
      wallOffsetUs,
      counters,
      log: this.#log,
      stages: OutgoingStages.make(this.#options.interceptors ?? [], streamId, stream, maxPacketBytes),
      ...(numbering !== undefined && { numbering }),
    });
    const { route } = this.#output;
    if (route !== undefined) session.setDestination(route);
    this.#sessions.set(streamId, session);
    (stream.kind === "video" ? this.#video : this.#audio).push(session);
    this.#askForKeyframes();
  }

  removeStream(streamId: number): void {
    const session = this.#sessions.get(streamId);
    if (session === undefined) return;
    this.#endTransform(session);
    this.#departures.forget(session);
    this.#sessions.delete(streamId);
    session.stages?.close();
    this.#numberings.set(session.stream.ssrc, session.numbering);
    for (const list of [this.#video, this.#audio]) {
      const at = list.indexOf(session);
      if (at >= 0) list.splice(at, 1);
    }
    this.#output.forget(session);
  }

  setEncoding(streamId: number, encoding: number): void {
    this.#sessions.get(streamId)?.setEncoding(encoding);
    this.#askForKeyframes();
  }

  /** Sends a frame on every stream of its kind and encoding; returns the datagrams handed to the kernel. */
  sendFrame(kind: "audio" | "video", frame: EncodedFrame, nowUs: number): number {
    if (this.#srtp === undefined || !this.#output.isOpen) return 0;
    let sent = 0;
    for (const session of kind === "video" ? this.#video : this.#audio) {
      if (!session.takes(frame)) continue;
      sent += this.#sendOn(session, this.#srtp, frame, nowUs);
    }
    return sent;
  }

  /** Protects and sends one compound. False before there are keys and a route, or when it is too long. */
  sendRtcp(bytes: Uint8Array, length: number): boolean {
    if (this.#srtp === undefined || !this.#output.isOpen) return false;
    const ring = this.#rtcp;
    if (length + this.#srtp.rtcpOverhead > this.#options.maxPacketBytes) return false;
    const slot = ring.slotOf(this.#rtcpNext);
    const offset = ring.offsetOf(slot);
    for (let i = 0; i < length; i++) ring.slab[offset + i] = bytes[i];
    ring.put(this.#rtcpNext, this.#srtp.protectRtcp(ring.slab, offset, length));
    this.#rtcpNext = (this.#rtcpNext + 1) & 0xffff;
    return this.#output.send(ring, slot, 1) === 1;
  }

  /** Sends packets of the stream with this SSRC again (RFC 4585 §6.2.1), as long as the history has them; the numbers are big-endian. */
  resend(ssrc: number, sequenceNumbers: Uint8Array, count: number, nowUs: number): void {
    const session = this.#video.find((candidate) => candidate.stream.ssrc === ssrc);
    const srtp = this.#srtp;
    if (session === undefined || srtp === undefined || !this.#output.isOpen) return;
    const { responder } = session;
    for (let i = 0; i < count; i++) {
      const sequenceNumber = (sequenceNumbers[2 * i] << 8) | sequenceNumbers[2 * i + 1];
      const slot = responder.repeat(sequenceNumber, srtp, nowUs);
      if (slot >= 0) this.#output.sendCounted(session, responder.ring, slot, 1, nowUs);
    }
  }

  /** Content of a transport-wide feedback message of the peer's; a malformed one is ignored. */
  handleTransportFeedback(content: Uint8Array, nowUs: number): void {
    if (!this.#feedback.read(content)) return;
    this.#bandwidth.handleFeedback(this.#feedback, this.#log, nowUs);
    this.#tellAvailable(nowUs);
  }

  /** The peer asks for no more, bits a second (REMB, TMMBR); Infinity: it does not. */
  setRateLimit(bps: number, nowUs: number): void {
    this.#limitBps = bps;
    this.#tellAvailable(nowUs);
  }

  #tellAvailable(nowUs: number): void {
    this.#options.counters[TransportCounters.estimatedBps] = this.#pathBps;
    this.#departures.setPath(this.#pathBps, nowUs);
  }

  get #pathBps(): number {
    return Math.min(this.#bandwidth.estimateBps, this.#limitBps);
  }

  /** What the path to the peer seems to carry, or the peer asks for, beside parity, bits a second; Infinity: no limit was found, or nothing is sent that has one. */
  get availableBps(): number {
    if (this.#video.length === 0) return Number.POSITIVE_INFINITY;
    let parityShare = 0;
    for (let i = 0; i < this.#video.length; i++)
      parityShare = Math.max(parityShare, this.#video[i].parityShare);
    return this.#pathBps * (1 - parityShare);
  }

  /** Begins a tone on a stream of sound. */
  startTone(streamId: number, event: number, durationUs: number, nowUs: number): void {
    this.#sessions.get(streamId)?.startTone(event, durationUs, nowUs);
  }

  /** Sends what is due of tones, and offers the socket what it had no room for. */
  handleTimeout(nowUs: number): void {
    this.#sendTones(nowUs);
    this.#output.handleTimeout(nowUs);
    if (this.ready && !this.#output.isFull) this.#departures.poll(nowUs);
  }

  #sendTones(nowUs: number): void {
    if (this.#srtp === undefined || !this.#output.isOpen) return;
    for (const session of this.#audio) {
      const count = session.packetizeTone(nowUs);
      if (count > 0) this.#sendPackets(session, count, nowUs);
    }
  }

  nextDeadlineUs(): number {
    let deadlineUs = this.#output.nextDeadlineUs();
    if (!this.ready) return deadlineUs;
    if (!this.#output.isFull) deadlineUs = Math.min(deadlineUs, this.#departures.nextDeadlineUs());
    for (let i = 0; i < this.#audio.length; i++) {
      deadlineUs = Math.min(deadlineUs, this.#audio[i].tones.nextDeadlineUs());
    }
    return deadlineUs;
  }

  close(): void {
    for (const session of this.#sessions.values()) this.#endTransform(session);
    this.#srtp?.close();
    this.#srtp = undefined;
    this.#output.close();
    this.#departures.clear();
  }

  #sendOn(session: SendSession, srtp: SrtpContext, frame: EncodedFrame, nowUs: number): number {
    if (session.transform !== undefined) return this.#transform(session, session.transform, frame);
    // What is to be encrypted, say, never goes as it is.
    if (session.stream.transformed) return 0;
    return this.#packetizeOn(session, srtp, frame, nowUs);
  }

  /** To the application's worker; {@link drainTransforms} takes it from there. Packets have no frames in them. */
  #transform(session: SendSession, transform: FrameTransform<EncodedFrame>, frame: EncodedFrame): number {
    if (frame.isPacket || frame.length === 0) return 0;
    const { ssrc, payloadType } = session.stream;
    const { codec, keyframe, width = 0, height = 0 } = frame;
    const rtpTimestamp = session.rtpTimestampOf(frame);
    const about = { codec, keyframe, rtpTimestamp, ssrc, payloadType, width, height };
    transform.offer(frame.bytes, frame.length, about, { ...frame });
    return 0;
  }

  kindOf(streamId: number): MediaKind | undefined {
    return this.#sessions.get(streamId)?.stream.kind;
  }

  setTransform(streamId: number, transform: FrameTransform<EncodedFrame> | undefined): void {
    const session = this.#sessions.get(streamId);
    if (session === undefined) {
      transform?.close();
      return;
    }
    this.#endTransform(session);
    session.transform = transform;
    if (transform === undefined) return;
    this.#transforming++;
    session.needsKeyframe = session.stream.kind === "video";
    this.#askForKeyframes();
  }

  #endTransform(session: SendSession): void {
    if (session.transform === undefined) return;
    session.transform.close();
    session.transform = undefined;
    this.#transforming--;
  }

  /** The stream of a transform wants a keyframe. */
  askKeyframe(streamId: number): void {
    const session = this.#sessions.get(streamId);
    if (session?.stream.kind !== "video") return;
    this.#options.onKeyframeNeeded(session.encoding, session.stream.encoded ?? false);
  }

  /** A frame found no room on its way to the application's worker. */
  countSkipped(streamId: number): void {
    this.#sessions.get(streamId)?.countSkipped();
  }

  /** Sends what came back from the application's workers. */
  drainTransforms(nowUs: number): void {
    if (this.#transforming === 0) return;
    for (const session of this.#sessions.values()) {
      session.transform?.drain((frame, bytes) => {
        if (this.#srtp === undefined || !this.#output.isOpen || !session.takes(frame)) return;
        this.#packetizeOn(session, this.#srtp, { ...frame, bytes, length: bytes.byteLength }, nowUs);
      });
    }
  }

  #packetizeOn(session: SendSession, srtp: SrtpContext, frame: EncodedFrame, nowUs: number): number {
    if (session.isCrowded) this.#departures.flush(nowUs);
    const count = session.packetize(frame, srtp.rtpOverhead, nowUs);
    if (count === 0) {
      if (session.asksKeyframe(nowUs)) this.#options.onKeyframeNeeded(session.encoding, true);
      return 0;
    }
    if (frame.isPacket) return this.#stage(session, nowUs);
    if (frame.enqueuedUs !== undefined && nowUs > frame.enqueuedUs) {
      session.countDelay(count * (nowUs - frame.enqueuedUs));
    }
    const sent = this.#sendPackets(session, count, nowUs);
    if (frame.isPathLimited && this.#bandwidth.takeTrainRequest(nowUs)) this.#lengthen(session, count, nowUs);
    return sent;
  }

  /** Makes a train of the picture that was sent last, where it is too small to be one: with the packets before it, once more. */
  #lengthen(session: SendSession, pictureCount: number, nowUs: number): void {
    if (session.stream.rtx === undefined || session.stages !== undefined) return;
    const { ring, firstSequenceNumber } = session;
    const length = (number: number) => Math.max(0, ring.lengthOf(ring.slotOf(number)));
    const enough = this.#departures.trainBytes;
    // What leaves at once is no train, however long.
    if (enough === Number.POSITIVE_INFINITY) return;
    let bytes = 0;
    for (let i = 0; i < pictureCount; i++) bytes += length(firstSequenceNumber + i);
    let count = 0;
    while (count < MAX_REPEATS && (pictureCount + count < TRAIN_PACKETS || bytes < enough)) {
      count++;
      bytes += length(firstSequenceNumber - count);
    }
    if (count === 0) return;
    const first = (firstSequenceNumber - count) & 0xffff;
    const train = this.#train;
    this.#departures.add({ session, ring, first, count, madeUs: nowUs, train, isRepeat: true }, nowUs);
  }

  /** Packets passed on come one by one and go out together: {@link flushPackets}. */
  #stage(session: SendSession, nowUs: number): number {
    const sequenceNumber = session.firstSequenceNumber;
    const follows = ((session.stagedFirst + session.stagedCount) & 0xffff) === sequenceNumber;
    if (!follows || session.stagedCount >= MAX_STAGED) this.#flushStaged(session, nowUs);
    if (session.stagedCount === 0) session.stagedFirst = sequenceNumber;
    session.stagedCount++;
    this.#hasStaged = true;
    return 1;
  }

  /** Sends what was passed on since the last call. */
  flushPackets(nowUs: number): void {
    if (!this.#hasStaged) return;
    this.#hasStaged = false;
    for (const session of this.#sessions.values()) this.#flushStaged(session, nowUs);
  }

  #flushStaged(session: SendSession, nowUs: number): void {
    const count = session.stagedCount;
    if (count === 0 || this.#srtp === undefined) return;
    session.stagedCount = 0;
    session.firstSequenceNumber = session.stagedFirst;
    this.#sendPackets(session, count, nowUs);
  }

  /** Sends what was packetized: at once, or as the path allows. Returns the datagrams handed to the kernel, and those that wait. */
  #sendPackets(session: SendSession, count: number, nowUs: number): number {
    const { ring, firstSequenceNumber: first, parityStream } = session;
    if (session.stream.kind === "audio" || this.#departures.isOpen) {
      const sent = this.#leaveRange(session, first, count, nowUs);
      if (parityStream !== undefined)
        this.#leaveParity(session, parityStream.first, parityStream.take(), nowUs);
      return sent;
    }
    const train = ++this.#train;
    this.#departures.add({ session, ring, first, count, madeUs: nowUs, train }, nowUs);
    if (parityStream !== undefined && parityStream.count > 0) {
      const { ring, first } = parityStream;
      this.#departures.add({ session, ring, first, count: parityStream.take(), madeUs: nowUs, train }, nowUs);
    }
    return count;
  }

  #leave({ session, ring, first, train, isRepeat }: Departure, count: number, nowUs: number): boolean {
    this.#log.train = train;
    if (isRepeat) this.#leaveAgain(session, first, count, nowUs);
    else if (ring === session.ring) this.#leaveRange(session, first, count, nowUs);
    else this.#leaveParity(session, first, count, nowUs);
    this.#log.train = 0;
    return !this.#output.isFull;
  }

  #leaveAgain(session: SendSession, first: number, count: number, nowUs: number): void {
    const { responder } = session;
    for (let i = 0; i < count && this.#srtp !== undefined; i++) {
      const slot = responder.again((first + i) & 0xffff, this.#srtp, nowUs);
      if (slot >= 0) this.#output.sendCounted(session, responder.ring, slot, 1, nowUs);
    }
  }

  /** Numbers, protects and sends packets of a stream. */
  #leaveRange(session: SendSession, first: number, count: number, nowUs: number): number {
    const { ring, stages } = session;
    const srtp = this.#srtp;
    if (srtp === undefined) return 0;
    session.depart(ring, first, count, nowUs);
    stages?.pass(ring, first, count, session.maxPlainBytes(srtp.rtpOverhead), srtp, nowUs);
    protectRange(srtp, ring, first, count);
    stages?.dropKept(ring);
    const sent = this.#output.sendRange(session, first, count, nowUs);
    if (stages === undefined || stages.made === 0) return sent;
    return sent + this.#output.sendCounted(session, stages.ring, 0, stages.made, nowUs);
  }

  /** Parity in a stream of its own goes once: what the socket does not take is lost. */
  #leaveParity(session: SendSession, first: number, count: number, nowUs: number): void {
    const ring = session.parityStream?.ring;
    if (ring === undefined || this.#srtp === undefined || count === 0) return;
    session.depart(ring, first, count, nowUs);
    protectRange(this.#srtp, ring, first, count);
    const head = ring.countToEnd(first, count);
    this.#output.sendMedia(ring, ring.slotOf(first), head, nowUs);
    if (count > head) this.#output.sendMedia(ring, 0, count - head, nowUs);
  }

  #askForKeyframes(): void {
    if (!this.ready) return;
    const waiting = this.#video.filter((session) => session.needsKeyframe);
    for (const encoding of new Set(waiting.map((session) => session.encoding))) {
      const isPushed = waiting.some((session) => session.encoding === encoding && session.stream.encoded);
      this.#options.onKeyframeNeeded(encoding, isPushed);
    }
  }
}

function protectRange(srtp: SrtpContext, ring: PacketRing, first: number, count: number): void {
  const head = ring.countToEnd(first, count);
  srtp.protectRtpBatch(ring.slab, ring.table, ring.slotOf(first), head);
  if (count > head) srtp.protectRtpBatch(ring.slab, ring.table, 0, count - head);
}

/** Whether a send stream's row says that anything was sent: only then is there something to report (RFC 3550 §6.4.1). */
export function hasSent(counters: Float64Array): boolean {
  return counters[SendCounters.packetsSent] > 0;
}
