import type { TransportAddress } from "../primitives/address.js";
import type { Md5 } from "../stun/index.js";

/** A TURN server, and what to show it. */
export interface IceTurnServer {
  readonly address: TransportAddress;
  readonly username: string;
  readonly password: string;
  /** How it is reached. Default UDP. */
  readonly transport?: "udp" | "tcp" | "tls";
  /** The name or address that its certificate must be for. */
  readonly tlsName?: string;
  /** The URL it was given as, for reports. */
  readonly url?: string;
}

export interface IceTurnOptions {
  readonly servers: readonly IceTurnServer[];
  readonly md5: Md5;
  /** `iceTransportPolicy: "relay"`: no other path is told, tried or answered on. Default false. */
  readonly relayOnly?: boolean;
}
