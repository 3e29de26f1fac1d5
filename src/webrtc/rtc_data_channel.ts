import type { ChannelParameters, RTCPriorityType } from "./data_channel_init.js";
import { domError } from "./dom_error.js";
import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import { RTCError } from "./rtc_error.js";
import { RTCErrorEvent } from "./rtc_events.js";
import { checkThis, defineInterface, enforceRange } from "./web_idl.js";

export type RTCDataChannelState = "connecting" | "open" | "closing" | "closed";
export type RTCBinaryType = "arraybuffer" | "blob";

interface DataChannelEvents {
  open: Event;
  bufferedamountlow: Event;
  error: RTCErrorEvent;
  closing: Event;
  close: Event;
  message: MessageEvent;
}

/** What a channel asks of the connection it belongs to. */
export interface DataChannelHost {
  /** Bytes; Infinity: any. */
  readonly maxMessageSize: number;
  /** `data` is moved away. */
  send(handle: number, binary: boolean, data: ArrayBuffer): void;
  close(channel: RTCDataChannel): void;
}

/** What may wait in one channel before `send` refuses more. */
const maxBufferedBytes = 64 << 20;

interface Outgoing {
  readonly binary: boolean;
  /** Undefined while a Blob is being read. */
  data: ArrayBuffer | undefined;
}

export class ChannelState {
  readyState: RTCDataChannelState = "connecting";
  wasOpen = false;
  id: number | null;
  bufferedAmount = 0;
  lowThreshold = 0;
  binaryType: RTCBinaryType = "arraybuffer";
  messagesSent = 0;
  bytesSent = 0;
  messagesReceived = 0;
  bytesReceived = 0;
  /** Messages behind a Blob that is still being read. */
  readonly outgoing: Outgoing[] = [];

  constructor(
    readonly host: DataChannelHost,
    /** The engine's name for the channel. */
    readonly handle: number,
    readonly parameters: ChannelParameters,
  ) {
    this.id = parameters.id;
  }
}

/** A channel for messages to the peer (WebRTC 1.0 §6.2). */
export class RTCDataChannel extends eventTarget<DataChannelEvents>() {
  /** @internal */
  readonly [internals]: ChannelState;

  /** @internal */
  constructor(token: typeof internals, host: DataChannelHost, handle: number, parameters: ChannelParameters) {
    super();
    checkConstructor(token);
    this[internals] = new ChannelState(host, handle, parameters);
  }

  get label(): string {
    return this[internals].parameters.label;
  }

  get ordered(): boolean {
    return this[internals].parameters.ordered;
  }

  /** Milliseconds; null: no limit. */
  get maxPacketLifeTime(): number | null {
    return this[internals].parameters.maxPacketLifeTime;
  }

  get maxRetransmits(): number | null {
    return this[internals].parameters.maxRetransmits;
  }

  get protocol(): string {
    return this[internals].parameters.protocol;
  }

  get negotiated(): boolean {
    return this[internals].parameters.negotiated;
  }

  get priority(): RTCPriorityType {
    return this[internals].parameters.priority;
  }

  /** The SCTP stream; null before one is assigned. */
  get id(): number | null {
    return this[internals].id;
  }

  get readyState(): RTCDataChannelState {
    return this[internals].readyState;
  }

  /** Bytes handed to `send` that were not sent to the network yet. */
  get bufferedAmount(): number {
    return this[internals].bufferedAmount;
  }

  get bufferedAmountLowThreshold(): number {
    return this[internals].lowThreshold;
  }

  /** `bufferedamountlow` fires when `bufferedAmount` falls to this or below. */
  set bufferedAmountLowThreshold(bytes: number) {
    checkThis(this[internals]).lowThreshold = enforceRange("bufferedAmountLowThreshold", bytes, 0xffff_ffff);
  }

  get binaryType(): RTCBinaryType {
    return this[internals].binaryType;
  }

  /** As what binary messages arrive. Other values are ignored (Web IDL). */
  set binaryType(type: RTCBinaryType) {
    const state = checkThis(this[internals]);
    if (type === "arraybuffer" || type === "blob") state.binaryType = type;
  }

  /**
   * Queues a message; bytes are copied. What is neither bytes nor a Blob is sent as the string it converts to.
   *
   * @throws InvalidStateError unless open, TypeError for what is larger than the peer takes, OperationError when 64 MiB
   * wait already.
   */
  send(data: string | Blob | ArrayBuffer | ArrayBufferView): void {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    if (arguments.length === 0) throw new TypeError("send takes a message");
    const state = this[internals];
    const message = data instanceof Blob ? data : asBytes(data);
    if (state.readyState !== "open") {
      throw domError("InvalidStateError", `The channel is ${state.readyState}`);
    }
    const size = message instanceof Blob ? message.size : message.data.byteLength;
    checkRoom(state, size);
    state.bufferedAmount += size;
    state.messagesSent++;
    state.bytesSent += size;
    if (message instanceof Blob) this.#sendBlob(message);
    else if (state.outgoing.length > 0) state.outgoing.push(message);
    else state.host.send(state.handle, message.binary, message.data);
  }

