/** Interceptors as an application has them: modules that the engine's threads load, in a call over real sockets. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MediaEngine } from "../../src/media/engine.js";
import { MediaError } from "../../src/media/media_error.js";
import {
  createLocalTrack,
  MediaStream,
  mediaTransportOf,
  RTCPeerConnection,
  whenClosed,
} from "../../src/webrtc/index.js";

/** Swaps the bits of every payload: at both ends the media are whole, at one alone they are noise. */
const SCRAMBLE = `
export default () => ({
  packet({ bytes, offset, length }) {
    const extended = (bytes[offset] & 0x10) !== 0;
    const at = offset + 12 + 4 * (bytes[offset] & 15);
    const body = extended ? at + 4 + 4 * (bytes[at + 2] * 256 + bytes[at + 3]) : at;
    for (let i = body; i < offset + length; i++) bytes[i] ^= 0xff;
    return true;
  },
});`;

describe("modules of interceptors", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "roomrtc-interceptors-"));
  const engines: MediaEngine[] = [];

  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  });
  after(() => rmSync(folder, { recursive: true }));

  function module(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return pathToFileURL(path).href;
  }

  async function start(interceptors: readonly string[]): Promise<MediaEngine> {
    const engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 180, frameRate: 30, noise: false, tag: 1 },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
      maxWidth: 320,
      maxHeight: 180,
      interceptors,
    });
    engines.push(engine);
    return engine;
  }

  for (const [text, what] of [
    ["export const nothing = 0;", /must export a function as its default, not undefined/],
    ["throw new Error('by its own fault');", /cannot be loaded: by its own fault/],
  ] as const) {
    it(`stop the engine's start where one is wrong: ${text}`, async () => {
      await assert.rejects(start([module(`${text.length}.mjs`, text)]), (error: unknown) => {
        assert.ok(error instanceof MediaError || error instanceof Error);
        assert.match((error as Error).message, what);
        assert.equal((error as { code?: string }).code, "WORKER_FAILED");
        return true;
      });
    });
  }

  it("see and change the packets of a call at both ends", async () => {
    const url = module("scramble.mjs", SCRAMBLE);
    const connections = await Promise.all(
      [1, 2].map(async () => {
        const transportFactory = await start([url]);
        return new RTCPeerConnection({}, { transportFactory, transport: { bindAddresses: ["127.0.0.1"] } });
      }),
    );
    const [a, b] = connections;
    a.onicecandidate = ({ candidate }) => void b.addIceCandidate(candidate);
    b.onicecandidate = ({ candidate }) => void a.addIceCandidate(candidate);
    for (const pc of connections) pc.addTrack(createLocalTrack({ kind: "video" }), new MediaStream());
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription as RTCSessionDescriptionInit);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription as RTCSessionDescriptionInit);
    for (const pc of connections) {
      for (let decoded = 0; decoded < 10; ) {
        const stats = await mediaTransportOf(pc)?.getStats();
        decoded = stats?.receive[0]?.framesDecoded ?? 0;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    for (const pc of connections) pc.close();
    await Promise.all(connections.map(whenClosed));
  });
});

type RTCSessionDescriptionInit = Parameters<RTCPeerConnection["setRemoteDescription"]>[0];
