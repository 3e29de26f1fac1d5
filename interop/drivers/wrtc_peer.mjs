// @roamhq/wrtc (libwebrtc's Node build) as a peer of an interop call; speaks the protocol of interop/process_peer.ts.
import { readFileSync } from "node:fs";
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
let picture;
let pictureSender;
let pictureTimer;
let pictureSink;
let seen;

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

/** Pictures at their own rate, looped. */
function startPictures({ picturesPath, width, height, frameRate }) {
  const bytes = readFileSync(picturesPath);
  const size = (width * height * 3) / 2;
  const source = new nonstandard.RTCVideoSource();
  let number = 0;
  pictureTimer = setInterval(() => {
    const at = (number++ * size) % bytes.length;
    source.onFrame({ width, height, data: new Uint8ClampedArray(bytes.subarray(at, at + size)) });
  }, 1000 / frameRate);
  return source.createTrack();
}

function watch(track) {
  pictureSink?.stop();
  pictureSink = new nonstandard.RTCVideoSink(track);
  pictureSink.onframe = ({ frame }) => {
    seen = frame;
  };
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
  clearInterval(pictureTimer);
  sink?.stop();
  pictureSink?.stop();
  sink = pictureSink = seen = undefined;
  pc?.close();
}

serve({
  hello: () => ({
    version,
    unsupported: {},
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
    pc.ontrack = ({ track }) => (track.kind === "audio" ? listen(track) : watch(track));
    stream = new MediaStream();
    sound = readSound(media);
    sender = pc.addTrack(startSound(sound), stream);
    picture = media;
    pictureSender = pc.addTrack(startPictures(picture), stream);
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
  picture() {
    if (seen === undefined) return {};
    const { width, height, data } = seen;
    return {
      width,
      height,
      luma: Buffer.from(data.buffer, data.byteOffset, width * height).toString("base64"),
    };
  },
  /** What came since the last time, half a second at most: a track that ended must not be heard for ever. */
  sound() {
    const pcm = Buffer.from(Int16Array.from(heard).buffer).toString("base64");
    if (heard.length >= KEPT * channels) heard = [];
    return { rate, channels, pcm };
  },
  openChannel: () => echo(pc.createDataChannel("interop")),
  removeVideo() {
    clearInterval(pictureTimer);
    pc.removeTrack(pictureSender);
  },
  addVideo() {
    pictureSender = pc.addTrack(startPictures(picture), stream);
  },
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
