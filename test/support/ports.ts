/** Ports for programs that cannot choose one themselves. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that the kernel gives to sockets that ask for any (net.ipv4.ip_local_port_range): nobody comes upon it by chance. */
const RANGE = { from: 12_000, to: 30_000 } as const;

/** The first of `count` ports of 127.0.0.1, for UDP and TCP, that nobody has; even, as RTP likes it. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const port = 2 * randomInt(RANGE.from / 2, RANGE.to / 2);
    const ports = Array.from({ length: count }, (_, i) => port + i);
    const free = await Promise.all(ports.flatMap((each) => [isFreeUdp(each), isFreeTcp(each)]));
    if (free.every(Boolean)) return port;
  }
}

async function isFreeUdp(port: number): Promise<boolean> {
  const socket = createSocket("udp4").bind(port, "127.0.0.1");
  const bound = await once(socket, "listening").catch(() => undefined);
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return bound !== undefined;
}

async function isFreeTcp(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const bound = await once(server, "listening").catch(() => undefined);
  if (bound !== undefined) await new Promise((resolve) => server.close(resolve));
  return bound !== undefined;
}
