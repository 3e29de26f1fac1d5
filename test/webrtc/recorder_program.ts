/**
 * Two connections of one process in a call; one end's tracks are recorded to each path given. Prints a line for every picture seen. Reads
 * commands: "kill" ends the decoder's thread as a crash would, "stop" stops the first two recordings.
 */
import { createInterface } from "node:readline";
import { MediaEngine } from "../../src/media/engine.js";
import { createLocalTrack, MediaStream, Recorder, RTCPeerConnection } from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { negotiate } from "./fake_transport.js";

const engine = await MediaEngine.start({
  videoSource: { kind: "test", width: 320, height: 180, frameRate: 15, noise: false, tag: 1 },
  audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
});
const connection = () =>
  new RTCPeerConnection({}, { transportFactory: engine, transport: { includeLoopback: true } });
const a = connection();
const b = connection();
trickle(a, b);
const stream = new MediaStream();
for (const kind of ["audio", "video"] as const) a.addTrack(createLocalTrack({ kind }), stream);
await negotiate(a, b);
const tracks = b.getReceivers().map(({ track }) => track);
let parts = 0;
const recorders = process.argv.slice(2).map((path) => {
  const recorder = new Recorder(path, tracks);
  recorder.on("part", () => {
    parts++;
  });
  recorder.on("failed", (error) => console.log(`failed ${error.message}`));
  return recorder;
});
let pictures = 0;
engine.onPicture(() => {
  if (parts >= recorders.length) console.log(`picture ${++pictures}`);
});
createInterface({ input: process.stdin }).on("line", async (line) => {
  if (line === "kill") await engine.killWorker("decoder");
  else
    console.log(`stopped ${JSON.stringify(await Promise.all(recorders.slice(0, 2).map((r) => r.stop())))}`);
});
