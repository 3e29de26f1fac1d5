// Pixels in somebody else's memory: what they are, where each plane lies, and proof that it lies inside.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace roomrtc {

/// libyuv's names: kRgb24 is B,G,R in memory, kRaw R,G,B, kArgb B,G,R,A, kAbgr R,G,B,A. kMjpg is one JPEG
/// file.
enum class PixelFormat { kI420, kNv12, kYuy2, kRgb24, kRaw, kArgb, kAbgr, kMjpg };

const char* PixelFormatName(PixelFormat format);

/// Planes a format has: I420 three, NV12 two, the others one.
size_t PlaneCount(PixelFormat format);

constexpr int kMaxImageSide = 16384;

struct PlaneLayout {
  uint64_t offset = 0;
  /// Bytes from row to row. For kMjpg: the byte length of the JPEG, 0 for "to the buffer's end".
  int stride = 0;
};

struct ImageLayout {
  PixelFormat format = PixelFormat::kI420;
  int width = 0;
  int height = 0;
  size_t planeCount = 0;
  std::array<PlaneLayout, 3> planes;
};

/// An I420 layout without gaps, as the decoder writes it.
ImageLayout TightI420(int width, int height);

/// Bytes `TightI420` needs.
size_t TightI420Bytes(int width, int height);

/// A layout bound to memory: every row of every plane is inside the buffer it was bound to.
struct Image {
  PixelFormat format = PixelFormat::kI420;
  int width = 0;
  int height = 0;
  std::array<uint8_t*, 3> planes{};
  std::array<int, 3> strides{};
  /// kMjpg: length of the JPEG.
  size_t bytes = 0;

  int chromaWidth() const { return (width + 1) / 2; }
  int chromaHeight() const { return (height + 1) / 2; }
};

/// Checks `layout` against `buffer`. Throws CodedError OUT_OF_RANGE whose message starts with `name` and says
/// which plane needs what and what is there.
Image BindImage(const ImageLayout& layout, std::span<uint8_t> buffer, const std::string& name);

}  // namespace roomrtc
