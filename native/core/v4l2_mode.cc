#include "v4l2_mode.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "coded_error.h"
#include "yuv.h"

namespace roomrtc {

namespace {

int FormatCost(PixelFormat format) {
  switch (format) {
    case PixelFormat::kNv12:
      return 0;
    case PixelFormat::kYuy2:
      return 1;
    default:
      return 2;
  }
}

double AreaDistance(const V4l2Mode& mode, const V4l2Request& request) {
  if (mode.width == request.width && mode.height == request.height) return 0;
  const double asked = static_cast<double>(request.width) * request.height;
  const double offered = static_cast<double>(mode.width) * mode.height;
  const double shape = std::fabs(std::log(static_cast<double>(mode.width) / mode.height) -
                                 std::log(static_cast<double>(request.width) / request.height));
  return std::fabs(std::log(offered / asked)) + shape + 1e-6;
}

ImageLayout FrameLayout(const V4l2Mode& mode, int bytesPerLine, size_t bytes) {
  ImageLayout layout{mode.format, mode.width, mode.height, PlaneCount(mode.format), {}};
  if (mode.format == PixelFormat::kMjpg) {
    layout.planes[0] = {0, static_cast<int>(bytes)};
    return layout;
  }
  layout.planes[0] = {0, bytesPerLine};
  // V4L2_PIX_FMT_NV12: the chroma plane follows the luma plane without a gap and shares its stride.
  layout.planes[1] = {static_cast<uint64_t>(bytesPerLine) * static_cast<uint64_t>(mode.height), bytesPerLine};
  return layout;
}

}  // namespace

std::vector<V4l2Mode> RankModes(std::vector<V4l2Mode> modes, const V4l2Request& request) {
  // A nominal 30 is often 29.97.
  const auto reaches = [&](const V4l2Mode& mode) { return mode.frameRate >= request.frameRate * 0.98; };
  const auto key = [&](const V4l2Mode& mode) {
    return std::make_tuple(AreaDistance(mode, request), !reaches(mode), FormatCost(mode.format),
                           std::fabs(mode.frameRate - request.frameRate));
  };
  std::stable_sort(modes.begin(), modes.end(),
                   [&](const V4l2Mode& a, const V4l2Mode& b) { return key(a) < key(b); });
  return modes;
}

std::string ModeText(const V4l2Mode& mode) {
  const auto tenths = std::lround(mode.frameRate * 10);
  const std::string fraction = tenths % 10 ? "." + std::to_string(tenths % 10) : "";
  return std::string(PixelFormatName(mode.format)) + " " + std::to_string(mode.width) + "x" +
         std::to_string(mode.height) + " at " + std::to_string(tenths / 10) + fraction;
}

bool ConvertFrame(const V4l2Mode& mode, int bytesPerLine, std::span<uint8_t> frame, const Image& target) {
  if (frame.empty()) return false;
  try {
    ConvertImage(BindImage(FrameLayout(mode, bytesPerLine, frame.size()), frame, "V4l2Capture: frame"),
                 target);
    return true;
  } catch (const CodedError&) {
    return false;
  }
}

}  // namespace roomrtc
