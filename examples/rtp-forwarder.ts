/**
 * Hands what a page sends on as plain RTP to this host's own programs: VP8 to UDP port PORT, Opus to PORT + 2. FILE says so to them, as SDP.
 *
 *   node dist/examples/rtp-forwarder.js [PORT] [FILE]      5004 and call.sdp
 *   ffmpeg -protocol_whitelist file,udp,rtp -i call.sdp -c copy call.webm
 */
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { type MediaStreamTrack, nonstandard, RTCPeerConnection } from "roomrtc";
import { commandLine, servePage } from "./page/serve.js";

const client = `
  import { button, call, myMedia, say, show } from "/page.js";
  button("Send", async () => {
    const stream = await myMedia();
    show(stream);
    const pc = new RTCPeerConnection();
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await call(pc);
    say("Sending.");
  });
`;

const [port = "5004", file = "call.sdp"] = commandLine().rest;
const ports = { video: Number(port), audio: Number(port) + 2 };
/** As the SDP file calls the formats. */
const formats = { video: [96, "VP8/90000"], audio: [111, "opus/48000/2"] } as const;
type Kind = keyof typeof formats;
const described = new Set<Kind>();

/** A program that reads the file waits for all that it lists: only what comes is listed. */
function describe(kind: Kind): void {
  described.add(kind);
  const sections = [...described].flatMap((each) => {
    const [payloadType, format] = formats[each];
    return [`m=${each} ${ports[each]} RTP/AVP ${payloadType}`, `a=rtpmap:${payloadType} ${format}`];
  });
  const session = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=call", "c=IN IP4 127.0.0.1", "t=0 0"];
  writeFileSync(file, [...session, ...sections, ""].join("\r\n"));
  console.log(`forwarding ${kind} to port ${ports[kind]}, as ${file} says`);
}

const socket = createSocket("udp4");
// A program that listens late finds a beginning: a keyframe every two seconds.
const sinks = new Set<InstanceType<typeof nonstandard.RTPTrackSink>>();
const timer = setInterval(() => {
  for (const sink of sinks) sink.requestKeyframe();
}, 2000);

function forward(track: MediaStreamTrack): void {
  const kind: Kind = track.kind;
  const sink = new nonstandard.RTPTrackSink(track);
  sinks.add(sink);
  sink.onpacket = ({ packet, mimeType }) => {
    if (mimeType !== "video/VP8" && mimeType !== "audio/opus") return;
    packet[1] = (packet[1] & 0x80) | formats[kind][0];
    socket.send(packet, ports[kind], "127.0.0.1");
  };
  track.onunmute = () => describe(kind);
  track.onended = () => {
    sinks.delete(sink);
    sink.stop();
  };
}

await servePage({
  title: "RTP forwarder",
  about: `What this page sends goes to ports ${ports.video} and ${ports.audio} of the program's host, described in ${file}.`,
  client,
  create: () =>
    new RTCPeerConnection(
      {},
      { video: { codecs: ["VP8"] }, audio: { codecs: ["opus"] }, transport: { decode: "wanted" } },
    ),
  connected: (pc) => {
    pc.ontrack = ({ track }) => forward(track);
  },
});
clearInterval(timer);
socket.close();
