import type { RTCDataChannel, RTCPeerConnection } from "roomrtc";

/**
 * Renegotiates a connection over one of its own data channels: the W3C's "perfect negotiation" (WebRTC 1.0 §10.7). Both
 * ends run this same file, the program here and the page in the browser; one of them must be polite.
 */
export function negotiateOver(pc: RTCPeerConnection, channel: RTCDataChannel, polite: boolean): void {
  let offering = false;
  let ignoring = false;
  const send = (message: object) => channel.send(JSON.stringify(message));
  pc.addEventListener("negotiationneeded", async () => {
    offering = true;
    await pc.setLocalDescription();
    send({ description: pc.localDescription });
    offering = false;
  });
  pc.addEventListener("icecandidate", ({ candidate }) => {
    if (candidate !== null && channel.readyState === "open") send({ candidate });
  });
  channel.addEventListener("message", async ({ data }) => {
    const { description, candidate } = JSON.parse(String(data));
    if (candidate) {
      await pc.addIceCandidate(candidate).catch((error: Error) => {
        if (!ignoring) throw error;
      });
      return;
    }
    ignoring = !polite && description.type === "offer" && (offering || pc.signalingState !== "stable");
    if (ignoring) return;
    await pc.setRemoteDescription(description);
    if (description.type !== "offer") return;
    await pc.setLocalDescription();
    send({ description: pc.localDescription });
  });
}
