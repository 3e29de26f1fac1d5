import { EventEmitter } from "node:events";
import type { MessagePort } from "node:worker_threads";
import { native } from "../../native/addon.js";
import type { WorkerEvent, WorkerName } from "./engine_messages.js";
import { ConnectionFacts } from "./engine_transport/connection_facts.js";
import { IncomingStreams } from "./engine_transport/incoming_streams.js";
import { OutgoingStreams } from "./engine_transport/outgoing_streams.js";
import type { TransportHost } from "./engine_transport/transport_host.js";
import { answerTo, TransportOrders } from "./engine_transport/transport_orders.js";
import type { MediaInput } from "./inputs/media_input.js";
import type { PacketListener, PictureListener, SamplesListener } from "./output_listener.js";
import { LaneKind } from "./ring/message_lane.js";
import type { MessageRing } from "./ring/message_ring.js";
import { costOf } from "./session/data_transport.js";
import type { TransportNotice } from "./session/messages.js";
import { allocateCounters, TransportCounters } from "./session/stream_counters.js";
import type {
  Contributor,
  DataEvent,
  DataTransportOptions,
  Fingerprint,
  IceParameters,
  IceRole,
  LastReceived,
  MediaTransport,
  MediaTransportEvents,
  OpenChannel,
  ReceiveStreamOptions,
  SendLimits,
  SendStreamOptions,
  TransportOptions,
  TransportStats,
} from "./transport_api.js";
import { transportStats } from "./transport_stats.js";

export type { TransportHost } from "./engine_transport/transport_host.js";
export type { TransportWorker } from "./engine_transport/transport_orders.js";

/** The largest UDP payload when the settings say nothing: fits every path that carries IPv6 (RFC 8200 §5). */
const DEFAULT_MAX_PACKET_BYTES = 1200;
/** How much is consumed before the receiver hears of it: a small part of what it lets wait. */
const CONSUMED_STEP_BYTES = 1 << 20;

/** The main thread's end of one transport: orders to the threads, their events to the listeners. */
export class EngineTransport extends EventEmitter<MediaTransportEvents> implements MediaTransport {
  readonly id: number;
  readonly #host: TransportHost;
  readonly #orders: TransportOrders;
  readonly #counters = new Float64Array(allocateCounters(TransportCounters.words));
  readonly #send: OutgoingStreams;
  readonly #receive: IncomingStreams;
  readonly #facts = new ConnectionFacts(this.#counters);
  readonly #iceWaiters: (() => void)[] = [];
  #closing: Promise<void> | undefined;
  #consumedBytes = 0;
  /** Set when the streams' rows may belong to others. */
  #finalStats: TransportStats | undefined;

