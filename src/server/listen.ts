import type { Server } from "node:net";
import { ServerError, type ServerErrorCode, systemCode } from "./errors.js";

const CODES: Readonly<Record<string, ServerErrorCode>> = {
  EADDRINUSE: "PORT_TAKEN",
  EACCES: "PORT_FORBIDDEN",
  EADDRNOTAVAIL: "ADDRESS_NOT_AVAILABLE",
  EAFNOSUPPORT: "ADDRESS_NOT_AVAILABLE",
  ENOTFOUND: "ADDRESS_NOT_AVAILABLE",
};
const WHY: Readonly<Partial<Record<ServerErrorCode, string>>> = {
  PORT_TAKEN: "another program listens there; stop it or choose another port",
  PORT_FORBIDDEN: "ports below 1024 need special rights; choose a higher one",
  ADDRESS_NOT_AVAILABLE: "this machine has no such address",
};
/** Ports tried after a taken one. */
const NEXT_PORTS = 32;

/** What a failed bind means for whoever configured it. */
export function listenError(error: Error, host: string, port: number): ServerError {
  const code = CODES[systemCode(error)] ?? "LISTEN_FAILED";
  const why = WHY[code] ?? error.message;
  return new ServerError(code, `cannot listen on ${host} port ${port}: ${why}`, { cause: error });
}

/** Listens and resolves to the port. Throws {@link ServerError} that names address and port. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, host, port));
    server.once("error", onError);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", onError);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** Calls `attempt` with `port` and, when that is taken and `next` allows it, with the ports after it. */
export async function withFreePort<T>(
  port: number,
  next: boolean,
  attempt: (port: number) => Promise<T>,
): Promise<T> {
  for (let offset = 0; ; offset++) {
    try {
      return await attempt(port === 0 ? 0 : port + offset);
    } catch (error) {
      const taken = error instanceof ServerError && error.code === "PORT_TAKEN";
      if (!taken || !(next || port === 0) || offset >= NEXT_PORTS || port + offset >= 65_535) throw error;
    }
  }
}
