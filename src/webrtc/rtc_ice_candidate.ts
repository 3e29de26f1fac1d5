import { type IceCandidate, parseCandidate } from "../protocol/ice/candidate.js";
import { internals } from "./internals.js";
import { defineInterface } from "./web_idl.js";

export type RTCIceComponent = "rtp" | "rtcp";
export type RTCIceProtocol = "udp" | "tcp";
export type RTCIceCandidateType = "host" | "srflx" | "prflx" | "relay";
export type RTCIceTcpCandidateType = "active" | "passive" | "so";

export interface RTCIceCandidateInit {
  readonly candidate?: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** What only a local candidate knows. */
export interface RTCLocalIceCandidateInit extends RTCIceCandidateInit {
  readonly relayProtocol?: "udp" | "tcp" | "tls" | null;
  readonly url?: string | null;
}

/** The parts of a candidate line; undefined for the empty line (end of candidates) and for lines that are none. */
export function readCandidate(line: string): IceCandidate | undefined {
  try {
    return line === "" ? undefined : parseCandidate(line, [1, 2]);
  } catch {
    return undefined;
  }
}

function toIndex(value: number | null | undefined): number | null {
  // Web IDL unsigned short without a range: wraps.
  return value === undefined || value === null ? null : Math.trunc(Number(value) || 0) & 0xffff;
}

function toText(value: string | null | undefined): string | null {
  return value === undefined || value === null ? null : String(value);
}

/**
 * A candidate with its place in the session (WebRTC 1.0 §4.8.1). A line that cannot be read leaves the parts null; it
 * is `addIceCandidate` that refuses it.
 */
export class RTCIceCandidate {
  declare readonly candidate: string;
  declare readonly sdpMid: string | null;
  declare readonly sdpMLineIndex: number | null;
  declare readonly usernameFragment: string | null;
  declare readonly foundation: string | null;
  declare readonly component: RTCIceComponent | null;
  declare readonly priority: number | null;
  declare readonly address: string | null;
  declare readonly protocol: RTCIceProtocol | null;
  declare readonly port: number | null;
  declare readonly type: RTCIceCandidateType | null;
  declare readonly tcpType: RTCIceTcpCandidateType | null;
  declare readonly relatedAddress: string | null;
  declare readonly relatedPort: number | null;
  declare readonly relayProtocol: "udp" | "tcp" | "tls" | null;
  declare readonly url: string | null;
  /** @internal */
  readonly [internals]: CandidateMembers;

  /** @throws TypeError when neither sdpMid nor sdpMLineIndex says where it belongs. */
  constructor(init: RTCLocalIceCandidateInit = {}) {
    const given = init ?? {};
    const sdpMid = toText(given.sdpMid);
    const sdpMLineIndex = toIndex(given.sdpMLineIndex);
    if (sdpMid === null && sdpMLineIndex === null) {
      throw new TypeError("An RTCIceCandidate needs sdpMid or sdpMLineIndex");
    }
    const candidate = given.candidate === undefined ? "" : String(given.candidate);
    const parts = readCandidate(candidate);
    this[internals] = {
      candidate,
      sdpMid,
      sdpMLineIndex,
      usernameFragment: toText(given.usernameFragment) ?? parts?.usernameFragment ?? null,
      ...candidateParts(parts),
      relayProtocol: given.relayProtocol ?? null,
      url: given.url ?? null,
    };
  }

  toJSON(): Required<RTCIceCandidateInit> {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = this[internals];
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
  }
}
defineInterface(RTCIceCandidate, {
  attributes: [
    "candidate",
    "sdpMid",
    "sdpMLineIndex",
    "usernameFragment",
    "foundation",
    "component",
    "priority",
    "address",
    "protocol",
    "port",
    "type",
    "tcpType",
    "relatedAddress",
    "relatedPort",
    "relayProtocol",
    "url",
  ],
});

type CandidateMembers = Omit<RTCIceCandidate, typeof internals | "toJSON">;

function candidateParts(parts: IceCandidate | undefined) {
  return {
    foundation: parts?.foundation ?? null,
    component: parts === undefined ? null : parts.component === 1 ? ("rtp" as const) : ("rtcp" as const),
    priority: parts?.priority ?? null,
    address: parts?.address ?? null,
    protocol: parts?.transport ?? null,
    port: parts?.port ?? null,
    type: parts?.type ?? null,
    tcpType: parts?.tcpType ?? null,
    relatedAddress: parts?.relatedAddress ?? null,
    relatedPort: parts?.relatedPort ?? null,
  };
}
