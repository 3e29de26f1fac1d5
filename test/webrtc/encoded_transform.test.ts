import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import {
  type MediaStreamTrack,
  nonstandard,
  RTCPeerConnection,
  RTCRtpScriptTransform,
  stopDefaultEngine,
  whenClosed,
} from "../../src/webrtc/index.js";
import { EncodedCamera } from "../support/encoded_camera.js";
import { showsCode } from "../support/shown_code.js";
import type { TransformTask } from "../support/transform_worker.js";
import { trickle } from "../support/trickle.js";
import { negotiate } from "./fake_transport.js";

const script = new URL("../support/transform_worker.js", import.meta.url);
const open: RTCPeerConnection[] = [];
const cameras: EncodedCamera[] = [];

function camera(tag: number): MediaStreamTrack {
  const source = new nonstandard.SampleTrackSource({ codec: { mimeType: "video/VP8" } });
  const made = new EncodedCamera(tag, "VP8", (data) => source.writeSample({ data }));
  source.onkeyframerequest = () => {
    made.wantsKeyframe = true;
  };
  cameras.push(made);
  return source.createTrack();
}

function pair(): [RTCPeerConnection, RTCPeerConnection] {
  const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
  trickle(a, b);
  open.push(a, b);
  return [a, b];
}

describe("encoded transforms", function () {
  this.timeout(120_000);
  let worker: Worker;
  const transform = (task: TransformTask) => new RTCRtpScriptTransform(worker, task);

  beforeEach(() => {
    worker = new Worker(script);
  });
  afterEach(async () => {
    for (const each of cameras.splice(0)) each.stop();
    const closing = open.splice(0);
    for (const pc of closing) pc.close();
    await Promise.all(closing.map(whenClosed));
    await worker.terminate();
  });
  after(stopDefaultEngine);

  it("what one end encrypts the other decrypts, also once a transform is set in mid-call", async () => {
    const [a, b] = pair();
    const sender = a.addTrack(camera(5));
    await negotiate(a, b);
    const [receiver] = b.getReceivers();
    await showsCode(receiver.track, 5);
    sender.transform = transform({ does: "xor", key: 0x33 });
    receiver.transform = transform({ does: "xor", key: 0x33 });
    await sender.replaceTrack(camera(6));
    await showsCode(receiver.track, 6);
  });

  it("one that throws, or gives nothing back, costs its own stream and no other", async () => {
    const [a, b] = pair();
    const [thrower, swallower] = [a.addTrack(camera(1)), a.addTrack(camera(2))];
    a.addTrack(camera(3));
    thrower.transform = transform({ does: "throw" });
    swallower.transform = transform({ does: "swallow" });
    const thrown = new Promise<string>((resolve) => worker.on("message", resolve));
    await negotiate(a, b);
    assert.equal(await thrown, "a transform that throws");
    await showsCode(b.getReceivers()[2].track, 3);
    // Taken off, the streams go on.
    swallower.transform = null;
    thrower.transform = null;
    await Promise.all([showsCode(b.getReceivers()[0].track, 1), showsCode(b.getReceivers()[1].track, 2)]);
  });

  it("is for one sender or receiver, and a transform or null alone", async () => {
    const [a] = pair();
    const [{ sender, receiver }] = [a.addTransceiver("video")];
    const one = transform({ does: "swallow" });
    sender.transform = one;
    sender.transform = one;
    assert.equal(sender.transform, one);
    assert.throws(
      () => {
        receiver.transform = one;
      },
      { name: "InvalidStateError" },
    );
    assert.throws(() => {
      receiver.transform = {} as RTCRtpScriptTransform;
    }, TypeError);
    assert.throws(() => new RTCRtpScriptTransform({} as Worker), TypeError);
  });
});
