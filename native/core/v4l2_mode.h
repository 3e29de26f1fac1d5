// What a camera offers and which of it to take: pure decisions, apart from the device that carries them out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "image.h"

namespace roomrtc {

struct V4l2Mode {
  /// kNv12, kYuy2 or kMjpg.
  PixelFormat format = PixelFormat::kYuy2;
  int width = 0;
  int height = 0;
  double frameRate = 0;
};

struct V4l2Request {
  int width = 0;
  int height = 0;
  double frameRate = 0;
};

/// Best first: the size asked for (else the nearest area), then reaching the frame rate, then the cheaper
/// format in the order NV12, YUY2, MJPG (copy, repack, JPEG decoding), then the nearest rate.
std::vector<V4l2Mode> RankModes(std::vector<V4l2Mode> modes, const V4l2Request& request);

/// "YUY2 1280x720 at 30".
std::string ModeText(const V4l2Mode& mode);

/// Converts one captured frame to I420. `bytesPerLine` is the driver's stride (ignored for MJPG), `frame` the
/// bytes used. Returns false when the frame is damaged or short, as cameras send when they start or cables
/// shake.
bool ConvertFrame(const V4l2Mode& mode, int bytesPerLine, std::span<uint8_t> frame, const Image& target);

}  // namespace roomrtc
