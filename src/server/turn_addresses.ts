/** Where the TURN server listens and relays, when the configuration leaves it open. */
import { networkInterfaces } from "node:os";
import { isLinkLocal, isLoopback, isUnspecified, parseIp } from "../protocol/primitives/address.js";
import { ServerError } from "./errors.js";

export const familyOf = (address: string): 4 | 6 => (address.includes(":") ? 6 : 4);

/**
 * Every address by itself: a socket on the wildcard address would answer from another address than it was asked at
 * (RFC 8489 §6.3.1.1 forbids it).
 */
export function listenAddresses(configured: readonly string[]): readonly string[] {
  if (configured.length === 0) return ownAddresses();
  for (const address of configured) {
    if (isUnspecified(bytes(address)))
      throw new ServerError("BAD_OPTION", `listen address ${address}: name the addresses, or none for all`);
  }
  return configured;
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address)
    .filter((address) => !isLinkLocal(bytes(address)));
}

/** By family: where relay sockets are bound. Unless configured, the first address listened on that others can reach. */
export function relayAddresses(
  configured: readonly string[],
  listening: readonly string[],
): ReadonlyMap<4 | 6, string> {
  if (configured.length > 0) return byFamily("relay address", configured);
  const reachable = listening.filter((address) => !isLoopback(bytes(address)));
  const candidates = reachable.length > 0 ? reachable : listening;
  const first = new Map<4 | 6, string>();
  for (const address of candidates) if (!first.has(familyOf(address))) first.set(familyOf(address), address);
  return first;
}

/** At most one address of each family. */
export function byFamily(what: string, addresses: readonly string[]): ReadonlyMap<4 | 6, string> {
  const found = new Map<4 | 6, string>();
  for (const address of addresses) {
    const family = familyOf(address);
    if (isUnspecified(bytes(address)) || found.has(family))
      throw new ServerError("BAD_OPTION", `${what} ${address}: one address of each family, no wildcard`);
    found.set(family, address);
  }
  return found;
}

function bytes(address: string): Uint8Array {
  const ip = parseIp(address);
  if (!ip) throw new ServerError("BAD_OPTION", `${address} is not a numeric IP address`);
  return ip;
}
