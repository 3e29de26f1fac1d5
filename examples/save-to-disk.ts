/**
 * Records what a page sends: its pictures as they come (H.264, Annex B) or decoded (Y4M), its sound as WAV.
 *
 *   node dist/examples/save-to-disk.js [FOLDER]            FOLDER/recording.h264 and recording.wav
 *   node dist/examples/save-to-disk.js FOLDER y4m          FOLDER/recording.y4m and recording.wav
 */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { MediaEngine, parseVideoSink, RTCPeerConnection } from "roomrtc";
import { commandLine, servePage } from "./page/serve.js";

const client = `
  import { button, call, myMedia, say, show } from "/page.js";
  const start = button("Record", async () => {
    start.hidden = true;
    const stream = await myMedia();
    const video = show(stream);
    const pc = new RTCPeerConnection();
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await call(pc);
    say("Recording.");
    const stop = button("Stop", () => {
      pc.close();
      for (const track of stream.getTracks()) track.stop();
      video.remove();
      stop.hidden = true;
      start.hidden = false;
      say("Stopped; the files are complete.");
    });
  });
`;

const [folder = ".", format = "h264"] = commandLine().rest;
mkdirSync(folder, { recursive: true });
const picture = join(folder, `recording.${format}`);
const sound = join(folder, "recording.wav");
const engine = await MediaEngine.start({ videoSource: { kind: "none" }, audioSource: { kind: "none" } });

/** One recording at a time: the engine writes the first stream of each kind that comes. */
function record(pc: RTCPeerConnection): void {
  engine.setVideoSink(parseVideoSink(picture, 30));
  engine.setAudioSink({ kind: "wav", path: sound });
  pc.ontrack = ({ track }) => {
    track.onunmute = () => console.log(`receiving ${track.kind}`);
  };
  pc.onconnectionstatechange = () => {
    if (pc.connectionState !== "disconnected" && pc.connectionState !== "failed") return;
    pc.close();
    engine.setVideoSink({ kind: "null" });
    engine.setAudioSink({ kind: "null" });
    console.log("recorded");
  };
}

await servePage({
  title: "Save to disk",
  about: `What this page sends is written to ${picture} and ${sound}.`,
  client,
  // H.264 is written as it comes: only what the files take is decoded.
  create: () => new RTCPeerConnection({}, { transportFactory: engine, transport: { decode: "wanted" } }),
  connected: record,
});
await engine.stop();
for (const path of [picture, sound])
  console.log(`${path}: ${statSync(path, { throwIfNoEntry: false })?.size ?? 0} bytes`);
