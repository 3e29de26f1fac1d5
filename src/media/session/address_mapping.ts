import { parseIp, sameIp } from "../../protocol/primitives/address.js";
import type { Nat1To1Settings } from "../ice_settings.js";

/**
 * The address that the world sees `local` as (1:1 NAT), by the settings: the pair made for it, or the one address of its
 * family. Undefined: none.
 */
export function externalAddress(local: string, settings: Nat1To1Settings): string | undefined {
  const family = parseIp(local)?.length;
  for (const entry of settings.addresses) {
    const [external, forLocal] = entry.split("/");
    if (forLocal === undefined ? parseIp(external)?.length === family : sameIp(forLocal, local))
      return external;
  }
  return undefined;
}

/** A local address stays out when its family has pairs, none of them its own, and host candidates are to be mapped. */
export function isUsable(local: string, settings: Nat1To1Settings): boolean {
  if (settings.as === "srflx" || externalAddress(local, settings) !== undefined) return true;
  const family = parseIp(local)?.length;
  return !settings.addresses.some((entry) => parseIp(entry.split("/")[0])?.length === family);
}
