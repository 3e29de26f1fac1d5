import { isIpv4Mapped, unmapIpv4 } from "../primitives/address.js";
import { type IpPrefix, parseIpPrefix, prefixContains } from "../primitives/ip_prefix.js";

/**
 * Where a relay leads that nobody configured: not into the machine it runs on, not into the networks around it, and
 * not to addresses that hide another one. From the IANA special-purpose registries (RFC 6890) and RFC 8656 §21.4.
 */
const REFUSED_NETWORKS: readonly IpPrefix[] = [
  "0.0.0.0/8", // unspecified, this network: Linux takes it for loopback
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared by carriers (RFC 6598)
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local, with the clouds' metadata services
  "172.16.0.0/12", // private
  "192.0.0.0/24", // protocol assignments
  "192.0.2.0/24", // documentation
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarking
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
  // Global unicast is 2000::/3. All outside it: unspecified, loopback, IPv4-mapped and -compatible, NAT64, unique local,
  // link-local, site-local, multicast.
  "::/3",
  "4000::/2",
  "8000::/1",
  "2001::/23", // protocol assignments; Teredo carries an IPv4 address
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4 carries an IPv4 address
  "3fff::/20", // documentation
].map(known);

function known(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  if (!prefix) throw new RangeError(`Not a network: ${text}`);
  return prefix;
}

export interface PeerPolicyOptions {
  /** Exceptions to the refused networks. */
  readonly allow?: readonly IpPrefix[];
  /** Refused whatever else is said. */
  readonly deny?: readonly IpPrefix[];
}

/** Which addresses the server relays to. Decides on bytes: there are many spellings of an address and one is enough to err. */
export class PeerPolicy {
  readonly #allow: readonly IpPrefix[];
  readonly #deny: readonly IpPrefix[];

  constructor(options: PeerPolicyOptions = {}) {
    this.#allow = options.allow ?? [];
    this.#deny = options.deny ?? [];
  }

  /** @param ip - 4 or 16 network-order bytes */
  allows(ip: Uint8Array): boolean {
    if (contains(this.#deny, ip)) return false;
    const excepted = contains(this.#allow, ip);
    // A mapped address must be excepted as such, and the one inside it must be allowed as well.
    if (isIpv4Mapped(ip)) return excepted && this.allows(unmapIpv4(ip));
    return excepted || !contains(REFUSED_NETWORKS, ip);
  }
}

function contains(prefixes: readonly IpPrefix[], ip: Uint8Array): boolean {
  return prefixes.some((prefix) => prefixContains(prefix, ip));
}
