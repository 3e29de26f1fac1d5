import { formatTransportAddress, type TransportAddress } from "../primitives/address.js";

/** What a mapping or a filter depends on (RFC 4787 §4.1, §5). */
export type NatDependence = "endpoint-independent" | "address-dependent" | "address-and-port-dependent";

export interface NatOptions {
  /** The public address. */
  readonly externalAddress: string;
  /** Default endpoint-independent. `address-and-port-dependent` is what is called symmetric. */
  readonly mapping?: NatDependence;
  /** Who may send in through a mapping. Default address-and-port-dependent. */
  readonly filtering?: NatDependence;
  /** Whether inside hosts reach each other by their external addresses. Default false. */
  readonly hairpinning?: boolean;
  /** A mapping unused from the inside for this long is gone. Default 30 s, as real ones may. */
  readonly mappingTimeoutUs?: number;
  /** The first external port. Default 40000. */
  readonly firstPort?: number;
  /** A firewall that lets no UDP out. Default false. */
  readonly blocksUdp?: boolean;
}

interface Mapping {
  readonly inside: TransportAddress;
  readonly outside: TransportAddress;
  readonly key: string;
  /** Destinations sent to, by filter key, with the time. */
  readonly peers: Map<string, number>;
  usedUs: number;
}

/** A network address translator for UDP as RFC 4787 classifies them, in virtual time. */
export class Nat {
  readonly externalAddress: string;
  readonly hairpinning: boolean;
  readonly #mapping: NatDependence;
  readonly #filtering: NatDependence;
  readonly #timeoutUs: number;
  readonly #blocksUdp: boolean;
  readonly #family: 4 | 6;
  #nextPort: number;
  readonly #byInside = new Map<string, Mapping>();
  readonly #byPort = new Map<number, Mapping>();

  constructor(options: NatOptions) {
    this.externalAddress = options.externalAddress;
    this.hairpinning = options.hairpinning ?? false;
    this.#mapping = options.mapping ?? "endpoint-independent";
    this.#filtering = options.filtering ?? "address-and-port-dependent";
    this.#timeoutUs = options.mappingTimeoutUs ?? 30_000_000;
    this.#blocksUdp = options.blocksUdp ?? false;
    this.#family = options.externalAddress.includes(":") ? 6 : 4;
    this.#nextPort = options.firstPort ?? 40000;
  }

  /** The source that the outside sees on a datagram from `inside` to `to`; undefined when it is not let out. */
  outbound(inside: TransportAddress, to: TransportAddress, nowUs: number): TransportAddress | undefined {
    if (this.#blocksUdp) return undefined;
    const key = `${formatTransportAddress(inside)}>${dependent(this.#mapping, to)}`;
    const mapping = this.#live(this.#byInside.get(key), nowUs) ?? this.#create(key, inside, nowUs);
    mapping.usedUs = nowUs;
    mapping.peers.set(dependent(this.#filtering, to), nowUs);
    return mapping.outside;
  }

  /** Who inside gets a datagram from `from` to an external port; undefined when it is filtered. */
  inbound(from: TransportAddress, to: TransportAddress, nowUs: number): TransportAddress | undefined {
    const mapping = this.#live(this.#byPort.get(to.port), nowUs);
    if (!mapping) return undefined;
    const allowedUs = mapping.peers.get(dependent(this.#filtering, from)) ?? -Infinity;
    return nowUs - allowedUs <= this.#timeoutUs ? mapping.inside : undefined;
  }

  /** Forgets everything, as after a reboot. */
  reset(): void {
    this.#byInside.clear();
    this.#byPort.clear();
  }

  #create(key: string, inside: TransportAddress, nowUs: number): Mapping {
    const outside = { family: this.#family, address: this.externalAddress, port: this.#nextPort++ };
    const mapping = { inside, outside, key, peers: new Map<string, number>(), usedUs: nowUs };
    this.#byInside.set(key, mapping);
    this.#byPort.set(outside.port, mapping);
    return mapping;
  }

  #live(mapping: Mapping | undefined, nowUs: number): Mapping | undefined {
    if (!mapping || nowUs - mapping.usedUs <= this.#timeoutUs) return mapping;
    this.#byInside.delete(mapping.key);
    this.#byPort.delete(mapping.outside.port);
    return undefined;
  }
}

function dependent(on: NatDependence, to: TransportAddress): string {
  if (on === "endpoint-independent") return "*";
  return on === "address-dependent" ? to.address : formatTransportAddress(to);
}
