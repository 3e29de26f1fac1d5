import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { IceServerUrl } from "./ice_server_url.js";

/** A numeric STUN server. */
export interface ResolvedServer {
  readonly address: string;
  readonly port: number;
  /** As it was configured. */
  readonly url: string;
}

/** A numeric TURN server. */
export interface ResolvedTurnServer extends ResolvedServer {
  readonly username: string;
  readonly password: string;
  readonly transport: "udp" | "tcp" | "tls";
  /** What its certificate must be for. */
  readonly tlsName: string;
}

/** A server that gives no candidates, and why. */
export interface FailedServer {
  readonly server: IceServerUrl;
  readonly reason: string;
}

export interface ResolvedServers {
  readonly servers: readonly ResolvedServer[];
  readonly turnServers: readonly ResolvedTurnServer[];
  readonly failed: readonly FailedServer[];
}

/** Addresses of the servers; names that take longer than `timeoutMs` count as failed. */
export async function resolveServers(
  urls: readonly IceServerUrl[],
  timeoutMs: number,
): Promise<ResolvedServers> {
  const results = await Promise.all(urls.map((server) => resolveServer(server, timeoutMs)));
  return {
    servers: results.flatMap((result) => ("server" in result || "username" in result ? [] : [result])),
    turnServers: results.flatMap((result) => ("username" in result ? [result] : [])),
    failed: results.flatMap((result) => ("server" in result ? [result] : [])),
  };
}

async function resolveServer(
  server: IceServerUrl,
  timeoutMs: number,
): Promise<ResolvedServer | ResolvedTurnServer | FailedServer> {
  const { port, url } = server;
  // Over TCP a server could tell the address of that connection alone, which no candidate of ours has.
  if (server.scheme === "stuns") return { server, reason: "STUN is spoken over UDP only" };
  if (server.scheme === "turns" && server.udpAsked) return { server, reason: "TURN over DTLS is not spoken" };
  const login = turnLogin(server);
  if (isIP(server.host) !== 0) return { address: server.host, port, url, ...login };
  try {
    const { address } = await within(lookup(server.host), timeoutMs);
    return { address, port, url, ...login };
  } catch (error) {
    return { server, reason: error instanceof Error ? error.message : String(error) };
  }
}

function turnLogin({ scheme, transport, host, username, credential }: IceServerUrl) {
  if (scheme.startsWith("stun") || username === undefined || credential === undefined) return {};
  return {
    username,
    password: credential,
    transport: scheme === "turns" ? ("tls" as const) : transport,
    tlsName: host,
  };
}

async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
