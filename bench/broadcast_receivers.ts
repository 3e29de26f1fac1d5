/** The receiving end of `npm run bench -- broadcast`, a process of its own: answers offers, and says how many pictures came and what that cost. */
import { gatheringComplete } from "../src/exchange/index.js";
import { MediaEngine } from "../src/media/engine.js";
import { type MediaStreamTrack, nonstandard, RTCPeerConnection } from "../src/webrtc/index.js";
import type { CpuReading, ReceiverOrder, ReceiverReport, Reception } from "./broadcast_messages.js";

const { decode, readsPackets } = JSON.parse(process.argv[2]) as Reception;
const engine = await MediaEngine.start({ videoSource: { kind: "none" }, audioSource: { kind: "none" } });
const connections: RTCPeerConnection[] = [];

async function answer(sdp: string): Promise<string> {
  const pc = new RTCPeerConnection(
    {},
    { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"], decode } },
  );
  connections.push(pc);
  if (readsPackets) pc.ontrack = ({ track }) => readPackets(track);
  await pc.setRemoteDescription({ type: "offer", sdp });
  await pc.setLocalDescription();
  await gatheringComplete(pc);
  return pc.localDescription?.sdp ?? "";
}

/** As whoever hands them on does. */
function readPackets(track: MediaStreamTrack): void {
  new nonstandard.RTPTrackSink(track).onpacket = () => undefined;
}

/** Those that were to be decoded and could not be are left out. */
async function pictures(): Promise<number[]> {
  const reports = await Promise.all(connections.map((pc) => pc.getStats()));
  return reports.map((report) => {
    const streams = [...report.values()].flatMap((entry) => (entry.type === "inbound-rtp" ? [entry] : []));
    return streams.reduce(
      (sum, { framesDecoded = 0, framesNotDecoded = 0 }) => sum + framesDecoded + framesNotDecoded,
      0,
    );
  });
}

function readCpu(): CpuReading {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000, atMs: performance.now() };
}

async function count(): Promise<ReceiverReport> {
  const before = readCpu();
  return { type: "pictures", counts: await pictures(), before, after: readCpu() };
}

const say = (report: ReceiverReport) => process.send?.(report);

process.on("message", async (order: ReceiverOrder) => {
  switch (order.type) {
    case "offer":
      say({ type: "answer", sdp: await answer(order.sdp) });
      break;
    case "count":
      say(await count());
      break;
    case "end":
      for (const pc of connections) pc.close();
      await engine.stop();
      process.disconnect();
  }
});
// The other process was ended.
process.once("disconnect", () => process.exit());
say({ type: "ready" });
