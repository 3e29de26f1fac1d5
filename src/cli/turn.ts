/** `[turn]` of the configuration becomes a TURN service. */
import type { Config } from "../config/schema.js";
import { type IpPrefix, parseIpPrefix } from "../protocol/primitives/ip_prefix.js";
import { loadOrCreateCertificate } from "../server/certificate.js";
import type { Logger } from "../server/logger.js";
import { createTurnService, type TurnService } from "../server/turn_service.js";
import { readTurnUsers } from "../server/turn_users.js";

/** Undefined when it is not enabled. The certificate is the signaling server's, which has made it by now. */
export async function startTurn({ turn, server }: Config, logger: Logger): Promise<TurnService | undefined> {
  if (!turn.enabled) return undefined;
  const files = { certFile: server.server_certification_file, keyFile: server.server_private_key_file };
  const names = { host: "0.0.0.0", serverName: server.server_name };
  const certificate = turn.tls_port === 0 ? undefined : await loadOrCreateCertificate(files, names, logger);
  return createTurnService({
    listenAddresses: turn.listen_addresses,
    udpPort: turn.udp_port || false,
    tcpPort: turn.tcp_port || false,
    tlsPort: turn.tls_port || false,
    ...(certificate && { certificate }),
    relayAddresses: turn.relay_addresses,
    externalAddresses: turn.external_addresses,
    relayPorts: { min: turn.relay_port_min, max: turn.relay_port_max },
    realm: turn.realm,
    users: turn.users_file === "" ? new Map() : await readTurnUsers(turn.users_file, logger),
    sharedSecrets: [turn.shared_secret, turn.previous_shared_secret].filter((secret) => secret !== ""),
    allowedPeers: networks(turn.allowed_peers),
    deniedPeers: networks(turn.denied_peers),
    limits: limitsOf(turn),
    logger,
  });
}

function limitsOf(turn: Config["turn"]) {
  return {
    maxAllocations: turn.max_allocations,
    maxAllocationsPerUser: turn.max_allocations_per_user,
    defaultLifetimeSeconds: turn.default_lifetime_seconds,
    maxLifetimeSeconds: turn.max_lifetime_seconds,
    maxAgeSeconds: turn.max_age_seconds || Infinity,
    nonceSeconds: turn.nonce_seconds,
  };
}

/** The loader has checked them. */
const networks = (texts: readonly string[]): IpPrefix[] => texts.flatMap((text) => parseIpPrefix(text) ?? []);

/** A line for each way in. */
export function describeTurn({ listeners }: TurnService): string {
  const scheme = { udp: "turn", tcp: "turn", tls: "turns" };
  return listeners
    .map(({ transport, address, port }) => {
      const host = address.includes(":") ? `[${address}]` : address;
      const query = transport === "tcp" ? "?transport=tcp" : "";
      return `TURN: ${scheme[transport]}:${host}:${port}${query}`;
    })
    .join("\n");
}
