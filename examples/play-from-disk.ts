/**
 * A file as the source of a call, over and over: H.264 (Annex B) or Y4M, and WAV for the sound. A page that asks for VP8 is
 * sent VP8, whatever the file holds.
 *
 *   node dist/examples/play-from-disk.js VIDEO [SOUND]
 */
import { createLocalTrack, MediaEngine, MediaStream, RTCPeerConnection } from "roomrtc";
import { commandLine, servePage } from "./page/serve.js";

const client = `
  import { button, call, say, showReceived } from "/page.js";
  let pc;
  const play = (mimeType) => async () => {
    pc?.close();
    document.querySelector("video")?.remove();
    pc = new RTCPeerConnection();
    showReceived(pc);
    const video = pc.addTransceiver("video", { direction: "recvonly" });
    const { codecs } = RTCRtpReceiver.getCapabilities("video");
    video.setCodecPreferences(codecs.filter((codec) => codec.mimeType === mimeType));
    pc.addTransceiver("audio", { direction: "recvonly" });
    await call(pc);
    say("Playing as " + mimeType);
  };
  button("Play as H.264", play("video/H264"));
  button("Play as VP8", play("video/VP8"));
`;

const [video, sound] = commandLine().rest;
if (video === undefined) {
  console.error("usage: play-from-disk VIDEO [SOUND], such as recording.h264 recording.wav");
  process.exit(1);
}
const engine = await MediaEngine.start({
  // The rate is for files without one of their own (.h264).
  videoSource: { kind: "file", path: video, loop: true, frameRate: 30 },
  audioSource: sound === undefined ? { kind: "none" } : { kind: "file", path: sound, loop: true },
});

await servePage({
  title: "Play from disk",
  about: `The program plays ${video} to this page, and begins anew at its end.`,
  client,
  create: () => new RTCPeerConnection({}, { transportFactory: engine }),
  connected: (pc) => {
    const stream = new MediaStream();
    const kinds = sound === undefined ? (["video"] as const) : (["video", "audio"] as const);
    for (const kind of kinds) pc.addTrack(createLocalTrack({ kind }), stream);
  },
});
await engine.stop();
