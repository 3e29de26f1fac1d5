/**
 * replaceTrack: one sender, several sources in turn, without a new negotiation.
 *
 *   node dist/examples/swap-tracks.js
 */
import { type MediaStreamTrack, nonstandard } from "roomrtc";
import { servePage } from "./page/serve.js";

const client = `
  import { button, call, say, showReceived } from "/page.js";
  const pc = new RTCPeerConnection();
  showReceived(pc);
  pc.addTransceiver("video", { direction: "recvonly" });
  const channel = pc.createDataChannel("swap");
  channel.onmessage = ({ data }) => say("now: " + data);
  await call(pc);
  channel.onopen = () => button("Swap", () => channel.send("swap"));
`;

const width = 640;
const height = 360;
const luma = width * height;

/** I420: bars that wander, in one colour. */
function bars(u: number, v: number, slope: number): MediaStreamTrack {
  const source = new nonstandard.RTCVideoSource();
  const track = source.createTrack();
  const data = new Uint8Array(luma * 1.5).fill(u, luma, luma * 1.25).fill(v, luma * 1.25);
  let frame = 0;
  const timer = setInterval(() => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++)
        data[y * width + x] = ((x + slope * y + 4 * frame) & 127) < 64 ? 200 : 60;
    }
    frame++;
    source.onFrame({ width, height, data });
  }, 40);
  timer.unref();
  return track;
}

const tracks: readonly (readonly [name: string, track: MediaStreamTrack])[] = [
  ["blue bars", bars(170, 110, 0)],
  ["red stripes", bars(110, 180, 1)],
  ["green stripes", bars(100, 90, -1)],
];

await servePage({
  title: "Swapping tracks",
  about:
    "One sender shows one source after the other. Nothing is negotiated anew; the page's track stays the same.",
  client,
  connected: (pc) => {
    let shown = 0;
    const sender = pc.addTrack(tracks[shown][1]);
    pc.ondatachannel = ({ channel }) => {
      channel.onmessage = async () => {
        shown = (shown + 1) % tracks.length;
        const [name, track] = tracks[shown];
        await sender.replaceTrack(track);
        channel.send(name);
        console.log(`showing ${name}`);
      };
    };
  },
});
