import { makeTransportAddress, type TransportAddress } from "../primitives/address.js";
import { IceError } from "./errors.js";

export type IceCandidateType = "host" | "srflx" | "prflx" | "relay";
export type IceTcpType = "active" | "passive" | "so";

/** A candidate as signaled (RFC 8839 §5.1). */
export interface IceCandidate {
  readonly foundation: string;
  /** Always 1 where candidates are tried: RTP and RTCP are muxed. 2 is what a description may show all the same. */
  readonly component: 1 | 2;
  readonly transport: "udp" | "tcp";
  readonly priority: number;
  /** IP address, or a name such as `….local` (RFC 8839 §5.1, mDNS). */
  readonly address: string;
  readonly port: number;
  readonly type: IceCandidateType;
  readonly relatedAddress?: string;
  readonly relatedPort?: number;
  readonly tcpType?: IceTcpType;
  readonly usernameFragment?: string;
}

/** Longest line read; a real one has about 150 characters. */
const MAX_LINE = 1024;
const TYPES: ReadonlySet<string> = new Set(["host", "srflx", "prflx", "relay"]);
const TCP_TYPES: ReadonlySet<string> = new Set(["active", "passive", "so"]);

/**
 * Reads `candidate:…`, with or without `a=`. Extensions nobody knows are skipped. TCP candidates and names instead
 * of addresses are valid here; whether they can be used is the agent's business.
 *
 * @param components - those taken; another is an error.
 * @throws IceError ERR_ICE_CANDIDATE_SYNTAX or ERR_ICE_CANDIDATE_VALUE.
 */
export function parseCandidate(line: string, components: readonly (1 | 2)[] = [1]): IceCandidate {
  const text = line.trim().replace(/^a=/, "");
  if (text.length > MAX_LINE) throw syntax(`longer than ${MAX_LINE} characters`, text);
  if (/[\r\n\0]/.test(text)) throw syntax("contains a line break", text);
  const match = /^candidate:(.*)$/i.exec(text);
  if (!match) throw syntax('does not start with "candidate:"', text);
  const tokens = match[1].split(/ +/);
  if (tokens.length < 8) throw syntax("has fewer than eight fields", text);
  if (tokens[6].toLowerCase() !== "typ") throw syntax('has no "typ" after the port', text);
  return build(tokens, components, text);
}

function build(tokens: readonly string[], components: readonly (1 | 2)[], text: string): IceCandidate {
  const [foundation, component, transport, priority, address, port, , type] = tokens;
  if (!/^[A-Za-z0-9+/]{1,32}$/.test(foundation))
    throw value("foundation", foundation, "1 to 32 ice-chars", text);
  const kind = type.toLowerCase();
  if (!TYPES.has(kind)) throw value("type", type, "host, srflx, prflx or relay", text);
  const protocol = transport.toLowerCase();
  if (protocol !== "udp" && protocol !== "tcp") throw value("transport", transport, "udp or tcp", text);
  // Component 2 is RTCP of peers without rtcp-mux, which we never negotiate.
  const known = components.find((number) => component === `${number}`);
  if (known === undefined) throw value("component", component, components.join(" or "), text);
  return {
    foundation,
    component: known,
    transport: protocol,
    priority: integer("priority", priority, 4294967295, text),
    address: parseHost("address", address, text),
    port: integer("port", port, 65535, text),
    type: kind as IceCandidateType,
    ...parseExtensions(tokens, protocol, text),
  };
}

function parseExtensions(tokens: readonly string[], transport: string, text: string): Partial<IceCandidate> {
  const pairs = new Map<string, string>();
  for (let i = 8; i + 1 < tokens.length; i += 2) {
    const key = tokens[i].toLowerCase();
    if (!pairs.has(key)) pairs.set(key, tokens[i + 1]);
  }
  const relatedAddress = pairs.get("raddr");
  const relatedPort = pairs.get("rport");
  const tcpType = pairs.get("tcptype")?.toLowerCase();
  const ufrag = pairs.get("ufrag");
  if (tcpType !== undefined && !TCP_TYPES.has(tcpType)) {
    throw value("tcptype", tcpType, "active, passive or so", text);
  }
  return {
    ...(relatedAddress !== undefined && { relatedAddress: parseHost("raddr", relatedAddress, text) }),
    ...(relatedPort !== undefined && { relatedPort: integer("rport", relatedPort, 65535, text) }),
    ...(transport === "tcp" && tcpType !== undefined && { tcpType: tcpType as IceTcpType }),
    ...(ufrag !== undefined && { usernameFragment: ufrag }),
  };
}

/** Canonical text of an IP address, or a DNS name as it is. */
function parseHost(field: string, text: string, line: string): string {
  // A zone id means something only on the sender's machine.
  const known = makeTransportAddress(text.replace(/%.*$/, ""), 0);
  if (known) return known.address;
  const isName =
    /^(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/.test(text) && !/^[\d.]+$/.test(text);
  if (!isName) throw value(field, text, "an IP address or a host name", line);
  return text;
}

function integer(field: string, text: string, max: number, line: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(number <= max)) throw value(field, text, `0 to ${max}`, line);
  return number;
}

function syntax(what: string, text: string): IceError {
  return new IceError("ERR_ICE_CANDIDATE_SYNTAX", `Candidate line ${what}: ${excerpt(text)}`);
}

function value(field: string, found: string, allowed: string, line: string): IceError {
  return new IceError(
    "ERR_ICE_CANDIDATE_VALUE",
    `Candidate ${field} is ${excerpt(found)}, allowed: ${allowed}; line: ${excerpt(line)}`,
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

/** Writes `candidate:…` (no `a=`), the form that both SDP and `RTCIceCandidate.candidate` use. */
export function formatCandidate(c: IceCandidate): string {
  const parts = [
    `candidate:${c.foundation}`,
    c.component,
    c.transport,
    c.priority,
    c.address,
    c.port,
    "typ",
    c.type,
  ];
  // RFC 8839 §5.1: required for all but host candidates; 0.0.0.0 and 9 hide it.
  if (c.relatedAddress !== undefined) parts.push("raddr", c.relatedAddress, "rport", c.relatedPort ?? 9);
  if (c.tcpType !== undefined) parts.push("tcptype", c.tcpType);
  if (c.usernameFragment !== undefined) parts.push("ufrag", c.usernameFragment);
  return parts.join(" ");
}

/** The candidate's address when it is an IP address; undefined for a name. */
export function candidateAddress(c: IceCandidate): TransportAddress | undefined {
  return makeTransportAddress(c.address, c.port);
}
