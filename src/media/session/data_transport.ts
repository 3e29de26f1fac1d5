import type { DtlsTransport } from "../../../native/addon.js";
import type { DataEvent, DataTransportOptions, OpenChannel } from "../transport_api.js";
import { type DataLane, DataSession } from "./data_session.js";
import type { DtlsSession } from "./dtls_session.js";

/** Streams each way: what browsers take, too. */
const STREAMS = 1024;
/** A DTLS 1.2 record's header, explicit nonce and tag under AES-GCM (RFC 6347 §4.1, RFC 5288 §3). */
const DTLS_OVERHEAD_BYTES = 13 + 8 + 16;
/** Largest DTLS plaintext (RFC 6347 §4.1). */
const MAX_RECORD_BYTES = 16_384;
/** Messages the main thread has not taken yet may hold this much; beyond it nothing more is read from the network. */
const MAX_UNCONSUMED_BYTES = 16 << 20;
/** What a message costs beyond its bytes, so that a flood of small ones is bounded too. */
const MESSAGE_COST_BYTES = 64;

/** How much of the window a message to the main thread takes. */
export function costOf(event: DataEvent): number {
  return event.type === "channelmessage" ? event.data.byteLength + MESSAGE_COST_BYTES : 0;
}

/**
 * The data channels of one transport between DTLS and the main thread: it keeps channels until the association can
 * begin, carries SCTP packets in DTLS records (RFC 8261), and stops reading while the main thread is behind.
 */
export class DataTransport {
  readonly #options: DataTransportOptions;
  readonly #lane: DataLane | undefined;
  readonly #maxPacketBytes: number;
  readonly #record = new Uint8Array(MAX_RECORD_BYTES);
  readonly #waiting: OpenChannel[] = [];
  readonly #events: DataEvent[] = [];
  #session: DataSession | undefined;
  #over = false;
  #unconsumedBytes = 0;
  /** The record's first bytes; most packets are equally long. */
  #view = this.#record;

  /**
   * @param maxDatagramBytes largest UDP payload
   * @param lane a short way for what is small
   */
  constructor(options: DataTransportOptions, maxDatagramBytes: number, lane?: DataLane) {
    this.#options = options;
    this.#lane = lane;
    // SCTP packets are whole words long (RFC 9260 §3.2).
    this.#maxPacketBytes = (maxDatagramBytes - DTLS_OVERHEAD_BYTES) & ~3;
  }

  /** Whether SCTP's timers have to run. */
  get isAssociated(): boolean {
    return this.#session !== undefined;
  }

  /** DTLS is up: the association begins. Where SCTP refuses it, the channels fail. */
  connect(dtlsRole: "client" | "server"): void {
    if (this.#session !== undefined || this.#over) return;
    const { localPort, remotePort, maxMessageBytes } = this.#options;
    try {
      this.#session = new DataSession({
        dtlsRole,
        port: localPort,
        remotePort,
        maxPacketBytes: this.#maxPacketBytes,
        maxMessageBytes,
        streams: STREAMS,
        ...(this.#lane !== undefined && { lane: this.#lane }),
      });
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
      return;
    }
    for (const channel of this.#waiting.splice(0)) this.#session.open(channel);
  }

  open(channel: OpenChannel): void {
    if (this.#over) this.#closed(channel.channel, "the data transport has ended");
    else if (this.#session === undefined) this.#waiting.push(channel);
    else this.#session.open(channel);
  }

  send(channel: number, binary: boolean, data: Uint8Array): void {
    this.#session?.send(channel, binary, data);
  }

  close(channel: number): void {
    const at = this.#waiting.findIndex((waiting) => waiting.channel === channel);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      this.#closed(channel, "");
    }
    this.#session?.close(channel);
  }

  /** The main thread has taken messages that cost this much. */
  consumed(bytes: number): void {
    this.#unconsumedBytes -= bytes;
    this.#pauseOrResume();
  }

  /** Takes the application data that DTLS holds. */
  receive(dtls: DtlsSession): void {
    for (let length = dtls.takeApplicationData(this.#record); length > 0; ) {
      this.#session?.handlePacket(this.#first(length));
      length = dtls.takeApplicationData(this.#record);
    }
  }

  /** The next SCTP packet to protect, valid until the next call. */
  takePacket(): Uint8Array | undefined {
    const length = this.#session?.takePacket(this.#record) ?? 0;
    return length > 0 ? this.#first(length) : undefined;
  }

  /** As {@link DataSession.receiveRecords}; 0 while there is no association. */
  receiveRecords(
    dtls: DtlsTransport,
    slab: Uint8Array,
    table: Int32Array,
    first: number,
    count: number,
    nowUs: number,
  ): number {
    return this.#session?.receiveRecords(dtls, slab, table, first, count, nowUs) ?? 0;
  }

  /** As {@link takePacket}, a batch of them as DTLS datagrams: offset and length of each go into `table`; how many. */
  protectPackets(dtls: DtlsTransport, slab: Uint8Array, table: Int32Array): number {
    return this.#session?.protectPackets(dtls, slab, table) ?? 0;
  }

  pollEvent(): DataEvent | undefined {
    const event = this.#events.shift() ?? this.#session?.pollEvent();
    if (event?.type !== "channelmessage") return event;
    this.#unconsumedBytes += costOf(event);
    this.#pauseOrResume();
    return event;
  }

  afterTimers(): void {
    this.#session?.afterTimers();
  }

  /** Tells the peer that the association is over: one more packet to take. */
  abort(): void {
    if (!this.#over) this.#session?.abort();
  }

  /** Ends all channels; `error` is "" when nothing went wrong. The events that say so can still be polled. */
  end(error: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const { channel } of this.#waiting.splice(0)) this.#closed(channel, error);
    if (this.#session === undefined) this.#events.push({ type: "dataclosed", error });
    this.#session?.destroy(error);
  }

  #pauseOrResume(): void {
    this.#session?.setPaused(this.#unconsumedBytes >= MAX_UNCONSUMED_BYTES);
  }

  #closed(channel: number, error: string): void {
    this.#events.push({ type: "channelclosed", channel, error });
  }

  #first(length: number): Uint8Array {
    if (this.#view.length !== length) this.#view = this.#record.subarray(0, length);
    return this.#view;
  }
}
