import type { RandomSource } from "../primitives/random.js";
import { Link, type LinkCounters, type LinkOptions } from "./link.js";

interface InFlight<T> {
  readonly link: number;
  readonly datagram: T;
  readonly arrivalUs: number;
  readonly order: number;
}

/** A datagram that has reached the far end of `link`. */
export interface Delivery<T> {
  readonly link: number;
  readonly datagram: T;
  readonly arrivalUs: number;
}

/**
 * A network of one-way links in virtual time. Owns no clock: the caller sends with a time, asks for the next
 * deadline, moves its clock there and takes what has arrived. The same seed and calls give the same result.
 *
 * @typeParam T - what travels: anything with a `data` whose length counts against the link's rate. It is handed over
 * as it is, so a sender that reuses buffers copies first.
 */
export class NetworkEmulator<T extends { readonly data: Uint8Array }> {
  readonly #links: Link[] = [];
  readonly #random: RandomSource;
  /** A binary heap by arrival, then by order of sending. */
  readonly #heap: InFlight<T>[] = [];
  #order = 0;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** @returns the link's number. */
  addLink(options: LinkOptions = {}): number {
    this.#links.push(new Link(options, this.#random));
    return this.#links.length - 1;
  }

  /** Changes a link's conditions from now on. @throws RangeError for a number that `addLink` never gave. */
  updateLink(link: number, options: Partial<LinkOptions>): void {
    this.#link(link).update(options);
  }

  counters(link: number): Readonly<LinkCounters> {
    return this.#link(link).counters;
  }

  send(link: number, datagram: T, nowUs: number): void {
    for (const arrivalUs of this.#link(link).admit(datagram.data.length, nowUs)) {
      this.#push({ link, datagram, arrivalUs, order: this.#order++ });
    }
  }

  /** The next datagram that has arrived by `nowUs`, in order of arrival. */
  pollDelivery(nowUs: number): Delivery<T> | undefined {
    if (this.#heap.length === 0 || this.#heap[0].arrivalUs > nowUs) return undefined;
    const next = this.#pop();
    this.#link(next.link).counters.delivered++;
    return { link: next.link, datagram: next.datagram, arrivalUs: next.arrivalUs };
  }

  /** When the next datagram arrives; Infinity when nothing is on its way. */
  nextDeadlineUs(): number {
    return this.#heap.length === 0 ? Infinity : this.#heap[0].arrivalUs;
  }

  #link(index: number): Link {
    const link = this.#links[index];
    if (!link) throw new RangeError(`No link ${index}`);
    return link;
  }

  #push(item: InFlight<T>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(item, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): InFlight<T> {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop() as InFlight<T>;
    if (heap.length > 0) this.#siftDown(last);
    return top;
  }

  #siftDown(item: InFlight<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && earlier(heap[child + 1], heap[child])) child++;
      if (!earlier(heap[child], item)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = item;
  }
}

function earlier<T>(a: InFlight<T>, b: InFlight<T>): boolean {
  return a.arrivalUs < b.arrivalUs || (a.arrivalUs === b.arrivalUs && a.order < b.order);
}
