import {
  type Certificate,
  type DtlsTransport,
  type DtlsTransportOptions,
  native,
} from "../../native/addon.js";

/** What crosses the link: `index` counts every datagram of both directions from zero. */
export interface Crossing {
  readonly index: number;
  readonly from: "client" | "server";
  readonly sentUs: number;
  readonly bytes: Uint8Array;
}

/** Two transports and a link with a delay between them, all in virtual time. */
export class DtlsLink {
  readonly client: DtlsTransport;
  readonly server: DtlsTransport;
  readonly crossings: Crossing[] = [];
  nowUs = 1e6;
  delayUs = 10_000;
  /** Says which datagrams arrive. */
  delivers: (crossing: Crossing) => boolean = () => true;
  #inFlight: { to: DtlsTransport; bytes: Uint8Array; atUs: number }[] = [];
  readonly #out = new Uint8Array(4096);

  constructor(
    readonly certificates: { client: Certificate; server: Certificate },
    options: { client?: Partial<DtlsTransportOptions>; server?: Partial<DtlsTransportOptions> } = {},
  ) {
    this.client = new native.DtlsTransport({
      role: "client",
      certificate: certificates.client,
      ...options.client,
    });
    this.server = new native.DtlsTransport({
      role: "server",
      certificate: certificates.server,
      ...options.server,
    });
  }

  start(): this {
    this.client.start(this.nowUs);
    this.server.start(this.nowUs);
    this.drain();
    return this;
  }

  /** Puts what both sides want to send on the link. */
  drain(): void {
    for (const from of ["client", "server"] as const) {
      for (;;) {
        const length = this[from].takeDatagram(this.#out);
        if (length === 0) break;
        const crossing = {
          index: this.crossings.length,
          from,
          sentUs: this.nowUs,
          bytes: this.#out.slice(0, length),
        };
        this.crossings.push(crossing);
        const to = from === "client" ? this.server : this.client;
        if (this.delivers(crossing))
          this.#inFlight.push({ to, bytes: crossing.bytes, atUs: this.nowUs + this.delayUs });
      }
    }
  }

  /** Goes to the next event before `untilUs`; false when there is none. */
  step(untilUs: number): boolean {
    const next = Math.min(
      this.client.nextDeadlineUs,
      this.server.nextDeadlineUs,
      ...this.#inFlight.map((datagram) => datagram.atUs),
    );
    if (!(next <= untilUs)) return false;
    this.nowUs = Math.max(this.nowUs, next);
    const arrived = this.#inFlight.filter((datagram) => datagram.atUs <= this.nowUs);
    this.#inFlight = this.#inFlight.filter((datagram) => datagram.atUs > this.nowUs);
    for (const datagram of arrived) datagram.to.handleDatagram(datagram.bytes, this.nowUs);
    for (const side of [this.client, this.server]) {
      if (side.nextDeadlineUs <= this.nowUs) side.handleTimeout(this.nowUs);
    }
    this.drain();
    return true;
  }

  /** Runs until both sides settled and nothing is under way, for `limitUs` at most. */
  run(limitUs = 60e6): this {
    const untilUs = this.nowUs + limitUs;
    while (this.step(untilUs)) {
      // each step is an event
    }
    return this;
  }

  /** Runs until both sides are connected; the time it took. */
  connect(): number {
    const startUs = this.nowUs;
    this.start();
    while (this.client.state !== "connected" || this.server.state !== "connected") {
      if (!this.step(startUs + 60e6)) break;
    }
    return this.nowUs - startUs;
  }
}
