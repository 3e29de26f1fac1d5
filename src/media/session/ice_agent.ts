import { IceAgent, type IceTimers } from "../../protocol/ice/index.js";
import type { TransportAddress } from "../../protocol/primitives/address.js";
import type { IceTimeSettings } from "../ice_settings.js";
import type { TransportOptions } from "../transport_api.js";
import { hmacSha1, md5, systemRandom } from "./system_random.js";

/** The agent of a real transport, as its options and settings want it. */
export function makeIceAgent(options: TransportOptions): IceAgent {
  const [low, high] = [systemRandom.uint32(), systemRandom.uint32()];
  return new IceAgent({
    role: options.iceRole,
    lite: options.settings.iceLite ?? false,
    local: options.local,
    tieBreaker: (BigInt(high) << 32n) | BigInt(low),
    random: systemRandom,
    hmacSha1,
    stunServers: options.stunServers.map(transportAddress),
    turn: {
      servers: (options.turnServers ?? []).map(({ address, port, ...server }) => ({
        ...server,
        address: transportAddress({ address, port }),
      })),
      md5,
      relayOnly: options.relayOnly ?? false,
    },
    timers: iceTimers(options.settings.ice),
  });
}

/** The agent's names for what the settings say. */
function iceTimers(settings: IceTimeSettings = {}): Partial<IceTimers> {
  const timers: { [K in keyof IceTimers]?: number | undefined } = {
    taUs: settings.pacingUs,
    rtoUs: settings.requestTimeoutUs,
    requestCount: settings.requestCount,
    gatherTimeoutUs: settings.gatherTimeoutUs,
    nominationGraceUs: settings.nominationDelayUs,
    patienceUs: settings.checkingUs,
    consentIntervalUs: settings.consentIntervalUs,
    disconnectedUs: settings.disconnectedUs,
    consentTimeoutUs: settings.failedUs,
  };
  return Object.fromEntries(Object.entries(timers).filter(([, value]) => value !== undefined));
}

function transportAddress({ address, port }: { readonly address: string; readonly port: number }) {
  return { family: address.includes(":") ? 6 : 4, address, port } as const satisfies TransportAddress;
}
