import { EventEmitter } from "node:events";
import type { MessagePort } from "node:worker_threads";
import { native } from "../../native/addon.js";
import type { Maker } from "./codecs/video_codecs.js";
import type { Feed, FeedRequest, SendFeeds } from "./encodings/send_feeds.js";
import type { OrderOf, WorkerEvent, WorkerName } from "./engine_messages.js";
import type { MediaInput } from "./inputs/media_input.js";
import { LayeredPictures } from "./layers/layered_pictures.js";
import type { PacketListener, PictureListener, SamplesListener } from "./output_listener.js";
import { PacketReaders } from "./packet_readers.js";
import { PairTraffic } from "./pair_traffic.js";
import { LaneKind } from "./ring/message_lane.js";
import type { MessageRing } from "./ring/message_ring.js";
import type { MetricsRow } from "./ring/metrics.js";
import type { SlotChannelBuffers } from "./ring/slot_channel.js";
import { readContributors } from "./session/contributors.js";
import { costOf } from "./session/data_transport.js";
import type { IcePair, TransportNotice } from "./session/messages.js";
import {
  allocateCounters,
  ReceiveCounters,
  SendCounters,
  TransportCounters,
} from "./session/stream_counters.js";
import {
  type Contributor,
  type DataEvent,
  type DataTransportOptions,
  type DtlsState,
  type Fingerprint,
  type IceParameters,
  type IceRole,
  type IceState,
  type LastReceived,
  type MediaTransport,
  type MediaTransportEvents,
  type OpenChannel,
  type ReceiveStreamOptions,
  type SelectedPair,
  type SendLimits,
  type SendStreamOptions,
  streamKey,
  type TransportOptions,
  type TransportSettings,
  type TransportStats,
} from "./transport_api.js";
import { receiveStats, sendStats, trafficOf, transportStats } from "./transport_stats.js";
import type { Transferred } from "./worker_thread.js";

/** The largest UDP payload when the settings say nothing: fits every path that carries IPv6 (RFC 8200 §5). */
const DEFAULT_MAX_PACKET_BYTES = 1200;
/** How much is consumed before the receiver hears of it: a small part of what it lets wait. */
const CONSUMED_STEP_BYTES = 1 << 20;
/** A thread that does not answer a close within this time is passed over. */
const CLOSE_STEP_MS = 1_000;

/** The three threads that know transports. */
export type TransportWorker = "receiver" | "sender" | "rtcp";

/** What a transport asks of the engine. */
export interface TransportHost {
  post<N extends WorkerName>(name: N, order: OrderOf<N>, transfer?: Transferred[]): void;
  /** As {@link post}, without waking the thread; {@link ring} does, or its next order. */
  postQuietly<N extends Exclude<WorkerName, "receiver">>(name: N, order: OrderOf<N>): void;
  ring(name: WorkerName): void;
  /** A small message on the short way; false: it has to be posted. */
  sendMessage(transportId: number, channel: number, binary: boolean, data: ArrayBuffer): boolean;
  /** A free stream id, its metrics row cleared. */
  allocateStream(): number;
  releaseStream(streamId: number): void;
  playoutRow(streamId: number): MetricsRow;
  inputId(input: MediaInput): number;
  onPicture(listener: PictureListener): () => void;
  onSamples(listener: SamplesListener): () => void;
  /** What send streams carry. */
  feeds(): SendFeeds;
  /** What makes a receive stream's pictures, once something does. */
  decoderOf(streamId: number): Maker | undefined;
  /** Wall clock (µs since 1970) minus monotonic clock. */
  wallOffsetUs(): number;
  /** The transport is gone; its id is not used again. */
  forget(transportId: number): void;
}

interface EncodedTap {
  /** A stream's, or of a section with layers its mid: that of the layer that is shown. */
  readonly key: string;
  openPort(): MessagePort;
  readonly keyframeEveryUs: number;
}

interface SendStream {
  readonly streamId: number;
  feed: Feed;
  readonly sinceUs: number;
  readonly counters: Float64Array;
}

interface ReceiveStream {
  readonly streamId: number;
  targetUs: number;
  readonly options: ReceiveStreamOptions;
  readonly counters: Float64Array;
}

