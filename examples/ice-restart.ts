/**
 * New ICE credentials and candidates in the middle of a call: what a laptop needs when it changes its network. The picture
 * goes on while the new path is being found.
 *
 *   node dist/examples/ice-restart.js
 */
import { getUserMedia, mediaDevices } from "roomrtc";
import { negotiateOver } from "./page/negotiation.js";
import { servePage } from "./page/serve.js";

const client = `
  import { button, call, say, showReceived } from "/page.js";
  import { negotiateOver } from "/negotiation.js";
  const pc = new RTCPeerConnection();
  showReceived(pc);
  pc.addTransceiver("video", { direction: "recvonly" });
  const channel = pc.createDataChannel("negotiation");
  const tell = () => {
    const [, ufrag] = /a=ice-ufrag:(.*)/.exec(pc.localDescription.sdp);
    say("the page's name on the path is " + ufrag);
  };
  await call(pc);
  tell();
  negotiateOver(pc, channel, true);
  const ice = pc.sctp.transport.iceTransport;
  ice.onselectedcandidatepairchange = () => say("the path has changed");
  button("Restart ICE", () => new Promise((resolve) => {
    const stable = () => {
      if (pc.signalingState !== "stable") return;
      pc.removeEventListener("signalingstatechange", stable);
      tell();
      resolve();
    };
    pc.addEventListener("signalingstatechange", stable);
    pc.restartIce();
  }));
`;

mediaDevices.testDevices = true; // a test picture where there is no camera
const stream = await getUserMedia({ video: { width: 640, height: 360 } });

await servePage({
  title: "ICE restart",
  about:
    "The picture comes from the program. Restart ICE: both ends get new credentials, and the picture goes on.",
  client,
  connected: (pc) => {
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    pc.ondatachannel = ({ channel }) => negotiateOver(pc, channel, false);
    pc.onsignalingstatechange = () => {
      const [, ufrag] = /a=ice-ufrag:(.*)/.exec(pc.localDescription?.sdp ?? "") ?? [];
      if (pc.signalingState === "stable" && ufrag !== undefined)
        console.log(`our name on the path is ${ufrag}`);
    };
  },
});
