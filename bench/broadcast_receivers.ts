/** The watching end of `npm run bench -- broadcast`, a process of its own: answers offers, and says how many pictures were decoded. */
import { gatheringComplete } from "../src/exchange/index.js";
import { MediaEngine } from "../src/media/engine.js";
import { RTCPeerConnection } from "../src/webrtc/index.js";
import type { ReceiverOrder, ReceiverReport } from "./broadcast_messages.js";

const engine = await MediaEngine.start({ videoSource: { kind: "none" }, audioSource: { kind: "none" } });
const connections: RTCPeerConnection[] = [];

async function answer(sdp: string): Promise<string> {
  const pc = new RTCPeerConnection(
    {},
    { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"] } },
  );
  connections.push(pc);
  await pc.setRemoteDescription({ type: "offer", sdp });
  await pc.setLocalDescription();
  await gatheringComplete(pc);
  return pc.localDescription?.sdp ?? "";
}

async function pictures(): Promise<number[]> {
  const reports = await Promise.all(connections.map((pc) => pc.getStats()));
  return reports.map((report) => {
    const streams = [...report.values()] as { readonly type: string; readonly framesDecoded?: number }[];
    return streams.find(({ framesDecoded }) => framesDecoded !== undefined)?.framesDecoded ?? 0;
  });
}

const say = (report: ReceiverReport) => process.send?.(report);

process.on("message", async (order: ReceiverOrder) => {
  switch (order.type) {
    case "offer":
      say({ type: "answer", sdp: await answer(order.sdp) });
      break;
    case "count":
      say({ type: "pictures", counts: await pictures() });
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
