import assert from "node:assert/strict";
import { createLocalTrack, MediaStreamTrack } from "../../src/webrtc/index.js";
import { rejectsWith } from "./rejects.js";

describe("MediaStreamTrack (Media Capture and Streams §4.3)", () => {
  it("begins live, enabled and with an id of its own", () => {
    const track = createLocalTrack({ kind: "video", label: "camera", settings: { width: 640, height: 480 } });
    assert.equal(track.kind, "video");
    assert.equal(track.label, "camera");
    assert.equal(track.enabled, true);
    assert.equal(track.muted, false);
    assert.equal(track.readyState, "live");
    assert.deepEqual(track.getSettings(), { width: 640, height: 480 });
    assert.notEqual(track.id, createLocalTrack({ kind: "video" }).id);
  });

  it("stops its source with the last of its clones, without an event", () => {
    let stops = 0;
    const track = createLocalTrack({ kind: "audio", stop: () => stops++ });
    const copy = track.clone();
    track.addEventListener("ended", () => assert.fail("stop fires no event"));
    track.stop();
    track.stop();
    assert.equal(track.readyState, "ended");
    assert.equal(copy.readyState, "live");
    assert.equal(stops, 0);
    copy.stop();
    assert.equal(stops, 1);
    assert.equal(track.clone().readyState, "ended");
    assert.equal(stops, 1, "a clone of an ended track starts nothing and stops nothing");
  });

  it("cannot be constructed", async () => {
    await rejectsWith(() => new (MediaStreamTrack as unknown as new () => object)(), "TypeError");
  });
});