  constructor(id: number, options: TransportOptions, host: TransportHost) {
    super();
    this.id = id;
    this.#host = host;
    this.#orders = new TransportOrders(id, host);
    this.#send = new OutgoingStreams(this.#orders, host);
    this.#receive = new IncomingStreams(this.#orders, host, options.settings);
    const maxPacketBytes = options.settings.maxPacketBytes ?? DEFAULT_MAX_PACKET_BYTES;
    const counters = this.#counters.buffer as SharedArrayBuffer;
    host.post("receiver", { type: "openTransport", transportId: id, options, counters });
    this.#orders.prepare("sender", { type: "openTransport", transportId: id, maxPacketBytes, counters });
    const { reportIntervalUs } = options.settings;
    this.#orders.prepare("rtcp", {
      type: "openTransport",
      transportId: id,
      ...(reportIntervalUs === undefined ? {} : { reportIntervalUs }),
    });
  }

  gather(): void {
    this.#orders.send("receiver", { type: "gather", transportId: this.id });
  }

  setIceRole(role: IceRole): void {
    this.#orders.send("receiver", { type: "setIceRole", transportId: this.id, role });
  }

  setRemoteIceParameters(parameters: IceParameters, lite: boolean): void {
    this.#orders.send("receiver", { type: "setRemoteIceParameters", transportId: this.id, parameters, lite });
  }

  addRemoteCandidate(candidate: string): void {
    this.#orders.send("receiver", { type: "addRemoteCandidate", transportId: this.id, candidate });
  }

  endOfRemoteCandidates(): void {
    this.#orders.send("receiver", { type: "endOfRemoteCandidates", transportId: this.id });
  }

  restartIce(local: IceParameters): void {
    this.#orders.send("receiver", { type: "restartIce", transportId: this.id, local });
  }

  startDtls(role: "client" | "server", fingerprints: readonly Fingerprint[]): void {
    this.#orders.send("receiver", { type: "startDtls", transportId: this.id, role, fingerprints });
  }

  addSendStream(options: SendStreamOptions): void {
    this.#send.add(options);
  }

  removeSendStream(key: string): void {
    this.#send.remove(key);
  }

  inputId(input: MediaInput): number {
    return this.#host.inputId(input);
  }

  setSendSource(key: string, source: number): void {
    this.#send.setSource(key, source);
  }

  limitSendStream(key: string, limits: SendLimits): void {
    this.#send.limit(key, limits);
  }

  sendTone(key: string, event: number, durationUs: number): void {
    this.#send.sendTone(key, event, durationUs);
  }

  blankSendStream(key: string, blank: boolean): void {
    this.#send.blank(key, blank);
  }

  setSendTransform(key: string, openPort: (() => MessagePort) | undefined): void {
    this.#send.setTransform(key, openPort);
  }

  addReceiveStream(options: ReceiveStreamOptions): void {
    this.#receive.add(options);
  }

  removeReceiveStream(key: string): void {
    this.#receive.remove(key);
  }

  onPicture(key: string, listener: PictureListener): () => void {
    return this.#receive.onPicture(key, listener);
  }

  onSamples(key: string, listener: SamplesListener): () => void {
    return this.#receive.onSamples(key, listener);
  }

  setReceiveTransform(mid: string, openPort: (() => MessagePort) | undefined): void {
    this.#receive.setTransform(mid, openPort);
  }

  onPacket(key: string, listener: PacketListener): () => void {
    return this.#receive.packetTaps.add(key, listener);
  }

  requestKeyframe(key: string): void {
    this.#receive.requestKeyframe(key);
  }

  tapEncoded(key: string, openPort: () => MessagePort, keyframeEveryUs: number): () => void {
    return this.#receive.tapEncoded(key, openPort, keyframeEveryUs);
  }

  setPlayoutTarget(key: string, targetUs: number): void {
    this.#receive.setPlayoutTarget(key, targetUs);
  }

  lastReceived(key: string): LastReceived | null {
    return this.#receive.lastReceived(key);
  }

  contributors(key: string): Contributor[] {
    return this.#receive.contributors(key);
  }

  startData(options: DataTransportOptions): void {
    this.#orders.send("receiver", { type: "startData", transportId: this.id, options });
  }

  openDataChannel(channel: OpenChannel): void {
    this.#orders.send("receiver", { type: "openDataChannel", transportId: this.id, channel });
  }

  sendData(channel: number, binary: boolean, data: ArrayBuffer): void {
    if (this.#orders.isEnded || this.#host.sendMessage(this.id, channel, binary, data)) return;
    this.#orders.send("receiver", { type: "sendData", transportId: this.id, channel, binary, data }, [data]);
  }

  closeDataChannel(channel: number): void {
    this.#orders.send("receiver", { type: "closeDataChannel", transportId: this.id, channel });
  }

  async getStats(): Promise<TransportStats> {
    if (this.#finalStats === undefined && !this.#orders.isEnded) await this.#askIce();
    return this.#finalStats ?? this.#stats();
  }

  /** The pairs are the receiver's thread's: everything else lies in shared memory. */
  #askIce(): Promise<void> {
    return answerTo((answered) => {
      this.#iceWaiters.push(answered);
      this.#orders.send("receiver", { type: "getIceStats", transportId: this.id });
    });
  }

  #stats(): TransportStats {
    const wallOffsetUs = this.#host.wallOffsetUs();
    const nowUs = native.monotonicUs();
    const send = this.#send.stats(nowUs, wallOffsetUs);
    const receive = this.#receive.stats(nowUs, wallOffsetUs);
    return transportStats(this.#counters, { ...this.#facts.read(), send, receive }, wallOffsetUs);
  }

  /** BYE by the rtcp thread, the last packets by the sender, close_notify by the receiver: one after the other. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** An event of one of the transport's threads. */
  handle(from: WorkerName, event: Extract<WorkerEvent, { transportId: number }>): void {
    switch (event.type) {
      case "notice":
        this.#notice(event.notice);
        break;
      case "data":
        for (const each of event.events) this.#dataEvent(each);
        break;
      case "route":
        this.#orders.send("sender", { type: "setRoute", transportId: this.id, route: event.route });
        break;
      case "keys":
        this.#facts.noteKeys(event);
        this.#orders.send("sender", { type: "setKeys", transportId: this.id, keys: event.keys });
        this.#orders.send("rtcp", { type: "start", transportId: this.id });
        this.#orders.wakePrepared();
        break;
      case "iceStats":
        this.#facts.notePairs(event);
        this.#iceWaiters.shift()?.();
        break;
      case "packets":
        this.#receive.packetTaps.drain(event.streamId);
        break;
      case "transportClosed":
        this.#orders.closedIn(from);
        break;
      case "discarded":
        break;
    }
  }

  /** What came on the short way. */
  handleMessage({ kind, channel, value, data }: MessageRing): void {
    if (kind === LaneKind.sent) this.emit("data", { type: "channelsent", channel, bytes: value });
    else {
      const binary = kind === LaneKind.binary;
      this.emit("data", { type: "channelmessage", channel, binary, data: data.buffer as ArrayBuffer });
    }
  }

  /** Whether this transport's stream has that id; then its first picture or sound was decoded. */
  handleFirstFrame(streamId: number, width: number, height: number): boolean {
    const mid = this.#receive.midOf(streamId);
    if (mid === undefined) return false;
    this.emit("firstframe", { mid, width, height });
    return true;
  }

  /** The decoder or the speaker was started anew: it has to learn of the streams again. */
  restorePlayout(name: "decoder" | "speaker"): void {
    this.#receive.restorePlayout(name);
  }

  /** A thread that held this transport's state died: the call cannot go on. */
  fail(code: string, message: string): void {
    if (this.#orders.isEnded) return;
    this.emit("failed", { code, message });
    void this.close();
  }

  async #close(): Promise<void> {
    this.#orders.end();
    for (const wake of this.#iceWaiters.splice(0)) wake();
    this.#send.closeFeeds();
    for (const name of ["rtcp", "sender", "receiver"] as const) await this.#orders.closeIn(name);
    this.#receive.closePlayout();
    this.#facts.close();
    this.#finalStats = this.#stats();
    this.#send.release();
    this.#receive.release();
    this.#host.forget(this.id);
    this.emit("closed");
  }

  /** The receiver may read on when its messages have been taken. */
  #dataEvent(event: DataEvent): void {
    const cost = costOf(event);
    this.emit("data", event);
    this.#consumedBytes += cost;
    if (this.#consumedBytes < CONSUMED_STEP_BYTES) return;
    const bytes = this.#consumedBytes;
    this.#orders.send("receiver", { type: "dataConsumed", transportId: this.id, bytes });
    this.#consumedBytes = 0;
  }

  #notice(notice: TransportNotice): void {
    this.#facts.note(notice);
    // The pairing of event and arguments is the notice's type; EventEmitter cannot see it through the union.
    (this.emit as (event: string, ...args: unknown[]) => boolean)(notice.event, ...notice.args);
  }
}
