/**
 * The data channels of one transport: SCTP over DTLS (RFC 8831) and their opening handshake (RFC 8832). Sans-IO: SCTP
 * packets in and out as bytes, commands in, events out.
 *
 * A channel is known by a handle that whoever creates it chooses: the main thread even numbers, this side odd ones. Stream
 * ids are assigned when the DTLS role is known (RFC 8832 §6: the DTLS client takes even ids).
 */
import { native, type SctpAssociation, SctpEvent, type SctpSendOptions } from "../../../native/addon.js";
import {
  type ChannelReliability,
  type DataChannelOpen,
  encodeAck,
  encodeOpen,
  PayloadProtocol,
  parseDcep,
} from "../../protocol/dcep/dcep.js";
import { StreamIds } from "./stream_ids.js";

export interface DataSessionOptions {
  readonly dtlsRole: "client" | "server";
  /** SCTP port of both ends (a=sctp-port). */
  readonly port: number;
  /** Largest SCTP packet, so that it fits a datagram under DTLS. */
  readonly maxPacketBytes: number;
  /** Largest message we take (what our a=max-message-size says). */
  readonly maxMessageBytes: number;
  /** Streams each way. */
  readonly streams: number;
}

/** A channel to make. `streamId` is there for channels that both ends agreed on out of band (`negotiated`). */
export interface OpenChannel extends DataChannelOpen {
  readonly channel: number;
  readonly negotiated: boolean;
  readonly streamId?: number;
}

export type DataEvent =
  | { readonly type: "dataconnected"; readonly maxChannels: number }
  /** Our channel has its stream; in-band ones are usable at once (RFC 8832 §6). */
  | { readonly type: "channelopen"; readonly channel: number; readonly streamId: number }
  | {
      readonly type: "channelannounced";
      readonly channel: number;
      readonly streamId: number;
      readonly open: DataChannelOpen;
    }
  | {
      readonly type: "channelmessage";
      readonly channel: number;
      readonly binary: boolean;
      readonly data: ArrayBuffer;
    }
  /** SCTP took this many bytes of what waited. */
  | { readonly type: "channelsent"; readonly channel: number; readonly bytes: number }
  | { readonly type: "channelclosed"; readonly channel: number; readonly error: string }
  | { readonly type: "dataclosed" };

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
  readonly waiting: Waiting[];
}

const SCRATCH_BYTES = 4096;
/** Messages that one channel hands over before the next has its turn. */
const TURN_MESSAGES = 8;

export class DataSession {
  readonly #association: SctpAssociation;
  readonly #ids: StreamIds;
  readonly #byHandle = new Map<number, Channel>();
  readonly #byStream = new Map<number, Channel>();
  readonly #events: DataEvent[] = [];
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #words = new Int32Array(3);
  readonly #sendOptions = new Map<Channel, SctpSendOptions>();
  #nextHandle = 1;
  #connected = false;
  #closed = false;
  /** Messages and handshakes that fitted no channel. */
  discarded = 0;

  constructor(private readonly options: DataSessionOptions) {
    const { port, maxPacketBytes, maxMessageBytes, streams } = options;
    this.#association = new native.SctpAssociation({ port, maxPacketBytes, maxMessageBytes, streams });
    this.#ids = new StreamIds(options.dtlsRole, streams);
    this.#association.connect();
  }

  get connected(): boolean {
    return this.#connected;
  }

  open(request: OpenChannel): void {
    const { channel: handle, negotiated, streamId = -1 } = request;
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
    channel.waiting.push({ protocol, bytes: empty ? new Uint8Array(1) : data, counted: data.length });
    this.flush();
  }

