/** Our own TURN server in the network that `npm run interop` makes for itself, for calls that may use relayed candidates only. */
import { networkInterfaces } from "node:os";
import { parseIpPrefix } from "../src/protocol/primitives/ip_prefix.js";
import { createTurnService } from "../src/server/turn_service.js";
import type { RTCIceServer } from "../src/webrtc/index.js";

const USER = "interop";
const PASSWORD = "relayed";

/** Every address of this machine: the peers' candidates, and no others, may be relayed to. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address, family }) => `${address}/${family === "IPv6" ? 128 : 32}`),
  );
}

/** Not every peer gathers loopback addresses: the other interface of the command's own network where there is one. */
export function relayAddress(): string {
  const list = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return list.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

export async function startRelay(): Promise<{ server: RTCIceServer; close(): Promise<void> }> {
  const address = relayAddress();
  const service = await createTurnService({
    listenAddresses: [address],
    udpPort: 0,
    tcpPort: false,
    tlsPort: false,
    relayAddresses: [],
    externalAddresses: [],
    relayPorts: { min: 40_000, max: 48_000 },
    realm: "interop",
    users: new Map([[USER, PASSWORD]]),
    sharedSecrets: [],
    allowedPeers: ownAddresses().flatMap((text) => parseIpPrefix(text) ?? []),
    deniedPeers: [],
  });
  const port = service.listeners.find(({ transport }) => transport === "udp")?.port;
  const server = { urls: `turn:${address}:${port}`, username: USER, credential: PASSWORD };
  return { server, close: () => service.close() };
}
