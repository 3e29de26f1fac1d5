import { copyBytes } from "../../protocol/primitives/bytes.js";
import type {
  InterceptedStream,
  PassingPacket,
  RtpInterceptor,
  RtpInterceptorFactory,
} from "./interceptor.js";

/** The packet at hand, reused. */
class PacketInHand implements PassingPacket {
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  maxLength = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  set length(length: number) {
    if (!(length >= 0 && length <= this.maxLength))
      throw new RangeError(`A packet of ${length} bytes: there is room for ${this.maxLength}`);
    this.#length = length;
  }

  hold(bytes: Uint8Array, offset: number, length: number, maxLength: number): void {
    this.bytes = bytes;
    this.offset = offset;
    this.maxLength = maxLength;
    this.#length = length;
  }
}

/** Packets that the stages may make while one passes. */
const MADE_SLOTS = 32;

export interface ChainOptions {
  readonly factories: readonly RtpInterceptorFactory[];
  readonly stream: Omit<InterceptedStream, "emit">;
  /** Largest packet that may be made. */
  readonly maxPacketBytes: number;
}

/**
 * The stages of one stream that modules of the application add, in the order of the modules. `pass()` each packet, then take what the
 * stages made of it until `nextMade()` returns -1. Allocates nothing after construction.
 */
export class InterceptorChain {
  /** What stages threw. */
  errors = 0;
  /** Where the packets lie that {@link nextMade} tells of. */
  readonly made: Uint8Array;
  readonly #maxPacketBytes: number;
  readonly #stages: RtpInterceptor[] = [];
  readonly #packet = new PacketInHand();
  readonly #madeLengths = new Int32Array(MADE_SLOTS);
  /** The stage that made each. */
  readonly #makers = new Int32Array(MADE_SLOTS);
  /** Made and taken so far, since the last packet began. */
  #madeCount = 0;
  #taken = 0;

  /** @returns undefined when no module has anything to do for the stream: then nothing is called for its packets. */
  static make(options: ChainOptions): InterceptorChain | undefined {
    const chain = new InterceptorChain(options);
    return chain.#stages.length === 0 ? undefined : chain;
  }

  private constructor({ factories, stream, maxPacketBytes }: ChainOptions) {
    this.#maxPacketBytes = maxPacketBytes;
    for (const factory of factories) {
      const at = this.#stages.length;
      const emit = (bytes: Uint8Array, offset: number, length: number): boolean =>
        this.#emit(bytes, offset, length, at);
      const stage = this.#guarded(() => factory({ ...stream, emit }));
      if (stage !== undefined) this.#stages.push(stage);
    }
    this.made = new Uint8Array(this.#stages.length === 0 ? 0 : MADE_SLOTS * maxPacketBytes);
  }

  /** Hands a packet through the stages; its length then, -1: one of them kept it. `maxLength`: what it may grow to. */
  pass(bytes: Uint8Array, offset: number, length: number, maxLength: number, nowUs: number): number {
    this.#madeCount = this.#taken = 0;
    return this.#run(bytes, offset, length, maxLength, nowUs, 0);
  }

  /** The next packet that a stage made and the stages behind it let through: its offset in {@link made}; -1: there is none. */
  nextMade(nowUs: number): number {
    while (this.#taken < this.#madeCount) {
      const slot = this.#taken++;
      const offset = slot * this.#maxPacketBytes;
      const length = this.#madeLengths[slot];
      this.#madeLengths[slot] = this.#run(
        this.made,
        offset,
        length,
        this.#maxPacketBytes,
        nowUs,
        this.#makers[slot] + 1,
      );
      if (this.#madeLengths[slot] > 0) return offset;
    }
    return -1;
  }

  /** Of the packet that {@link nextMade} told of last. */
  get madeLength(): number {
    return this.#madeLengths[this.#taken - 1];
  }

  close(): void {
    for (const stage of this.#stages) this.#guarded(() => stage.close?.());
  }

  #run(
    bytes: Uint8Array,
    offset: number,
    length: number,
    maxLength: number,
    nowUs: number,
    first: number,
  ): number {
    const packet = this.#packet;
    packet.hold(bytes, offset, length, maxLength);
    for (let i = first; i < this.#stages.length; i++) {
      try {
        if (!this.#stages[i].packet(packet, nowUs)) return -1;
      } catch {
        this.errors++;
      }
    }
    return packet.length;
  }

  #emit(bytes: Uint8Array, offset: number, length: number, stage: number): boolean {
    const slot = this.#madeCount;
    if (slot === MADE_SLOTS || length > this.#maxPacketBytes || length <= 0) return false;
    copyBytes(bytes, offset, this.made, slot * this.#maxPacketBytes, length);
    this.#madeLengths[slot] = length;
    this.#makers[slot] = stage;
    this.#madeCount++;
    return true;
  }

  #guarded<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch {
      this.errors++;
      return undefined;
    }
  }
}
