import type { MessagePort } from "node:worker_threads";
import { native } from "../../../native/addon.js";
import type { Feed, FeedRequest } from "../encodings/send_feeds.js";
import { allocateCounters, SendCounters } from "../session/stream_counters.js";
import {
  type SendLimits,
  type SendStreamOptions,
  type SendStreamStats,
  streamKey,
} from "../transport_api.js";
import { sendStats } from "../transport_stats.js";
import type { TransportHost } from "./transport_host.js";
import type { TransportOrders } from "./transport_orders.js";

interface OutgoingStream {
  readonly streamId: number;
  feed: Feed;
  readonly sinceUs: number;
  readonly counters: Float64Array;
}

/** The main thread's end of a transport's send streams: what feeds each, and what the threads hear of it. */
export class OutgoingStreams {
  readonly #orders: TransportOrders;
  readonly #host: TransportHost;
  readonly #streams = new Map<string, OutgoingStream>();
  /** Workers of the application's that frames go through, by the stream's key; they outlive the streams. */
  readonly #transforms = new Map<string, () => MessagePort>();

  constructor(orders: TransportOrders, host: TransportHost) {
    this.#orders = orders;
    this.#host = host;
  }

  add(options: SendStreamOptions): void {
    if (this.#orders.isEnded) return;
    const key = streamKey(options);
    this.remove(key);
    const streamId = this.#host.allocateStream();
    const buffer = allocateCounters(SendCounters.words);
    const { limits = {}, blank = false } = options;
    const feed = this.#host.feeds().open({ stream: options, limits, blank });
    const { encoding } = feed;
    const counters = new Float64Array(buffer);
    counters[SendCounters.encoding] = encoding;
    this.#streams.set(key, { streamId, feed, counters, sinceUs: native.monotonicUs() });
    const { transportId } = this.#orders;
    const order = {
      type: "addSendStream",
      transportId,
      streamId,
      options,
      encoding,
      counters: buffer,
    } as const;
    this.#orders.prepare("sender", order);
    this.#orders.prepare("rtcp", order);
    const openPort = this.#transforms.get(key);
    if (openPort !== undefined) this.#postTransform(streamId, openPort);
  }

  remove(key: string): void {
    const stream = this.#streams.get(key);
    if (stream === undefined) return;
    this.#streams.delete(key);
    const { transportId } = this.#orders;
    const order = { type: "removeSendStream", transportId, streamId: stream.streamId } as const;
    this.#host.post("rtcp", order);
    this.#host.post("sender", order);
    this.#host.feeds().close(stream.feed);
    this.#host.releaseStream(stream.streamId);
  }

  setSource(key: string, source: number): void {
    this.#refeed(key, ({ stream, ...rest }) => ({ ...rest, stream: { ...stream, source } }));
  }

  limit(key: string, limits: SendLimits): void {
    this.#refeed(key, (request) => ({ ...request, limits }));
  }

  blank(key: string, blank: boolean): void {
    this.#refeed(key, (request) => ({ ...request, blank }));
  }

  #refeed(key: string, edit: (request: FeedRequest) => FeedRequest): void {
    const stream = this.#streams.get(key);
    if (stream === undefined || this.#orders.isEnded) return;
    const { streamId, feed, counters } = stream;
    stream.feed = this.#host.feeds().change(feed, edit(feed.request));
    const { encoding } = stream.feed;
    if (encoding === feed.encoding) return;
    counters[SendCounters.encoding] = encoding;
    const { transportId } = this.#orders;
    this.#host.post("sender", { type: "setSendEncoding", transportId, streamId, encoding });
  }

  sendTone(key: string, event: number, durationUs: number): void {
    const stream = this.#streams.get(key);
    if (stream === undefined) return;
    const { transportId } = this.#orders;
    const { streamId } = stream;
    this.#orders.send("sender", { type: "sendTone", transportId, streamId, event, durationUs });
  }

  setTransform(key: string, openPort: (() => MessagePort) | undefined): void {
    if (openPort === undefined) this.#transforms.delete(key);
    else this.#transforms.set(key, openPort);
    const stream = this.#streams.get(key);
    if (stream !== undefined) this.#postTransform(stream.streamId, openPort);
  }

  #postTransform(streamId: number, openPort: (() => MessagePort) | undefined): void {
    if (this.#orders.isEnded) return;
    const { transportId } = this.#orders;
    const order = { type: "setSendTransform", transportId, streamId } as const;
    const port = openPort?.();
    if (port === undefined) this.#host.post("sender", order);
    else this.#host.post("sender", { ...order, port }, [port]);
  }

  stats(nowUs: number, wallOffsetUs: number): SendStreamStats[] {
    return [...this.#streams.values()].map(({ feed, counters, sinceUs }) => {
      const { stream } = feed.request;
      const { source, maker, targetBps } = this.#host.feeds().statsOf(feed);
      return sendStats(stream, counters, source, targetBps, nowUs - sinceUs, { nowUs, wallOffsetUs, maker });
    });
  }

  /** Nothing more is encoded for them. */
  closeFeeds(): void {
    for (const { feed } of this.#streams.values()) this.#host.feeds().close(feed);
  }

  /** Their rows may be others' from now on. */
  release(): void {
    for (const { streamId } of this.#streams.values()) this.#host.releaseStream(streamId);
  }
}
