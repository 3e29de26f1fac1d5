import assert from "node:assert/strict";
import { createLocalTrack, MediaStream, MediaStreamTrack } from "../../src/webrtc/index.js";
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

describe("MediaStream (Media Capture and Streams §4.2)", () => {
  it("is a set of tracks", () => {
    const audio = createLocalTrack({ kind: "audio" });
    const video = createLocalTrack({ kind: "video" });
    const stream = new MediaStream([audio, audio, video]);
    assert.deepEqual(stream.getTracks(), [audio, video]);
    assert.deepEqual(stream.getAudioTracks(), [audio]);
    assert.deepEqual(stream.getVideoTracks(), [video]);
    assert.equal(stream.getTrackById(video.id), video);
    assert.equal(stream.getTrackById("x"), null);
    stream.removeTrack(audio);
    assert.deepEqual(new MediaStream(stream).getTracks(), [video]);
    assert.notEqual(new MediaStream(stream).id, stream.id);
  });

  it("is active while a track lives", () => {
    assert.equal(new MediaStream().active, false);
    const track = createLocalTrack({ kind: "audio" });
    const stream = new MediaStream([track]);
    assert.equal(stream.active, true);
    track.stop();
    assert.equal(stream.active, false);
  });

  it("clones its tracks", () => {
    const track = createLocalTrack({ kind: "audio" });
    const [copy] = new MediaStream([track]).clone().getTracks();
    assert.notEqual(copy.id, track.id);
    track.stop();
    assert.equal(copy.readyState, "live");
  });
});
