/** RoomRTC: one engine for the process, as a program would have. */
import { readFileSync } from "node:fs";
import { MediaEngine, RTCPeerConnection, whenClosed } from "../../../dist/src/index.js";
import { W3cEnd } from "../w3c_end.mjs";
import { W3cPair } from "../w3c_pair.mjs";

export async function openStack(address) {
  const engine = await MediaEngine.start({
    videoSource: { kind: "none" },
    audioSource: { kind: "none" },
  });
  const settings = { transportFactory: engine, transport: { bindAddresses: [address] } };
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const create = () => new RTCPeerConnection({}, settings);
  return {
    title: `RoomRTC ${version}`,
    createPair: () => new RoomPair(create),
    createEnd: (offers, onCandidate) => new RoomEnd(create(), offers, onCandidate),
    srtp: async (options) => (await import("../roomrtc_srtp.mjs")).measureSrtp(address, options),
    close: () => engine.stop(),
  };
}

class RoomPair extends W3cPair {
  async close() {
    this.offerer.close();
    this.answerer.close();
    await Promise.all([whenClosed(this.offerer), whenClosed(this.answerer)]);
  }
}

class RoomEnd extends W3cEnd {
  async close() {
    this.connection.close();
    await whenClosed(this.connection);
  }
}
