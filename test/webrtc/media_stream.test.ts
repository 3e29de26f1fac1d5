import assert from "node:assert/strict";
import { createLocalTrack, MediaStream } from "../../src/webrtc/index.js";

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
