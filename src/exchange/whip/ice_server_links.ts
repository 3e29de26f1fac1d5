/** STUN and TURN servers as Link headers (RFC 9725 §4.6, RFC 8288). */
import type { RTCIceServer } from "../../webrtc/rtc_configuration.js";

/** One value for each URL. */
export function iceServerLinks(servers: readonly RTCIceServer[]): string[] {
  return servers.flatMap(({ urls, username, credential }) =>
    [urls].flat().map((url) => {
      const login =
        username === undefined || credential === undefined
          ? ""
          : `; username=${quoted(username)}; credential=${quoted(credential)}; credential-type="password"`;
      return `<${url}>; rel="ice-server"${login}`;
    }),
  );
}

/** RFC 9110 §5.6.4. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** The servers of a Link header; what is malformed or of another relation is passed over. */
export function parseIceServerLinks(header: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const [, url, rest] of (header ?? "").matchAll(
    /<((?:stuns?|turns?):[^<>]+)>((?:\s*;\s*[\w-]+=(?:"(?:[^"\\]|\\.)*"|[^",;\s]*))*)/gi,
  )) {
    const parameters = new Map(
      [...rest.matchAll(/;\s*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))/g)].map(([, name, text, word]) => [
        name.toLowerCase(),
        (text ?? word ?? "").replace(/\\(.)/g, "$1"),
      ]),
    );
    if (!(parameters.get("rel") ?? "").split(/\s+/).includes("ice-server")) continue;
    const username = parameters.get("username");
    const credential = parameters.get("credential");
    servers.push({
      urls: url,
      ...(username !== undefined && { username }),
      ...(credential !== undefined && { credential }),
    });
  }
  return servers;
}
