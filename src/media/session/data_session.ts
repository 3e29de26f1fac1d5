/**
 * The data channels of one transport: SCTP over DTLS (RFC 8831) and their opening handshake (RFC 8832). Sans-IO: SCTP
 * packets in and out as bytes, commands in, events out.
 *
 * A channel is known by a handle that whoever creates it chooses: the main thread even numbers, this side odd ones. Stream
 * ids are assigned when the DTLS role is known (RFC 8832 §6: the DTLS client takes even ids).
 */
import {
  type DtlsTransport,
  native,
  type SctpAssociation,
  SctpEvent,
  type SctpSendOptions,
} from "../../../native/addon.js";
import {
  type ChannelReliability,
  type DataChannelOpen,
  encodeAck,
  encodeOpen,
  PayloadProtocol,
  parseDcep,
} from "../../protocol/dcep/dcep.js";
import type { DataEvent, OpenChannel } from "../transport_api.js";
import { Fifo } from "./fifo.js";
import { StreamIds } from "./stream_ids.js";

export interface DataSessionOptions {
  readonly dtlsRole: "client" | "server";
  /** SCTP ports (a=sctp-port); the peer's is the same as ours when it is absent. */
  readonly port: number;
  readonly remotePort?: number;
  /** Largest SCTP packet, so that it fits a datagram under DTLS. */
  readonly maxPacketBytes: number;
  /** Largest message we take (what our a=max-message-size says). */
  readonly maxMessageBytes: number;
  /** Streams each way. */
  readonly streams: number;
  readonly lane?: DataLane;
}

/** A short way for what is small and frequent; false: it is full, or what is told as an event would be overtaken. */
export interface DataLane {
  message(channel: number, binary: boolean, bytes: Uint8Array, length: number): boolean;
  sent(channel: number, bytes: number): boolean;
}

interface Waiting {
  readonly protocol: number;
  readonly bytes: Uint8Array;
  /** What counts for bufferedAmount: nothing for DCEP and for the filler byte of empty messages. */
  readonly counted: number;
}

interface Channel {
  readonly handle: number;
  readonly reliability: ChannelReliability;
  readonly open: DataChannelOpen;
  readonly negotiated: boolean;
  streamId: number;
  /** Until the peer acknowledged our OPEN, all is sent in order (RFC 8832 §6). */
  acknowledged: boolean;
  /** Close once all that waits has been handed over. */
  closing: boolean;
  resetSent: boolean;
  resetReceived: boolean;
  readonly waiting: Fifo<Waiting>;
  /** What it may hand over in a turn, by its priority (RFC 8831 §6.4), and what is left of that. */
  readonly turnBytes: number;
  allowanceBytes: number;
}

/** A message that SCTP has and has not sent to its end yet. */
interface Pending {
  readonly channel: Channel;
  readonly counted: number;
}

const SCRATCH_BYTES = 4096;
/**
 * What SCTP is given ahead of what it can send: the rest waits here, where it counts as buffered and where channels
 * take turns.
 */
const AHEAD_BYTES = 65_536;
/**
 * So many acknowledgements are handed to SCTP, while something waits, before it is given more. They come in clumps; in slow start
 * each lets out twice what it acknowledges, and only one that finds the window full opens it (RFC 9260 §7.2.1).
 */
const PACKETS_A_FEED = 3;
/** A turn of a channel of priority 256, "low"; deficit round robin serves a message that is longer after some turns. */
const TURN_BYTES = 16_384;
/** What a message costs beyond its bytes, so that empty ones end a turn, too. */
const MESSAGE_COST_BYTES = 64;
const LOW_PRIORITY = 256;
const MAX_PRIORITY = 1024;
const MIN_PRIORITY = 64;

