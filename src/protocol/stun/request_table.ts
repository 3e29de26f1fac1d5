import { sameTransportAddress, type TransportAddress } from "../primitives/address.js";
import { transactionKey } from "./transaction_id.js";

/** How a request is repeated: RFC 8489 §6.2.1. */
export interface RetransmissionPlan {
  readonly rtoUs: number;
  /** Rc; 1 means never repeated. */
  readonly requestCount: number;
  /** Rm. */
  readonly lastWaitFactor: number;
  /** The doubling stops here; never, by default. */
  readonly maxRtoUs?: number;
  /** Gives up after this long, whatever the other numbers say. */
  readonly limitUs?: number;
}

/** A request whose answer is awaited. */
export interface OutstandingRequest<C> {
  readonly transactionId: Uint8Array;
  readonly data: Uint8Array;
  readonly socketId: number;
  readonly to: TransportAddress;
  readonly context: C;
  readonly plan: RetransmissionPlan;
  readonly firstSentUs: number;
  readonly giveUpUs: number;
  attempts: number;
  nextUs: number;
  /** RFC 8445 §7.3.1.4: not sent again, but an answer still counts. */
  cancelled: boolean;
}

/** STUN client transactions over UDP: retransmission with doubling timeout, and matching of answers. */
export class RequestTable<C> {
  readonly #requests = new Map<string, OutstandingRequest<C>>();

  get size(): number {
    return this.#requests.size;
  }

  /** Notes a request that is being sent for the first time at `nowUs`. */
  start(
    request: Pick<OutstandingRequest<C>, "transactionId" | "data" | "socketId" | "to" | "context" | "plan">,
    nowUs: number,
  ): OutstandingRequest<C> {
    const { plan } = request;
    const once = plan.rtoUs * (plan.requestCount === 1 ? plan.lastWaitFactor : 1);
    const outstanding: OutstandingRequest<C> = {
      ...request,
      firstSentUs: nowUs,
      giveUpUs: nowUs + (plan.limitUs ?? Infinity),
      attempts: 1,
      nextUs: Math.min(nowUs + once, nowUs + (plan.limitUs ?? Infinity)),
      cancelled: false,
    };
    this.#requests.set(transactionKey(request.transactionId), outstanding);
    return outstanding;
  }

  /** The request that a message with this id, received there, would answer. It stays until `finish`. */
  find(transactionId: Uint8Array): OutstandingRequest<C> | undefined {
    return this.#requests.get(transactionKey(transactionId));
  }

  finish(request: OutstandingRequest<C>): void {
    this.#requests.delete(transactionKey(request.transactionId));
  }

  /** Forgets all requests that `match`. */
  drop(match: (context: C) => boolean): void {
    for (const r of this.matching(match)) this.finish(r);
  }

  matching(match: (context: C) => boolean): OutstandingRequest<C>[] {
    return [...this.#requests.values()].filter((r) => match(r.context));
  }

  /** Repeats what is due through `transmit`, and hands over what got no answer in time. */
  handleTimeout(
    nowUs: number,
    transmit: (request: OutstandingRequest<C>) => void,
    expired: (request: OutstandingRequest<C>) => void,
  ): void {
    for (const r of [...this.#requests.values()]) {
      if (nowUs < r.nextUs) continue;
      if (r.attempts >= r.plan.requestCount || nowUs >= r.giveUpUs) {
        this.finish(r);
        expired(r);
      } else {
        if (!r.cancelled) transmit(r);
        this.#advance(r, nowUs);
      }
    }
  }

  #advance(r: OutstandingRequest<C>, nowUs: number): void {
    const isLast = ++r.attempts >= r.plan.requestCount;
    const { rtoUs, lastWaitFactor, maxRtoUs = Infinity } = r.plan;
    const waitUs = isLast ? rtoUs * lastWaitFactor : Math.min(rtoUs * 2 ** (r.attempts - 1), maxRtoUs);
    r.nextUs = Math.min(nowUs + waitUs, r.giveUpUs);
  }

  nextDeadlineUs(): number {
    let next = Infinity;
    for (const r of this.#requests.values()) next = Math.min(next, r.nextUs);
    return next;
  }
}

/** RFC 8445 §7.2.5.2.1: an answer counts only when it travelled the request's way back. */
export function isSymmetric(
  request: { readonly socketId: number; readonly to: TransportAddress },
  socketId: number,
  from: TransportAddress,
): boolean {
  return request.socketId === socketId && sameTransportAddress(request.to, from);
}
