/** Which ways ICE may take, and how patient it is: part of the settings, apart from the W3C configuration. */

/** Which interfaces and addresses carry candidates. An entry is a name ("eth0", "wl*") or a prefix ("10.0.0.0/8"). */
export interface InterfaceSettings {
  /** Only these; absent: all. */
  readonly allow?: readonly string[];
  /** None of these, whatever `allow` says. */
  readonly deny?: readonly string[];
  /** Both families by default. */
  readonly families?: readonly (4 | 6)[];
}

/** Addresses of a router that hands every port on to this host (a cloud's elastic address): they need no STUN server. */
export interface Nat1To1Settings {
  /** "EXTERNAL" for every local address of its family, or pairs "EXTERNAL/LOCAL", at most one for each local address. */
  readonly addresses: readonly string[];
  /**
   * "host" (default): told instead of the local address, which stays hidden. "srflx": told beside it, as if a STUN
   * server had seen it. With pairs and "host" a local address without one is not used.
   */
  readonly as?: "host" | "srflx";
}

/** Times of ICE, all in microseconds, and how often a request is sent. */
export interface IceTimeSettings {
  /** Between two new checks and between two questions to servers (RFC 8445 §14.2: Ta); 50 000. */
  readonly pacingUs?: number;
  /** First repetition of a check on a path not known yet (RFC 8445 §14.3: RTO); 500 000. */
  readonly requestTimeoutUs?: number;
  /** How often a request is sent before it counts as lost (RFC 8489 §6.2.1: Rc); 7. */
  readonly requestCount?: number;
  /** How long a STUN server may be silent; 5 s. */
  readonly gatherTimeoutUs?: number;
  /** How long the controlling end waits for a better pair once one works that is not direct; 100 000. */
  readonly nominationDelayUs?: number;
  /** Checking does not fail before this (RFC 8863); 39.5 s. */
  readonly checkingUs?: number;
  /** Mean time between consent checks, which also keep a NAT's mapping alive (RFC 7675 §5.1, RFC 8445 §11); 5 s. */
  readonly consentIntervalUs?: number;
  /** No sign of the peer for this long: "disconnected", and other pairs are tried; 8 s. */
  readonly disconnectedUs?: number;
  /** Consent not renewed for this long: nothing is sent any more (RFC 7675 §5.1); 30 s. */
  readonly failedUs?: number;
}
