/** The data channels of a connection and the association under them. */
import type { DataEvent } from "../media/transport_api.js";
import type { NegotiatedData } from "../protocol/sdp/data_section.js";
import type { DtlsRole } from "../protocol/sdp/dtls_setup.js";
import type { BundleTransport } from "./bundle_transport.js";
import {
  checkChannelInit,
  checkStreamId,
  maxStreamId,
  priorityName,
  priorityValue,
  type RTCDataChannelInit,
} from "./data_channel_init.js";
import { domError } from "./dom_error.js";
import { internals, queueTask } from "./internals.js";
import {
  announceClosed,
  beginClosing,
  type CloseReason,
  type DataChannelHost,
  markOpen,
  noteSent,
  openChannel,
  RTCDataChannel,
  receiveMessage,
} from "./rtc_data_channel.js";
import { RTCSctpTransport } from "./rtc_sctp_transport.js";

/** Largest message taken from a peer: our a=max-message-size. */
export const maxReceivedMessageBytes = 262_144;
/** What a peer takes that has not said it yet (RFC 8841 §6). */
const defaultMaxMessageBytes = 65_536;
/** Largest message sent, however much the peer takes: it waits as a whole in the association's buffer. */
const maxSentMessageBytes = 4 << 20;

export interface DataChannelsOptions {
  transport(): BundleTransport;
  announce(channel: RTCDataChannel): void;
}

export class DataChannels implements DataChannelHost {
  sctp: RTCSctpTransport | null = null;
  /** The application made a channel: descriptions need a section for it. */
  wanted = false;
  opened = 0;
  closed = 0;
  /** By the engine's handles; ours are even. */
  private readonly channels = new Map<number, RTCDataChannel>();
  private nextHandle = 0;
  private started = false;
  /** Ours open on even ids as the DTLS client, on odd ones as the server (RFC 8832 §6); null: the role is not known. */
  private firstId: 0 | 1 | null = null;

  constructor(private readonly options: DataChannelsOptions) {}

  get all(): Iterable<RTCDataChannel> {
    return this.channels.values();
  }

  get maxMessageSize(): number {
    return this.sctp?.maxMessageSize ?? maxReceivedMessageBytes;
  }

  create(label: unknown, init: RTCDataChannelInit): RTCDataChannel {
    const parameters = checkChannelInit(label, init);
    const taken = [...this.channels.values()].some(({ id }) => id !== null && id === parameters.id);
    checkStreamId(parameters.id, taken, this.sctp?.maxChannels ?? null);
    const channel = new RTCDataChannel(internals, this, this.nextHandle, parameters);
    if (this.firstId !== null) channel[internals].id ??= this.freeId(this.firstId);
    this.channels.set(this.nextHandle, channel);
    this.nextHandle += 2;
    this.wanted = true;
    if (this.firstId !== null) this.open(channel);
    return channel;
  }

  /** @throws OperationError when every stream has its channel. */
  private freeId(first: 0 | 1): number {
    const taken = new Set(Array.from(this.channels.values(), ({ id }) => id));
    const end = this.sctp?.maxChannels ?? maxStreamId + 1;
    for (let id: number = first; id < end; id += 2) if (!taken.has(id)) return id;
    throw domError("OperationError", "No stream id is left");
  }

  /** An offer or our answer has data channels: their association is there to look at before it is agreed on. */
  announce(): void {
    this.sctp ??= new RTCSctpTransport(internals, this.options.transport().dtls, defaultMaxMessageBytes);
  }

  /** The answer has none: what was announced comes to nothing. */
  refuse(): void {
    if (!this.started) this.sctp = null;
  }

  /** The transport goes away under the association. */
  discard(): void {
    if (this.started) this.end({ error: "" });
    this.started = false;
    this.firstId = null;
    this.sctp = null;
  }

  /** Both descriptions have data channels. */
  start(negotiated: NegotiatedData): void {
    const maxMessageSize = Math.min(negotiated.remoteMaxMessageSize, maxSentMessageBytes);
    const { media, dtls } = this.options.transport();
    if (media === null) return;
    this.sctp ??= new RTCSctpTransport(internals, dtls, maxMessageSize);
    this.sctp[internals].maxMessageSize = maxMessageSize;
    if (this.started) return;
    this.started = true;
    const { localPort, remotePort, localMaxMessageSize } = negotiated;
    media.startData({ localPort, remotePort, maxMessageBytes: localMaxMessageSize });
  }

