import { networkInterfaces } from "node:os";
import { isLinkLocal, isLoopback, parseIp } from "../../protocol/primitives/address.js";
import { parseIpPrefix, prefixContains } from "../../protocol/primitives/ip_prefix.js";
import type { InterfaceSettings } from "../ice_settings.js";
import type { TransportSettings } from "../transport_api.js";
import { isUsable } from "./address_mapping.js";

/** An address of an interface that is up. */
export interface InterfaceAddress {
  readonly name: string;
  readonly address: string;
}

/**
 * The addresses to bind: those asked for, or those of every interface that is up and allowed. Loopback only when asked
 * for or when there is nothing else; link-local IPv6 needs a zone that candidates cannot carry (RFC 8445 §5.1.1.1).
 *
 * @param all - those of this machine.
 */
export function localAddresses(settings: TransportSettings, all?: readonly InterfaceAddress[]): string[] {
  const { bindAddresses = [], nat1to1 } = settings;
  // Asking the system takes longer than binding a socket does.
  const everyOne = () => all ?? interfaceAddresses();
  const found =
    bindAddresses.length > 0
      ? expandUnspecified(bindAddresses, settings, everyOne)
      : own(settings, everyOne());
  return nat1to1 === undefined ? found : found.filter((address) => isUsable(address, nat1to1));
}

function own(settings: TransportSettings, all: readonly InterfaceAddress[]): string[] {
  const allowed = all.filter((each) => isAllowed(each, settings.interfaces)).map(({ address }) => address);
  const outward = allowed.filter((address) => !loopback(address));
  return settings.includeLoopback === true || outward.length === 0 ? allowed : outward;
}

/** "0.0.0.0" and "::" stand for every address of their family: a host candidate has to be concrete. */
function expandUnspecified(
  asked: readonly string[],
  settings: TransportSettings,
  all: () => readonly InterfaceAddress[],
): string[] {
  const found = new Set<string>();
  for (const address of asked) {
    if (address !== "0.0.0.0" && address !== "::") {
      found.add(address);
      continue;
    }
    const family = address === "::" ? 16 : 4;
    for (const one of own(settings, all())) if (parseIp(one)?.length === family) found.add(one);
  }
  return [...found];
}

export function interfaceAddresses(): InterfaceAddress[] {
  const found: InterfaceAddress[] = [];
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      const ip = parseIp(address);
      if (ip !== undefined && !(ip.length === 16 && isLinkLocal(ip))) found.push({ name, address });
    }
  }
  return found;
}

function isAllowed({ name, address }: InterfaceAddress, settings: InterfaceSettings = {}): boolean {
  const ip = parseIp(address);
  if (ip === undefined) return false;
  const { allow, deny = [], families } = settings;
  const hits = (rule: string) => matches(rule, name, ip);
  if (families !== undefined && !families.includes(ip.length === 4 ? 4 : 6)) return false;
  return (allow === undefined || allow.some(hits)) && !deny.some(hits);
}

function matches(rule: string, name: string, ip: Uint8Array): boolean {
  const prefix = parseIpPrefix(rule);
  if (prefix !== undefined) return prefixContains(prefix, ip);
  return rule.endsWith("*") ? name.startsWith(rule.slice(0, -1)) : rule === name;
}

function loopback(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && isLoopback(ip);
}