/** The main thread's end of one transport: orders to the threads, their events to the listeners. */
export class EngineTransport extends EventEmitter<MediaTransportEvents> implements MediaTransport {
  readonly id: number;
  readonly #host: TransportHost;
  readonly #counters = new Float64Array(allocateCounters(TransportCounters.words));
  readonly #send = new Map<string, SendStream>();
  /** Who wants copies of what is received; they outlive the streams and threads behind it. */
  readonly #taps = new Map<number, EncodedTap>();
  /** Who reads packets, by mid. */
  readonly #packetReaders = new Map<string, PacketReaders>();
  /** Workers of the application's that frames go through, by the stream's key and by mid. */
  readonly #sendTransforms = new Map<string, () => MessagePort>();
  readonly #receiveTransforms = new Map<string, () => MessagePort>();
  #nextTapId = 0;
  /** Pictures by mid, as somebody has looked at them. */
  readonly #sections = new Map<string, LayeredPictures>();
  readonly #receive = new Map<string, ReceiveStream>();
  /** Of the receive streams, by their ids. */
  readonly #mids = new Map<number, string>();
  readonly #answers = new Map<WorkerName, () => void>();
  #iceState: IceState = "new";
  #dtlsState: DtlsState = "new";
  #dtlsCipher = "";
  #srtpProfile: TransportStats["srtpProfile"] = "";
  #selectedPair: SelectedPair | null = null;
  /** As the receiver last told them. */
  #pairs: readonly IcePair[] = [];
  #selectedPairChanges = 0;
  readonly #pairTraffic = new PairTraffic();
  readonly #iceWaiters: (() => void)[] = [];
  /** What the settings say about every receive stream. */
  readonly #tuning: Pick<ReceiveStreamOptions, "nackRetries" | "jitterPackets">;
  #closing: Promise<void> | undefined;
  /** Threads that have orders they were not woken for; undefined once there are keys. */
  #unwoken: Set<WorkerName> | undefined = new Set();
  #consumedBytes = 0;
  /** Set when the streams' rows may belong to others. */
  #finalStats: TransportStats | undefined;

