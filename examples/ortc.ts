/**
 * Two ends without descriptions: they agree on streams and a channel in their own way, exchange ICE credentials, candidates and
 * fingerprints as JSON, and talk. Ends by itself.
 *
 *   node dist/examples/ortc.js
 */
import { DirectTransport, nonstandard } from "roomrtc";

const [width, height] = [320, 240];
/** What both have agreed on. */
const picture = { mid: "picture", codec: { mimeType: "video/VP8" }, payloadType: 96 };
const channel = { channel: 0, streamId: 0, negotiated: true, label: "talk", protocol: "", priority: 256 };
const ports = { localPort: 5000, remotePort: 5000, maxMessageBytes: 65_536 };

const camera = new nonstandard.RTCVideoSource();
const data = new Uint8Array(width * height * 1.5).fill(128);
const timer = setInterval(() => camera.onFrame({ width, height, data }), 33);

const a = new DirectTransport({ role: "controlling" });
const b = new DirectTransport({ role: "controlled" });

a.send(camera.createTrack(), { ...picture, ssrc: 1234 });
const track = b.receive(picture);
for (const { media } of [a, b]) {
  media.startData(ports);
  media.openDataChannel({ ...channel, ordered: true });
}
const shown = new Promise<string>((resolve) => {
  let seen = 0;
  new nonstandard.RTCVideoSink(track).onframe = ({ frame }) => {
    if (++seen === 10) resolve(`${seen} pictures of ${frame.width}x${frame.height} came`);
  };
});
const heard = new Promise<string>((resolve) => {
  b.media.on("data", (event) => {
    if (event.type === "channelmessage") resolve(`heard: ${Buffer.from(event.data)}`);
  });
});
a.media.on("data", ({ type }) => {
  if (type === "channelopen")
    a.media.sendData(channel.channel, false, new TextEncoder().encode("hello").buffer);
});

// In earnest the two lines go over whatever the ends have between them.
const [toB, toA] = (await Promise.all([a.gather(), b.gather()])).map((parameters) =>
  JSON.stringify(parameters),
);
await Promise.all([a.connect(JSON.parse(toA)), b.connect(JSON.parse(toB))]);
console.log("connected");
console.log(await heard);
console.log(await shown);
clearInterval(timer);
await Promise.all([a.close(), b.close()]);
