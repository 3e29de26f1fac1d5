/**
 * getStats over time: the program sends a picture and samples its own statistics once a second; the page plots them.
 *
 *   node dist/examples/stats-plot.js
 */
import { getUserMedia, mediaDevices, type RTCPeerConnection } from "roomrtc";
import { servePage } from "./page/serve.js";

const client = `
  import { call, plot, say, showReceived } from "/page.js";
  const pc = new RTCPeerConnection();
  showReceived(pc);
  pc.addTransceiver("video", { direction: "recvonly" });
  pc.addTransceiver("audio", { direction: "recvonly" });
  await call(pc);
  const curves = {
    kbps: plot("Sent", "kbit/s"),
    framesPerSecond: plot("Frames sent", "a second"),
    roundTripMs: plot("Round trip", "ms"),
  };
  let seen = 0;
  const timer = setInterval(async () => {
    const response = await fetch("/samples").catch(() => clearInterval(timer));
    const samples = (await response?.json()) ?? [];
    for (const sample of samples.filter(({ number }) => number > seen)) {
      seen = sample.number;
      for (const [name, add] of Object.entries(curves)) add(sample[name]);
    }
  }, 500);
`;

interface Sample {
  readonly number: number;
  readonly kbps: number;
  readonly framesPerSecond: number;
  readonly roundTripMs: number;
}

/** The last two minutes. */
const samples: Sample[] = [];
let number = 0;

/** Differences of the counters, divided by the time between their two readings. */
function watch(pc: RTCPeerConnection): void {
  let before = { timestamp: 0, bytesSent: 0, framesSent: 0 };
  const timer = setInterval(async () => {
    if (pc.connectionState === "closed") return clearInterval(timer);
    if (pc.connectionState !== "connected") return;
    const stats = [...(await pc.getStats()).values()];
    const video = stats.find((entry) => entry.type === "outbound-rtp" && entry.kind === "video");
    const pair = stats.find((entry) => entry.type === "candidate-pair" && entry.nominated);
    if (video?.type !== "outbound-rtp" || pair?.type !== "candidate-pair") return;
    const { timestamp, bytesSent, framesSent = 0 } = video;
    const seconds = (timestamp - before.timestamp) / 1000;
    if (before.timestamp > 0) {
      samples.push({
        number: ++number,
        kbps: ((bytesSent - before.bytesSent) * 8) / 1000 / seconds,
        framesPerSecond: (framesSent - before.framesSent) / seconds,
        roundTripMs: (pair.currentRoundTripTime ?? 0) * 1000,
      });
      if (samples.length > 120) samples.shift();
      console.log(
        Object.values(samples.at(-1) ?? {})
          .map((value) => value.toFixed(1))
          .join("\t"),
      );
    }
    before = { timestamp, bytesSent, framesSent };
  }, 1000);
}

mediaDevices.testDevices = true; // a test picture and a tone where there is no camera
const stream = await getUserMedia({ video: { width: 640, height: 360 }, audio: true });

await servePage({
  title: "Statistics over time",
  about:
    "The program samples its getStats() once a second: what it sends, and how long a packet takes there and back.",
  client,
  data: { "/samples": () => samples },
  connected: (pc) => {
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    watch(pc);
  },
});
