/** The arguments of createDataChannel and their checks (WebRTC 1.0 §6.1, RFC 8831 §6.4). */
import { checkEnum, domError } from "./dom_error.js";
import { enforceRange } from "./web_idl.js";

const priorities = ["very-low", "low", "medium", "high"] as const;
export type RTCPriorityType = (typeof priorities)[number];

export interface RTCDataChannelInit {
  readonly ordered?: boolean;
  /** Milliseconds during which a message is sent and sent again; not together with `maxRetransmits`. */
  readonly maxPacketLifeTime?: number;
  readonly maxRetransmits?: number;
  readonly protocol?: string;
  /** Both sides make the channel, with the same `id`; nothing is announced. */
  readonly negotiated?: boolean;
  readonly id?: number;
  readonly priority?: RTCPriorityType;
}

/** A channel as it was asked for, checked. */
export interface ChannelParameters {
  readonly label: string;
  readonly protocol: string;
  readonly ordered: boolean;
  readonly maxPacketLifeTime: number | null;
  readonly maxRetransmits: number | null;
  readonly negotiated: boolean;
  readonly id: number | null;
  readonly priority: RTCPriorityType;
}

const maxTextBytes = 65_535;
export const maxStreamId = 65_534;

/** RFC 8831 §6.4. */
const priorityValues: Readonly<Record<RTCPriorityType, number>> = {
  "very-low": 128,
  low: 256,
  medium: 512,
  high: 1024,
};

export function priorityValue(priority: RTCPriorityType): number {
  return priorityValues[priority];
}

/** The name of what the peer announced. */
export function priorityName(value: number): RTCPriorityType {
  return priorities.find((name) => value <= priorityValues[name]) ?? "high";
}

/** @throws TypeError for what no channel can be, OperationError for an id no stream can have. */
export function checkChannelInit(label: unknown, init: RTCDataChannelInit): ChannelParameters {
  const maxPacketLifeTime = unsignedShort("maxPacketLifeTime", init.maxPacketLifeTime);
  const maxRetransmits = unsignedShort("maxRetransmits", init.maxRetransmits);
  const id = unsignedShort("id", init.id);
  const negotiated = Boolean(init.negotiated ?? false);
  const parameters = {
    label: text("label", label),
    // Web IDL: null is a value, which becomes a text or a boolean; undefined is absent.
    protocol: text("protocol", init.protocol === undefined ? "" : init.protocol),
    ordered: init.ordered === undefined || Boolean(init.ordered),
    maxPacketLifeTime,
    maxRetransmits,
    negotiated,
    id: negotiated ? id : null,
    priority: checkEnum("RTCPriorityType", priorities, init.priority ?? "low"),
  };
  if (negotiated && id === null) throw new TypeError("A negotiated channel needs an id");
  if (maxPacketLifeTime !== null && maxRetransmits !== null) {
    throw new TypeError("maxPacketLifeTime and maxRetransmits exclude each other");
  }
  if (parameters.id !== null && parameters.id > maxStreamId) {
    throw new TypeError(`id is ${parameters.id}; the highest is ${maxStreamId}`);
  }
  return parameters;
}

/** Web IDL: a USVString. */
function text(name: string, value: unknown): string {
  const bytes = new TextEncoder().encode(String(value));
  if (bytes.length > maxTextBytes) {
    throw new TypeError(`${name} has ${bytes.length} bytes; ${maxTextBytes} is the most`);
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Web IDL: `[EnforceRange] unsigned short`; absent: null. */
function unsignedShort(name: string, value: unknown): number | null {
  return value === undefined || value === null ? null : enforceRange(name, value, 65_535);
}

export function checkStreamId(id: number | null, taken: boolean, maxChannels: number | null): void {
  if (id === null) return;
  if (taken) throw domError("OperationError", `A channel has the id ${id} already`);
  if (maxChannels !== null && id >= maxChannels) {
    throw domError("OperationError", `id is ${id}; the association has ${maxChannels} streams`);
  }
}
