#include "v4l2_enumerate.h"

#include <algorithm>

namespace roomrtc {

namespace {

// A driver that never ends its list must not keep us here.
constexpr uint32_t kMostEntries = 256;

struct FourccFormat {
  uint32_t fourcc;
  PixelFormat format;
};

constexpr FourccFormat kFormats[] = {
    {V4L2_PIX_FMT_NV12, PixelFormat::kNv12},
    {V4L2_PIX_FMT_YUYV, PixelFormat::kYuy2},
    {V4L2_PIX_FMT_MJPEG, PixelFormat::kMjpg},
    {V4L2_PIX_FMT_JPEG, PixelFormat::kMjpg},
};

double Rate(const v4l2_fract& interval) {
  return interval.numerator ? static_cast<double>(interval.denominator) / interval.numerator : 0;
}

int Nearest(int wanted, uint32_t min, uint32_t max, uint32_t step) {
  const int low = static_cast<int>(min);
  const int clamped = std::clamp(wanted, low, std::max(low, static_cast<int>(max)));
  return step > 1 ? low + (clamped - low) / static_cast<int>(step) * static_cast<int>(step) : clamped;
}

// The best rate not above need, or the nearest: the highest offered rate that a request can still use.
double BestRate(V4l2Device& device, uint32_t fourcc, int width, int height, double wanted) {
  double best = 0;
  for (uint32_t index = 0; index < kMostEntries; ++index) {
    v4l2_frmivalenum entry{};
    entry.index = index;
    entry.pixel_format = fourcc;
    entry.width = static_cast<uint32_t>(width);
    entry.height = static_cast<uint32_t>(height);
    if (device.Control(VIDIOC_ENUM_FRAMEINTERVALS, &entry) != 0) break;
    const bool single = entry.type == V4L2_FRMIVAL_TYPE_DISCRETE;
    const double highest = single ? Rate(entry.discrete) : Rate(entry.stepwise.min);
    const double lowest = single ? highest : Rate(entry.stepwise.max);
    const double rate = std::clamp(wanted, std::min(lowest, highest), highest);
    const bool closer = std::abs(rate - wanted) < std::abs(best - wanted);
    if (best == 0 || closer) best = rate;
    if (!single) break;
  }
  return best > 0 ? best : wanted;  // a driver that lists no intervals decides by itself
}

void AddSizes(V4l2Device& device, uint32_t fourcc, PixelFormat format, const V4l2Request& request,
              std::vector<V4l2Mode>& modes) {
  const auto add = [&](int width, int height) {
    modes.push_back({format, width, height, BestRate(device, fourcc, width, height, request.frameRate)});
  };
  for (uint32_t index = 0; index < kMostEntries; ++index) {
    v4l2_frmsizeenum entry{};
    entry.index = index;
    entry.pixel_format = fourcc;
    if (device.Control(VIDIOC_ENUM_FRAMESIZES, &entry) != 0) {
      if (index == 0) add(request.width, request.height);  // not listed: S_FMT will say
      return;
    }
    if (entry.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
      add(static_cast<int>(entry.discrete.width), static_cast<int>(entry.discrete.height));
      continue;
    }
    const v4l2_frmsize_stepwise& range = entry.stepwise;
    add(Nearest(request.width, range.min_width, range.max_width, range.step_width),
        Nearest(request.height, range.min_height, range.max_height, range.step_height));
    return;
  }
}

std::string FourccText(uint32_t fourcc) {
  std::string text;
  for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>((fourcc >> shift) & 0x7f);
  return text;
}

}  // namespace

uint32_t ToFourcc(PixelFormat format) {
  for (const FourccFormat& known : kFormats) {
    if (known.format == format) return known.fourcc;
  }
  return 0;
}

std::optional<PixelFormat> FromFourcc(uint32_t fourcc) {
  for (const FourccFormat& known : kFormats) {
    if (known.fourcc == fourcc) return known.format;
  }
  return std::nullopt;
}

V4l2Offer EnumerateModes(V4l2Device& device, const V4l2Request& request) {
  V4l2Offer offer;
  for (uint32_t index = 0; index < kMostEntries; ++index) {
    v4l2_fmtdesc entry{};
    entry.index = index;
    entry.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (device.Control(VIDIOC_ENUM_FMT, &entry) != 0) break;
    offer.formats += (offer.formats.empty() ? "" : " ") + FourccText(entry.pixelformat);
    const std::optional<PixelFormat> format = FromFourcc(entry.pixelformat);
    if (format) AddSizes(device, entry.pixelformat, *format, request, offer.modes);
  }
  return offer;
}

}  // namespace roomrtc
