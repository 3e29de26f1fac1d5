/**
 * A program that ends in the middle of a call: pictures, sound and data both ways, then after so many milliseconds the way it was
 * told. Its main thread runs all of it, or (for "terminate") only ends the thread that does.
 */
import { once } from "node:events";
import { Worker, workerData } from "node:worker_threads";
import { MediaEngine } from "../../src/media/engine.js";
import { WORKER_NAMES } from "../../src/media/engine_messages.js";
import { createLocalTrack, RTCPeerConnection } from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { EXITS, type ExitAssignment, type ExitWay } from "./exits.js";

const BURST = 20;

async function call(engine: MediaEngine): Promise<RTCPeerConnection[]> {
  const settings = {
    transportFactory: engine,
    transport: { includeLoopback: true, interfaces: { allow: ["lo"] } },
  };
  const [a, b] = [new RTCPeerConnection({}, settings), new RTCPeerConnection({}, settings)];
  trickle(a, b);
  for (const pc of [a, b])
    for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }));
  const channel = a.createDataChannel("load");
  const bytes = new Uint8Array(60_000);
  const send = () => {
    for (let i = 0; i < BURST && channel.readyState === "open"; i++) channel.send(bytes);
  };
  channel.bufferedAmountLowThreshold = 60_000;
  channel.onopen = send;
  channel.onbufferedamountlow = send;
  await a.setLocalDescription();
  await b.setRemoteDescription({ type: "offer", sdp: a.localDescription?.sdp ?? "" });
  await b.setLocalDescription();
  await a.setRemoteDescription({ type: "answer", sdp: b.localDescription?.sdp ?? "" });
  return [a, b];
}

/** The ways that need no leave of anybody: from whatever the program is doing then. */
function endAbruptly(way: ExitWay): void {
  if (way === "process.exit") process.exit(EXITS[way]);
  if (way === "uncaught exception") throw new Error("a mistake of the program");
}

async function end(engine: MediaEngine, { way, thread }: ExitAssignment, connections: RTCPeerConnection[]) {
  if (way === "engine thread dies") {
    const failed = once(engine, "workerfailed");
    await engine.killWorker(WORKER_NAMES[thread % WORKER_NAMES.length]);
    await failed;
  }
  for (const pc of connections) pc.close();
  await engine.stop();
}

async function run(assignment: ExitAssignment): Promise<void> {
  const over = new Promise<void>((resolve) => {
    setTimeout(() => {
      endAbruptly(assignment.way);
      resolve();
    }, assignment.afterMs);
  });
  const engine = await MediaEngine.start({
    videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: true, tag: 1 },
    audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    maxWidth: 320,
    maxHeight: 240,
    warmUp: false,
  });
  const connections = await call(engine);
  await over;
  await end(engine, assignment, connections);
}

/** Only ends the thread that does all of it. */
async function terminateAfter(assignment: ExitAssignment): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: assignment });
  worker.on("error", (error) => {
    console.error(error);
    process.exitCode = 3;
  });
  await new Promise((resolve) => setTimeout(resolve, assignment.afterMs));
  await worker.terminate();
}

if (workerData !== null) await run({ ...(workerData as ExitAssignment), way: "stop", afterMs: 3_600_000 });
else {
  const assignment = JSON.parse(process.argv[2]) as ExitAssignment;
  await (assignment.way === "terminate" ? terminateAfter(assignment) : run(assignment));
}
