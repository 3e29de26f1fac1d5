// A pointer's picture laid over captured pixels.
#pragma once

#include <cstdint>
#include <span>

namespace roomrtc {

/// Pixels of four bytes, B,G,R and one that means nothing.
struct PixelView {
  uint8_t* pixels;
  int width;
  int height;
  /// Bytes from row to row.
  int stride;
};

/// Lays `cursor` over `target` with its upper left corner at (x, y), clipped; its pixels are ARGB words with
/// premultiplied alpha, `width` a row, as XFIXES gives them.
void OverlayCursor(const PixelView& target, std::span<const uint32_t> cursor, int width, int x, int y);

}  // namespace roomrtc
