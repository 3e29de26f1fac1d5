import type { RTCPeerConnection } from "../../src/webrtc/index.js";

/** Two connections of this process give each other their candidates as they find them. */
export function trickle(a: RTCPeerConnection, b: RTCPeerConnection): void {
  a.onicecandidate = ({ candidate }) => void (candidate && b.addIceCandidate(candidate));
  b.onicecandidate = ({ candidate }) => void (candidate && a.addIceCandidate(candidate));
}
