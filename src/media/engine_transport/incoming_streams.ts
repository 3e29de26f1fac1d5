import type { MessagePort } from "node:worker_threads";
import { LayeredPictures } from "../layers/layered_pictures.js";
import type { PictureListener, SamplesListener } from "../output_listener.js";
import { readContributors } from "../session/contributors.js";
import { allocateCounters, ReceiveCounters } from "../session/stream_counters.js";
import {
  type Contributor,
  type LastReceived,
  type ReceiveStreamOptions,
  type ReceiveStreamStats,
  streamKey,
  type TransportSettings,
} from "../transport_api.js";
import { receiveStats } from "../transport_stats.js";
import { DecodeDemand } from "./decode_demand.js";
import { type IncomingStream, playoutWorker } from "./incoming_stream.js";
import { PacketTaps } from "./packet_taps.js";
import { StreamTaps } from "./stream_taps.js";
import type { TransportHost } from "./transport_host.js";
import type { TransportOrders } from "./transport_orders.js";

/** The main thread's end of a transport's receive streams: what the threads hear of each, and who takes what it brings. */
export class IncomingStreams {
  readonly #orders: TransportOrders;
  readonly #host: TransportHost;
  /** Who reads packets, by key. */
  readonly packetTaps: PacketTaps;
  readonly #taps: StreamTaps;
  readonly #demand: DecodeDemand;
  /** Workers of the application's that frames go through, by mid. */
  readonly #transforms = new Map<string, () => MessagePort>();
  /** Pictures by mid, as somebody has looked at them. */
  readonly #sections = new Map<string, LayeredPictures>();
  readonly #streams = new Map<string, IncomingStream>();
  /** Of the streams, by their ids. */
  readonly #mids = new Map<number, string>();
  /** What the settings say about every stream. */
  readonly #tuning: Pick<ReceiveStreamOptions, "nackRetries" | "jitterPackets">;

  constructor(orders: TransportOrders, host: TransportHost, settings: TransportSettings) {
    this.#orders = orders;
    this.#host = host;
    this.#tuning = tuningOf(settings);
    const behind = (key: string) => this.behind(key);
    this.packetTaps = new PacketTaps(orders, behind);
    this.#taps = new StreamTaps(host, behind);
    this.#demand = new DecodeDemand(settings, () => this.#updateDemand());
  }

  add(options: ReceiveStreamOptions): void {
    if (this.#orders.isEnded) return;
    const key = streamKey(options);
    this.remove(key);
    const streamId = this.#host.allocateStream();
    const counters = new Float64Array(allocateCounters(ReceiveCounters.words));
    const isWanted = this.#demand.wants(options);
    const stream = { streamId, options: { ...this.#tuning, ...options }, counters, targetUs: 0, isWanted };
    this.#streams.set(key, stream);
    this.#mids.set(streamId, options.mid);
    this.#postPlayout(stream);
    this.#postReceive(stream);
    this.packetTaps.repointAll();
    this.#updateSync(stream);
  }

  remove(key: string): void {
    const stream = this.#streams.get(key);
    if (stream === undefined) return;
    this.#streams.delete(key);
    const { streamId } = stream;
    this.#mids.delete(streamId);
    this.packetTaps.forget(streamId);
    this.#sections.get(stream.options.mid)?.choice.forget(streamId);
    const { transportId } = this.#orders;
    const order = { type: "removeReceiveStream", transportId, streamId } as const;
    this.#host.post("receiver", order);
    this.#host.post("rtcp", order);
    this.#removePlayout(stream);
    this.#updateSync();
    this.#host.releaseStream(streamId);
  }

  /** The stream behind a key: of a section with layers that which is shown, or the first to come. */
  behind(key: string): IncomingStream | undefined {
    const own = this.#streams.get(key);
    if (own !== undefined) return own;
    const layers = [...this.#streams.values()].filter(({ options }) => options.mid === key);
    const shown = this.#sections.get(key)?.choice.shown;
    return layers.find(({ streamId }) => streamId === shown) ?? layers[0];
  }

  /** The section that a stream is of; undefined: it is no stream of this transport's. */
  midOf(streamId: number): string | undefined {
    return this.#mids.get(streamId);
  }

  onPicture(key: string, listener: PictureListener): () => void {
    return this.#demand.begin(key, this.#watch(key, listener));
  }

  #watch(key: string, listener: PictureListener): () => void {
    if (!key.includes("/")) return this.#section(key).add(listener);
    return this.#host.onPicture((bytes, picture) => {
      if (this.#streams.get(key)?.streamId === picture.streamId) listener(bytes, picture);
    });
  }

  /** Somebody begins to take what a stream brings, or nobody does any more. */
  #updateDemand(): void {
    if (this.#orders.isEnded) return;
    for (const stream of this.#streams.values()) {
      const isWanted = this.#demand.wants(stream.options);
      if (isWanted === stream.isWanted) continue;
      stream.isWanted = isWanted;
      const { streamId } = stream;
      this.#orders.prepare(playoutWorker(stream), { type: "setWanted", streamId, isWanted });
      // A stream that has not begun begins with one.
      if (isWanted && stream.counters[ReceiveCounters.packetsReceived] > 0) this.#askKeyframe(stream);
    }
  }

  #section(mid: string): LayeredPictures {
    const known = this.#sections.get(mid);
    if (known !== undefined) return known;
    const section = new LayeredPictures({
      isOf: (streamId) => this.#mids.get(streamId) === mid,
      onPicture: (listener) => this.#host.onPicture(listener),
      switched: (streamId) => this.#showLayer(mid, streamId),
    });
    this.#sections.set(mid, section);
    return section;
  }

  /** Another layer is shown: what is tapped by the section is its from now on. */
  #showLayer(mid: string, streamId: number): void {
    this.packetTaps.repoint(mid);
    for (const stream of this.#streams.values()) {
      if (stream.options.mid !== mid || stream.options.layer === undefined) continue;
      this.#taps.move(stream, stream.streamId === streamId);
    }
  }

