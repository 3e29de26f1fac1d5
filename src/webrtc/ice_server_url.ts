import { domError } from "./dom_error.js";

/** A `stun:` or `turn:` URL (RFC 7064 §3.1, RFC 7065 §3.1). */
export interface IceServerUrl {
  readonly scheme: "stun" | "stuns" | "turn" | "turns";
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp";
  /** `?transport=udp` was said: with `turns:` that is DTLS (RFC 7065 §3.1). */
  readonly udpAsked: boolean;
  /** As given. */
  readonly url: string;
  /** Of a TURN server. */
  readonly username?: string;
  readonly credential?: string;
}

const schemes: readonly string[] = ["stun", "stuns", "turn", "turns"];

/** @throws SyntaxError (DOMException) for what is no such URL. */
export function parseIceServerUrl(url: string): IceServerUrl {
  // RFC 3986 §3.2.2: an address in brackets, or a registered name, which has neither blanks nor control characters.
  const match =
    /^([a-z]+):(\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i.exec(
      url,
    );
  const scheme = match?.[1].toLowerCase() ?? "";
  if (match === null || !isScheme(scheme))
    throw domError("SyntaxError", `${JSON.stringify(url)} is no STUN or TURN URL`);
  const [, , host, portText, transport] = match;
  const secure = scheme.endsWith("s");
  const port = portText === undefined ? (secure ? 5349 : 3478) : Number(portText);
  if (port < 1 || port > 65535) throw domError("SyntaxError", `${JSON.stringify(url)} has no valid port`);
  // RFC 7064 §3.1: a STUN URL has no transport.
  if (transport !== undefined && scheme.startsWith("stun")) {
    throw domError("SyntaxError", `${JSON.stringify(url)}: a STUN URL names no transport`);
  }
  return {
    scheme,
    host: host.replace(/^\[|\]$/g, ""),
    port,
    transport: transport?.toLowerCase() === "tcp" || secure ? "tcp" : "udp",
    udpAsked: transport?.toLowerCase() === "udp",
    url,
  };
}

function isScheme(text: string): text is IceServerUrl["scheme"] {
  return schemes.includes(text);
}
