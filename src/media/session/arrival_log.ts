import type { SlotConsumer, SlotProducer } from "../ring/slot_channel.js";

/** What a slot of the channel receiver → rtcp holds, in its descriptor's `tag`. */
export const FeedbackTag = {
  /** Arrival records. */
  arrivals: 1,
  /** One compound RTCP packet, unprotected; `streamId` is the transport's id, `arrivalUs` when it came. */
  compound: 2,
} as const;

/** Bits of a record's flags. */
export const ArrivalFlag = {
  /** Not a packet: the jitter buffer gave up, or a decoder lost its reference; ask for a keyframe. */
  keyframeNeeded: 1,
  /** Not a packet: a keyframe has been completed, none is wanted any more. */
  keyframeCame: 2,
  /** A packet that came in the RTX stream: no longer missing, yet the path had lost it. */
  repeated: 4,
  /** A packet that is no stream's (padding that probes the path); only its transport-wide number says something. */
  pathOnly: 8,
  /** Not a packet: the jitter buffer found that it needs nothing before the number. */
  passed: 16,
} as const;

/** In a record's flags: the upper half of its sequence number's word says nothing. */
const NO_TRANSPORT_SEQUENCE = 0x100;

/** Words of a record; its arrival time is a float64 over the first two. */
const Word = {
  streamId: 2,
  ssrc: 3,
  /** The stream's in the lower half, the transport's in the upper one. */
  sequenceNumber: 4,
  rtpTimestamp: 5,
  flags: 6,
  bytes: 7,
  words: 8,
} as const;

/** A record waits this long at most for the rtcp thread to see it, when nothing makes it urgent. */
const FLUSH_AFTER_US = 50_000;

/** One record, reused. */
export interface Arrival {
  streamId: number;
  ssrc: number;
  sequenceNumber: number;
  rtpTimestamp: number;
  /** Bits of {@link ArrivalFlag}. */
  flags: number;
  /** Of the RTP packet, without SRTP's part. */
  bytes: number;
  arrivalUs: number;
  /** The transport-wide sequence number; -1: none. */
  transportSequence: number;
}

export function emptyArrival(): Arrival {
  return {
    streamId: 0,
    ssrc: 0,
    sequenceNumber: 0,
    rtpTimestamp: 0,
    flags: 0,
    bytes: 0,
    arrivalUs: 0,
    transportSequence: -1,
  };
}

/** One slot of the channel as words and as float64 times; the views are made once. */
class SlotViews {
  readonly #words: Int32Array[] = [];
  readonly #times: Float64Array[] = [];
  readonly #bytesOf: (slot: number) => Uint8Array;

  constructor(bytesOf: (slot: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  words(slot: number): Int32Array {
    return this.#words[slot] ?? this.#make(slot);
  }

  times(slot: number): Float64Array {
    return this.#times[slot];
  }

  #make(slot: number): Int32Array {
    const bytes = this.#bytesOf(slot);
    this.#times[slot] = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.#words[slot] = words;
    return words;
  }
}

/**
 * The receiver's list of what arrived, for the rtcp thread. Records are gathered in a slot, and the slot goes over
 * when something is urgent (a gap, a keyframe to ask for), when it is full, or after 50 ms: so the rtcp thread wakes
 * a few times a second and not once a packet, yet learns of a loss at once.
 */
export class ArrivalLogWriter {
  /** Records and compounds that found no free slot. */
  dropped = 0;
  readonly #producer: SlotProducer;
  readonly #views: SlotViews;
  readonly #capacity: number;
  #slot = -1;
  #count = 0;
  #flushAtUs = Number.POSITIVE_INFINITY;

  /** @param producer with the rtcp thread's doorbell */
  constructor(producer: SlotProducer) {
    this.#producer = producer;
    this.#views = new SlotViews((slot) => producer.bytes(slot));
    this.#capacity = Math.floor(producer.slotBytes / (Word.words * 4));
  }

