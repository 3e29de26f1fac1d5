#include "cursor_overlay.h"

#include <algorithm>

namespace roomrtc {

namespace {

uint8_t Blend(uint32_t premultiplied, uint8_t below, uint32_t alpha) {
  // A cursor whose colour exceeds its alpha is not premultiplied; it must not wrap round.
  return static_cast<uint8_t>(std::min<uint32_t>(255, premultiplied + (below * (255 - alpha) + 127) / 255));
}

void BlendPixel(uint8_t* pixel, uint32_t argb) {
  const uint32_t alpha = argb >> 24;
  if (alpha == 0) return;
  pixel[0] = Blend(argb & 0xff, pixel[0], alpha);
  pixel[1] = Blend(argb >> 8 & 0xff, pixel[1], alpha);
  pixel[2] = Blend(argb >> 16 & 0xff, pixel[2], alpha);
}

}  // namespace

void OverlayCursor(const PixelView& target, std::span<const uint32_t> cursor, int width, int x, int y) {
  if (width <= 0) return;
  const int height = static_cast<int>(cursor.size()) / width;
  const int left = std::max(0, x);
  const int right = std::min(target.width, x + width);
  for (int row = std::max(0, y); row < std::min(target.height, y + height); ++row) {
    const uint32_t* from = cursor.data() + static_cast<size_t>(row - y) * width - x;
    uint8_t* to = target.pixels + static_cast<size_t>(row) * target.stride;
    for (int column = left; column < right; ++column) BlendPixel(to + 4 * column, from[column]);
  }
}

}  // namespace roomrtc
