/** The forms with callbacks (WebRTC 1.0 §4.4.3). */
import assert from "node:assert/strict";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { RTCPeerConnection, RTCSessionDescriptionInit } from "../../src/webrtc/index.js";
import { closeAll, connection } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

const unexpected = (error: unknown) => assert.fail(String(error));

/** What a method with callbacks gives to the first of them. */
function told<T>(call: (success: (value: T) => void, failure: (error: unknown) => void) => Promise<void>) {
  return new Promise<T>((resolve, reject) => void call(resolve, reject));
}

describe("methods with callbacks (WebRTC 1.0 §4.4.3)", () => {
  it("negotiate like those with promises, whose own result is undefined", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    assert.equal(await a.createOffer(() => {}, unexpected, { offerToReceiveAudio: true }), undefined);
    const offer = await told<RTCSessionDescriptionInit>((s, f) => a.createOffer(s, f));
    assert.equal(offer.type, "offer");
    await told<void>((s, f) => a.setLocalDescription(offer, s, f));
    await told<void>((s, f) => b.setRemoteDescription(offer, s, f));
    const answer = await told<RTCSessionDescriptionInit>((s, f) => b.createAnswer(s, f));
    await told<void>((s, f) => b.setLocalDescription(answer, s, f));
    await told<void>((s, f) => a.setRemoteDescription(answer, s, f));
    await told<void>((s, f) => a.addIceCandidate({ candidate: "", sdpMid: "0" }, s, f));
    assert.deepEqual([a.signalingState, b.signalingState], ["stable", "stable"]);
    assert.equal(a.getTransceivers()[0].direction, "recvonly");
  });

  it("tell failures to the second callback and reject nothing", async () => {
    const { pc } = connection();
    const failing: ((f: (error: DOMException) => void) => Promise<void>)[] = [
      (f) => pc.createAnswer(unexpected, f),
      (f) => pc.setLocalDescription({ type: "answer", sdp: "" }, unexpected, f),
      (f) => pc.setRemoteDescription({ type: "answer", sdp: "" }, unexpected, f),
      (f) => pc.addIceCandidate({ candidate: "", sdpMid: "0" }, unexpected, f),
    ];
    for (const call of failing) {
      const errors: string[] = [];
      const result = await new Promise<unknown>((resolve) => {
        const taken = call(({ name }) => {
          errors.push(name);
          resolve(taken);
        });
      });
      assert.deepEqual([result, errors], [undefined, ["InvalidStateError"]]);
    }
    pc.close();
    const { name } = await new Promise<DOMException>((resolve) => void pc.createOffer(unexpected, resolve));
    assert.equal(name, "InvalidStateError");
  });

  it("refuse one callback without the other, and what is no function", async () => {
    const { pc } = connection();
    const offer = await pc.createOffer();
    const call = pc as unknown as Record<keyof RTCPeerConnection, (...given: unknown[]) => Promise<unknown>>;
    await rejectsWith(() => call.setLocalDescription(offer, unexpected), "TypeError");
    await rejectsWith(() => call.setRemoteDescription(offer, unexpected, {}), "TypeError");
    await rejectsWith(() => call.createOffer(unexpected, null), "TypeError");
    assert.equal(pc.signalingState, "stable");
  });

  it("report what a callback throws as an error that nothing caught", async () => {
    const source = fileURLToPath(new URL("../../src/webrtc/legacy_callbacks.js", import.meta.url));
    const code = `import(${JSON.stringify(source)}).then(({ reportTo }) =>
      reportTo(Promise.resolve(), { success() { throw new RangeError("of the application"); }, failure() {} }))`;
    const [error] = await once(new Worker(code, { eval: true }), "error");
    assert.equal((error as Error).message, "of the application");
  });
});
