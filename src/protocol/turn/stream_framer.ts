import { LAST_CHANNEL } from "./channel_data.js";

/** STUN messages and ChannelData out of a TCP or TLS byte stream (RFC 8656 §12.5, RFC 8489 §6.2.2). */
export class TurnStreamFramer {
  #buffer = new Uint8Array(0);
  #broken = false;
  readonly #lastChannel: number;

  constructor(lastChannel = LAST_CHANNEL) {
    this.#lastChannel = lastChannel;
  }

  /** Once true the stream has lost its frames and must be closed. */
  get broken(): boolean {
    return this.#broken;
  }

  /** Takes bytes as they come and gives the whole frames among them, ChannelData without its padding. */
  push(bytes: Uint8Array): Uint8Array[] {
    if (this.#broken) return [];
    const all = new Uint8Array(this.#buffer.length + bytes.length);
    all.set(this.#buffer);
    all.set(bytes, this.#buffer.length);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= 4) {
      const sizes = frameSizes(all, at, this.#lastChannel);
      if (!sizes) {
        this.#broken = true;
        break;
      }
      if (all.length - at < sizes.onWire) break;
      frames.push(all.slice(at, at + sizes.frame));
      at += sizes.onWire;
    }
    // A frame has at most 65 555 bytes, so this never holds more.
    this.#buffer = this.#broken ? new Uint8Array(0) : all.slice(at);
    return frames;
  }
}

function frameSizes(
  data: Uint8Array,
  at: number,
  lastChannel: number,
): { frame: number; onWire: number } | undefined {
  const length = (data[at + 2] << 8) | data[at + 3];
  const kind = data[at] & 0xc0;
  if (kind === 0) return length % 4 === 0 ? { frame: 20 + length, onWire: 20 + length } : undefined;
  if (kind === 0x40 && data[at] <= lastChannel >> 8)
    return { frame: 4 + length, onWire: 4 + ((length + 3) & ~3) };
  return undefined;
}
