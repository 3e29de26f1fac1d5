import assert from "node:assert/strict";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { MediaEngine } from "../../src/media/engine.js";
import {
  createLocalTrack,
  MediaStream,
  type RTCDataChannel,
  RTCPeerConnection,
} from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "./fake_transport.js";

const TAG = 0x7d1e;
const MESSAGE_BYTES = 65_536;
/** The transfer lasts until so much was sent and so many pictures went beside it, and no longer than the second amount. */
const LEAST_BYTES = 20 << 20;
const MOST_BYTES = 60 << 20;
const PICTURES = 45;
const HIGH_WATER_BYTES = 4 << 20;
/** Fewer beside the transfer would say nothing. */
const LEAST_PICTURES = 8;

/** A large transfer shares the threads, the socket and the path of a call's video. */
describe("a call's video beside a large transfer over a data channel", function () {
  this.timeout(120_000);
  let engine: MediaEngine;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 640, height: 360, frameRate: 30, noise: true, tag: TAG },
      audioSource: { kind: "none" },
    });
  });
  after(() => engine.stop());

  it("goes on picture by picture: none is lost, asked for again or held back until the end", async () => {
    const [a, b] = [connection(), connection()];
    const channel = a.createDataChannel("file", { negotiated: true, id: 0 });
    const received = b.createDataChannel("file", { negotiated: true, id: 0 });
    received.binaryType = "arraybuffer";
    a.addTrack(createLocalTrack({ kind: "video" }), new MediaStream());
    const numbers = pictureNumbers();
    trickle(a, b);
    await negotiate(a, b);
    if (channel.readyState !== "open") await nextEvent(channel, "open");
    await numbers.next();

    const before = { ...(await videoOf(a, b)), shown: numbers.all.length };
    const arrived = countBytes(received);
    const bytes = await transfer(channel, async () => (await videoOf(a, b)).sent - before.sent);
    await arrived.reach(bytes);
    const after = { ...(await videoOf(a, b)), shown: numbers.all.length };

    const sent = after.sent - before.sent;
    const decoded = after.decoded - before.decoded;
    assert.ok(sent >= LEAST_PICTURES, `${sent} pictures were sent beside ${bytes} bytes`);
    // Held back, they would come after the transfer; on their way at its end are a few.
    assert.ok(decoded >= sent / 2, `${decoded} of ${sent} pictures were decoded by the transfer's end`);
    const inTransfer = numbers.all.slice(before.shown - 1, after.shown);
    assert.ok(
      inTransfer.every((number, i) => i === 0 || number > inTransfer[i - 1]),
      `in order: ${inTransfer}`,
    );
    let end = after;
    while (end.decoded < after.sent) {
      await numbers.next();
      end = { ...(await videoOf(a, b)), shown: numbers.all.length };
    }
    assert.equal(end.keyframeRequests, 0, "keyframes asked for, as a receiver does that lacks something");
    a.close();
    b.close();
  });

  function connection(): RTCPeerConnection {
    return new RTCPeerConnection(
      {},
      { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"] } },
    );
  }

  /** The frame numbers of the pictures that are shown, read from the pictures themselves. */
  function pictureNumbers() {
    const all: number[] = [];
    let wake: () => void = () => undefined;
    engine.onPicture((bytes, { width, height, offsetY, strideY }) => {
      const code = readBlockCode(bytes.subarray(offsetY), width, height, strideY);
      if (code?.tag !== TAG) return;
      all.push(code.frameNumber);
      wake();
    });
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    return { all, next };
  }
});

/** Sends numbered messages with backpressure; how many bytes. */
async function transfer(channel: RTCDataChannel, picturesSent: () => Promise<number>): Promise<number> {
  channel.bufferedAmountLowThreshold = HIGH_WATER_BYTES / 4;
  let bytes = 0;
  while (bytes < LEAST_BYTES || (bytes < MOST_BYTES && (await picturesSent()) < PICTURES)) {
    if (channel.bufferedAmount > HIGH_WATER_BYTES) await nextEvent(channel, "bufferedamountlow");
    const message = new Uint8Array(MESSAGE_BYTES).fill(bytes / MESSAGE_BYTES);
    channel.send(message);
    bytes += MESSAGE_BYTES;
  }
  return bytes;
}

/** Counts what arrives, in order and whole. */
function countBytes(channel: RTCDataChannel) {
  let bytes = 0;
  let wake: () => void = () => undefined;
  channel.onmessage = ({ data }) => {
    const message = new Uint8Array(data);
    const expected = (bytes / MESSAGE_BYTES) & 255;
    assert.deepEqual([message.length, message[0], message.at(-1)], [MESSAGE_BYTES, expected, expected]);
    bytes += message.length;
    wake();
  };
  const reach = async (goal: number) => {
    while (bytes < goal) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    assert.equal(bytes, goal);
  };
  return { reach };
}

interface VideoCounts {
  readonly sent: number;
  readonly decoded: number;
  readonly keyframeRequests: number;
}

async function videoOf(sender: RTCPeerConnection, receiver: RTCPeerConnection): Promise<VideoCounts> {
  const entries = [...(await sender.getStats()).values(), ...(await receiver.getStats()).values()];
  const counts = { sent: 0, decoded: 0, keyframeRequests: 0 };
  for (const entry of entries) {
    if (entry.type === "outbound-rtp") counts.sent = entry.framesSent ?? 0;
    if (entry.type !== "inbound-rtp") continue;
    counts.decoded = entry.framesDecoded ?? 0;
    counts.keyframeRequests = entry.pliCount ?? 0;
  }
  return counts;
}
