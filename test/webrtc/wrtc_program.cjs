/**
 * A program as one writes it for `@roamhq/wrtc`: picture and sound from sources into sinks, data channels, statistics. The package
 * is named on the command line, and how it is loaded; nothing else changes.
 *
 *   node wrtc_program.cjs require|import PACKAGE           a call with itself
 *   node wrtc_program.cjs require|import PACKAGE offer|answer   one side, signaling over the parent's messages
 */
const { pathToFileURL } = require("node:url");

const [how, name, role] = process.argv.slice(2);
const width = 160;
const height = 120;

async function load() {
  if (how === "require") return require(name);
  const loaded = await import(pathToFileURL(name).href);
  return loaded.default ?? loaded;
}

/** One colour, in I420 by way of RGBA. */
function picture({ nonstandard: { rgbaToI420 } }, [red, green, blue]) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < rgba.length; at += 4) rgba.set([red, green, blue, 255], at);
  const i420 = new Uint8ClampedArray(width * height * 1.5);
  rgbaToI420({ width, height, data: rgba }, { width, height, data: i420 });
  return { width, height, data: i420 };
}

/** The colour in the middle of a picture. */
function colourOf({ nonstandard: { i420ToRgba } }, frame) {
  const rgba = new Uint8ClampedArray(frame.width * frame.height * 4);
  i420ToRgba(frame, { width: frame.width, height: frame.height, data: rgba });
  const middle = 4 * (Math.floor(frame.height / 2) * frame.width + Math.floor(frame.width / 2));
  return [...rgba.subarray(middle, middle + 3)];
}

/** Pushes a colour thirty times a second, and as much of a tone as time has passed; returns the tracks and what ends them. */
function sources(wrtc, colour, frequencyHz) {
  const { RTCVideoSource, RTCAudioSource } = wrtc.nonstandard;
  const [video, audio] = [new RTCVideoSource(), new RTCAudioSource()];
  const frame = picture(wrtc, colour);
  const startMs = performance.now();
  let phase = 0;
  const timers = [
    setInterval(() => video.onFrame(frame), 33),
    setInterval(() => {
      while (phase < 48 * (performance.now() - startMs)) {
        const samples = new Int16Array(480);
        for (let i = 0; i < samples.length; i++) {
          samples[i] = 12_000 * Math.sin((2 * Math.PI * frequencyHz * phase++) / 48_000);
        }
        audio.onData({
          samples,
          sampleRate: 48_000,
          bitsPerSample: 16,
          channelCount: 1,
          numberOfFrames: 480,
        });
      }
    }, 10),
  ];
  return {
    tracks: [video.createTrack(), audio.createTrack()],
    end: () => timers.forEach(clearInterval),
  };
}

/** Resolves when pictures of that colour come. */
function sees(wrtc, track, colour) {
  const sink = new wrtc.nonstandard.RTCVideoSink(track);
  return new Promise((resolve) => {
    sink.onframe = ({ frame }) => {
      const found = colourOf(wrtc, frame);
      if (found.some((value, i) => Math.abs(value - colour[i]) > 24)) return;
      sink.stop();
      resolve(found);
    };
  });
}

/** Resolves when a second of sound crosses zero as often as that tone does. */
function hears(wrtc, track, frequencyHz) {
  const sink = new wrtc.nonstandard.RTCAudioSink(track);
  const crossings = [];
  let last = 0;
  return new Promise((resolve) => {
    sink.ondata = ({ samples, channelCount, sampleRate }) => {
      let count = 0;
      for (let i = 0; i < samples.length; i += channelCount) {
        if (samples[i] !== 0 && Math.sign(samples[i]) === -Math.sign(last)) count++;
        if (samples[i] !== 0) last = samples[i];
      }
      crossings.push((count * sampleRate * channelCount) / samples.length / 2);
      const heard = crossings.slice(-50).reduce((sum, hz) => sum + hz, 0) / 50;
      if (crossings.length < 50 || Math.abs(heard - frequencyHz) > 0.05 * frequencyHz) return;
      sink.stop();
      resolve(Math.round(heard));
    };
  });
}

