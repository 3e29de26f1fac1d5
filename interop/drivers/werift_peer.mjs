// werift (TypeScript) as a peer of an interop call; speaks the protocol of interop/process_peer.ts. werift has no codecs:
// it sends access units and Opus packets encoded beforehand through its own packetizers, and hands over what its
// depacketizers made of what it received.
import { readFileSync } from "node:fs";
import {
  dePacketizeRtpPackets,
  H264Packetizer,
  MediaStreamTrack,
  OpusPacketizer,
  RTCPeerConnection,
  useH264,
  useOPUS,
  useVP8,
  Vp8Packetizer,
} from "werift";
import { serve, write } from "./lines.mjs";

const { version } = JSON.parse(
  readFileSync(new URL("../node_modules/werift/package.json", import.meta.url), "utf8"),
);
const UNITS_KEPT = 12;
const PACKETS_KEPT = 40;

let pc;
let media;
let videoSender;
let timers = [];
let units = [];
let unit = [];
let opus = [];
/** Asks for a keyframe of the picture that comes. */
let askKeyframe = () => {};

function readFramed(path) {
  const bytes = readFileSync(path);
  const chunks = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    chunks.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return chunks;
}

/** Calls `send(number)` at a steady rate. */
function pace(intervalMs, send) {
  const begun = performance.now();
  let number = 0;
  timers.push(
    setInterval(() => {
      while (number * intervalMs < performance.now() - begun) send(number++);
    }, 5),
  );
}

function sendTrack(kind, packetizer, path, intervalMs, clockRate) {
  const chunks = readFramed(path);
  const track = new MediaStreamTrack({ kind });
  const ticks = (clockRate * intervalMs) / 1000;
  pace(intervalMs, (number) => {
    const packets = packetizer.packetize(chunks[number % chunks.length], Math.round(number * ticks) >>> 0);
    for (const packet of packets) track.writeRtp(packet);
  });
  return pc.addTrack(track);
}

function sendVideo() {
  const Packetizer = media.videoCodec === "VP8" ? Vp8Packetizer : H264Packetizer;
  const packetizer = new Packetizer({ maxPayloadSize: 1100 });
  videoSender = sendTrack("video", packetizer, media.accessUnitsPath, 1000 / media.frameRate, 90_000);
}

function isKeyframe(bytes) {
  // RFC 6386 §9.1: the first bit.
  if (media.videoCodec === "VP8") return (bytes[0] & 1) === 0;
  for (
    let at = bytes.indexOf("\0\0\x01", 0, "latin1");
    at >= 0;
    at = bytes.indexOf("\0\0\x01", at + 3, "latin1")
  ) {
    if ((bytes[at + 3] & 31) === 5) return true;
  }
  return false;
}

function keepUnit() {
  const { data } = dePacketizeRtpPackets(media.videoCodec === "VP8" ? "VP8" : "MPEG4/ISO/AVC", unit);
  unit = [];
  if (units.length === UNITS_KEPT || (units.length === 0 && !isKeyframe(data))) return;
  units.push(data);
}

function receive(transceiver, track) {
  if (track.kind === "audio") {
    track.onReceiveRtp.subscribe(({ payload }) => {
      opus.push(payload);
      if (opus.length > PACKETS_KEPT) opus.shift();
    });
    return;
  }
  unit = [];
  askKeyframe = () => track.ssrc && transceiver.receiver.sendRtcpPLI(track.ssrc);
  track.onReceiveRtp.subscribe((packet) => {
    unit.push(packet);
    if (packet.header.marker) keepUnit();
  });
}

function echo(channel) {
  channel.onMessage.subscribe((data) => channel.send(data));
}

function close() {
  for (const timer of timers) clearInterval(timer);
  timers = [];
  return pc?.close();
}

const encoded = (chunks) => chunks.map((chunk) => chunk.toString("base64"));

serve({
  hello: () => ({
    version,
    unsupported: { g711: "it has no codecs: it sends the Opus packets that it is given" },
    flaws: {
      weClose: "it takes an encrypted alert for a plain one where the random nonce looks like it, one in ten",
    },
  }),
  async start(request) {
    await close();
    media = request.media;
    units = [];
    opus = [];
    const own = new RTCPeerConnection({
      codecs: { audio: [useOPUS()], video: [media.videoCodec === "VP8" ? useVP8() : useH264()] },
      iceServers: [],
      iceUseTcp: true,
    });
    pc = own;
    pc.onIceCandidate.subscribe((candidate) => {
      if (candidate && pc === own) write({ candidate: candidate.toJSON?.() ?? candidate });
    });
    pc.onDataChannel.subscribe(echo);
    pc.ontrack = ({ transceiver, track }) => receive(transceiver, track);
    sendTrack("audio", new OpusPacketizer(), media.opusPath, 20, 48_000);
    sendVideo();
  },
  async offer({ iceRestart }) {
    const offer = await pc.createOffer({ iceRestart });
    await pc.setLocalDescription(offer);
    return { sdp: offer.sdp };
  },
  async answer({ sdp }) {
    await pc.setRemoteDescription({ type: "offer", sdp });
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    return { sdp: answer.sdp };
  },
  accept: ({ sdp }) => pc.setRemoteDescription({ type: "answer", sdp }),
  candidate: ({ candidate }) => pc.addIceCandidate(candidate),
  async picture() {
    if (units.length < UNITS_KEPT) return { accessUnits: [] };
    const accessUnits = encoded(units);
    units = [];
    await askKeyframe();
    return { accessUnits };
  },
  sound: () => ({ opus: encoded(opus) }),
  openChannel: () => echo(pc.createDataChannel("interop")),
  removeVideo: () => pc.removeTrack(videoSender),
  addVideo: () => sendVideo(),
  state: () => ({ state: `${pc.connectionState}, DTLS ${pc.dtlsTransports[0]?.state}` }),
  close,
});
