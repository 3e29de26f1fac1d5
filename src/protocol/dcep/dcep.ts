/**
 * The Data Channel Establishment Protocol (RFC 8832): DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK, and the payload
 * protocol identifiers of data channels (RFC 8831 §8).
 */

/** RFC 8831 §8. The two `partial` ones are deprecated; they are taken in, never sent. */
export const PayloadProtocol = {
  dcep: 50,
  string: 51,
  binaryPartial: 52,
  binary: 53,
  stringPartial: 54,
  stringEmpty: 56,
  binaryEmpty: 57,
} as const;

/** How a channel delivers; neither limit: reliable. At most one of the two. */
export interface ChannelReliability {
  readonly ordered: boolean;
  readonly maxRetransmits?: number;
  readonly maxPacketLifeTimeMs?: number;
}

export interface DataChannelOpen extends ChannelReliability {
  /** RFC 8831 §6.4: 128 below normal, 256 normal, 512 high, 1024 extra high. */
  readonly priority: number;
  readonly label: string;
  readonly protocol: string;
}

export type DcepMessage =
  | { readonly type: "open"; readonly open: DataChannelOpen }
  | { readonly type: "ack" };

const OPEN = 0x03;
const ACK = 0x02;
const RELIABLE = 0x00;
const BY_RETRANSMITS = 0x01;
const BY_LIFETIME = 0x02;
const UNORDERED = 0x80;
const OPEN_HEADER_BYTES = 12;
const MAX_TEXT_BYTES = 0xffff;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Throws RangeError for a label or protocol beyond 65535 bytes of UTF-8. */
export function encodeOpen(open: DataChannelOpen): Uint8Array {
  const label = textBytes(open.label, "label");
  const protocol = textBytes(open.protocol, "protocol");
  const out = new Uint8Array(OPEN_HEADER_BYTES + label.length + protocol.length);
  const view = new DataView(out.buffer);
  view.setUint8(0, OPEN);
  view.setUint8(1, channelType(open));
  view.setUint16(2, open.priority);
  view.setUint32(4, open.maxRetransmits ?? open.maxPacketLifeTimeMs ?? 0);
  view.setUint16(8, label.length);
  view.setUint16(10, protocol.length);
  out.set(label, OPEN_HEADER_BYTES);
  out.set(protocol, OPEN_HEADER_BYTES + label.length);
  return out;
}

export function encodeAck(): Uint8Array {
  return Uint8Array.of(ACK);
}

/** Undefined for anything that is not one whole, valid message: unknown type, lying lengths, text that is not UTF-8. */
export function parseDcep(bytes: Uint8Array): DcepMessage | undefined {
  if (bytes[0] === ACK && bytes.length === 1) return { type: "ack" };
  if (bytes[0] !== OPEN || bytes.length < OPEN_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const labelBytes = view.getUint16(8);
  const protocolBytes = view.getUint16(10);
  if (OPEN_HEADER_BYTES + labelBytes + protocolBytes !== bytes.length) return undefined;
  const reliability = parseChannelType(view.getUint8(1), view.getUint32(4));
  const texts = parseTexts(bytes.subarray(OPEN_HEADER_BYTES), labelBytes);
  if (!reliability || !texts) return undefined;
  return { type: "open", open: { ...reliability, ...texts, priority: view.getUint16(2) } };
}

function textBytes(text: string, what: string): Uint8Array {
  const bytes = encoder.encode(text);
  if (bytes.length > MAX_TEXT_BYTES)
    throw new RangeError(`${what}: ${bytes.length} bytes of UTF-8, at most 65535`);
  return bytes;
}

/** RFC 8832 §5.1. */
function channelType({ ordered, maxRetransmits, maxPacketLifeTimeMs }: ChannelReliability): number {
  const limit =
    maxRetransmits !== undefined
      ? BY_RETRANSMITS
      : maxPacketLifeTimeMs !== undefined
        ? BY_LIFETIME
        : RELIABLE;
  return limit | (ordered ? 0 : UNORDERED);
}

function parseChannelType(type: number, parameter: number): ChannelReliability | undefined {
  const ordered = (type & UNORDERED) === 0;
  switch (type & ~UNORDERED) {
    case RELIABLE:
      return { ordered };
    case BY_RETRANSMITS:
      return { ordered, maxRetransmits: parameter };
    case BY_LIFETIME:
      return { ordered, maxPacketLifeTimeMs: parameter };
    default:
      return undefined;
  }
}

function parseTexts(bytes: Uint8Array, labelBytes: number): { label: string; protocol: string } | undefined {
  try {
    return {
      label: strictDecoder.decode(bytes.subarray(0, labelBytes)),
      protocol: strictDecoder.decode(bytes.subarray(labelBytes)),
    };
  } catch {
    return undefined;
  }
}
