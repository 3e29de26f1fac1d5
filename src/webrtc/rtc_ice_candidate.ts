import { type IceCandidate, parseCandidate } from "../protocol/ice/candidate.js";

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
    return line === "" ? undefined : parseCandidate(line);
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
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment: string | null;
  readonly foundation: string | null;
  readonly component: RTCIceComponent | null;
  readonly priority: number | null;
  readonly address: string | null;
  readonly protocol: RTCIceProtocol | null;
  readonly port: number | null;
  readonly type: RTCIceCandidateType | null;
  readonly tcpType: RTCIceTcpCandidateType | null;
  readonly relatedAddress: string | null;
  readonly relatedPort: number | null;
  readonly relayProtocol: "udp" | "tcp" | "tls" | null;
  readonly url: string | null;

  /** @throws TypeError when neither sdpMid nor sdpMLineIndex says where it belongs. */
  constructor(init: RTCLocalIceCandidateInit = {}) {
    this.sdpMid = toText(init.sdpMid);
    this.sdpMLineIndex = toIndex(init.sdpMLineIndex);
    if (this.sdpMid === null && this.sdpMLineIndex === null) {
      throw new TypeError("An RTCIceCandidate needs sdpMid or sdpMLineIndex");
    }
    this.candidate = init.candidate === undefined ? "" : String(init.candidate);
    const parts = readCandidate(this.candidate);
    this.usernameFragment = toText(init.usernameFragment) ?? parts?.usernameFragment ?? null;
    this.foundation = parts?.foundation ?? null;
    this.component = parts === undefined ? null : "rtp";
    this.priority = parts?.priority ?? null;
    this.address = parts?.address ?? null;
    this.protocol = parts?.transport ?? null;
    this.port = parts?.port ?? null;
    this.type = parts?.type ?? null;
    this.tcpType = parts?.tcpType ?? null;
    this.relatedAddress = parts?.relatedAddress ?? null;
    this.relatedPort = parts?.relatedPort ?? null;
    this.relayProtocol = init.relayProtocol ?? null;
    this.url = init.url ?? null;
  }

  toJSON(): Required<RTCIceCandidateInit> {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = this;
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
  }
}
