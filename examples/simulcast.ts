/**
 * Simulcast: the page sends one picture in three sizes at once, and the program sends each back as a track of its own. A server
 * that forwards would choose from them for each of its viewers.
 *
 *   node dist/examples/simulcast.js
 */
import { nonstandard, type RTCPeerConnection } from "roomrtc";
import { servePage } from "./page/serve.js";

const client = `
  import { call, myMedia, say, show } from "/page.js";
  const layers = [
    { rid: "high" },
    { rid: "middle", scaleResolutionDownBy: 2 },
    { rid: "low", scaleResolutionDownBy: 4 },
  ];
  const pc = new RTCPeerConnection();
  // Browsers make three layers only of a picture this large.
  const stream = await myMedia({ width: 960, height: 540 });
  pc.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", sendEncodings: layers });
  for (const { rid } of layers) {
    const { receiver } = pc.addTransceiver("video", { direction: "recvonly" });
    const video = show(receiver.track);
    video.addEventListener("resize", () => say(rid + ": " + video.videoWidth + "x" + video.videoHeight));
  }
  await call(pc);
`;

/** The page's sections: the first has its layers, the others wait for one each. */
function sendBack(pc: RTCPeerConnection): void {
  const [incoming, ...outgoing] = pc.getTransceivers();
  const layers = nonstandard.layersOf(incoming.receiver);
  console.log(`the page sends ${[...layers.keys()].join(", ")}`);
  [...layers.values()].forEach((track, i) => void outgoing[i]?.sender.replaceTrack(track));
}

await servePage({
  title: "Simulcast",
  about: "The page sends its picture in three sizes at once; each comes back as a picture of its own.",
  client,
  connected: (pc) => {
    pc.ontrack = () => {
      for (const transceiver of pc.getTransceivers().slice(1)) transceiver.direction = "sendonly";
    };
    pc.onsignalingstatechange = () => {
      if (pc.signalingState === "stable") sendBack(pc);
    };
  },
});
