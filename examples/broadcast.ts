/**
 * One in, many out: a page sends its camera, and any number of others watch. The program hands the packets on and decodes nothing: a
 * page that begins to watch asks for a keyframe, and the program asks the page that sends.
 *
 *   node dist/examples/broadcast.js
 */
import { type MediaStreamTrack, nonstandard, RTCPeerConnection } from "roomrtc";
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

const formats = { video: "video/VP8", audio: "audio/opus" } as const;
const sources = {
  video: new nonstandard.RTPTrackSource({ codec: { mimeType: formats.video } }),
  audio: new nonstandard.RTPTrackSource({ codec: { mimeType: formats.audio } }),
};
let sinks: InstanceType<typeof nonstandard.RTPTrackSink>[] = [];
sources.video.onkeyframerequest = () => {
  for (const sink of sinks) sink.requestKeyframe();
};

/** What this track brings is what all others see or hear, from now on. */
function takeFrom(track: MediaStreamTrack): void {
  const sink = new nonstandard.RTPTrackSink(track);
  sink.onpacket = ({ packet, mimeType }) => {
    if (mimeType === formats[track.kind]) sources[track.kind].writeRtp(packet);
  };
  sinks.push(sink);
}

let watching = 0;

function serveWatcher(pc: RTCPeerConnection): void {
  for (const source of Object.values(sources)) pc.addTrack(source.createTrack());
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
  create: () =>
    new RTCPeerConnection(
      {},
      { video: { codecs: ["VP8"] }, audio: { codecs: ["opus"] }, transport: { decode: "wanted" } },
    ),
  connected: (pc, query) => {
    if (!query.has("send")) return serveWatcher(pc);
    for (const sink of sinks) sink.stop(); // the last that sends is seen
    sinks = [];
    pc.ontrack = ({ track }) => takeFrom(track);
  },
});
