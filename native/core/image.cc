#include "image.h"

#include "coded_error.h"

namespace roomrtc {

namespace {

struct FormatFacts {
  const char* name;
  size_t planeCount;
};

constexpr FormatFacts kFacts[] = {
    {"I420", 3}, {"NV12", 2}, {"YUY2", 1}, {"RGB24", 1}, {"RAW", 1}, {"ARGB", 1}, {"ABGR", 1}, {"MJPG", 1},
};

struct PlaneSize {
  int64_t rowBytes;
  int64_t rows;
};

PlaneSize SizeOfPlane(const ImageLayout& layout, size_t plane) {
  const int64_t width = layout.width;
  const int64_t height = layout.height;
  const PlaneSize chroma{(width + 1) / 2, (height + 1) / 2};
  switch (layout.format) {
    case PixelFormat::kI420:
      return plane == 0 ? PlaneSize{width, height} : chroma;
    case PixelFormat::kNv12:
      return plane == 0 ? PlaneSize{width, height} : PlaneSize{chroma.rowBytes * 2, chroma.rows};
    case PixelFormat::kYuy2:
      return {chroma.rowBytes * 4, height};
    case PixelFormat::kRgb24:
    case PixelFormat::kRaw:
      return {width * 3, height};
    default:
      return {width * 4, height};
  }
}

[[noreturn]] void Fail(const std::string& name, const std::string& what) {
  throw CodedError("OUT_OF_RANGE", name + ": " + what);
}

std::string PlaneName(const ImageLayout& layout, size_t plane) {
  return std::string(PixelFormatName(layout.format)) + " plane " + std::to_string(plane);
}

void CheckSize(const ImageLayout& layout, const std::string& name) {
  const auto inside = [](int side) { return side >= 1 && side <= kMaxImageSide; };
  if (!inside(layout.width) || !inside(layout.height)) {
    Fail(name, "width and height must be from 1 to " + std::to_string(kMaxImageSide) + ", found " +
                   std::to_string(layout.width) + "x" + std::to_string(layout.height));
  }
  if (layout.planeCount != PlaneCount(layout.format)) {
    Fail(name, std::string(PixelFormatName(layout.format)) + " has " +
                   std::to_string(PlaneCount(layout.format)) + " planes, found " +
                   std::to_string(layout.planeCount));
  }
}

void CheckPlane(const ImageLayout& layout, size_t plane, size_t bufferBytes, const std::string& name) {
  const auto [rowBytes, rows] = SizeOfPlane(layout, plane);
  const auto [offset, stride] = layout.planes[plane];
  if (stride < rowBytes) {
    Fail(name, PlaneName(layout, plane) + " needs a stride of at least " + std::to_string(rowBytes) +
                   ", found " + std::to_string(stride));
  }
  const uint64_t needed =
      static_cast<uint64_t>(stride) * static_cast<uint64_t>(rows - 1) + static_cast<uint64_t>(rowBytes);
  if (offset > bufferBytes || needed > bufferBytes - offset) {
    Fail(name, PlaneName(layout, plane) + " needs " + std::to_string(needed) + " bytes at offset " +
                   std::to_string(offset) + ", the buffer has " + std::to_string(bufferBytes));
  }
}

Image BindJpeg(const ImageLayout& layout, std::span<uint8_t> buffer, const std::string& name) {
  const uint64_t offset = layout.planes[0].offset;
  const int length = layout.planes[0].stride;
  if (offset >= buffer.size() || length < 0 || static_cast<uint64_t>(length) > buffer.size() - offset) {
    Fail(name, "the JPEG of " + std::to_string(length) + " bytes at offset " + std::to_string(offset) +
                   " is not inside the buffer's " + std::to_string(buffer.size()));
  }
  Image image{layout.format, layout.width, layout.height};
  image.planes[0] = buffer.data() + offset;
  image.bytes = length > 0 ? static_cast<size_t>(length) : buffer.size() - static_cast<size_t>(offset);
  return image;
}

}  // namespace

const char* PixelFormatName(PixelFormat format) { return kFacts[static_cast<size_t>(format)].name; }

size_t PlaneCount(PixelFormat format) { return kFacts[static_cast<size_t>(format)].planeCount; }

ImageLayout TightI420(int width, int height) {
  const int chromaWidth = (width + 1) / 2;
  const uint64_t lumaBytes = static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
  const uint64_t chromaBytes = static_cast<uint64_t>(chromaWidth) * static_cast<uint64_t>((height + 1) / 2);
  return {PixelFormat::kI420,
          width,
          height,
          3,
          {PlaneLayout{0, width}, PlaneLayout{lumaBytes, chromaWidth},
           PlaneLayout{lumaBytes + chromaBytes, chromaWidth}}};
}

size_t TightI420Bytes(int width, int height) {
  const size_t chromaWidth = (static_cast<size_t>(width) + 1) / 2;
  const size_t chromaHeight = (static_cast<size_t>(height) + 1) / 2;
  return static_cast<size_t>(width) * static_cast<size_t>(height) + 2 * chromaWidth * chromaHeight;
}

Image BindImage(const ImageLayout& layout, std::span<uint8_t> buffer, const std::string& name) {
  CheckSize(layout, name);
  if (layout.format == PixelFormat::kMjpg) return BindJpeg(layout, buffer, name);
  Image image{layout.format, layout.width, layout.height};
  for (size_t plane = 0; plane < layout.planeCount; ++plane) {
    CheckPlane(layout, plane, buffer.size(), name);
    image.planes[plane] = buffer.data() + layout.planes[plane].offset;
    image.strides[plane] = layout.planes[plane].stride;
  }
  return image;
}

}  // namespace roomrtc
