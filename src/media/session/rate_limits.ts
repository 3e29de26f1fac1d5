import { writeTemporaryBitrate } from "../../protocol/rtcp/bitrate_feedback.js";
import type { TemporaryBitrate } from "../../protocol/rtcp/packets.js";
import type { RtcpWriter } from "../../protocol/rtcp/writer.js";

type Entry = TemporaryBitrate["entries"][number];

/** Payload of a usual packet of pictures: what a tuple's overhead is set against. */
const USUAL_PACKET_BYTES = 1200;

/** A request for one stream, and who made it. */
interface Bound {
  readonly owner: number;
  readonly entry: Entry;
}

/**
 * What a peer asks us not to send more than: of all streams together by REMB (draft-alvestrand-rmcat-remb-03), of one by TMMBR, which is
 * answered by TMMBN (RFC 5104 §3.5.4, §4.2.1, §4.2.2). The bounding set of a stream is kept as its tightest request alone, which its owner may
 * loosen again. All send streams of an encoding share what it makes, so the tightest of all requests counts ({@link bps}).
 */
export class RateLimits {
  #rembBps = Number.POSITIVE_INFINITY;
  /** By the stream's SSRC. */
  readonly #bounds = new Map<number, Bound>();
  /** Streams whose peer is to be told their bound. */
  readonly #owed = new Set<number>();

  handleRemb(bitrateBps: number): void {
    this.#rembBps = bitrateBps;
  }

  /** A request for a stream of ours. */
  handleRequest(owner: number, entry: Entry): void {
    const before = this.#bounds.get(entry.ssrc);
    if (before === undefined || before.owner === owner || netBps(entry) < netBps(before.entry)) {
      this.#bounds.set(entry.ssrc, { owner, entry });
    }
    this.#owed.add(entry.ssrc);
  }

  /** The stream ended. */
  forgetStream(ssrc: number): void {
    this.#bounds.delete(ssrc);
    this.#owed.delete(ssrc);
  }

  /** Requests end with who made them (RFC 5104 §3.5.4). */
  forgetOwner(owner: number): void {
    for (const [ssrc, bound] of this.#bounds) if (bound.owner === owner) this.#bounds.delete(ssrc);
  }

  /** Bits a second; Infinity: nobody asked. */
  get bps(): number {
    let bps = this.#rembBps;
    for (const { entry } of this.#bounds.values()) bps = Math.min(bps, netBps(entry));
    return bps;
  }

  get owesNotification(): boolean {
    return this.#owed.size > 0;
  }

  /** One TMMBN a stream; what finds no room stays owed. */
  writeNotifications(writer: RtcpWriter): void {
    for (const ssrc of this.#owed) {
      const bound = this.#bounds.get(ssrc);
      // §4.2.2.1: an entry names the owner of the request.
      const entries = bound === undefined ? [] : [{ ...bound.entry, ssrc: bound.owner }];
      if (!writeTemporaryBitrate(writer, "tmmbn", ssrc, entries)) return;
      this.#owed.delete(ssrc);
    }
  }
}

/** A request counts what lies below RTP as well. */
function netBps({ bitrateBps, overheadBytes }: Entry): number {
  return (bitrateBps * USUAL_PACKET_BYTES) / (USUAL_PACKET_BYTES + overheadBytes);
}
