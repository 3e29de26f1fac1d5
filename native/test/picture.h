// Pictures for the tests: memory that ends at a guard page, moving patterns, distances.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "image.h"

namespace roomrtc::test {

/// Bytes whose end touches an unmapped page: a read or write one byte past them, by assembly code too, which
/// the address sanitizer does not see, stops the test.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t size) : size_(size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (size + page - 1) / page * page + page;
    base_ = static_cast<uint8_t*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + mapped_ - page, page, PROT_NONE);
    data_ = base_ + mapped_ - page - size;
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::span<uint8_t> span() { return {data_, size_}; }
  uint8_t& operator[](size_t index) { return data_[index]; }

 private:
  size_t size_;
  size_t mapped_ = 0;
  uint8_t* base_ = nullptr;
  uint8_t* data_ = nullptr;
};

/// A layout without gaps of any format but MJPG, and the bytes it needs.
struct Laid {
  ImageLayout layout;
  size_t bytes;
};

inline Laid TightLayout(PixelFormat format, int width, int height) {
  const int chroma = (width + 1) / 2;
  const size_t chromaRows = (static_cast<size_t>(height) + 1) / 2;
  const size_t luma = static_cast<size_t>(width) * static_cast<size_t>(height);
  const auto packed = [&](int rowBytes) -> Laid {
    return {{format, width, height, 1, {PlaneLayout{0, rowBytes}}},
            static_cast<size_t>(rowBytes) * static_cast<size_t>(height)};
  };
  switch (format) {
    case PixelFormat::kI420:
      return {TightI420(width, height), TightI420Bytes(width, height)};
    case PixelFormat::kNv12:
      return {{format, width, height, 2, {PlaneLayout{0, width}, PlaneLayout{luma, chroma * 2}}},
              luma + static_cast<size_t>(chroma) * 2 * chromaRows};
    case PixelFormat::kYuy2:
      return packed(chroma * 4);
    case PixelFormat::kRgb24:
    case PixelFormat::kRaw:
      return packed(width * 3);
    default:
      return packed(width * 4);
  }
}

/// A tight picture in guarded memory.
struct Picture {
  Picture(PixelFormat format, int width, int height)
      : laid(TightLayout(format, width, height)),
        bytes(laid.bytes),
        image(BindImage(laid.layout, bytes.span(), "picture")) {}
  Laid laid;
  GuardedBytes bytes;
  Image image;
};

/// A pattern that pans with `frame`: waves and a checkerboard, so that there is something to predict and to
/// code.
inline void DrawMoving(const Image& image, int frame) {
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int wave =
          static_cast<int>(50 * std::sin((x + 3 * frame) / 17.0) * std::cos((y - 2 * frame) / 13.0));
      const int check = (((x + frame) >> 4) + (y >> 4)) & 1 ? 20 : -20;
      image.planes[0][y * image.strides[0] + x] = static_cast<uint8_t>(128 + wave + check);
    }
  }
  for (int y = 0; y < image.chromaHeight(); ++y) {
    for (int x = 0; x < image.chromaWidth(); ++x) {
      image.planes[1][y * image.strides[1] + x] = static_cast<uint8_t>(100 + (x + frame) % 56);
      image.planes[2][y * image.strides[2] + x] = static_cast<uint8_t>(150 - (y + frame) % 56);
    }
  }
}

/// Peak signal to noise ratio of the luma planes in dB; 99 for equal ones.
inline double LumaPsnr(const Image& a, const Image& b) {
  double sum = 0;
  for (int y = 0; y < a.height; ++y) {
    for (int x = 0; x < a.width; ++x) {
      const double difference = a.planes[0][y * a.strides[0] + x] - b.planes[0][y * b.strides[0] + x];
      sum += difference * difference;
    }
  }
  const double mean = sum / (static_cast<double>(a.width) * a.height);
  return mean == 0 ? 99 : 10 * std::log10(255.0 * 255.0 / mean);
}

}  // namespace roomrtc::test
