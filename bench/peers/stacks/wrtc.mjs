/** libwebrtc by way of @roamhq/wrtc. Which address it binds cannot be told it; it passes loopback over by itself. */
import { createRequire } from "node:module";
import { installedVersion } from "../installed_version.mjs";
import { W3cEnd } from "../w3c_end.mjs";
import { W3cPair } from "../w3c_pair.mjs";

const { RTCPeerConnection } = createRequire(import.meta.url)("@roamhq/wrtc");

export async function openStack() {
  const create = () => new RTCPeerConnection({ iceServers: [] });
  return {
    title: `@roamhq/wrtc ${installedVersion("@roamhq/wrtc")}`,
    createPair: () => new W3cPair(create),
    createEnd: (offers, onCandidate) => new W3cEnd(create(), offers, onCandidate),
    srtp: async () => ({ unsupported: "no RTP packets in its API" }),
  };
}