export class DataSession {
  readonly #association: SctpAssociation;
  readonly #ids: StreamIds;
  readonly #byHandle = new Map<number, Channel>();
  readonly #byStream = new Map<number, Channel>();
  /** Channels that have something to hand to SCTP. */
  readonly #busy = new Set<Channel>();
  readonly #events = new Fifo<DataEvent>();
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #words = new Int32Array(3);
  readonly #sendOptions = new Map<Channel, SctpSendOptions>();
  /** In the order in which SCTP sends them. */
  readonly #pending = new Fifo<Pending>();
  #pendingBytes = 0;
  /** Bytes sent since the last {@link #settle}, by the channel's handle. */
  readonly #sent = new Map<number, number>();
  #nextHandle = 1;
  #connected = false;
  #closed = false;
  /** The end has been told. */
  #over = false;
  /** Something came in or was asked for since the last {@link #settle}. */
  #unsettled = true;
  #paused = false;
  /** Messages and handshakes that fitted no channel. */
  discarded = 0;

  constructor(private readonly options: DataSessionOptions) {
    const { port, remotePort = port, maxPacketBytes, maxMessageBytes, streams } = options;
    this.#association = new native.SctpAssociation({
      port,
      remotePort,
      maxPacketBytes,
      maxMessageBytes,
      streams,
    });
    this.#ids = new StreamIds(options.dtlsRole, streams);
    this.#association.connect();
  }

  get connected(): boolean {
    return this.#connected;
  }

  open(request: OpenChannel): void {
    if (this.#over) {
      this.#events.push({
        type: "channelclosed",
        channel: request.channel,
        error: "the SCTP association has ended",
      });
      return;
    }
    const { channel: handle, negotiated, streamId = -1 } = request;
    if (this.#byStream.has(streamId)) {
      this.#events.push({ type: "channelclosed", channel: handle, error: `stream ${streamId} is in use` });
      return;
    }
    const channel = this.#add(handle, request, negotiated, streamId);
    if (this.#connected) this.#begin(channel);
  }

  /** Strings as UTF-8. An empty message goes as one byte under a protocol of its own (RFC 8831 §6.6). */
  send(handle: number, binary: boolean, data: Uint8Array): void {
    const channel = this.#byHandle.get(handle);
    if (!channel || channel.closing) return;
    const empty = data.length === 0;
    const protocol = binary
      ? empty
        ? PayloadProtocol.binaryEmpty
        : PayloadProtocol.binary
      : empty
        ? PayloadProtocol.stringEmpty
        : PayloadProtocol.string;
    this.#queue(channel, { protocol, bytes: empty ? new Uint8Array(1) : data, counted: data.length });
  }

  /** RFC 8831 §6.7: what waits is sent, then the stream is reset; closed when the peer has reset its side too. */
  close(handle: number): void {
    const channel = this.#byHandle.get(handle);
    if (!channel) return;
    channel.closing = true;
    if (this.#connected) this.#wake(channel);
    else this.#remove(channel, "");
  }

  handlePacket(packet: Uint8Array): void {
    if (this.#closed) return;
    this.#association.handlePacket(packet);
    this.#unsettled = true;
    this.#feed();
  }

  /** As {@link SctpAssociation.receiveRecords}: the DTLS datagrams at the head of the entries; how many. */
  receiveRecords(
    dtls: DtlsTransport,
    slab: Uint8Array,
    table: Int32Array,
    first: number,
    count: number,
    nowUs: number,
  ): number {
    if (this.#closed) return 0;
    this.#unsettled = true;
    const most = this.#busy.size > 0 ? Math.min(count, PACKETS_A_FEED) : count;
    const taken = this.#association.receiveRecords(dtls, slab, table, first, most, nowUs);
    this.#feed();
    return taken;
  }

  /** As {@link takePacket}, a batch of them as DTLS datagrams; how many. */
  protectPackets(dtls: DtlsTransport, slab: Uint8Array, table: Int32Array): number {
    this.#settle();
    return this.#closed ? 0 : this.#association.protectPackets(dtls, slab, table);
  }

  /** The next SCTP packet for DTLS; 0: none. Once for a batch of packets and orders: it sees to all of them. */
  takePacket(out: Uint8Array): number {
    this.#settle();
    return this.#closed ? 0 : this.#association.takePacket(out);
  }

  pollEvent(): DataEvent | undefined {
    this.#settle();
    return this.#events.shift();
  }

  /** While paused no event is taken from SCTP: its receive window closes, and the peer waits. */
  setPaused(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.#unsettled = true;
  }

  /** The process's SCTP timers advanced. */
  afterTimers(): void {
    this.#unsettled = true;
  }

  /** Leaves an ABORT to be taken and sent. */
  abort(): void {
    if (!this.#closed) this.#association.abort();
  }

  /** Aborts the association; `error` says why, "" when it was asked for. */
  destroy(error = ""): void {
    // What came in the same batch as the end came before it: messages, or an ABORT that says why.
    this.#settle();
    if (this.#closed) return;
    this.#closed = true;
    this.#ended(error, 0);
    this.#association.close();
  }

  /** Takes what SCTP has for us, then hands it what waits. */
  #settle(): void {
    if (!this.#unsettled || this.#closed) return;
    this.#unsettled = false;
    try {
      this.#drain();
      this.#flush();
      this.#flushSent();
    } catch (error) {
      // The peer is told by the ABORT that waits to be sent now.
      this.#association.abort();
      this.#ended(error instanceof Error ? error.message : String(error), 0);
    }
  }

  /** Gives SCTP more between the packets of a batch. */
  #feed(): void {
    if (this.#busy.size === 0) return;
    try {
      this.#flush();
    } catch {
      // {@link #settle} meets it again, behind the news of the end that explains it.
    }
  }

  #queue(channel: Channel, message: Waiting): void {
    channel.waiting.push(message);
    this.#wake(channel);
  }

  #wake(channel: Channel): void {
    this.#busy.add(channel);
    this.#unsettled = true;
  }

  /** Hands waiting messages to SCTP, channels in turn, as far ahead as it needs to be busy. */
  #flush(): void {
    this.#noteSent();
    if (!this.#connected) return;
    for (const channel of this.#busy) {
      const turn = this.#takeTurn(channel);
      if (turn === "blocked") return;
      this.#busy.delete(channel);
      // Behind the others, where the loop comes to it again.
      if (turn === "over") this.#busy.add(channel);
      else channel.allowanceBytes = 0;
    }
  }

  #takeTurn(channel: Channel): "done" | "over" | "blocked" {
    if (channel.streamId < 0) return "done";
    if (channel.allowanceBytes <= 0) channel.allowanceBytes += channel.turnBytes;
    for (let next = channel.waiting.peek(); next !== undefined; next = channel.waiting.peek()) {
      if (channel.allowanceBytes <= 0) return "over";
      if (!this.#handOver(channel, next)) return "blocked";
      channel.waiting.shift();
      channel.allowanceBytes -= next.bytes.length + MESSAGE_COST_BYTES;
    }
    if (channel.closing && !channel.resetSent) this.#reset(channel);
    return "done";
  }

  #handOver(channel: Channel, { protocol, bytes, counted }: Waiting): boolean {
    if (this.#pendingBytes >= AHEAD_BYTES) {
      this.#noteSent();
      if (this.#pendingBytes >= AHEAD_BYTES) return false;
    }
    const options = this.#optionsOf(channel, protocol);
    if (!this.#association.send(channel.streamId, protocol, bytes, options)) return false;
    this.#pending.push({ channel, counted });
    this.#pendingBytes += counted + MESSAGE_COST_BYTES;
    return true;
  }

  /** What left SCTP's queue of unsent messages is no longer buffered (WebRTC 1.0 §6.2, `bufferedAmount`). */
  #noteSent(): void {
    if (this.#pending.length === 0) return;
    const left = this.#association.pendingMessages;
    while (this.#pending.length > left) {
      const sent = this.#pending.shift();
      if (sent === undefined) return;
      this.#pendingBytes -= sent.counted + MESSAGE_COST_BYTES;
      if (sent.counted > 0) this.#tellSent(sent.channel.handle, sent.counted);
    }
  }

  #tellSent(channel: number, bytes: number): void {
    const sent = this.#sent.get(channel);
    if (sent === undefined) this.#sent.set(channel, bytes);
    else this.#sent.set(channel, sent + bytes);
  }

  /** One event for all that a channel sent in a step. */
  #flushSent(): void {
    for (const [channel, bytes] of this.#sent) {
      if (this.#takesLane && this.options.lane?.sent(channel, bytes)) continue;
      this.#events.push({ type: "channelsent", channel, bytes });
    }
    this.#sent.clear();
  }

  /** Nothing waits that was there before. */
  get #takesLane(): boolean {
    return this.#events.length === 0;
  }

  #reset(channel: Channel): void {
    channel.resetSent = true;
    this.#association.resetStream(channel.streamId);
    if (channel.resetReceived) this.#remove(channel, "");
  }

  /** Undefined: ordered and reliable. */
  #optionsOf(channel: Channel, protocol: number): SctpSendOptions | undefined {
    // DCEP itself is always ordered and reliable (RFC 8832 §6).
    if (protocol === PayloadProtocol.dcep) return undefined;
    let options = this.#sendOptions.get(channel);
    if (!options) {
      const { ordered, maxRetransmits, maxPacketLifeTimeMs } = channel.reliability;
      if (ordered && maxRetransmits === undefined && maxPacketLifeTimeMs === undefined) return undefined;
      options = {
        ordered: ordered || !channel.acknowledged,
        ...(maxRetransmits === undefined ? {} : { maxRetransmits }),
        ...(maxPacketLifeTimeMs === undefined ? {} : { maxLifetimeMs: maxPacketLifeTimeMs }),
      };
      this.#sendOptions.set(channel, options);
    }
    return options;
  }

  #add(handle: number, open: DataChannelOpen, negotiated: boolean, streamId: number): Channel {
    const channel: Channel = {
      handle,
      open,
      reliability: open,
      negotiated,
      streamId,
      acknowledged: negotiated,
      closing: false,
      resetSent: false,
      resetReceived: false,
      waiting: new Fifo(),
      turnBytes: turnBytesOf(open.priority),
      allowanceBytes: 0,
    };
    this.#byHandle.set(handle, channel);
    if (streamId >= 0) this.#claim(channel, streamId);
    return channel;
  }

  #claim(channel: Channel, streamId: number): void {
    channel.streamId = streamId;
    this.#ids.take(streamId);
    this.#byStream.set(streamId, channel);
  }

  /** Gives a local channel its stream and says OPEN on it. */
  #begin(channel: Channel): void {
    if (channel.streamId < 0) {
      const streamId = this.#ids.next();
      if (streamId < 0) {
        this.#remove(channel, "no stream id is left");
        return;
      }
      this.#claim(channel, streamId);
    }
    if (!channel.negotiated) {
      channel.waiting.unshift({
        protocol: PayloadProtocol.dcep,
        bytes: encodeOpen(channel.open),
        counted: 0,
      });
    }
    this.#events.push({ type: "channelopen", channel: channel.handle, streamId: channel.streamId });
    this.#wake(channel);
  }

  #drain(): void {
    while (!this.#paused) {
      let out = this.#scratch;
      let event = this.#association.takeEvent(out, this.#words);
      if (event === SctpEvent.tooSmall) {
        // Exactly as long as the message, so that its buffer can be handed on as it is.
        out = new Uint8Array(Buffer.allocUnsafeSlow(this.#words[0]).buffer as ArrayBuffer);
        event = this.#association.takeEvent(out, this.#words);
      }
      if (event === SctpEvent.none) return;
      this.#handle(event, out);
    }
  }

  #handle(event: number, out: Uint8Array): void {
    const [count, streamId, protocol] = this.#words;
    if (event === SctpEvent.connected) this.#begun();
    else if (event === SctpEvent.closed) this.#ended(decoder.decode(out.subarray(0, count)), streamId);
    else if (event === SctpEvent.message) this.#message(streamId, protocol, out, count);
    else if (event === SctpEvent.streamsReset) {
      for (const id of new Uint16Array(out.slice(0, count * 2).buffer)) this.#peerReset(id);
    }
  }

  #begun(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#events.push({ type: "dataconnected", maxChannels: this.options.streams });
    for (const channel of [...this.#byHandle.values()]) this.#begin(channel);
  }

  /** @param causeCode of an ABORT (RFC 9260 §3.3.10); 0: none */
  #ended(error: string, causeCode: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#connected = false;
    this.#flushSent();
    for (const channel of [...this.#byHandle.values()]) this.#remove(channel, error, causeCode);
    this.#events.push({ type: "dataclosed", error, ...causeOf(causeCode) });
  }

  #message(streamId: number, protocol: number, out: Uint8Array, length: number): void {
    if (protocol === PayloadProtocol.dcep) {
      this.#handshake(streamId, out.subarray(0, length));
      return;
    }
    const channel = this.#byStream.get(streamId);
    const kind = KINDS.get(protocol);
    if (!channel || !kind) {
      this.discarded++;
      return;
    }
    const bytes = kind.empty ? 0 : length;
    if (this.#takesLane && this.options.lane?.message(channel.handle, kind.binary, out, bytes)) return;
    const data = out.length === bytes && out !== this.#scratch ? out : out.slice(0, bytes);
    this.#events.push({
      type: "channelmessage",
      channel: channel.handle,
      binary: kind.binary,
      data: data.buffer as ArrayBuffer,
    });
  }

  #handshake(streamId: number, bytes: Uint8Array): void {
    const message = parseDcep(bytes);
    const channel = this.#byStream.get(streamId);
    if (message?.type === "ack" && channel) {
      channel.acknowledged = true;
      this.#sendOptions.delete(channel);
    } else if (message?.type === "open" && !channel && this.#ids.isTheirs(streamId)) {
      this.#accept(streamId, message.open);
    } else {
      this.discarded++;
    }
  }

  #accept(streamId: number, open: DataChannelOpen): void {
    const handle = this.#nextHandle;
    this.#nextHandle += 2;
    const channel = this.#add(handle, open, false, streamId);
    channel.acknowledged = true;
    this.#queue(channel, { protocol: PayloadProtocol.dcep, bytes: encodeAck(), counted: 0 });
    this.#events.push({ type: "channelannounced", channel: handle, streamId, open });
  }

  /** The peer closed its side: ours follows, and what still waited is dropped (W3C §6.2.5). */
  #peerReset(streamId: number): void {
    const channel = this.#byStream.get(streamId);
    if (!channel) return;
    channel.resetReceived = true;
    channel.waiting.clear();
    if (channel.resetSent) this.#remove(channel, "");
    else {
      channel.closing = true;
      this.#events.push({ type: "channelclosing", channel: channel.handle });
      this.#wake(channel);
    }
  }

  #remove(channel: Channel, error: string, causeCode = 0): void {
    this.#byHandle.delete(channel.handle);
    this.#busy.delete(channel);
    this.#sendOptions.delete(channel);
    if (channel.streamId >= 0) {
      this.#byStream.delete(channel.streamId);
      this.#ids.release(channel.streamId);
    }
    this.#events.push({ type: "channelclosed", channel: channel.handle, error, ...causeOf(causeCode) });
  }
}

function causeOf(sctpCauseCode: number): { readonly sctpCauseCode?: number } {
  return sctpCauseCode === 0 ? {} : { sctpCauseCode };
}

function turnBytesOf(priority: number): number {
  return (TURN_BYTES * Math.min(Math.max(priority, MIN_PRIORITY), MAX_PRIORITY)) / LOW_PRIORITY;
}

const decoder = new TextDecoder();

const KINDS: ReadonlyMap<number, { readonly binary: boolean; readonly empty: boolean }> = new Map([
  [PayloadProtocol.string, { binary: false, empty: false }],
  [PayloadProtocol.stringPartial, { binary: false, empty: false }],
  [PayloadProtocol.stringEmpty, { binary: false, empty: true }],
  [PayloadProtocol.binary, { binary: true, empty: false }],
  [PayloadProtocol.binaryPartial, { binary: true, empty: false }],
  [PayloadProtocol.binaryEmpty, { binary: true, empty: true }],
]);
