/**
 * One in, many out: a page sends its camera, and any number of others watch. The program decodes what comes once and encodes it
 * once, however many watch.
 *
 *   node dist/examples/broadcast.js
 */
import { type MediaStreamTrack, nonstandard, type RTCPeerConnection } from "roomrtc";
import { servePage } from "./page/serve.js";

const client = `
  import { button, call, myMedia, say, show, showReceived } from "/page.js";
  const pc = new RTCPeerConnection();
  const choose = async (begin, said) => {
    send.hidden = watch.hidden = true;
    await begin();
    say(said);
  };
  const send = button("Send my camera", () => choose(async () => {
    const stream = await myMedia();
    show(stream);
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await call(pc, "?send");
  }, "Sending: open this page once more and watch."));
  const watch = button("Watch", () => choose(async () => {
    showReceived(pc);
    for (const kind of ["video", "audio"]) pc.addTransceiver(kind, { direction: "recvonly" });
    await call(pc);
  }, "Watching what another page sends."));
`;

const picture = new nonstandard.RTCVideoSource();
const sound = new nonstandard.RTCAudioSource();
let ends: (() => void)[] = [];

/** What this track brings is what all others see or hear, from now on. */
function takeFrom(track: MediaStreamTrack): void {
  if (track.kind === "video") {
    const sink = new nonstandard.RTCVideoSink(track);
    sink.onframe = ({ frame }) => picture.onFrame(frame);
    ends.push(() => sink.stop());
  } else {
    const sink = new nonstandard.RTCAudioSink(track);
    sink.ondata = ({ samples, sampleRate, channelCount }) =>
      sound.onData({ samples, sampleRate, channelCount });
    ends.push(() => sink.stop());
  }
}

let watching = 0;

function serveWatcher(pc: RTCPeerConnection): void {
  pc.addTrack(picture.createTrack());
  pc.addTrack(sound.createTrack());
  console.log(`${++watching} watching`);
  pc.onconnectionstatechange = () => {
    if (pc.connectionState !== "failed") return;
    pc.close();
    console.log(`${--watching} watching`);
  };
}

await servePage({
  title: "Broadcast",
  about: "One page sends its camera; open this page as often as you like and watch.",
  client,
  connected: (pc, query) => {
    if (!query.has("send")) return serveWatcher(pc);
    for (const end of ends) end(); // the last that sends is seen
    ends = [];
    pc.ontrack = ({ track }) => takeFrom(track);
  },
});
