import type { SrtpContext } from "../../../native/addon.js";
import type { SendLog } from "../../protocol/bwe/send_log.js";
import { ResendBudget } from "../../protocol/nack/resend_budget.js";
import { copyBytes, writeU16, writeU24 } from "../../protocol/primitives/bytes.js";
import { relabelExtension } from "../../protocol/rtp/extension_writer.js";
import { absSendTimeFromUs } from "../../protocol/rtp/header_extensions.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { RtxSender } from "../../protocol/rtx/rtx.js";
import type { HeaderExtensionIds, SendStreamOptions } from "../transport_api.js";
import { PacketRing } from "./packet_ring.js";
import { SendCounters } from "./stream_counters.js";

/** Least time between two repetitions of one packet where the round-trip time is not known or shorter. */
const MIN_REPEAT_US = 5_000;
/** Round trips for which a repeated packet counts as on its way: who misses it asks again after one, give or take jitter. */
const UNDERWAY = 0.75;
/** RTX packets that wait for nothing: a slot is free again as soon as it was sent. */
const RTX_SLOTS = 64;

export interface NackResponderOptions {
  readonly stream: SendStreamOptions;
  /** What was sent, protected. */
  readonly history: PacketRing;
  /** Largest UDP payload. */
  readonly maxPacketBytes: number;
  readonly firstRtxSequenceNumber: number;
  /** A {@link SendCounters} block. */
  readonly counters: Float64Array;
  /** The transport's. */
  readonly log: SendLog;
}

/**
 * Answers the peer's NACKs about one stream (RFC 4585 §6.2.1): which packets are sent again, and as what: bit for bit as before, or
 * wrapped into the RTX stream where one is negotiated (RFC 4588). Nothing is repeated while it must still be on its way, nor
 * beyond the {@link ResendBudget}. The history keeps protected packets alone: what RTX wraps is opened anew, so that only lost packets cost
 * anything.
 */
export class NackResponder {
  /** Where {@link repeat} leaves the packet to send. */
  readonly ring: PacketRing;
  readonly #history: PacketRing;
  readonly #counters: Float64Array;
  readonly #log: SendLog;
  readonly #extensions: HeaderExtensionIds;
  readonly #budget = new ResendBudget();
  readonly #rtx: RtxSender | undefined;
  readonly #header = new RtpHeader();
  readonly #plain: Uint8Array;
  #next = 0;

  constructor(options: NackResponderOptions) {
    const { stream, history, maxPacketBytes, counters } = options;
    this.#history = history;
    this.#counters = counters;
    this.#log = options.log;
    this.#extensions = stream.extensions;
    this.#rtx =
      stream.rtx === undefined
        ? undefined
        : new RtxSender({
            ssrc: stream.rtx.ssrc,
            payloadTypes: repeatedTypes(stream),
            firstSequenceNumber: options.firstRtxSequenceNumber,
          });
    this.ring = this.#rtx === undefined ? history : new PacketRing(RTX_SLOTS, maxPacketBytes);
    this.#plain = new Uint8Array(this.#rtx === undefined ? 0 : maxPacketBytes);
  }

  /** Of the RTX stream; undefined where there is none. */
  get nextRtxSequenceNumber(): number | undefined {
    return this.#rtx?.nextSequenceNumber;
  }

  /** Bytes that went out for the first time. */
  noteSent(bytes: number): void {
    this.#budget.note(bytes);
  }

  /** Prepares a packet to be sent again; its slot of {@link ring}, -1: it is not to be. */
  repeat(sequenceNumber: number, srtp: SrtpContext, nowUs: number): number {
    const counters = this.#counters;
    const slot = this.#history.slotOf(sequenceNumber);
    const bytes = this.#history.lengthOf(slot);
    // A negative length: SRTP refused what an interceptor had made of the packet.
    if (!this.#history.has(sequenceNumber) || bytes < 0) {
      counters[SendCounters.retransmitMisses]++;
      return -1;
    }
    const underwayUs = Math.max(MIN_REPEAT_US, UNDERWAY * counters[SendCounters.rttUs]);
    const isOnItsWay = nowUs - this.#history.repeatedUs(sequenceNumber) < underwayUs;
    if (isOnItsWay || !this.#budget.take(bytes)) {
      counters[SendCounters.retransmitRefusals]++;
      return -1;
    }
    const ready = this.#rtx === undefined ? slot : this.#wrap(this.#rtx, slot, srtp, nowUs);
    if (ready < 0) return -1;
    this.#history.markRepeated(sequenceNumber, nowUs);
    counters[SendCounters.retransmitted]++;
    counters[SendCounters.retransmittedBytes] += this.#payloadBytes(slot, srtp.rtpOverhead);
    return ready;
  }

