import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import type { Browser, Page } from "playwright-core";
import { gatheringComplete } from "../../src/exchange/index.js";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import {
  type MediaStreamTrack,
  nonstandard,
  RTCPeerConnection,
  RTCRtpScriptTransform,
  stopDefaultEngine,
  whenClosed,
} from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { EncodedCamera } from "../support/encoded_camera.js";
import { codeOf, giveMedia } from "../support/page_media.js";
import { showsCode } from "../support/shown_code.js";

const KEY = 0x5c;
const OURS = 0x0a11;
const THEIRS = 0x0b22;

/** What the page's worker does; the same as test/support/transform_worker.ts. */
const pageWorker = `
  onrtctransform = ({ transformer }) => {
    const { key } = transformer.options;
    transformer.readable.pipeThrough(new TransformStream({
      transform(frame, controller) {
        const bytes = new Uint8Array(frame.data);
        for (let i = frame.type === "key" ? 10 : 3; i < bytes.length; i++) bytes[i] ^= key;
        frame.data = bytes.buffer;
        controller.enqueue(frame);
      },
    })).pipeTo(transformer.writable);
  };
`;

/** Two pictures each way, all of them encrypted; of the two that an end gets it has the key of the first alone. */
const pageScript = (offer: unknown) => `(async () => {
  const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(pageWorker)}])));
  const transform = () => new RTCRtpScriptTransform(worker, { key: ${KEY} });
  const pc = globalThis.pc = new RTCPeerConnection();
  // Chromium lets frames pass by a transform that comes later than this.
  pc.ontrack = ({ transceiver: { sender, receiver, mid } }) => {
    sender.transform = transform();
    if (mid === "0") receiver.transform = transform();
  };
  await pc.setRemoteDescription(${JSON.stringify(offer)});
  const [track] = (await navigator.mediaDevices.getUserMedia({ video: true })).getVideoTracks();
  for (const [index, { sender, receiver }] of pc.getTransceivers().entries()) {
    pc.getTransceivers()[index].direction = "sendrecv";
    await sender.replaceTrack(index === 0 ? track : track.clone());
    const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, id: "v" + index });
    video.srcObject = new MediaStream([receiver.track]);
    document.body.append(video);
  }
  await pc.setLocalDescription();
  await new Promise((done) => {
    const look = () => pc.iceGatheringState === "complete" && done();
    pc.onicegatheringstatechange = look;
    look();
  });
  return { type: "answer", sdp: pc.localDescription.sdp };
})()`;

describe("encoded transforms, with Chromium's at the other end", function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;
  const server = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html>");
  });
  before(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await giveMedia(page, { width: 320, height: 180, tag: THEIRS, toneHz: 0 });
    // Devices are for secure contexts, and localhost is one.
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  });
  after(async () => {
    await browser?.close();
    server.close();
    await stopDefaultEngine();
  });

  it("each end sees the other's picture where it has the key, and nothing where it has not", async () => {
    const worker = new Worker(new URL("../support/transform_worker.js", import.meta.url));
    const transform = () => new RTCRtpScriptTransform(worker, { does: "xor", key: KEY });
    const pc = new RTCPeerConnection({}, { video: { codecs: ["VP8"] } });
    const source = new nonstandard.SampleTrackSource({ codec: { mimeType: "video/VP8" } });
    const camera = new EncodedCamera(OURS, "VP8", (data) => source.writeSample({ data }));
    source.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    try {
      for (let i = 0; i < 2; i++) {
        const { sender, receiver } = pc.addTransceiver(source.createTrack());
        sender.transform = transform();
        if (i === 0) receiver.transform = transform();
      }
      await pc.setLocalDescription();
      await gatheringComplete(pc);
      const answer = await page.evaluate(pageScript(pc.localDescription));
      const [open, closed] = pc.getReceivers().map(({ track }) => track);
      const seen = tagsOf(closed);
      await pc.setRemoteDescription(answer as { type: "answer"; sdp: string });

      await showsCode(open, THEIRS);
      while ((await codeOf(page, "#v0"))?.tag !== OURS)
        await page.evaluate("new Promise(requestAnimationFrame)");
      // The other stream came as well, in as many pictures, and none of them is to be seen.
      await page.evaluate(`(async () => {
        const received = async () => [...(await pc.getStats()).values()]
          .filter(({ type }) => type === "inbound-rtp").every(({ packetsReceived }) => packetsReceived > 20);
        while (!(await received())) await new Promise(requestAnimationFrame);
      })()`);
      assert.notEqual((await codeOf(page, "#v1"))?.tag, OURS);
      assert.ok((await framesReceived(pc)).every((frames) => frames > 0));
      assert.ok(!seen().includes(THEIRS));
    } finally {
      camera.stop();
      pc.close();
      await whenClosed(pc);
      await worker.terminate();
    }
  });
});

function tagsOf(track: MediaStreamTrack): () => number[] {
  const tags: number[] = [];
  const sink = new nonstandard.RTCVideoSink(track);
  sink.onframe = ({ frame }) => {
    const code = readBlockCode(frame.data, frame.width, frame.height, frame.width);
    if (code) tags.push(code.tag);
  };
  return () => {
    sink.stop();
    return tags;
  };
}

async function framesReceived(pc: RTCPeerConnection): Promise<number[]> {
  const all = [...(await pc.getStats()).values()].filter(({ type }) => type === "inbound-rtp");
  return all.map((stats) => (stats as { framesReceived?: number }).framesReceived ?? 0);
}
