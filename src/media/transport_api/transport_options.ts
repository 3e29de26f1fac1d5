import type { SrtpProfile } from "../../../native/addon.js";
import type { IceTimeSettings, InterfaceSettings, Nat1To1Settings } from "../ice_settings.js";
import type { IceParameters, IceRole } from "./ice.js";

/** What the settings (not the W3C configuration) say about sockets. */
export interface TransportSettings {
  /** Addresses to bind; empty: every interface that is up (loopback only when nothing else is, or when asked for). */
  readonly bindAddresses?: readonly string[];
  readonly includeLoopback?: boolean;
  readonly portRange?: { readonly min: number; readonly max: number };
  readonly interfaces?: InterfaceSettings;
  /** A lite agent (RFC 8445 §2.5), for hosts that everybody can reach: answers checks, makes none. Peers must be full ones. */
  readonly iceLite?: boolean;
  /** One UDP port at each local address for all transports of the engine that name it; no port of their own. */
  readonly udpMux?: { readonly port: number };
  readonly nat1to1?: Nat1To1Settings;
  /**
   * Names of candidates by multicast DNS. "resolve" (default): the peer's are asked for. "hide": our own host addresses are
   * behind random names, too, which this engine answers for. "off": the peer's are ignored.
   */
  readonly mdns?: "resolve" | "hide" | "off";
  readonly ice?: IceTimeSettings;
  /** Largest UDP payload; 1200 by default. */
  readonly maxPacketBytes?: number;
  readonly srtpProfiles?: readonly SrtpProfile[];
  /** Largest datagram that is taken for RTP or RTCP; no limit by default. */
  readonly maxReceiveBytes?: number;
  /** Mean time between RTCP reports (RFC 3550 §6.2, the minimum interval); 1 s by default. */
  readonly reportIntervalUs?: number;
  /** Times that one lost video packet is asked for; 10 by default. */
  readonly nackRetries?: number;
  /** Video packets that a stream's jitter buffer holds, a power of two; 1024 by default. */
  readonly jitterPackets?: number;
  /**
   * "always" (default): what comes in a codec of ours is decoded. "wanted": only while somebody takes its pictures or its sound; packets,
   * samples, recordings and transforms need neither.
   */
  readonly decode?: "always" | "wanted";
  /**
   * TCP candidates (RFC 6544) to offer: "active" ones connect to the peer's passive ones, "passive" ones listen. "active" by
   * default, as browsers do.
   */
  readonly tcpCandidates?: "off" | "active" | "passive" | "both";
  /** PEM certificates of authorities to trust for `turns:` servers, beside the system's. */
  readonly extraCaPem?: string;
  /** Silence before the transport counts as unstable, and before it ends. 2 s and 20 s by default. */
  readonly unstableAfterUs?: number;
  readonly failAfterUs?: number;
}

export interface TransportOptions {
  readonly iceRole: IceRole;
  readonly local: IceParameters;
  /** host:port of STUN servers, resolved. */
  readonly stunServers: readonly { readonly address: string; readonly port: number }[];
  /** TURN servers, resolved. */
  readonly turnServers?: readonly {
    readonly address: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    /** UDP by default. */
    readonly transport?: "udp" | "tcp" | "tls";
    /** The name or address that the server's certificate must be for. */
    readonly tlsName?: string;
    /** As it was given, for reports. */
    readonly url?: string;
  }[];
  /** Only relayed candidates are told, tried and answered on. */
  readonly relayOnly?: boolean;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly settings: TransportSettings;
}