  onSamples(key: string, listener: SamplesListener): () => void {
    const end = this.#host.onSamples((pcm, samples) => {
      if (this.#streams.get(key)?.streamId === samples.streamId) listener(pcm, samples);
    });
    return this.#demand.begin(key, end);
  }

  tapEncoded(key: string, openPort: () => MessagePort, keyframeEveryUs: number): () => void {
    const isLayer = this.behind(key)?.options.layer !== undefined;
    const untap = this.#taps.add(key, openPort, keyframeEveryUs);
    // Which layer is shown shows in the pictures alone.
    const unwatch = isLayer ? this.onPicture(key, () => {}) : undefined;
    return () => {
      unwatch?.();
      untap();
    };
  }

  setTransform(mid: string, openPort: (() => MessagePort) | undefined): void {
    if (openPort === undefined) this.#transforms.delete(mid);
    else this.#transforms.set(mid, openPort);
    for (const stream of this.#streams.values()) {
      if (stream.options.mid === mid) this.#postTransform(stream);
    }
  }

  #postTransform(stream: IncomingStream): void {
    if (this.#orders.isEnded) return;
    const { streamId, counters } = stream;
    const buffer = counters.buffer as SharedArrayBuffer;
    const order = { type: "setTransform", streamId, counters: buffer } as const;
    const port = this.#transforms.get(stream.options.mid)?.();
    if (port === undefined) this.#host.post(playoutWorker(stream), order);
    else this.#host.post(playoutWorker(stream), { ...order, port }, [port]);
  }

  requestKeyframe(key: string): void {
    const stream = this.behind(key);
    if (stream !== undefined) this.#askKeyframe(stream);
  }

  #askKeyframe({ streamId }: IncomingStream): void {
    const { transportId } = this.#orders;
    this.#orders.send("rtcp", { type: "requestKeyframe", transportId, streamId });
  }

  setPlayoutTarget(key: string, targetUs: number): void {
    const stream = this.#streams.get(key);
    if (stream === undefined || this.#orders.isEnded) return;
    stream.targetUs = targetUs;
    const { streamId } = stream;
    if (stream.options.kind === "audio") {
      this.#host.post("speaker", { type: "setPlayoutTarget", streamId, targetUs });
    } else {
      const { transportId } = this.#orders;
      this.#orders.send("receiver", { type: "setPlayoutTarget", transportId, streamId, targetUs });
    }
  }

  lastReceived(key: string): LastReceived | null {
    const counters = this.behind(key)?.counters;
    if (counters === undefined || counters[ReceiveCounters.packetsReceived] === 0) return null;
    return {
      ssrc: counters[ReceiveCounters.ssrc],
      rtpTimestamp: counters[ReceiveCounters.rtpTimestamp],
      receivedUs: counters[ReceiveCounters.receivedUs],
      audioLevel: counters[ReceiveCounters.audioLevel],
      captureUnixUs: counters[ReceiveCounters.captureUnixUs],
      captureOffsetUs: counters[ReceiveCounters.captureOffsetUs],
    };
  }

  contributors(key: string): Contributor[] {
    const counters = this.behind(key)?.counters;
    return counters === undefined ? [] : readContributors(counters, ReceiveCounters.contributors);
  }

  stats(nowUs: number, wallOffsetUs: number): ReceiveStreamStats[] {
    return [...this.#streams.values()].map(({ options, counters, streamId }) => {
      const maker = this.#host.decoderOf(streamId);
      const row = this.#host.playoutRow(streamId);
      const stats = receiveStats(options, counters, row, { nowUs, wallOffsetUs, maker });
      return { ...stats, ...this.#layerStats(options, streamId) };
    });
  }

  #layerStats({ mid, layer }: ReceiveStreamOptions, streamId: number) {
    if (layer === undefined) return {};
    const { shown = 0, switches = 0 } = this.#sections.get(mid)?.choice.countersOf(streamId) ?? {};
    return { layer, layerFramesShown: shown, layerSwitches: switches };
  }

  /** The decoder or the speaker was started anew: it has to learn of the streams again. */
  restorePlayout(name: "decoder" | "speaker"): void {
    for (const stream of this.#streams.values()) {
      if (playoutWorker(stream) === name) this.#postPlayout(stream);
    }
  }

  /** Nothing more is presented. */
  closePlayout(): void {
    for (const stream of this.#streams.values()) this.#removePlayout(stream);
  }

  /** Their rows may be others' from now on. */
  release(): void {
    for (const { streamId } of this.#streams.values()) this.#host.releaseStream(streamId);
  }

  #postReceive({ streamId, options, counters }: IncomingStream): void {
    const order = {
      type: "addReceiveStream",
      transportId: this.#orders.transportId,
      streamId,
      options,
      counters: counters.buffer as SharedArrayBuffer,
    } as const;
    this.#host.post("receiver", order);
    this.#orders.prepare("rtcp", order);
  }

  #postPlayout(stream: IncomingStream): void {
    const { streamId, options, counters, targetUs, isWanted } = stream;
    this.#orders.prepare(playoutWorker(stream), {
      type: "addPlayoutStream",
      streamId,
      transportId: this.#orders.transportId,
      mid: options.mid,
      channels: options.payloadTypes[0]?.channels ?? 1,
      counters: counters.buffer as SharedArrayBuffer,
      targetUs,
      syncWith: this.#companionsOf(stream),
      isWanted,
    });
    this.#taps.restore(stream);
    if (this.#transforms.has(options.mid)) this.#postTransform(stream);
  }

  #removePlayout(stream: IncomingStream): void {
    this.#host.post(playoutWorker(stream), { type: "removePlayoutStream", streamId: stream.streamId });
  }

  /** Lip-sync holds between the streams of one transport: the others learn of the newcomer, or of the parting. */
  #updateSync(except?: IncomingStream): void {
    for (const stream of this.#streams.values()) {
      if (stream === except) continue;
      const { streamId } = stream;
      const syncWith = this.#companionsOf(stream);
      this.#host.post(playoutWorker(stream), { type: "setSyncWith", streamId, syncWith });
    }
  }

  #companionsOf(stream: IncomingStream): number[] {
    return [...this.#streams.values()].filter((other) => other !== stream).map(({ streamId }) => streamId);
  }
}

function tuningOf({ nackRetries, jitterPackets }: TransportSettings) {
  return {
    ...(nackRetries === undefined ? {} : { nackRetries }),
    ...(jitterPackets === undefined ? {} : { jitterPackets }),
  };
}
