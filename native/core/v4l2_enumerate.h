// Asks a camera for everything it offers.
#pragma once

#include <linux/videodev2.h>

#include <optional>
#include <string>
#include <vector>

#include "v4l2_capture.h"

namespace roomrtc {

/// V4L2's four-character code of a format this project captures, and back.
uint32_t ToFourcc(PixelFormat format);
std::optional<PixelFormat> FromFourcc(uint32_t fourcc);

struct V4l2Offer {
  /// Usable modes. Ranges of sizes or rates appear as the value in them nearest the request.
  std::vector<V4l2Mode> modes;
  /// Every format's code as text, for messages: "YUYV MJPG H264".
  std::string formats;
};

V4l2Offer EnumerateModes(V4l2Device& device, const V4l2Request& request);

}  // namespace roomrtc
