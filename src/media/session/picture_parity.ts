import { FecDecoder } from "../../protocol/fec/fec_decoder.js";
import type { FecFormat } from "../../protocol/fec/fec_format.js";
import { copyBytes } from "../../protocol/primitives/bytes.js";
import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";

/** The longest packet that is kept and repaired. */
const MAX_PACKET_BYTES = 1500;

/** Repairs one source's pictures from parity packets. Made when the first of those comes: most paths need none. */
export class PictureParity {
  /** Where {@link poll} leaves what it repaired. */
  readonly packet = new Uint8Array(MAX_PACKET_BYTES);
  readonly #decoder: FecDecoder;
  #discarded = 0;

  /** @param ssrc the protected source */
  constructor(
    readonly format: FecFormat,
    ssrc: number,
  ) {
    this.#decoder = new FecDecoder({ format, ssrc, maxPacketBytes: MAX_PACKET_BYTES });
  }

  /** Packets of parity that turned out to be of no use since the last call. */
  takeDiscarded(): number {
    const { parityRefused, parityDiscarded } = this.#decoder.stats;
    const discarded = parityRefused + parityDiscarded - this.#discarded;
    this.#discarded += discarded;
    return discarded;
  }

  /** A packet of media as its sender protected it: without RED around its payload, which `header` names. */
  handlePacket(bytes: Uint8Array, header: RtpHeader): void {
    const { packetOffset, headerBytes, payloadOffset, payloadLength, payloadType, marker } = header;
    const { packet } = this;
    if (headerBytes + payloadLength > packet.length) return;
    copyBytes(bytes, packetOffset, packet, 0, headerBytes);
    packet[1] = (marker ? 0x80 : 0) | payloadType;
    copyBytes(bytes, payloadOffset, packet, headerBytes, payloadLength);
    this.#decoder.handlePacket(packet, 0, headerBytes + payloadLength);
  }

  handleParity(bytes: Uint8Array, offset: number, length: number): void {
    this.#decoder.handleParity(bytes, offset, length);
  }

  /** The next repaired packet's bytes; 0: there is none. */
  poll(): number {
    return this.#decoder.poll(this.packet);
  }
}