  /**
   * Prepares a packet to be sent once more though nobody misses it, to see what the path carries; its slot of {@link ring}, -1: it cannot be. Only
   * what goes in a stream of its own may: to the peer it is one that came twice.
   */
  again(sequenceNumber: number, srtp: SrtpContext, nowUs: number): number {
    const slot = this.#history.slotOf(sequenceNumber);
    if (this.#rtx === undefined || !this.#history.has(sequenceNumber)) return -1;
    if (this.#history.lengthOf(slot) < 0 || this.#history.repeatedUs(sequenceNumber) > nowUs) return -1;
    const ready = this.#wrap(this.#rtx, slot, srtp, nowUs);
    if (ready >= 0) this.#counters[SendCounters.unaskedRepeats]++;
    return ready;
  }

  /** Of a packet in the history: as webrtc-stats counts, neither its header nor what protects it. */
  #payloadBytes(slot: number, rtpOverhead: number): number {
    const history = this.#history;
    if (!parseRtp(history.slab, history.offsetOf(slot), history.lengthOf(slot), this.#header)) return 0;
    return this.#header.payloadLength - rtpOverhead;
  }

  /** Opens the packet of the history and writes it into a slot of {@link ring} as RTX, protected. */
  #wrap(rtx: RtxSender, slot: number, srtp: SrtpContext, nowUs: number): number {
    const { ring } = this;
    const length = this.#history.lengthOf(slot);
    copyBytes(this.#history.slab, this.#history.offsetOf(slot), this.#plain, 0, length);
    const plainLength = srtp.recoverRtp(this.#plain, 0, length);
    if (plainLength < 0 || !parseRtp(this.#plain, 0, plainLength, this.#header)) return -1;
    const target = ring.slotOf(this.#next);
    const offset = ring.offsetOf(target);
    const wrapped = rtx.wrap(this.#plain, this.#header, ring.slab, offset);
    // An interceptor may have made it of a payload type that has no RTX.
    if (wrapped === 0) return -1;
    this.#renewExtensions(ring.slab, offset, wrapped, nowUs);
    ring.put(this.#next, srtp.protectRtp(ring.slab, offset, wrapped));
    this.#next = (this.#next + 1) & 0xffff;
    return target;
  }

  /** What says when and as which of the transport's packets this one leaves. */
  #renewExtensions(packet: Uint8Array, offset: number, bytes: number, nowUs: number): void {
    const header = this.#header;
    const { transportCc = 0, absSendTime = 0, rid = 0, repairedRid = 0 } = this.#extensions;
    const numberAt = header.extensionOffset(transportCc);
    if (numberAt >= 0) writeU16(packet, offset + numberAt - header.packetOffset, this.#log.add(bytes, nowUs));
    const timeAt = header.extensionOffset(absSendTime);
    if (timeAt >= 0) writeU24(packet, offset + timeAt - header.packetOffset, absSendTimeFromUs(nowUs));
    // RFC 8852 §3.2: the rid is that of the stream that is repaired, not of this one.
    const ridAt = header.extensionOffset(rid);
    if (ridAt >= 0) relabelExtension(packet, offset, ridAt - header.packetOffset, repairedRid);
  }
}

/** Which payload type repeats which: the format's, and that of RED around it. */
function repeatedTypes({ payloadType, rtx, red }: SendStreamOptions): Map<number, number> {
  const types = new Map<number, number>();
  if (rtx !== undefined) types.set(payloadType, rtx.payloadType);
  if (red?.rtx !== undefined) types.set(red.payloadType, red.rtx);
  return types;
}
