import type { SendLog } from "../../protocol/bwe/send_log.js";
import { writeU16, writeU24 } from "../../protocol/primitives/bytes.js";
import { absSendTimeFromUs } from "../../protocol/rtp/header_extensions.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import type { HeaderExtensionIds } from "../transport_api.js";
import type { PacketRing } from "./packet_ring.js";

/**
 * What a packet says about its leaving, in header extensions that were written empty: as which of the transport's packets it leaves, and
 * when. Both are the moment's alone, so they are filled in at the last moment, before protection.
 */
export class DepartureStamps {
  readonly #log: SendLog;
  readonly #numberId: number;
  readonly #timeId: number;
  readonly #header = new RtpHeader();

  /** @param log the transport's: numbers its packets */
  constructor({ transportCc = 0, absSendTime = 0 }: HeaderExtensionIds, log: SendLog) {
    this.#log = log;
    this.#numberId = transportCc;
    this.#timeId = absSendTime;
  }

  /** Of plain packets in `count` slots from `slot` on, whose header extensions are laid out alike: those of one picture are. */
  stamp(ring: PacketRing, slot: number, count: number, nowUs: number): void {
    if (count === 0 || (this.#numberId === 0 && this.#timeId === 0)) return;
    const { slab } = ring;
    const header = this.#header;
    if (!parseRtp(slab, ring.offsetOf(slot), ring.lengthOf(slot), header)) return;
    const numberAt = header.extensionOffset(this.#numberId) - header.packetOffset;
    const timeAt = header.extensionOffset(this.#timeId) - header.packetOffset;
    const time = absSendTimeFromUs(nowUs);
    for (let i = slot; i < slot + count; i++) {
      const offset = ring.offsetOf(i);
      if (numberAt > 0) writeU16(slab, offset + numberAt, this.#log.add(ring.lengthOf(i), nowUs));
      if (timeAt > 0) writeU24(slab, offset + timeAt, time);
    }
  }
}
