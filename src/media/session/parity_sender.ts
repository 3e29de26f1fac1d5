import { FecEncoder } from "../../protocol/fec/fec_encoder.js";
import type { FecFormat } from "../../protocol/fec/fec_format.js";
import { ProtectionRate } from "../../protocol/fec/protection_rate.js";
import { SendCounters } from "./stream_counters.js";

/** Frames that one parity packet may reach over: the wait for it must stay below the round trip that it saves. */
const MOST_FRAMES = 2;
/** Reports are read when they are about so many packets more. */
const REPORTED_PACKETS = 30;
/** Parity packets of one frame. */
export const MOST_GROUPS = 16;

/**
 * Parity of one stream's pictures, as much of it as the peer's reports are worth. It goes behind a frame's last packet: browsers take what
 * lies between a frame's packets for a part of it that is missing.
 */
export class ParitySender {
  readonly #rate: ProtectionRate;
  readonly #make: () => FecEncoder;
  readonly #counters: Float64Array;
  /** Groups of packets, one parity packet each: those before {@link #open} are full. Made when there is loss. */
  readonly #groups: FecEncoder[] = [];
  #open = 0;
  /** The group whose parity is written next, and the one where that ends. */
  #next = 0;
  #end = 0;
  /** By the peer's reports when they were last read: packets that it should have, and those that it does not have. */
  #expected = 0;
  #lost = 0;
  /** That the open group has packets of. */
  #frames = 0;

  /** @param counters a {@link SendCounters} block, for what the peer reports */
  constructor(format: FecFormat, maxPacketBytes: number, canRepeat: boolean, counters: Float64Array) {
    this.#make = () => new FecEncoder(format, maxPacketBytes);
    this.#rate = new ProtectionRate(canRepeat);
    this.#counters = counters;
  }

  /** Of what is sent, the share that is parity. */
  get share(): number {
    return this.#rate.share;
  }

  /** Before a frame: whether its packets are to be protected. */
  begin(): boolean {
    this.#readReports();
    if (this.#rate.packets > 0) return true;
    for (const group of this.#groups) group.clear();
    this.#open = this.#frames = 0;
    return false;
  }

  /** By what was lost of how many, not by each report's fraction: some peers report after every few packets. */
  #readReports(): void {
    const counters = this.#counters;
    const lost = counters[SendCounters.remoteLost];
    const expected = counters[SendCounters.remotePacketsReceived] + lost;
    // Fewer than before: the peer counts anew.
    const isAnew = expected < this.#expected;
    if (!isAnew && expected - this.#expected < REPORTED_PACKETS) return;
    const fraction = isAnew ? 0 : Math.max(0, lost - this.#lost) / (expected - this.#expected);
    this.#expected = expected;
    this.#lost = lost;
    this.#rate.handleReport(fraction, counters[SendCounters.rttUs]);
  }

  /** A packet as it is protected. */
  add(packet: Uint8Array, offset: number, length: number): void {
    const group = this.#group();
    const isLastGroup = this.#open === MOST_GROUPS - 1;
    if (group.count > 0 && !isLastGroup && group.count >= this.#rate.packets) this.#openNext();
    if (this.#group().add(packet, offset, length) || this.#open === MOST_GROUPS - 1) return;
    this.#openNext();
    this.#group().add(packet, offset, length);
  }

  /** The frame is over: {@link write} what is due. */
  endFrame(): void {
    this.#frames++;
    const { count } = this.#group();
    const isDue = 2 * count >= this.#rate.packets || this.#frames >= MOST_FRAMES;
    this.#next = 0;
    this.#end = this.#open + (isDue ? 1 : 0);
  }

  /** Writes a due parity packet's payload; its bytes, 0: there is no more. */
  write(target: Uint8Array, offset: number): number {
    while (this.#next < this.#end) {
      const bytes = this.#groups[this.#next++].finish(target, offset);
      if (bytes === 0) continue;
      this.#counters[SendCounters.parityPackets]++;
      this.#counters[SendCounters.parityBytes] += bytes;
      return bytes;
    }
    this.#closeWritten();
    return 0;
  }

  #group(): FecEncoder {
    const group = this.#groups[this.#open] ?? this.#make();
    this.#groups[this.#open] = group;
    return group;
  }

  #openNext(): void {
    this.#open++;
    this.#frames = 0;
  }

  /** The group that is still open comes first again. */
  #closeWritten(): void {
    const isOpen = this.#end === this.#open;
    if (isOpen && this.#open > 0) {
      const group = this.#group();
      this.#groups[this.#open] = this.#groups[0];
      this.#groups[0] = group;
    }
    if (!isOpen) this.#frames = 0;
    this.#open = this.#next = this.#end = 0;
  }
}