  constructor(id: number, options: TransportOptions, host: TransportHost) {
    super();
    this.id = id;
    this.#host = host;
    this.#tuning = tuningOf(options.settings);
    const maxPacketBytes = options.settings.maxPacketBytes ?? DEFAULT_MAX_PACKET_BYTES;
    const counters = this.#counters.buffer as SharedArrayBuffer;
    host.post("receiver", { type: "openTransport", transportId: id, options, counters });
    this.#prepare("sender", { type: "openTransport", transportId: id, maxPacketBytes, counters });
    const { reportIntervalUs } = options.settings;
    this.#prepare("rtcp", {
      type: "openTransport",
      transportId: id,
      ...(reportIntervalUs === undefined ? {} : { reportIntervalUs }),
    });
  }

  gather(): void {
    this.#order("receiver", { type: "gather", transportId: this.id });
  }

  setIceRole(role: IceRole): void {
    this.#order("receiver", { type: "setIceRole", transportId: this.id, role });
  }

  setRemoteIceParameters(parameters: IceParameters, lite: boolean): void {
    this.#order("receiver", { type: "setRemoteIceParameters", transportId: this.id, parameters, lite });
  }

  addRemoteCandidate(candidate: string): void {
    this.#order("receiver", { type: "addRemoteCandidate", transportId: this.id, candidate });
  }

  endOfRemoteCandidates(): void {
    this.#order("receiver", { type: "endOfRemoteCandidates", transportId: this.id });
  }

  restartIce(local: IceParameters): void {
    this.#order("receiver", { type: "restartIce", transportId: this.id, local });
  }

  startDtls(role: "client" | "server", fingerprints: readonly Fingerprint[]): void {
    this.#order("receiver", { type: "startDtls", transportId: this.id, role, fingerprints });
  }

  addSendStream(options: SendStreamOptions): void {
    if (this.#closing !== undefined) return;
    const key = streamKey(options);
    this.removeSendStream(key);
    const streamId = this.#host.allocateStream();
    const buffer = allocateCounters(SendCounters.words);
    const { limits = {}, blank = false } = options;
    const feed = this.#host.feeds().open({ stream: options, limits, blank });
    const { encoding } = feed;
    const counters = new Float64Array(buffer);
    counters[SendCounters.encoding] = encoding;
    this.#send.set(key, { streamId, feed, counters, sinceUs: native.monotonicUs() });
    const order = {
      type: "addSendStream",
      transportId: this.id,
      streamId,
      options,
      encoding,
      counters: buffer,
    } as const;
    this.#prepare("sender", order);
    this.#prepare("rtcp", order);
    const openPort = this.#sendTransforms.get(key);
    if (openPort !== undefined) this.#postSendTransform(streamId, openPort);
  }

  removeSendStream(key: string): void {
    const stream = this.#send.get(key);
    if (stream === undefined) return;
    this.#send.delete(key);
    const order = { type: "removeSendStream", transportId: this.id, streamId: stream.streamId } as const;
    this.#host.post("rtcp", order);
    this.#host.post("sender", order);
    this.#host.feeds().close(stream.feed);
    this.#host.releaseStream(stream.streamId);
  }

  inputId(input: MediaInput): number {
    return this.#host.inputId(input);
  }

  setSendSource(key: string, source: number): void {
    this.#refeed(key, ({ stream, ...rest }) => ({ ...rest, stream: { ...stream, source } }));
  }

  limitSendStream(key: string, limits: SendLimits): void {
    this.#refeed(key, (request) => ({ ...request, limits }));
  }

  sendTone(key: string, event: number, durationUs: number): void {
    const stream = this.#send.get(key);
    if (stream === undefined) return;
    const { streamId } = stream;
    this.#order("sender", { type: "sendTone", transportId: this.id, streamId, event, durationUs });
  }

  blankSendStream(key: string, blank: boolean): void {
    this.#refeed(key, (request) => ({ ...request, blank }));
  }

  #refeed(key: string, edit: (request: FeedRequest) => FeedRequest): void {
    const stream = this.#send.get(key);
    if (stream === undefined || this.#closing !== undefined) return;
    const { streamId, feed, counters } = stream;
    stream.feed = this.#host.feeds().change(feed, edit(feed.request));
    const { encoding } = stream.feed;
    if (encoding === feed.encoding) return;
    counters[SendCounters.encoding] = encoding;
    this.#host.post("sender", { type: "setSendEncoding", transportId: this.id, streamId, encoding });
  }

  onPicture(key: string, listener: PictureListener): () => void {
    if (key.includes("/")) {
      return this.#host.onPicture((bytes, picture) => {
        if (this.#receive.get(key)?.streamId === picture.streamId) listener(bytes, picture);
      });
    }
    return this.#section(key).add(listener);
  }

  #section(mid: string): LayeredPictures {
    const known = this.#sections.get(mid);
    if (known !== undefined) return known;
    const section = new LayeredPictures({
      isOf: (streamId) => this.#mids.get(streamId) === mid,
      onPicture: (listener) => this.#host.onPicture(listener),
      switched: (streamId) => this.#moveTaps(mid, streamId),
    });
    this.#sections.set(mid, section);
    return section;
  }

  onSamples(key: string, listener: SamplesListener): () => void {
    return this.#host.onSamples((pcm, samples) => {
      if (this.#receive.get(key)?.streamId === samples.streamId) listener(pcm, samples);
    });
  }

  setSendTransform(key: string, openPort: (() => MessagePort) | undefined): void {
    if (openPort === undefined) this.#sendTransforms.delete(key);
    else this.#sendTransforms.set(key, openPort);
    const stream = this.#send.get(key);
    if (stream !== undefined) this.#postSendTransform(stream.streamId, openPort);
  }

  #postSendTransform(streamId: number, openPort: (() => MessagePort) | undefined): void {
    if (this.#closing !== undefined) return;
    const order = { type: "setSendTransform", transportId: this.id, streamId } as const;
    const port = openPort?.();
    if (port === undefined) this.#host.post("sender", order);
    else this.#host.post("sender", { ...order, port }, [port]);
  }

  setReceiveTransform(mid: string, openPort: (() => MessagePort) | undefined): void {
    if (openPort === undefined) this.#receiveTransforms.delete(mid);
    else this.#receiveTransforms.set(mid, openPort);
    for (const stream of this.#receive.values()) {
      if (stream.options.mid === mid) this.#postReceiveTransform(stream);
    }
  }

  #postReceiveTransform(stream: ReceiveStream): void {
    if (this.#closing !== undefined) return;
    const { streamId, counters } = stream;
    const buffer = counters.buffer as SharedArrayBuffer;
    const order = { type: "setTransform", streamId, counters: buffer } as const;
    const port = this.#receiveTransforms.get(stream.options.mid)?.();
    if (port === undefined) this.#host.post(playoutWorker(stream), order);
    else this.#host.post(playoutWorker(stream), { ...order, port }, [port]);
  }

  onPacket(key: string, listener: PacketListener): () => void {
    const readers = this.#packetReaders.get(key) ?? new PacketReaders(key);
    this.#packetReaders.set(key, readers);
    readers.add(listener);
    this.#pointReaders(key, readers);
    return () => {
      readers.delete(listener);
      if (!readers.isEmpty || this.#packetReaders.get(key) !== readers) return;
      this.#packetReaders.delete(key);
      this.#setPacketTap(readers.streamId);
    };
  }

  /** Their packets are those of the stream that is behind the key now. */
  #pointReaders(key: string, readers: PacketReaders): void {
    const streamId = this.#tapped(key)?.streamId;
    if (streamId === readers.streamId) return;
    this.#setPacketTap(readers.streamId);
    readers.streamId = streamId;
    this.#setPacketTap(streamId, readers.channel);
  }

  #setPacketTap(streamId: number | undefined, channel?: SlotChannelBuffers): void {
    if (streamId === undefined) return;
    const order = { type: "setPacketTap", transportId: this.id, streamId } as const;
    this.#order("receiver", channel === undefined ? order : { ...order, channel });
  }

  requestKeyframe(key: string): void {
    const stream = this.#tapped(key);
    if (stream === undefined) return;
    this.#order("rtcp", { type: "requestKeyframe", transportId: this.id, streamId: stream.streamId });
  }

  tapEncoded(key: string, openPort: () => MessagePort, keyframeEveryUs: number): () => void {
    const tapId = this.#nextTapId++;
    this.#taps.set(tapId, { key, openPort, keyframeEveryUs });
    const stream = this.#tapped(key);
    if (stream !== undefined) this.#postTap(stream, tapId);
    // Which layer is shown shows in the pictures alone.
    const unwatch = stream?.options.layer === undefined ? undefined : this.onPicture(key, () => {});
    return () => {
      unwatch?.();
      this.#taps.delete(tapId);
      const last = this.#tapped(key);
      if (last !== undefined) this.#removeTap(last, tapId);
    };
  }

  /** The stream behind a key: of a section with layers that which is shown, or the first to come. */
  #tapped(key: string): ReceiveStream | undefined {
    const own = this.#receive.get(key);
    if (own !== undefined) return own;
    const layers = [...this.#receive.values()].filter(({ options }) => options.mid === key);
    const shown = this.#sections.get(key)?.choice.shown;
    return layers.find(({ streamId }) => streamId === shown) ?? layers[0];
  }

  /** Another layer is shown: recordings go on with it. */
  #moveTaps(mid: string, streamId: number): void {
    const readers = this.#packetReaders.get(mid);
    if (readers !== undefined) this.#pointReaders(mid, readers);
    for (const stream of this.#receive.values()) {
      if (stream.options.mid !== mid || stream.options.layer === undefined) continue;
      for (const [tapId, { key }] of this.#taps) {
        if (key !== mid) continue;
        if (stream.streamId === streamId) this.#postTap(stream, tapId);
        else this.#removeTap(stream, tapId);
      }
    }
  }

  #removeTap(stream: ReceiveStream, tapId: number): void {
    const { streamId } = stream;
    this.#host.post(playoutWorker(stream), { type: "removeEncodedTap", streamId, tapId });
  }

  #postTap(stream: ReceiveStream, tapId: number): void {
    const tap = this.#taps.get(tapId);
    if (tap === undefined || this.#tapped(tap.key) !== stream) return;
    const port = tap.openPort();
    const { streamId } = stream;
    const { keyframeEveryUs } = tap;
    const fromKeyframe = stream.options.layer !== undefined;
    this.#host.post(
      playoutWorker(stream),
      { type: "setEncodedTap", streamId, tapId, port, keyframeEveryUs, fromKeyframe },
      [port],
    );
  }

  addReceiveStream(options: ReceiveStreamOptions): void {
    if (this.#closing !== undefined) return;
    const key = streamKey(options);
    this.removeReceiveStream(key);
    const streamId = this.#host.allocateStream();
    const counters = new Float64Array(allocateCounters(ReceiveCounters.words));
    const stream = { streamId, options: { ...this.#tuning, ...options }, counters, targetUs: 0 };
    this.#receive.set(key, stream);
    this.#mids.set(streamId, options.mid);
    this.#postPlayout(stream);
    this.#postReceive(stream);
    for (const [name, readers] of this.#packetReaders) this.#pointReaders(name, readers);
    this.#updateSync(stream);
  }

  removeReceiveStream(key: string): void {
    const stream = this.#receive.get(key);
    if (stream === undefined) return;
    this.#receive.delete(key);
    const { streamId } = stream;
    this.#mids.delete(streamId);
    for (const readers of this.#packetReaders.values()) {
      if (readers.streamId === streamId) readers.streamId = undefined;
    }
    this.#sections.get(stream.options.mid)?.choice.forget(streamId);
    const order = { type: "removeReceiveStream", transportId: this.id, streamId } as const;
    this.#host.post("receiver", order);
    this.#host.post("rtcp", order);
    this.#host.post(playoutWorker(stream), { type: "removePlayoutStream", streamId });
    this.#updateSync();
    this.#host.releaseStream(streamId);
  }

  setPlayoutTarget(key: string, targetUs: number): void {
    const stream = this.#receive.get(key);
    if (stream === undefined || this.#closing !== undefined) return;
    stream.targetUs = targetUs;
    const { streamId } = stream;
    if (stream.options.kind === "audio") {
      this.#host.post("speaker", { type: "setPlayoutTarget", streamId, targetUs });
    } else {
      this.#order("receiver", { type: "setPlayoutTarget", transportId: this.id, streamId, targetUs });
    }
  }

  lastReceived(key: string): LastReceived | null {
    const counters = this.#tapped(key)?.counters;
    if (counters === undefined || counters[ReceiveCounters.packetsReceived] === 0) return null;
    return {
      ssrc: counters[ReceiveCounters.ssrc],
      rtpTimestamp: counters[ReceiveCounters.rtpTimestamp],
      receivedUs: counters[ReceiveCounters.receivedUs],
      audioLevel: counters[ReceiveCounters.audioLevel],
    };
  }

  contributors(key: string): Contributor[] {
    const counters = this.#tapped(key)?.counters;
    return counters === undefined ? [] : readContributors(counters, ReceiveCounters.contributors);
  }

  startData(options: DataTransportOptions): void {
    this.#order("receiver", { type: "startData", transportId: this.id, options });
  }

  openDataChannel(channel: OpenChannel): void {
    this.#order("receiver", { type: "openDataChannel", transportId: this.id, channel });
  }

  sendData(channel: number, binary: boolean, data: ArrayBuffer): void {
    if (this.#closing !== undefined || this.#host.sendMessage(this.id, channel, binary, data)) return;
    this.#order("receiver", { type: "sendData", transportId: this.id, channel, binary, data }, [data]);
  }

  closeDataChannel(channel: number): void {
    this.#order("receiver", { type: "closeDataChannel", transportId: this.id, channel });
  }

  async getStats(): Promise<TransportStats> {
    if (this.#finalStats === undefined && this.#closing === undefined) await this.#askIce();
    return this.#finalStats ?? this.#stats();
  }

  /** The pairs are the receiver's thread's: everything else lies in shared memory. */
  #askIce(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_STEP_MS);
      this.#iceWaiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#order("receiver", { type: "getIceStats", transportId: this.id });
    });
  }

  #stats(): TransportStats {
    const wallOffsetUs = this.#host.wallOffsetUs();
    const nowUs = native.monotonicUs();
    return transportStats(
      this.#counters,
      {
        iceState: this.#iceState,
        dtlsState: this.#dtlsState,
        dtlsCipher: this.#dtlsCipher,
        srtpProfile: this.#srtpProfile,
        selectedPair: this.#selectedPair,
        selectedPairChanges: this.#selectedPairChanges,
        pairs: this.#pairTraffic.addTo(this.#pairs, trafficOf(this.#counters)),
        send: [...this.#send.values()].map(({ feed, counters, sinceUs }) => {
          const { stream } = feed.request;
          const { source, maker, targetBps } = this.#host.feeds().statsOf(feed);
          return sendStats(stream, counters, source, targetBps, nowUs - sinceUs, {
            nowUs,
            wallOffsetUs,
            maker,
          });
        }),
        receive: [...this.#receive.values()].map(({ options, counters, streamId }) => {
          const maker = this.#host.decoderOf(streamId);
          const row = this.#host.playoutRow(streamId);
          const stats = receiveStats(options, counters, row, { nowUs, wallOffsetUs, maker });
          return { ...stats, ...this.#layerStats(options, streamId) };
        }),
      },
      wallOffsetUs,
    );
  }

  #layerStats({ mid, layer }: ReceiveStreamOptions, streamId: number) {
    if (layer === undefined) return {};
    const { shown = 0, switches = 0 } = this.#sections.get(mid)?.choice.countersOf(streamId) ?? {};
    return { layer, layerFramesShown: shown, layerSwitches: switches };
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
        this.#order("sender", { type: "setRoute", transportId: this.id, route: event.route });
        break;
      case "keys":
        this.#srtpProfile = event.keys.profile;
        this.#dtlsCipher = event.cipher;
        this.#order("sender", { type: "setKeys", transportId: this.id, keys: event.keys });
        this.#order("rtcp", { type: "start", transportId: this.id });
        this.#wakePrepared();
        break;
      case "iceStats":
        this.#pairs = event.pairs;
        this.#selectedPairChanges = event.selectedPairChanges;
        this.#iceWaiters.shift()?.();
        break;
      case "packets":
        for (const readers of this.#packetReaders.values()) {
          if (readers.streamId === event.streamId) readers.drain();
        }
        break;
      case "transportClosed":
        this.#answers.get(from)?.();
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
    for (const stream of this.#receive.values()) {
      if (stream.streamId !== streamId) continue;
      this.emit("firstframe", { mid: stream.options.mid, width, height });
      return true;
    }
    return false;
  }

  /** The decoder or the speaker was started anew: it has to learn of the streams again. */
  restorePlayout(name: "decoder" | "speaker"): void {
    for (const stream of this.#receive.values()) {
      if (playoutWorker(stream) === name) this.#postPlayout(stream);
    }
  }

  /** A thread that held this transport's state died: the call cannot go on. */
  fail(code: string, message: string): void {
    if (this.#closing !== undefined) return;
    this.emit("failed", { code, message });
    void this.close();
  }

  async #close(): Promise<void> {
    for (const wake of this.#iceWaiters.splice(0)) wake();
    for (const { feed } of this.#send.values()) this.#host.feeds().close(feed);
    for (const name of ["rtcp", "sender", "receiver"] as const) await this.#closeIn(name);
    for (const stream of this.#receive.values()) {
      this.#host.post(playoutWorker(stream), { type: "removePlayoutStream", streamId: stream.streamId });
    }
    this.#iceState = "closed";
    this.#dtlsState = "closed";
    this.#finalStats = this.#stats();
    for (const { streamId } of [...this.#send.values(), ...this.#receive.values()]) {
      this.#host.releaseStream(streamId);
    }
    this.#host.forget(this.id);
    this.emit("closed");
  }

  /** Resolves when the thread has let go, or is not there to answer. */
  #closeIn(name: TransportWorker): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_STEP_MS);
      this.#answers.set(name, () => {
        clearTimeout(timer);
        resolve();
      });
      this.#host.post(name, { type: "closeTransport", transportId: this.id });
    });
  }

  /** Before there are keys no media flows, and threads that have nothing to do before are not woken for what is to come. */
  #prepare<N extends "sender" | "rtcp" | "decoder" | "speaker">(name: N, order: OrderOf<N>): void {
    if (this.#unwoken === undefined) {
      this.#host.post(name, order);
      return;
    }
    this.#unwoken.add(name);
    this.#host.postQuietly(name, order);
  }

  #wakePrepared(): void {
    for (const name of this.#unwoken ?? []) this.#host.ring(name);
    this.#unwoken = undefined;
  }

  /** Nothing but the close itself goes out once it began. */
  #order<N extends TransportWorker>(name: N, order: OrderOf<N>, transfer?: ArrayBuffer[]): void {
    if (this.#closing === undefined) this.#host.post(name, order, transfer);
  }

  /** The receiver may read on when its messages have been taken. */
  #dataEvent(event: DataEvent): void {
    const cost = costOf(event);
    this.emit("data", event);
    this.#consumedBytes += cost;
    if (this.#consumedBytes < CONSUMED_STEP_BYTES) return;
    this.#order("receiver", { type: "dataConsumed", transportId: this.id, bytes: this.#consumedBytes });
    this.#consumedBytes = 0;
  }

  #notice({ event, args }: TransportNotice): void {
    if (event === "icestate") this.#iceState = args[0];
    else if (event === "dtlsstate") this.#dtlsState = args[0];
    else if (event === "selectedpair") this.#select(args[0]);
    // The pairing of event and arguments is the notice's type; EventEmitter cannot see it through the union.
    (this.emit as (event: string, ...args: unknown[]) => boolean)(event, ...args);
  }

  #select(pair: SelectedPair): void {
    this.#selectedPair = pair;
    this.#pairTraffic.select(pair.local, pair.remote, trafficOf(this.#counters));
  }

  #postReceive({ streamId, options, counters }: ReceiveStream): void {
    const order = {
      type: "addReceiveStream",
      transportId: this.id,
      streamId,
      options,
      counters: counters.buffer as SharedArrayBuffer,
    } as const;
    this.#host.post("receiver", order);
    this.#prepare("rtcp", order);
  }

  #postPlayout(stream: ReceiveStream): void {
    const { streamId, options, counters, targetUs } = stream;
    this.#prepare(playoutWorker(stream), {
      type: "addPlayoutStream",
      streamId,
      transportId: this.id,
      mid: options.mid,
      channels: options.payloadTypes[0]?.channels ?? 1,
      counters: counters.buffer as SharedArrayBuffer,
      targetUs,
      syncWith: this.#companionsOf(stream),
    });
    for (const tapId of this.#taps.keys()) this.#postTap(stream, tapId);
    if (this.#receiveTransforms.has(options.mid)) this.#postReceiveTransform(stream);
  }

  /** Lip-sync holds between the streams of one transport: the others learn of the newcomer, or of the parting. */
  #updateSync(except?: ReceiveStream): void {
    for (const stream of this.#receive.values()) {
      if (stream === except) continue;
      const { streamId } = stream;
      const syncWith = this.#companionsOf(stream);
      this.#host.post(playoutWorker(stream), { type: "setSyncWith", streamId, syncWith });
    }
  }

  #companionsOf(stream: ReceiveStream): number[] {
    return [...this.#receive.values()].filter((other) => other !== stream).map(({ streamId }) => streamId);
  }
}

function playoutWorker(stream: ReceiveStream): "decoder" | "speaker" {
  return stream.options.kind === "video" ? "decoder" : "speaker";
}

function tuningOf({ nackRetries, jitterPackets }: TransportSettings) {
  return {
    ...(nackRetries === undefined ? {} : { nackRetries }),
    ...(jitterPackets === undefined ? {} : { jitterPackets }),
  };
}
