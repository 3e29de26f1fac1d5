import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import { H264Packetizer } from "../../src/protocol/h264/packetizer.js";
import { writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { nonstandard, RTCPeerConnection, stopDefaultEngine, whenClosed } from "../../src/webrtc/index.js";
import { EncodedCamera } from "../support/encoded_camera.js";
import { showsCode } from "../support/shown_code.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "./fake_transport.js";

const { RTCAudioSink, RTPTrackSink, RTPTrackSource, SampleTrackSink, SampleTrackSource } = nonstandard;

const open: RTCPeerConnection[] = [];
const running: { stop(): void }[] = [];

function pair(): [RTCPeerConnection, RTCPeerConnection] {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  trickle(a, b);
  open.push(a, b);
  return [a, b];
}

/** One RTP stream of H.264 as another program would send it. */
class RtpSender {
  readonly #packetizer = new H264Packetizer();
  readonly #slab = new Uint8Array(1500);
  #timestamp: number;

  constructor(
    readonly ssrc: number,
    public sequenceNumber: number,
    timestamp: number,
  ) {
    this.#timestamp = timestamp;
  }

  packetsOf(unit: Uint8Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    this.#timestamp = (this.#timestamp + 3000) >>> 0;
    if (!this.#packetizer.start(unit, 400, 1)) return packets;
    for (;;) {
      const bytes = this.#packetizer.next(this.#slab, 12);
      if (bytes === 0) return packets;
      writeRtpHeader(this.#slab, 0, {
        marker: this.#packetizer.isLast,
        payloadType: 33,
        sequenceNumber: this.sequenceNumber,
        timestamp: this.#timestamp,
        ssrc: this.ssrc,
      });
      this.sequenceNumber = (this.sequenceNumber + 1) & 0xffff;
      packets.push(this.#slab.slice(0, 12 + bytes));
    }
  }
}

async function inbound(pc: RTCPeerConnection) {
  const report = [...(await pc.getStats()).values()].find(({ type }) => type === "inbound-rtp");
  assert.ok(report !== undefined);
  return report as unknown as Readonly<Record<"ssrc" | "packetsLost" | "framesDecoded" | "pliCount", number>>;
}

describe("tracks of samples and of packets", function () {
  this.timeout(120_000);

  afterEach(async () => {
    for (const each of running.splice(0)) each.stop();
    const closing = open.splice(0);
    for (const pc of closing) pc.close();
    await Promise.all(closing.map(whenClosed));
  });
  after(stopDefaultEngine);

  it("samples reach two peers as they are; who joins asks for a keyframe and gets one", async () => {
    const source = new SampleTrackSource({ codec: { mimeType: "video/H264" } });
    const camera = new EncodedCamera(0x5a5a, "H264", (data) => source.writeSample({ data }));
    running.push(camera);
    source.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    const [a, b] = pair();
    a.addTrack(source.createTrack());
    await negotiate(a, b);
    await showsCode(b.getReceivers()[0].track, 0x5a5a);
    const before = camera.keyframes;
    const [c, d] = pair();
    c.addTrack(source.createTrack());
    await negotiate(c, d);
    await showsCode(d.getReceivers()[0].track, 0x5a5a);
    assert.ok(camera.keyframes > before);
    assert.equal((await inbound(b)).packetsLost, 0);
  });

  it("a disabled track sends nothing, and goes on with a keyframe", async () => {
    const source = new SampleTrackSource({ codec: { mimeType: "video/VP8" } });
    const camera = new EncodedCamera(7, "VP8", (data) => source.writeSample({ data, durationUs: 33_333 }));
    running.push(camera);
    source.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    const [a, b] = pair();
    const track = source.createTrack();
    a.addTrack(track);
    await negotiate(a, b);
    const shown = await showsCode(b.getReceivers()[0].track, 7);
    track.enabled = false;
    const { keyframes, frameNumber } = camera;
    track.enabled = true;
    await showsCode(b.getReceivers()[0].track, 7, Math.max(shown, frameNumber));
    assert.ok(camera.keyframes > keyframes);
  });

  it("packets of sound are heard, with the durations they tell of themselves", async () => {
    const source = new SampleTrackSource({ codec: { mimeType: "audio/opus" } });
    const encoder = new native.OpusEncoder({ sampleRate: 48_000, channels: 1, bitrateBps: 32_000 });
    const out = new Uint8Array(1500);
    let samples = 0;
    const startMs = performance.now();
    const timer = setInterval(() => {
      // As many as time has passed: timers that are late would have less and less of the sound.
      while (samples < (performance.now() - startMs) * 48) {
        const pcm = Int16Array.from(
          { length: 960 },
          (_, i) => 8000 * Math.sin((2 * Math.PI * 640 * (samples + i)) / 48_000),
        );
        samples += 960;
        source.writeSample({ data: out.subarray(0, encoder.encode(pcm, out)) });
      }
    }, 20);
    running.push({
      stop: () => {
        clearInterval(timer);
        encoder.close();
      },
    });
    const [a, b] = pair();
    a.addTrack(source.createTrack());
    await negotiate(a, b);
    const sink = new RTCAudioSink(b.getReceivers()[0].track);
    const detector = new ToneDetector();
    await new Promise<void>((resolve) => {
      sink.ondata = ({ samples: pcm, channelCount, numberOfFrames }) => {
        detector.add(pcm, channelCount, numberOfFrames);
        if (Math.abs(detector.frequencyHz() - 640) < 2) resolve();
      };
    });
    sink.stop();
  });

  it("packets go on in one stream when they come from another source, whatever its numbers", async () => {
    const source = new RTPTrackSource({ codec: { mimeType: "video/H264" } });
    let from = new RtpSender(0x1111, 65_530, 4_294_960_000);
    const camera = new EncodedCamera(0x77, "H264", (data) => {
      for (const packet of from.packetsOf(data)) source.writeRtp(packet);
    });
    running.push(camera);
    source.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    const [a, b] = pair();
    a.addTrack(source.createTrack());
    await negotiate(a, b);
    const shown = await showsCode(b.getReceivers()[0].track, 0x77);
    const { ssrc } = await inbound(b);
    from = new RtpSender(0x2222, 40_000, 5);
    camera.wantsKeyframe = true;
    await showsCode(b.getReceivers()[0].track, 0x77, Math.max(shown, camera.frameNumber) + 2);
    const after = await inbound(b);
    assert.deepEqual([after.ssrc, after.packetsLost], [ssrc, 0]);
  });

  it("a hole stays a hole: the peer asks for a keyframe, the source hears of it", async () => {
    const source = new RTPTrackSource({ codec: { mimeType: "video/H264" } });
    const from = new RtpSender(9, 100, 0);
    let holes = 0;
    const camera = new EncodedCamera(0x99, "H264", (data) => {
      const packets = from.packetsOf(data);
      if (holes > 0 && packets.length > 1) {
        packets.splice(0, 1);
        holes--;
      }
      for (const packet of packets) source.writeRtp(packet);
      // No RTP, and no business of the stream's.
      for (const noise of [
        new Uint8Array(0),
        new Uint8Array(11),
        new Uint8Array(4000),
        new Uint8Array(40).fill(255),
      ])
        source.writeRtp(noise);
    });
    running.push(camera);
    source.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    const [a, b] = pair();
    a.addTrack(source.createTrack());
    await negotiate(a, b);
    const { track } = b.getReceivers()[0];
    await showsCode(track, 0x99);
    const keyframes = camera.keyframes;
    holes = 1;
    await nextEvent(source, "keyframerequest");
    await showsCode(track, 0x99, camera.frameNumber);
    assert.ok(camera.keyframes > keyframes);
  });

  it("packets of a peer's track go on to the next, keyframe requests back: nothing is coded in between", async () => {
    const camera = new SampleTrackSource({ codec: { mimeType: "video/VP8" } });
    const pictures = new EncodedCamera(0xc0, "VP8", (data) => camera.writeSample({ data }));
    running.push(pictures);
    camera.onkeyframerequest = () => {
      pictures.wantsKeyframe = true;
    };
    const [a, b] = pair();
    const [c, d] = pair();
    a.addTrack(camera.createTrack());
    const relay = new RTPTrackSource({ codec: { mimeType: "video/VP8" } });
    c.addTrack(relay.createTrack());
    await Promise.all([negotiate(a, b), negotiate(c, d)]);
    const sink = new RTPTrackSink(b.getReceivers()[0].track);
    relay.onkeyframerequest = () => sink.requestKeyframe();
    sink.onpacket = ({ packet, mimeType }) => {
      assert.equal(mimeType, "video/VP8");
      relay.writeRtp(packet);
    };
    const first = await showsCode(d.getReceivers()[0].track, 0xc0);
    const keyframes = pictures.keyframes;
    const [e, f] = pair();
    e.addTrack(relay.createTrack());
    await negotiate(e, f);
    await showsCode(f.getReceivers()[0].track, 0xc0, first);
    assert.ok(pictures.keyframes > keyframes);
    sink.stop();
    assert.equal(sink.stopped, true);
  });

  it("samples arrive at the other end's sink byte for byte, pictures and sound", async () => {
    const video = new SampleTrackSource({ codec: { mimeType: "video/H264" } });
    const audio = new SampleTrackSource({ codec: { mimeType: "audio/PCMU" } });
    const sent = { video: [] as string[], audio: [] as string[] };
    let sounds = 0;
    const camera = new EncodedCamera(3, "H264", (data) => {
      sent.video.push(Buffer.from(data).toString("base64"));
      video.writeSample({ data });
      const sound = new Uint8Array(160).fill(sounds++);
      sent.audio.push(Buffer.from(sound).toString("base64"));
      audio.writeSample({ data: sound });
    });
    running.push(camera);
    video.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    const [a, b] = pair();
    a.addTrack(video.createTrack());
    a.addTrack(audio.createTrack());
    await negotiate(a, b);
    for (const { track } of b.getReceivers()) {
      const came: string[] = [];
      const sink = new SampleTrackSink(track, { maxLatePackets: 10 });
      await new Promise<void>((resolve) => {
        sink.onsample = ({ sample }) => {
          assert.equal(sample.mimeType, track.kind === "video" ? "video/H264" : "audio/PCMU");
          assert.equal(sample.lostBefore, 0);
          if (track.kind === "audio") assert.ok(sample.durationUs === 0 || sample.durationUs >= 20_000);
          came.push(Buffer.from(sample.data).toString("base64"));
          if (came.length === 10) resolve();
        };
      });
      sink.stop();
      const at = sent[track.kind].indexOf(came[0]);
      // More may have come in the same turn.
      assert.deepEqual(came, sent[track.kind].slice(at, at + came.length));
    }
  });

  it("a second of G.722 in one portion goes out as packets of 20 ms, one behind the other", async () => {
    const source = new SampleTrackSource({ codec: { mimeType: "audio/G722" } });
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection({}, { audio: { codecs: ["G722"] } })];
    trickle(a, b);
    open.push(a, b);
    a.addTransceiver(source.createTrack(), { direction: "sendonly" });
    await negotiate(a, b);
    const sink = new RTPTrackSink(b.getReceivers()[0].track);
    const prelude = new Uint8Array(80);
    const portion = Uint8Array.from({ length: 8000 - 60 }, (_, i) => i * 7);
    const timer = setInterval(() => source.writeSample({ data: prelude }), 10);
    running.push({ stop: () => clearInterval(timer) });
    let isWritten = false;
    const times: number[] = [];
    const came: number[] = [];
    await new Promise<void>((resolve) => {
      sink.onpacket = ({ timestamp, payload }) => {
        if (!isWritten) source.writeSample({ data: portion });
        isWritten = true;
        clearInterval(timer);
        if (payload.length === prelude.length) return;
        times.push(timestamp);
        came.push(...payload);
        if (came.length >= portion.length) resolve();
      };
    });
    sink.stop();
    assert.deepEqual(
      times.map((time) => (time - times[0]) >>> 0),
      Array.from({ length: 50 }, (_, i) => 160 * i),
    );
    assert.deepEqual(came, [...portion]);
  });

  it("negotiates what only the track comes in, and refuses to replace by what was not", async () => {
    const [a, b] = [
      new RTCPeerConnection(),
      new RTCPeerConnection({}, { video: { codecs: ["AV1", "VP8"] } }),
    ];
    open.push(a, b);
    const av1 = new SampleTrackSource({ codec: { mimeType: "video/AV1" } });
    const sender = a.addTransceiver(av1.createTrack(), { direction: "sendonly" }).sender;
    await negotiate(a, b);
    const names = sender.getParameters().codecs.map(({ mimeType }) => mimeType);
    assert.equal(names[0], "video/AV1");
    const vp9 = new SampleTrackSource({ codec: { mimeType: "video/VP9" } });
    await assert.rejects(sender.replaceTrack(vp9.createTrack()), { name: "InvalidModificationError" });
    const vp8 = new SampleTrackSource({ codec: { mimeType: "video/VP8" } });
    await sender.replaceTrack(vp8.createTrack());
  });

  it("takes what can be packetized, samples and packets alone", () => {
    assert.throws(() => new SampleTrackSource({ codec: { mimeType: "video/theora" } }), TypeError);
    assert.throws(() => new SampleTrackSource({ codec: { mimeType: "audio/H264" } }), TypeError);
    assert.throws(
      () => new RTPTrackSource({ codec: { mimeType: "audio/opus", clockRate: 44_100 } }),
      TypeError,
    );
    const source = new RTPTrackSource({ codec: { mimeType: "audio/G722" } });
    assert.equal(source.kind, "audio");
    assert.throws(() => source.writeRtp("packet" as unknown as Uint8Array), TypeError);
    const samples = new SampleTrackSource({ codec: { mimeType: "audio/PCMU" } });
    assert.throws(() => samples.writeSample({ data: new Uint8Array(80), durationUs: -1 }), TypeError);
  });
});
