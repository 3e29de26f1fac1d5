/** `roomrtc server`: the configuration becomes server options, the log is opened, a person is told where to look. */
import { parseHostPort } from "../config/kinds.js";
import { type LoadedConfig, loadConfig, type Override } from "../config/load.js";
import type { Config } from "../config/schema.js";
import type { Logger } from "../server/logger.js";
import { createServer, type RoomServer } from "../server/room_server.js";
import { logOptions, openLog } from "./log.js";
import { endingAfter } from "./signals.js";
import { describeTurn, startTurn } from "./turn.js";

export interface ServerFlags {
  readonly set: readonly Override[];
}

export async function runServer(conf: string, flags: ServerFlags): Promise<void> {
  const { config, notices }: LoadedConfig = loadConfig(conf, flags.set);
  for (const notice of notices) process.stderr.write(`notice: ${notice}\n`);
  const log = await openLog(logOptions(config, config.server.server_log_file), "roomrtc-server");
  const ending = endingAfter();
  try {
    const server = await startServer(config, log.logger, { takeNextFreePort: false });
    try {
      const turn = await startTurn(config, log.logger);
      const lines = [describe(server), ...(turn ? [describeTurn(turn)] : []), "Ctrl-C ends it."];
      process.stdout.write(`${lines.join("\n")}\n`);
      await ending.ended;
      await turn?.close();
    } finally {
      await server.close();
    }
  } catch (error) {
    log.logger.error({ err: error }, "ended by an error");
    throw error;
  } finally {
    ending.release();
    await log.close();
  }
}

export function startServer(
  config: Config,
  logger: Logger,
  options: { readonly takeNextFreePort: boolean },
): Promise<RoomServer> {
  const { server } = config;
  const { host, port } = parseHostPort(server.server_client_addr) ?? { host: "0.0.0.0", port: 8443 };
  return createServer({
    host,
    port,
    httpPort: server.http_port === 0 ? false : server.http_port,
    takeNextFreePort: options.takeNextFreePort,
    usersFile: server.users_file,
    certFile: server.server_certification_file,
    keyFile: server.server_private_key_file,
    serverName: server.server_name,
    maxClients: server.max_amount_of_users_connected,
    logger,
  });
}

/** Where the server listens and how to know it. */
export function describe(server: RoomServer): string {
  const { host, port, httpPort } = server.address();
  const made = server.certificateCreated ? " (made now)" : "";
  return [
    `RoomRTC server on ${host}:${port} (TLS: line protocol, HTTPS, WebSocket)`,
    ...(httpPort === null ? [] : [`web client on this machine: http://localhost:${httpPort}/`]),
    `certificate SHA-256${made}: ${server.fingerprint}`,
  ].join("\n");
}
