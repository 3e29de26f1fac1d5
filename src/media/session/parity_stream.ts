import type { HeaderExtensionWriter } from "../../protocol/rtp/extension_writer.js";
import { writeRtpHeader } from "../../protocol/rtp/rtp_header.js";
import type { FlexfecSendOptions } from "../transport_api.js";
import { PacketRing } from "./packet_ring.js";
import { MOST_GROUPS } from "./parity_sender.js";

/** Room for the parity of two frames: while one's waits to leave, the next's is written. */
const SLOTS = 2 * MOST_GROUPS;

/** Packets of parity in a stream of their own (RFC 8627 §4.2.1), plain: of the last frame {@link count} from {@link first} on. */
export class ParityStream {
  readonly ring: PacketRing;
  /** Sequence number of the first. */
  first = 0;
  count = 0;
  readonly #fields;

  /** @param protectedSsrc the source that the parity is of */
  constructor(
    options: FlexfecSendOptions,
    protectedSsrc: number,
    firstSequenceNumber: number,
    packetBytes: number,
  ) {
    this.ring = new PacketRing(SLOTS, packetBytes);
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

  /** Of another frame. */
  begin(): void {
    this.first = this.nextSequenceNumber;
    this.count = 0;
  }

  /** Their {@link count}, for whoever sends them. */
  take(): number {
    const { count } = this;
    this.count = 0;
    return count;
  }

  /** Where the next packet is to be written. */
  get offset(): number {
    return this.ring.offsetOf(this.ring.slotOf(this.nextSequenceNumber));
  }

  /** Completes the packet, whose payload of `bytes` lies `header` bytes behind {@link offset}. */
  put(header: number, bytes: number, timestamp: number, extensions: HeaderExtensionWriter): void {
    this.#fields.timestamp = timestamp;
    writeRtpHeader(this.ring.slab, this.offset, this.#fields, extensions);
    this.ring.put(this.nextSequenceNumber, header + bytes);
    this.#fields.sequenceNumber = (this.#fields.sequenceNumber + 1) & 0xffff;
    this.count++;
  }
}