/** One side of the call; `signal` sends to the other, `receive` is told what it sends. */
function side(wrtc, isOfferer, signal) {
  const mine = { colour: isOfferer ? [200, 40, 40] : [40, 60, 200], hz: isOfferer ? 440 : 880 };
  const theirs = { colour: isOfferer ? [40, 60, 200] : [200, 40, 40], hz: isOfferer ? 880 : 440 };
  const pc = new wrtc.RTCPeerConnection();
  const source = sources(wrtc, mine.colour, mine.hz);
  const stream = new wrtc.MediaStream();
  for (const track of source.tracks) pc.addTrack(track, stream);

  const arrived = {};
  const all = new Promise((resolve) => {
    const note = (what, value) => {
      arrived[what] = value;
      if (["colour", "hz", "echo"].every((key) => key in arrived)) resolve(arrived);
    };
    pc.ontrack = ({ track }) => {
      if (track.kind === "video") sees(wrtc, track, theirs.colour).then((found) => note("colour", found));
      else hears(wrtc, track, theirs.hz).then((heard) => note("hz", heard));
    };
    const talk = (channel) => {
      channel.binaryType = "arraybuffer";
      channel.onmessage = ({ data }) => {
        if (typeof data === "string") channel.send(new TextEncoder().encode(`${data}, in bytes`));
        else note("echo", new TextDecoder().decode(data));
      };
      const greet = () => channel.send("greetings");
      if (channel.readyState === "open") greet();
      else channel.onopen = greet;
    };
    if (isOfferer) talk(pc.createDataChannel("talk"));
    else pc.ondatachannel = ({ channel }) => talk(channel);
  });

  pc.onicecandidate = ({ candidate }) => candidate && signal({ candidate });
  const describe = async (made) => {
    await pc.setLocalDescription(made);
    signal({ description: { type: made.type, sdp: made.sdp } });
  };
  let queue = Promise.resolve();
  const receive = ({ description, candidate }) => {
    queue = queue.then(async () => {
      if (candidate) await pc.addIceCandidate(candidate);
      if (description) await pc.setRemoteDescription(description);
      if (description?.type === "offer") await describe(await pc.createAnswer());
    });
    return queue;
  };
  const start = async () => {
    if (isOfferer) await describe(await pc.createOffer());
  };
  const end = async () => {
    const entries = [...(await pc.getStats()).values()];
    const sent = entries.filter(({ type, packetsSent }) => type === "outbound-rtp" && packetsSent > 0);
    source.end();
    for (const track of source.tracks) track.stop();
    pc.close();
    return { ...arrived, streamsSent: sent.length, connection: pc.connectionState };
  };
  return { all, receive, start, end };
}

async function alone(wrtc) {
  const plain = (message) => JSON.parse(JSON.stringify(message));
  const a = side(wrtc, true, (message) => b.receive(plain(message)));
  const b = side(wrtc, false, (message) => a.receive(plain(message)));
  await a.start();
  await Promise.all([a.all, b.all]);
  return [await a.end(), await b.end()];
}

/** The other side is in another process: it goes only when both are done. */
async function withParent(wrtc) {
  const one = side(wrtc, role === "offer", (message) => process.send(JSON.parse(JSON.stringify(message))));
  const bothDone = new Promise((resolve) => {
    process.on("message", (message) => (message === "done" ? resolve() : one.receive(message)));
  });
  await one.start();
  await one.all;
  process.send("done");
  await bothDone;
  return [await one.end()];
}

load().then(async (wrtc) => {
  const results = await (role === undefined ? alone(wrtc) : withParent(wrtc));
  console.log(JSON.stringify(results));
  process.exit(0);
});
