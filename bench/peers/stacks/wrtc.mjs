/** libwebrtc by way of @roamhq/wrtc. Which address it binds cannot be told it; it passes loopback over by itself. */
import { createRequire } from "node:module";
import { installedVersion } from "../installed_version.mjs";
import { W3cPair } from "../w3c_pair.mjs";

const { RTCPeerConnection } = createRequire(import.meta.url)("@roamhq/wrtc");

export async function openStack() {
  return {
    title: `@roamhq/wrtc ${installedVersion("@roamhq/wrtc")}`,
    createPair: () => new W3cPair(() => new RTCPeerConnection({ iceServers: [] })),
    srtp: async () => ({ unsupported: "no RTP packets in its API" }),
  };
}
