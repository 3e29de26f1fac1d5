import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import type { ReceiveStream } from "./receive_stream.js";

/** Sources one transport may have at once; a peer that invents more is ignored (each costs a table entry). */
const MAX_SOURCES = 32;
/** And so many for each stream: a layer's packets and repetitions, which no description announces, and those that follow them. */
const SOURCES_A_STREAM = 4;

/**
 * Which receive stream a packet belongs to: by SSRC, else by the mid and rid extensions, else by payload type (RFC 8843 §9.2).
 * Once found, the SSRC is remembered. Ask only for packets that have been authenticated.
 */
export class ReceiveStreams {
  readonly #streams: ReceiveStream[] = [];
  readonly #bySsrc = new Map<number, ReceiveStream>();

  add(stream: ReceiveStream): void {
    this.remove(stream.streamId);
    this.#streams.push(stream);
    const { ssrcs, repairs = [], parities = [] } = stream.options;
    for (const ssrc of ssrcs) this.#bySsrc.set(ssrc, stream);
    for (const { repairSsrc } of [...repairs, ...parities]) this.#bySsrc.set(repairSsrc, stream);
  }

  /** Returns the stream that was removed. */
  remove(streamId: number): ReceiveStream | undefined {
    const at = this.#streams.findIndex((stream) => stream.streamId === streamId);
    if (at < 0) return undefined;
    const [stream] = this.#streams.splice(at, 1);
    for (const [ssrc, owner] of this.#bySsrc) if (owner === stream) this.#bySsrc.delete(ssrc);
    return stream;
  }

  [Symbol.iterator](): IterableIterator<ReceiveStream> {
    return this.#streams[Symbol.iterator]();
  }

  get size(): number {
    return this.#streams.length;
  }

  /** The stream at `index`, without an iterator. */
  at(index: number): ReceiveStream {
    return this.#streams[index];
  }

  /** The packet's stream; undefined when there is none, or when the peer uses more sources than we keep. */
  find(bytes: Uint8Array, header: RtpHeader): ReceiveStream | undefined {
    const known = this.#bySsrc.get(header.ssrc);
    if (known !== undefined) return known;
    const stream = this.#byName(bytes, header) ?? this.#byPayloadType(bytes, header);
    if (stream === undefined) return undefined;
    if (this.full) this.#forgetStale();
    if (this.full) return undefined;
    this.#bySsrc.set(header.ssrc, stream);
    return stream;
  }

  get full(): boolean {
    return this.#bySsrc.size >= MAX_SOURCES + SOURCES_A_STREAM * this.#streams.length;
  }

  /** Lets go of sources that were neither announced nor are any stream's current one. */
  #forgetStale(): void {
    for (const [ssrc, { ssrc: current, options }] of this.#bySsrc) {
      const { ssrcs, repairs = [], parities = [] } = options;
      const isRepair = [...repairs, ...parities].some(({ repairSsrc }) => repairSsrc === ssrc);
      const announced = ssrcs.includes(ssrc) || isRepair;
      if (ssrc !== current && !announced) this.#bySsrc.delete(ssrc);
    }
  }

  #byName(bytes: Uint8Array, header: RtpHeader): ReceiveStream | undefined {
    return this.#streams.find((stream) => stream.claim(bytes, header) === "own");
  }

  /** Only when the payload type names exactly one stream, and the packet itself no other. */
  #byPayloadType(bytes: Uint8Array, header: RtpHeader): ReceiveStream | undefined {
    const { payloadType } = header;
    const matching = this.#streams.filter(
      (stream) =>
        stream.accepts(payloadType) || stream.repeatedBy(payloadType) >= 0 || stream.isFlexfec(payloadType),
    );
    return matching.length === 1 && matching[0].claim(bytes, header) === "silent" ? matching[0] : undefined;
  }
}