  /** The DTLS role is known: channels that were made before get their ids (WebRTC 1.0 §4.4.1.5) and are opened. */
  openWaiting(role: DtlsRole): void {
    if (!this.started || this.firstId !== null) return;
    this.firstId = role === "client" ? 0 : 1;
    for (const channel of this.channels.values()) {
      channel[internals].id ??= this.freeId(this.firstId);
      this.open(channel);
    }
  }

  private open(channel: RTCDataChannel): void {
    const { handle, parameters, id } = channel[internals];
    const { maxRetransmits, maxPacketLifeTime, priority, label, protocol, ordered, negotiated } = parameters;
    this.options.transport().media?.openDataChannel({
      channel: handle,
      label,
      protocol,
      ordered,
      negotiated,
      priority: priorityValue(priority),
      ...(id !== null && { streamId: id }),
      ...(maxRetransmits !== null && { maxRetransmits }),
      ...(maxPacketLifeTime !== null && { maxPacketLifeTimeMs: maxPacketLifeTime }),
    });
  }

  send(handle: number, binary: boolean, data: ArrayBuffer): void {
    this.options.transport().media?.sendData(handle, binary, data);
  }

  close(channel: RTCDataChannel): void {
    const { handle } = channel[internals];
    if (this.firstId !== null) this.options.transport().media?.closeDataChannel(handle);
    else queueTask(() => this.finish(handle, { error: "" }));
  }

  handle(event: DataEvent): void {
    switch (event.type) {
      case "dataconnected":
        this.setState("connected", event.maxChannels);
        this.closeBeyond(event.maxChannels);
        break;
      case "dataclosed":
        this.end(event);
        break;
      case "channelannounced":
        this.accept(event);
        break;
      case "channelclosed":
        this.finish(event.channel, event);
        break;
      default:
        this.handleOf(this.channels.get(event.channel), event);
    }
  }

  private handleOf(
    channel: RTCDataChannel | undefined,
    event: Extract<DataEvent, { type: "channelopen" | "channelmessage" | "channelsent" | "channelclosing" }>,
  ): void {
    if (channel === undefined) return;
    switch (event.type) {
      case "channelopen":
        this.opened++;
        openChannel(channel, event.streamId);
        break;
      case "channelmessage":
        receiveMessage(channel, event.binary, event.data);
        break;
      case "channelsent":
        noteSent(channel, event.bytes);
        break;
      case "channelclosing":
        beginClosing(channel);
    }
  }

  private accept({
    channel: handle,
    streamId,
    open,
  }: Extract<DataEvent, { type: "channelannounced" }>): void {
    const channel = new RTCDataChannel(internals, this, handle, {
      label: open.label,
      protocol: open.protocol,
      ordered: open.ordered,
      maxRetransmits: open.maxRetransmits ?? null,
      maxPacketLifeTime: open.maxPacketLifeTimeMs ?? null,
      negotiated: false,
      id: streamId,
      priority: priorityName(open.priority),
    });
    this.channels.set(handle, channel);
    this.opened++;
    markOpen(channel);
    this.options.announce(channel);
    // WebRTC 1.0 §6.2.3: `open` follows, unless the application closed it already.
    if (channel.readyState === "open") channel.dispatchEvent(new Event("open"));
  }

  private finish(handle: number, reason: CloseReason): void {
    const channel = this.channels.get(handle);
    if (channel === undefined) return;
    this.channels.delete(handle);
    if (channel[internals].wasOpen) this.closed++;
    announceClosed(channel, reason);
  }

  /** WebRTC 1.0 §6.1.1.2: ids that the association turns out not to have. */
  private closeBeyond(maxChannels: number): void {
    for (const [handle, { id }] of [...this.channels]) {
      if (id === null || id < maxChannels) continue;
      this.options.transport().media?.closeDataChannel(handle);
      this.finish(handle, { error: `the association has ${maxChannels} streams` });
    }
  }

  private end(reason: CloseReason): void {
    for (const handle of [...this.channels.keys()]) this.finish(handle, reason);
    this.setState("closed", this.sctp?.maxChannels ?? null);
  }

  private setState(state: "connected" | "closed", maxChannels: number | null): void {
    const { sctp } = this;
    if (sctp === null || sctp.state === state) return;
    sctp[internals].state = state;
    sctp[internals].maxChannels = maxChannels;
    sctp.dispatchEvent(new Event("statechange"));
  }

  /** The connection was closed: everything is, and no event says so (WebRTC 1.0 §4.4.1.8). */
  closeAll(): void {
    for (const channel of this.channels.values()) channel[internals].readyState = "closed";
    this.channels.clear();
    if (this.sctp !== null) this.sctp[internals].state = "closed";
  }
}
