export type IceRole = "controlling" | "controlled";
export type IceState = "new" | "checking" | "connected" | "completed" | "disconnected" | "failed" | "closed";

export interface IceParameters {
  readonly usernameFragment: string;
  readonly password: string;
}

/** A candidate as an SDP attribute value, "candidate:…" (RFC 8839 §5.1). */
export interface LocalCandidate {
  readonly candidate: string;
  readonly address: string;
  readonly port: number;
  readonly type: "host" | "srflx" | "prflx" | "relay";
  /** Of the credentials it was gathered for: a restart may have come between. */
  readonly usernameFragment: string;
}

export interface CandidateError {
  /**
   * Our end of the question; `port` is null where it is no candidate's, all of it where no candidate tells the address. Of an
   * address that could not be bound (code 700) that address.
   */
  readonly asker: { readonly address: string; readonly port: number | null } | null;
  /** Null: it concerns no server. */
  readonly server: { readonly address: string; readonly port: number } | null;
  /** A STUN error code, 701 for a server that could not be reached, or 700. */
  readonly code: number;
  readonly reason: string;
  /** As the server was given, where it was. */
  readonly url?: string;
}

export interface SelectedPair {
  readonly local: string;
  readonly remote: string;
  readonly rttUs: number;
}
