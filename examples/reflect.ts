/**
 * One connection sends a picture and a tone that this program makes; the other takes both apart and sends them back: the
 * picture upside down, the tone at half its loudness. Ends by itself after a hundred pictures have come back.
 *
 *   node dist/examples/reflect.js
 */
import { type MediaStreamTrack, nonstandard, RTCPeerConnection } from "roomrtc";

const { i420ToRgba, RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource, rgbaToI420 } = nonstandard;

const width = 320;
const height = 240;
const pictures = 100;

/** Upper half white, lower half black, 30 a second. */
function startPicture(): { track: MediaStreamTrack; stop(): void } {
  const source = new RTCVideoSource();
  const data = new Uint8ClampedArray(width * height * 1.5).fill(128);
  data.fill(235, 0, (width * height) / 2).fill(16, (width * height) / 2, width * height);
  const timer = setInterval(() => source.onFrame({ width, height, data }), 33);
  return { track: source.createTrack(), stop: () => clearInterval(timer) };
}

/** 440 Hz, as many pieces of 10 ms as time has passed. */
function startTone(): { track: MediaStreamTrack; stop(): void } {
  const source = new RTCAudioSource();
  const sampleRate = 48_000;
  const start = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    for (; sent < (performance.now() - start) / 10; sent++) {
      const sample = (_: unknown, i: number) =>
        8000 * Math.sin((2 * Math.PI * 440 * (sent * 480 + i)) / sampleRate);
      source.onData({ samples: Int16Array.from({ length: 480 }, sample), sampleRate });
    }
  }, 10);
  return { track: source.createTrack(), stop: () => clearInterval(timer) };
}

/** Every picture of `track`, upside down. */
function upsideDown(track: MediaStreamTrack): MediaStreamTrack {
  const source = new RTCVideoSource();
  new RTCVideoSink(track).onframe = ({ frame }) => {
    const { width, height } = frame;
    const rgba = { width, height, data: new Uint8ClampedArray(4 * width * height) };
    i420ToRgba(frame, rgba);
    const turned = { width, height, data: new Uint8ClampedArray(rgba.data.length) };
    for (let row = 0; row < height; row++) {
      const from = 4 * width * (height - 1 - row);
      turned.data.set(rgba.data.subarray(from, from + 4 * width), 4 * width * row);
    }
    const back = { width, height, data: new Uint8ClampedArray(frame.data.length) };
    rgbaToI420(turned, back);
    source.onFrame(back);
  };
  return source.createTrack();
}

function halfAsLoud(track: MediaStreamTrack): MediaStreamTrack {
  const source = new RTCAudioSource();
  new RTCAudioSink(track).ondata = ({ samples, sampleRate, channelCount }) => {
    source.onData({ samples: samples.map((sample) => sample / 2), sampleRate, channelCount });
  };
  return source.createTrack();
}

const caller = new RTCPeerConnection();
const mirror = new RTCPeerConnection();
caller.onicecandidate = ({ candidate }) => void mirror.addIceCandidate(candidate);
mirror.onicecandidate = ({ candidate }) => void caller.addIceCandidate(candidate);

const picture = startPicture();
const tone = startTone();
caller.addTrack(picture.track);
caller.addTrack(tone.track);
mirror.ontrack = ({ track, transceiver }) => {
  transceiver.direction = "sendrecv";
  void transceiver.sender.replaceTrack(track.kind === "video" ? upsideDown(track) : halfAsLoud(track));
};

/** Counts what comes back and ends the call when it is enough. */
function watch(video: MediaStreamTrack, audio: MediaStreamTrack): void {
  let seen = 0;
  let loudest = 0;
  new RTCAudioSink(audio).ondata = ({ samples }) => {
    for (const sample of samples) loudest = Math.max(loudest, sample);
  };
  new RTCVideoSink(video).onframe = ({ frame }) => {
    if (++seen < pictures) return;
    const top = frame.data[frame.width * 10];
    const bottom = frame.data[frame.width * (frame.height - 10)];
    console.log(`${seen} pictures of ${frame.width}x${frame.height} came back upside down: ${top < bottom}`);
    console.log(`the sound came back: ${loudest > 2000 && loudest < 6000}`);
    picture.stop();
    tone.stop();
    caller.close();
    mirror.close();
  };
}

await caller.setLocalDescription();
await mirror.setRemoteDescription(caller.localDescription ?? { type: "offer" });
await mirror.setLocalDescription();
await caller.setRemoteDescription(mirror.localDescription ?? { type: "answer" });
const [video, audio] = caller.getReceivers().map(({ track }) => track);
watch(video, audio);