  /** RFC 8831 §6.7: what waits is sent, then the stream is reset; closed when the peer has reset its side too. */
  close(handle: number): void {
    const channel = this.#byHandle.get(handle);
    if (!channel) return;
    channel.closing = true;
    if (!this.#connected) this.#remove(channel, "");
    else this.flush();
  }

  handlePacket(packet: Uint8Array): void {
    this.#association.handlePacket(packet);
    this.#drain();
    this.flush();
  }

  /** The next SCTP packet for DTLS; 0: none. */
  takePacket(out: Uint8Array): number {
    return this.#association.takePacket(out);
  }

  pollEvent(): DataEvent | undefined {
    return this.#events.shift();
  }

  /** After the process's SCTP timers advanced: what they changed. */
  afterTimers(): void {
    this.#drain();
    this.flush();
  }

  /** Hands waiting messages to SCTP, channels in turn, until it takes no more. */
  flush(): void {
    if (!this.#connected) return;
    for (let busy = true; busy; ) {
      busy = false;
      for (const channel of this.#byHandle.values()) {
        const more = this.#flushTurn(channel);
        if (more === "blocked") return;
        busy ||= more === "more";
      }
    }
  }

  /** Aborts the association. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const channel of [...this.#byHandle.values()]) this.#remove(channel, "");
    this.#association.close();
  }

  #flushTurn(channel: Channel): "done" | "more" | "blocked" {
    if (channel.streamId < 0) return "done";
    for (let turn = 0; turn < TURN_MESSAGES && channel.waiting.length > 0; turn++) {
      const { protocol, bytes, counted } = channel.waiting[0];
      if (!this.#association.send(channel.streamId, protocol, bytes, this.#optionsOf(channel, protocol))) {
        return "blocked";
      }
      channel.waiting.shift();
      if (counted > 0) this.#events.push({ type: "channelsent", channel: channel.handle, bytes: counted });
    }
    if (channel.waiting.length > 0) return "more";
    if (channel.closing && !channel.resetSent) {
      channel.resetSent = true;
      this.#association.resetStream(channel.streamId);
      if (channel.resetReceived) this.#remove(channel, "");
    }
    return "done";
  }

  #optionsOf(channel: Channel, protocol: number): SctpSendOptions {
    // DCEP itself is always ordered and reliable (RFC 8832 §6).
    if (protocol === PayloadProtocol.dcep) return RELIABLE;
    let options = this.#sendOptions.get(channel);
    if (!options) {
      const { ordered, maxRetransmits, maxPacketLifeTimeMs } = channel.reliability;
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
      waiting: [],
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
    this.flush();
  }

  #drain(): void {
    for (;;) {
      let out = this.#scratch;
      let event = this.#association.takeEvent(out, this.#words);
      if (event === SctpEvent.tooSmall) {
        // Exactly as long as the message, so that its buffer can be handed on as it is.
        out = new Uint8Array(this.#words[0]);
        event = this.#association.takeEvent(out, this.#words);
      }
      if (event === SctpEvent.none) return;
      this.#handle(event, out);
    }
  }

  #handle(event: number, out: Uint8Array): void {
    const [count, streamId, protocol] = this.#words;
    if (event === SctpEvent.connected) this.#begun();
    else if (event === SctpEvent.closed) this.#ended();
    else if (event === SctpEvent.message) this.#message(streamId, protocol, out, count);
    else if (event === SctpEvent.streamsReset) {
      for (const id of new Uint16Array(out.slice(0, count * 2).buffer)) this.#reset(id);
    }
  }

  #begun(): void {
    if (this.#connected) return;
    this.#connected = true;
    this.#events.push({ type: "dataconnected", maxChannels: this.options.streams });
    for (const channel of [...this.#byHandle.values()]) this.#begin(channel);
  }

  #ended(): void {
    this.#connected = false;
    for (const channel of [...this.#byHandle.values()]) this.#remove(channel, "the association ended");
    this.#events.push({ type: "dataclosed" });
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
    channel.waiting.push({ protocol: PayloadProtocol.dcep, bytes: encodeAck(), counted: 0 });
    this.#events.push({ type: "channelannounced", channel: handle, streamId, open });
  }

  /** The peer closed its side: ours follows, and what still waited is dropped (W3C §6.2.5). */
  #reset(streamId: number): void {
    const channel = this.#byStream.get(streamId);
    if (!channel) return;
    channel.resetReceived = true;
    channel.waiting.length = 0;
    if (channel.resetSent) this.#remove(channel, "");
    else {
      channel.closing = true;
      this.flush();
    }
  }

  #remove(channel: Channel, error: string): void {
    this.#byHandle.delete(channel.handle);
    this.#sendOptions.delete(channel);
    if (channel.streamId >= 0) {
      this.#byStream.delete(channel.streamId);
      this.#ids.release(channel.streamId);
    }
    this.#events.push({ type: "channelclosed", channel: channel.handle, error });
  }
}

const RELIABLE: SctpSendOptions = { ordered: true };

const KINDS: ReadonlyMap<number, { readonly binary: boolean; readonly empty: boolean }> = new Map([
  [PayloadProtocol.string, { binary: false, empty: false }],
  [PayloadProtocol.stringPartial, { binary: false, empty: false }],
  [PayloadProtocol.stringEmpty, { binary: false, empty: true }],
  [PayloadProtocol.binary, { binary: true, empty: false }],
  [PayloadProtocol.binaryPartial, { binary: true, empty: false }],
  [PayloadProtocol.binaryEmpty, { binary: true, empty: true }],
]);
