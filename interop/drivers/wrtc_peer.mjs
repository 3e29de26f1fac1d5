// @roamhq/wrtc (libwebrtc's Node build) as a peer of an interop call; speaks the protocol of interop/process_peer.ts.
import { createRequire } from "node:module";
import { readSound, serve, write } from "./lines.mjs";

const require = createRequire(import.meta.url);
const { RTCPeerConnection, MediaStream, nonstandard } = require("@roamhq/wrtc");
const { version } = require("@roamhq/wrtc/package.json");

const SAMPLES = 480;
const KEPT = 12_000;

let pc;
let timer;
let sink;
let rate = 48_000;
let channels = 1;
let heard = [];
let stream;
let sound;
let sender;

function startSound(samplesOfTone) {
  const source = new nonstandard.RTCAudioSource();
  let position = 0;
  const begun = performance.now();
  let sent = 0;
  timer = setInterval(() => {
    // A timer is late now and then: catch up by the clock.
    while ((sent * 1000 * SAMPLES) / 48_000 < performance.now() - begun) {
      const samples = samplesOfTone.slice(position, position + SAMPLES);
      position = (position + SAMPLES) % samplesOfTone.length;
      source.onData({
        samples,
        sampleRate: 48_000,
        bitsPerSample: 16,
        channelCount: 1,
        numberOfFrames: SAMPLES,
      });
      sent++;
    }
  }, 10);
  return source.createTrack();
}

function listen(track) {
  sink?.stop();
  sink = new nonstandard.RTCAudioSink(track);
  sink.ondata = ({ samples, sampleRate, channelCount }) => {
    rate = sampleRate;
    channels = channelCount;
    heard.push(...samples);
    if (heard.length > KEPT * channels) heard = heard.slice(-KEPT * channels);
  };
}

function echo(channel) {
  channel.binaryType = "arraybuffer";
  channel.onmessage = ({ data }) => channel.send(data);
}

function close() {
  clearInterval(timer);
  sink?.stop();
  sink = undefined;
  pc?.close();
}

serve({
  hello: () => ({
    version,
    unsupported: {
      video: "its build of libwebrtc has VP8, VP9 and AV1, but no H.264",
    },
  }),
  start({ media }) {
    close();
    heard = [];
    const own = new RTCPeerConnection();
    pc = own;
    pc.onicecandidate = ({ candidate }) => {
      if (candidate && pc === own) write({ candidate: candidate.toJSON?.() ?? candidate });
    };
    pc.ondatachannel = ({ channel }) => echo(channel);
    pc.ontrack = ({ track }) => track.kind === "audio" && listen(track);
    stream = new MediaStream();
    sound = readSound(media);
    sender = pc.addTrack(startSound(sound), stream);
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
  picture: () => ({}),
  /** What came since the last time, half a second at most: a track that ended must not be heard for ever. */
  sound() {
    const pcm = Buffer.from(Int16Array.from(heard).buffer).toString("base64");
    if (heard.length >= KEPT * channels) heard = [];
    return { rate, channels, pcm };
  },
  openChannel: () => echo(pc.createDataChannel("interop")),
  removeAudio: () => pc.removeTrack(sender),
  addAudio() {
    clearInterval(timer);
    sender = pc.addTrack(startSound(sound), stream);
  },
  state() {
    const dtls = pc?.getSenders()[0]?.transport?.state;
    return { state: [pc?.connectionState ?? "none", ...(dtls ? [`DTLS ${dtls}`] : [])].join(", ") };
  },
  close,
});