  /** What was sent before still arrives; `close` fires when the peer has closed its side, too. */
  close(): void {
    const state = this[internals];
    if (state.readyState === "closing" || state.readyState === "closed") return;
    state.readyState = "closing";
    if (state.outgoing.length === 0) state.host.close(this);
  }

  #sendBlob(blob: Blob): void {
    const entry: Outgoing = { binary: true, data: undefined };
    this[internals].outgoing.push(entry);
    blob.arrayBuffer().then(
      (data) => {
        entry.data = data;
        this.#flushOutgoing();
      },
      () => failChannel(this, "the Blob could not be read"),
    );
  }

  #flushOutgoing(): void {
    const state = this[internals];
    const { outgoing, host } = state;
    while (outgoing[0]?.data !== undefined) {
      const { binary, data } = outgoing[0];
      outgoing.shift();
      if (state.readyState !== "closed") host.send(state.handle, binary, data);
    }
    if (outgoing.length === 0 && state.readyState === "closing") host.close(this);
  }
}

defineInterface(RTCDataChannel, {
  handlers: ["open", "bufferedamountlow", "error", "closing", "close", "message"],
});

function checkRoom(state: ChannelState, size: number): void {
  const { maxMessageSize } = state.host;
  if (size > maxMessageSize) {
    throw new TypeError(`The message has ${size} bytes; the peer takes ${maxMessageSize}`);
  }
  if (state.bufferedAmount + size > maxBufferedBytes) {
    throw domError("OperationError", `${state.bufferedAmount} bytes wait to be sent already`);
  }
}

const encoder = new TextEncoder();

/** A copy of the bytes, in a buffer of its own that can be moved to another thread. */
function asBytes(data: unknown): { readonly binary: boolean; readonly data: ArrayBuffer } {
  if (ArrayBuffer.isView(data)) {
    if (!(data.buffer instanceof ArrayBuffer)) throw new TypeError("Shared memory can't be sent");
    return { binary: true, data: copyOf(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) };
  }
  if (data instanceof ArrayBuffer) return { binary: true, data: copyOf(new Uint8Array(data)) };
  const bytes = encoder.encode(String(data));
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  return { binary: false, data: whole.buffer };
}

/** Unlike a slice's, the copy's memory is not written twice, first with zeros. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy.buffer as ArrayBuffer;
}

export function openChannel(channel: RTCDataChannel, streamId: number): void {
  const state = channel[internals];
  state.id = streamId;
  if (state.readyState !== "connecting") return;
  markOpen(channel);
  channel.dispatchEvent(new Event("open"));
}

export function markOpen(channel: RTCDataChannel): void {
  channel[internals].readyState = "open";
  channel[internals].wasOpen = true;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function receiveMessage(channel: RTCDataChannel, binary: boolean, data: ArrayBuffer): void {
  const state = channel[internals];
  state.messagesReceived++;
  state.bytesReceived += data.byteLength;
  // WebRTC 1.0 §6.2: messages that arrive after close() was called are dropped.
  if (state.readyState !== "open") return;
  const bytes = state.binaryType === "blob" ? () => new Blob([data]) : () => data;
  channel.dispatchEvent(new MessageEvent("message", { data: binary ? bytes() : decoder.decode(data) }));
}

export function noteSent(channel: RTCDataChannel, bytes: number): void {
  const state = channel[internals];
  const before = state.bufferedAmount;
  state.bufferedAmount -= bytes;
  const fell = before > state.lowThreshold && state.bufferedAmount <= state.lowThreshold;
  if (fell && state.readyState !== "closed") channel.dispatchEvent(new Event("bufferedamountlow"));
}

/** The peer closes. */
export function beginClosing(channel: RTCDataChannel): void {
  const state = channel[internals];
  if (state.readyState === "closing" || state.readyState === "closed") return;
  state.readyState = "closing";
  channel.dispatchEvent(new Event("closing"));
}

export interface CloseReason {
  /** "": nothing went wrong. */
  readonly error: string;
  /** Of an ABORT (RFC 9260 §3.3.10). */
  readonly sctpCauseCode?: number;
}

/** WebRTC 1.0 §6.2.5 "announce the data channel as closed". */
export function announceClosed(channel: RTCDataChannel, { error, sctpCauseCode }: CloseReason): void {
  const state = channel[internals];
  if (state.readyState === "closed") return;
  state.readyState = "closed";
  state.outgoing.length = 0;
  if (error !== "") {
    const cause = sctpCauseCode === undefined ? {} : { sctpCauseCode };
    const failure = new RTCError({ errorDetail: "sctp-failure", ...cause }, error);
    channel.dispatchEvent(new RTCErrorEvent("error", { error: failure }));
  }
  channel.dispatchEvent(new Event("close"));
}

function failChannel(channel: RTCDataChannel, reason: string): void {
  const state = channel[internals];
  if (state.readyState === "closed") return;
  state.outgoing.length = 0;
  const error = new RTCError({ errorDetail: "data-channel-failure" }, reason);
  channel.dispatchEvent(new RTCErrorEvent("error", { error }));
  if (state.readyState !== "closing") channel.close();
  else state.host.close(channel);
}
