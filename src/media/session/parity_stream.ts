import type { HeaderExtensionWriter } from "../../protocol/rtp/extension_writer.js";
import { writeRtpHeader } from "../../protocol/rtp/rtp_header.js";
import type { FlexfecSendOptions } from "../transport_api.js";
import { PacketRing } from "./packet_ring.js";
import { MOST_GROUPS } from "./parity_sender.js";

/** Packets of parity in a stream of their own (RFC 8627 §4.2.1): a frame's, in the first {@link count} slots, ready to be protected. */
export class ParityStream {
  readonly ring: PacketRing;
  count = 0;
  readonly #fields;

  /** @param protectedSsrc the source that the parity is of */
  constructor(
    options: FlexfecSendOptions,
    protectedSsrc: number,
    firstSequenceNumber: number,
    packetBytes: number,
  ) {
    this.ring = new PacketRing(MOST_GROUPS, packetBytes);
    this.#fields = {
      marker: false,
      payloadType: options.payloadType,
      sequenceNumber: firstSequenceNumber,
      timestamp: 0,
      ssrc: options.ssrc,
      contributor: protectedSsrc,
    };
  }

  get nextSequenceNumber(): number {
    return this.#fields.sequenceNumber;
  }

  /** Where the next packet is to be written. */
  get offset(): number {
    return this.ring.offsetOf(this.ring.slotOf(this.count));
  }

  /** Completes the packet, whose payload of `bytes` lies `header` bytes behind {@link offset}. */
  put(header: number, bytes: number, timestamp: number, extensions: HeaderExtensionWriter): void {
    this.#fields.timestamp = timestamp;
    writeRtpHeader(this.ring.slab, this.offset, this.#fields, extensions);
    this.#fields.sequenceNumber = (this.#fields.sequenceNumber + 1) & 0xffff;
    this.ring.put(this.count++, header + bytes);
  }
}
