/**
 * Shows pages what comes as plain RTP: VP8 at UDP port PORT of this host. Every page gets the same packets; nothing is coded.
 *
 *   node dist/examples/rtp-to-webrtc.js [PORT]      5004
 *   ffmpeg -re -f lavfi -i testsrc2=size=640x360:rate=30 -c:v libvpx -deadline realtime -g 30 -f rtp "rtp://127.0.0.1:5004?pkt_size=1200"
 */
import { createSocket } from "node:dgram";
import { nonstandard } from "roomrtc";
import { commandLine, servePage } from "./page/serve.js";

const client = `
  import { call, say, showReceived } from "/page.js";
  const pc = new RTCPeerConnection();
  showReceived(pc);
  pc.addTransceiver("video", { direction: "recvonly" });
  await call(pc);
  say("Waiting for packets.");
`;

const [port = "5004"] = commandLine().rest;
const source = new nonstandard.RTPTrackSource({ codec: { mimeType: "video/VP8" } });
// FFmpeg cannot be asked for a keyframe over RTP: it makes one every second (-g 30), and a page waits for it.
source.onkeyframerequest = () => console.log("a page waits for a keyframe");

const socket = createSocket("udp4", (packet) => source.writeRtp(packet));
await new Promise<void>((resolve) => socket.bind(Number(port), "127.0.0.1", resolve));

await servePage({
  title: "RTP to WebRTC",
  about: `What comes to UDP port ${port} of the program's host as VP8 is shown here.`,
  client,
  connected: (pc) => pc.addTrack(source.createTrack()),
});
socket.close();
