import assert from "node:assert/strict";
import { RTCSessionDescription } from "../../src/webrtc/index.js";
import { rejectsWith } from "./rejects.js";

describe("RTCSessionDescription (WebRTC 1.0 §4.6.2)", () => {
  it("needs a type of the four", async () => {
    await rejectsWith(() => new RTCSessionDescription(undefined as never), "TypeError");
    await rejectsWith(() => new RTCSessionDescription({} as never), "TypeError");
    await rejectsWith(() => new RTCSessionDescription({ type: "unknown" as never }), "TypeError");
  });

  it("has an empty sdp by default and becomes JSON", () => {
    const rollback = new RTCSessionDescription({ type: "rollback" });
    assert.equal(rollback.sdp, "");
    assert.equal(JSON.stringify(rollback), '{"type":"rollback","sdp":""}');
  });
});
