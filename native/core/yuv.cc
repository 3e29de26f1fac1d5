#include "yuv.h"

#include <libyuv.h>

#include <string>

#include "coded_error.h"

namespace roomrtc {

namespace {

// The target of a conversion, in the order libyuv takes it.
#define ROOMRTC_I420(image)                                                                        \
  (image).planes[0], (image).strides[0], (image).planes[1], (image).strides[1], (image).planes[2], \
      (image).strides[2]
#define ROOMRTC_PACKED(image) (image).planes[0], (image).strides[0]
#define ROOMRTC_NV12(image) (image).planes[0], (image).strides[0], (image).planes[1], (image).strides[1]

/// Squeezes samples from 0..255 into `low`..`high` (H.273 §8.3: full to limited range), rounded.
/// 16.16 fixed point; plain loops that the compiler turns into vector code.
void CompressRange(uint8_t* plane, int stride, int width, int height, uint32_t low, uint32_t high) {
  const uint32_t scale = ((high - low) * 65536 + 127) / 255;
  for (int y = 0; y < height; ++y, plane += stride) {
    for (int x = 0; x < width; ++x) plane[x] = static_cast<uint8_t>(low + ((plane[x] * scale + 32768) >> 16));
  }
}

int JpegToI420(const Image& source, const Image& target) {
  const int failed = libyuv::MJPGToI420(source.planes[0], source.bytes, ROOMRTC_I420(target), source.width,
                                        source.height, target.width, target.height);
  if (failed) return failed;
  CompressRange(target.planes[0], target.strides[0], target.width, target.height, 16, 235);
  CompressRange(target.planes[1], target.strides[1], target.chromaWidth(), target.chromaHeight(), 16, 240);
  CompressRange(target.planes[2], target.strides[2], target.chromaWidth(), target.chromaHeight(), 16, 240);
  return 0;
}

int ToI420(const Image& from, const Image& to) {
  const int width = to.width;
  const int height = to.height;
  switch (from.format) {
    case PixelFormat::kI420:
      return libyuv::I420Copy(ROOMRTC_I420(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kNv12:
      return libyuv::NV12ToI420(ROOMRTC_NV12(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kYuy2:
      return libyuv::YUY2ToI420(ROOMRTC_PACKED(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kRgb24:
      return libyuv::RGB24ToI420(ROOMRTC_PACKED(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kRaw:
      return libyuv::RAWToI420(ROOMRTC_PACKED(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kArgb:
      return libyuv::ARGBToI420(ROOMRTC_PACKED(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kAbgr:
      return libyuv::ABGRToI420(ROOMRTC_PACKED(from), ROOMRTC_I420(to), width, height);
    case PixelFormat::kMjpg:
      return JpegToI420(from, to);
  }
  return -1;
}

int FromI420(const Image& from, const Image& to) {
  const int width = to.width;
  const int height = to.height;
  switch (to.format) {
    case PixelFormat::kNv12:
      return libyuv::I420ToNV12(ROOMRTC_I420(from), ROOMRTC_NV12(to), width, height);
    case PixelFormat::kYuy2:
      return libyuv::I420ToYUY2(ROOMRTC_I420(from), ROOMRTC_PACKED(to), width, height);
    case PixelFormat::kRgb24:
      return libyuv::I420ToRGB24(ROOMRTC_I420(from), ROOMRTC_PACKED(to), width, height);
    case PixelFormat::kRaw:
      return libyuv::I420ToRAW(ROOMRTC_I420(from), ROOMRTC_PACKED(to), width, height);
    case PixelFormat::kArgb:
      return libyuv::I420ToARGB(ROOMRTC_I420(from), ROOMRTC_PACKED(to), width, height);
    case PixelFormat::kAbgr:
      return libyuv::I420ToABGR(ROOMRTC_I420(from), ROOMRTC_PACKED(to), width, height);
    default:
      return -1;
  }
}

std::string SizeText(const Image& image) {
  return std::to_string(image.width) + "x" + std::to_string(image.height);
}

// libyuv divides a box's sum by multiplying with 65536 / area, an integer: large boxes come out dark, or
// black.
bool BoxIsExact(const Image& source, const Image& target) {
  constexpr int64_t kLargestArea = 256;
  const int64_t across = (source.width + target.width - 1) / target.width;
  const int64_t down = (source.height + target.height - 1) / target.height;
  return across * down <= kLargestArea;
}

libyuv::FilterMode ToLibyuv(ScaleFilter filter) {
  switch (filter) {
    case ScaleFilter::kLinear:
      return libyuv::kFilterLinear;
    case ScaleFilter::kBilinear:
      return libyuv::kFilterBilinear;
    case ScaleFilter::kBox:
      return libyuv::kFilterBox;
    default:
      return libyuv::kFilterNone;
  }
}

}  // namespace

void ConvertImage(const Image& source, const Image& target) {
  const bool decodes = target.format == PixelFormat::kI420;
  const bool encodes = source.format == PixelFormat::kI420 && target.format != PixelFormat::kMjpg;
  if (!decodes && !encodes) {
    throw CodedError("UNSUPPORTED_CONVERSION",
                     std::string("convertImage: ") + PixelFormatName(source.format) + " to " +
                         PixelFormatName(target.format) +
                         " is not supported; any format goes to I420, I420 to any but MJPG");
  }
  if (source.width != target.width || source.height != target.height) {
    throw CodedError("SIZE_MISMATCH", "convertImage: target must be as large as source, " + SizeText(source) +
                                          ", found " + SizeText(target));
  }
  const int failed = decodes ? ToI420(source, target) : FromI420(source, target);
  if (failed) {
    throw CodedError("DAMAGED_IMAGE", std::string("convertImage: the ") + PixelFormatName(source.format) +
                                          " image is damaged or not " + SizeText(source));
  }
}

void ScaleImage(const Image& source, const Image& target, ScaleFilter filter) {
  if (source.format != PixelFormat::kI420 || target.format != PixelFormat::kI420) {
    throw CodedError("UNSUPPORTED_CONVERSION", std::string("scaleImage: both images must be I420, found ") +
                                                   PixelFormatName(source.format) + " and " +
                                                   PixelFormatName(target.format));
  }
  const libyuv::FilterMode mode =
      BoxIsExact(source, target) || filter != ScaleFilter::kBox ? ToLibyuv(filter) : libyuv::kFilterBilinear;
  libyuv::I420Scale(ROOMRTC_I420(source), source.width, source.height, ROOMRTC_I420(target), target.width,
                    target.height, mode);
}

}  // namespace roomrtc
