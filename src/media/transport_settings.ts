import { parseIp } from "../protocol/primitives/address.js";
import {
  all,
  boolean,
  type Check,
  interfaceRule,
  ipAddress,
  listOf,
  members,
  oneOf,
  powerOfTwo,
  text,
  whole,
} from "./check_settings.js";
import type { IceTimeSettings, InterfaceSettings, Nat1To1Settings } from "./ice_settings.js";
import { SettingsError } from "./settings_error.js";
import type { TransportSettings } from "./transport_api.js";

const SECOND_US = 1_000_000;
const HOUR_US = 3600 * SECOND_US;
/** As many as an agent has paths. */
const MAX_ADDRESSES = 32;
const MAX_RULES = 256;

const portRange: Check = all(
  members<NonNullable<TransportSettings["portRange"]>>({ min: whole(1, 65_535), max: whole(1, 65_535) }),
  (value, option) => {
    const { min, max } = value as { min?: number; max?: number };
    if (min === undefined || max === undefined || min > max) {
      throw new SettingsError(option, value, "{ min, max } with min not above max");
    }
  },
);

const interfaces: Check = members<InterfaceSettings>({
  allow: listOf(interfaceRule, MAX_RULES, 1),
  deny: listOf(interfaceRule, MAX_RULES),
  families: listOf(oneOf(4, 6), 2, 1),
});

/** "EXTERNAL" or "EXTERNAL/LOCAL", of one family. */
function mapping(value: unknown, option: string): void {
  const parts = typeof value === "string" ? value.split("/") : [];
  const ips = parts.map((part) => parseIp(part));
  const isOne = parts.length === 1 && ips[0] !== undefined;
  const isPair = parts.length === 2 && ips[0] !== undefined && ips[0].length === ips[1]?.length;
  if (!isOne && !isPair)
    throw new SettingsError(option, value, '"EXTERNAL" or "EXTERNAL/LOCAL" of one family');
}

/** As Pion has it: within a family either one address for all, or pairs, one for each local address. */
function unambiguous(value: unknown, option: string): void {
  const { addresses } = value as Partial<Nat1To1Settings>;
  if (addresses === undefined) throw new SettingsError(option, value, "an object with addresses");
  const taken = new Set<string>();
  for (const each of addresses) {
    const [external, local] = each.split("/");
    const family = external.includes(":") ? 6 : 4;
    const isClash =
      local === undefined ? taken.size > 0 && hasFamily(taken, family) : taken.has(`${family}*`);
    const key = `${family}${local === undefined ? "*" : parseIp(local)}`;
    if (isClash || taken.has(key)) {
      throw new SettingsError(`${option}.addresses`, addresses, "in each family one address, or pairs alone");
    }
    taken.add(key);
  }
}

function hasFamily(taken: ReadonlySet<string>, family: 4 | 6): boolean {
  return [...taken].some((key) => key.startsWith(String(family)));
}

const nat1to1: Check = all(
  members<Nat1To1Settings>({ addresses: listOf(mapping, MAX_ADDRESSES, 1), as: oneOf("host", "srflx") }),
  unambiguous,
);

const ice: Check = members<IceTimeSettings>({
  // RFC 8445 §14.2: 5 ms is the least an agent may ask for.
  pacingUs: whole(5_000, SECOND_US),
  requestTimeoutUs: whole(50_000, 10 * SECOND_US),
  requestCount: whole(1, 20),
  gatherTimeoutUs: whole(100_000, 60 * SECOND_US),
  nominationDelayUs: whole(0, 10 * SECOND_US),
  checkingUs: whole(SECOND_US, 10 * 60 * SECOND_US),
  consentIntervalUs: whole(SECOND_US, 15 * SECOND_US),
  disconnectedUs: whole(SECOND_US, 60 * SECOND_US),
  // RFC 7675 §5.1: consent expires after 30 s at the latest.
  failedUs: whole(2 * SECOND_US, 30 * SECOND_US),
});

const udpMux: Check = all(
  members<NonNullable<TransportSettings["udpMux"]>>({ port: whole(1, 65_535) }),
  (value, option) => {
    if (!("port" in (value as object))) throw new SettingsError(option, value, "{ port }");
  },
);

/** Every option of `settings.transport`, with its range. */
const checkMembers: Check = members<TransportSettings>({
  bindAddresses: listOf(ipAddress, MAX_ADDRESSES),
  includeLoopback: boolean,
  portRange,
  interfaces,
  udpMux,
  nat1to1,
  iceLite: boolean,
  mdns: oneOf("resolve", "hide", "off"),
  ice,
  tcpCandidates: oneOf("off", "active", "passive", "both"),
  extraCaPem: text,
  maxPacketBytes: whole(500, 2000),
  srtpProfiles: listOf(oneOf("AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"), 3, 1),
  maxReceiveBytes: whole(100, 65_535),
  reportIntervalUs: whole(10_000, 60 * SECOND_US),
  nackRetries: whole(0, 1000),
  jitterPackets: powerOfTwo(16, 65_536),
  decode: oneOf("always", "wanted"),
  unstableAfterUs: whole(100_000, HOUR_US),
  failAfterUs: whole(100_000, 24 * HOUR_US),
});

/** @throws SettingsError (a TypeError) that names the option, what was found and what is allowed. */
export function checkTransportSettings(settings: TransportSettings): void {
  checkMembers(settings, "transport");
  const { mdns, nat1to1 } = settings;
  if (mdns === "hide" && nat1to1 !== undefined && nat1to1.as !== "srflx") {
    throw new SettingsError(
      "transport.mdns",
      mdns,
      '"resolve" or "off" where nat1to1 says what host candidates show',
    );
  }
}
