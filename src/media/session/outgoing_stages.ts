import type { SrtpContext } from "../../../native/addon.js";
import type { TransportAddress } from "../../protocol/primitives/address.js";
import { copyBytes } from "../../protocol/primitives/bytes.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import { InterceptorChain } from "../interceptors/interceptor_chain.js";
import type { SendStreamOptions } from "../transport_api.js";
import { PacketRing } from "./packet_ring.js";

/** Packets that stages make of one frame at most; more are not taken. */
const MADE_SLOTS = 64;

/** The application's stages of one send stream: they see its packets last, right before SRTP. */
export class OutgoingStages {
  /** What stages made of the last frame, protected: the first {@link made} slots. */
  readonly ring: PacketRing;
  made = 0;
  readonly #chain: InterceptorChain;
  /** Slots of the stream's packets that a stage kept. */
  readonly #kept = new Int32Array(1024);
  #keptCount = 0;

  static make(
    factories: readonly RtpInterceptorFactory[],
    streamId: number,
    stream: SendStreamOptions,
    maxPacketBytes: number,
  ): OutgoingStages | undefined {
    const { kind, mid, ssrc, extensions } = stream;
    const intercepted = { direction: "out", kind, mid, streamId, ssrc, extensions } as const;
    const chain = InterceptorChain.make({ factories, stream: intercepted, maxPacketBytes });
    return chain === undefined ? undefined : new OutgoingStages(chain, maxPacketBytes);
  }

  private constructor(chain: InterceptorChain, maxPacketBytes: number) {
    this.#chain = chain;
    this.ring = new PacketRing(MADE_SLOTS, maxPacketBytes);
  }

  setDestination(to: TransportAddress): void {
    this.ring.setDestination(to);
  }

  /** Hands a frame's packets through, unprotected as they lie in the stream's ring. */
  pass(
    packets: PacketRing,
    first: number,
    count: number,
    maxLength: number,
    srtp: SrtpContext,
    nowUs: number,
  ): void {
    this.made = this.#keptCount = 0;
    for (let i = 0; i < count; i++) {
      const slot = packets.slotOf(first + i);
      const offset = packets.offsetOf(slot);
      const length = this.#chain.pass(packets.slab, offset, packets.lengthOf(slot), maxLength, nowUs);
      if (length < 0) this.#kept[this.#keptCount++] = slot;
      else packets.setLength(slot, length);
      for (let at = this.#chain.nextMade(nowUs); at >= 0; at = this.#chain.nextMade(nowUs)) {
        this.#protect(at, this.#chain.madeLength, srtp);
      }
    }
  }

  /** Once the frame is protected: what was kept is neither sent nor sent again. Its number is used up, as if it were lost. */
  dropKept(packets: PacketRing): void {
    for (let i = 0; i < this.#keptCount; i++) packets.drop(this.#kept[i]);
  }

  close(): void {
    this.#chain.close();
  }

  #protect(at: number, length: number, srtp: SrtpContext): void {
    if (this.made === MADE_SLOTS) return;
    const offset = this.ring.offsetOf(this.made);
    copyBytes(this.#chain.made, at, this.ring.slab, offset, length);
    try {
      const protectedLength = srtp.protectRtp(this.ring.slab, offset, length);
      // No RTP, or a number that its source has used: the application's mistake, and no packet.
      if (protectedLength > 0) this.ring.put(this.made++, protectedLength);
    } catch {
      // More sources than a key can serve.
    }
  }
}
