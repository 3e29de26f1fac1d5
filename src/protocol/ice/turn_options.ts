import type { TransportAddress } from "../primitives/address.js";
import type { Md5 } from "../stun/index.js";

/** A TURN server reached over UDP, and what to show it. */
export interface IceTurnServer {
  readonly address: TransportAddress;
  readonly username: string;
  readonly password: string;
}

export interface IceTurnOptions {
  readonly servers: readonly IceTurnServer[];
  readonly md5: Md5;
  /** `iceTransportPolicy: "relay"`: no other path is told, tried or answered on. Default false. */
  readonly relayOnly?: boolean;
}