  add(arrival: Arrival, urgent: boolean): void {
    if (this.#slot < 0 && !this.#open(arrival.arrivalUs)) {
      this.dropped++;
      return;
    }
    const at = this.#count * Word.words;
    const words = this.#views.words(this.#slot);
    this.#views.times(this.#slot)[at / 2] = arrival.arrivalUs;
    words[at + Word.streamId] = arrival.streamId;
    words[at + Word.ssrc] = arrival.ssrc;
    words[at + Word.sequenceNumber] = arrival.sequenceNumber | (arrival.transportSequence << 16);
    words[at + Word.rtpTimestamp] = arrival.rtpTimestamp;
    words[at + Word.flags] = arrival.flags | (arrival.transportSequence < 0 ? NO_TRANSPORT_SEQUENCE : 0);
    words[at + Word.bytes] = arrival.bytes;
    this.#count++;
    if (urgent || this.#count === this.#capacity) this.flush();
  }

  /** Hands over what is gathered. */
  flush(): void {
    if (this.#slot < 0) return;
    const { descriptor } = this.#producer;
    descriptor.tag = FeedbackTag.arrivals;
    descriptor.streamId = 0;
    descriptor.byteLength = this.#count * Word.words * 4;
    this.#producer.publish(this.#slot);
    this.#slot = -1;
    this.#flushAtUs = Number.POSITIVE_INFINITY;
  }

  /** Call at {@link nextDeadlineUs}. */
  handleTimeout(nowUs: number): void {
    if (nowUs >= this.#flushAtUs) this.flush();
  }

  nextDeadlineUs(): number {
    return this.#flushAtUs;
  }

  /** Hands over one compound packet, after the arrivals before it. */
  compound(transportId: number, bytes: Uint8Array, offset: number, length: number, arrivalUs: number): void {
    this.flush();
    const slot = length <= this.#producer.slotBytes ? this.#producer.acquire() : -1;
    if (slot < 0) {
      this.dropped++;
      return;
    }
    const target = this.#producer.bytes(slot);
    for (let i = 0; i < length; i++) target[i] = bytes[offset + i];
    const { descriptor } = this.#producer;
    descriptor.tag = FeedbackTag.compound;
    descriptor.streamId = transportId;
    descriptor.byteLength = length;
    descriptor.arrivalUs = arrivalUs;
    this.#producer.publish(slot);
  }

  #open(nowUs: number): boolean {
    this.#slot = this.#producer.acquire();
    this.#count = 0;
    if (this.#slot < 0) return false;
    this.#flushAtUs = nowUs + FLUSH_AFTER_US;
    return true;
  }
}

/** What reads an arrival log. The arrival and the bytes are reused after the call. */
export interface ArrivalLogListener {
  arrival(arrival: Arrival): void;
  compound(transportId: number, bytes: Uint8Array, length: number, arrivalUs: number): void;
}

/** Reads what {@link ArrivalLogWriter} wrote. */
export class ArrivalLogReader {
  readonly #consumer: SlotConsumer;
  readonly #views: SlotViews;
  readonly #arrival = emptyArrival();

  constructor(consumer: SlotConsumer) {
    this.#consumer = consumer;
    this.#views = new SlotViews((slot) => consumer.bytes(slot));
  }

  /** Hands everything there is to `listener`. */
  drain(listener: ArrivalLogListener): void {
    const consumer = this.#consumer;
    while (consumer.take()) {
      const { slot, tag, streamId, byteLength, arrivalUs } = consumer.descriptor;
      if (tag === FeedbackTag.compound) {
        listener.compound(streamId, consumer.bytes(slot), byteLength, arrivalUs);
      } else this.#arrivals(slot, byteLength / (Word.words * 4), listener);
      consumer.release(slot);
    }
  }

  #arrivals(slot: number, count: number, listener: ArrivalLogListener): void {
    const words = this.#views.words(slot);
    const times = this.#views.times(slot);
    const arrival = this.#arrival;
    for (let i = 0; i < count; i++) {
      const at = i * Word.words;
      arrival.arrivalUs = times[at / 2];
      arrival.streamId = words[at + Word.streamId] >>> 0;
      arrival.ssrc = words[at + Word.ssrc] >>> 0;
      const sequences = words[at + Word.sequenceNumber];
      const flags = words[at + Word.flags];
      arrival.sequenceNumber = sequences & 0xffff;
      arrival.transportSequence = (flags & NO_TRANSPORT_SEQUENCE) !== 0 ? -1 : sequences >>> 16;
      arrival.rtpTimestamp = words[at + Word.rtpTimestamp] >>> 0;
      arrival.flags = flags & ~NO_TRANSPORT_SEQUENCE;
      arrival.bytes = words[at + Word.bytes];
      listener.arrival(arrival);
    }
  }
}
