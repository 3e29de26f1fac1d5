import assert from "node:assert/strict";
import { native } from "../../native/addon.js";

// What needs a camera runs against a made-up one in native/test/v4l2_test.cc.
describe("native V4l2Capture", () => {
  const request = { width: 1280, height: 720, frameRate: 30 };

  it("says which device is missing, which are there and what to do", () => {
    assert.throws(() => native.V4l2Capture.open("/dev/video-nowhere", request), {
      code: "CAMERA_NOT_FOUND",
      message: /camera \/dev\/video-nowhere: tried to open it: .*device.*plug the camera in/,
    });
  });

  it("says that a device is no camera", () => {
    assert.throws(() => native.V4l2Capture.open("/dev/null", request), {
      code: "CAMERA_UNSUITABLE",
      message: /camera \/dev\/null: tried to ask what it can do/,
    });
  });

  it("checks its options", () => {
    assert.throws(() => native.V4l2Capture.open("/dev/video0", { ...request, frameRate: 0 }), {
      message: "V4l2Capture.open: option frameRate must be a number from 1 to 240, found 0",
    });
  });
});
