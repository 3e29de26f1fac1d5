// Colours, odd sizes and borders of ConvertImage and ScaleImage. Buffers end at guard pages.
#include "yuv.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "check.h"
#include "jpeg_picture.h"
#include "picture.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

constexpr PixelFormat kRawFormats[] = {PixelFormat::kI420,  PixelFormat::kNv12, PixelFormat::kYuy2,
                                       PixelFormat::kRgb24, PixelFormat::kRaw,  PixelFormat::kArgb,
                                       PixelFormat::kAbgr};

void FillColour(const Image& image, Rgb colour) {
  const bool blueFirst = image.format == PixelFormat::kRgb24 || image.format == PixelFormat::kArgb;
  const bool alpha = image.format == PixelFormat::kArgb || image.format == PixelFormat::kAbgr;
  std::array<uint8_t, 4> pixel{colour.red, colour.green, colour.blue, 255};
  if (blueFirst) std::swap(pixel[0], pixel[2]);
  const int pixelBytes = alpha ? 4 : 3;
  for (int y = 0; y < image.height; ++y) {
    uint8_t* row = image.planes[0] + y * image.strides[0];
    for (int x = 0; x < image.width; ++x) std::copy_n(pixel.data(), pixelBytes, row + x * pixelBytes);
  }
}

struct Yuv {
  int y, u, v;
};

// BT.601-7 §2.5.3, video range.
Yuv Bt601(Rgb c) {
  const auto round = [](double value) { return static_cast<int>(std::lround(value)); };
  return {round(16 + (65.481 * c.red + 128.553 * c.green + 24.966 * c.blue) / 255),
          round(128 + (-37.797 * c.red - 74.203 * c.green + 112.0 * c.blue) / 255),
          round(128 + (112.0 * c.red - 93.786 * c.green - 18.214 * c.blue) / 255)};
}

void CheckPlane(const uint8_t* plane, int stride, int width, int height, int wanted, int tolerance) {
  int worst = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) worst = std::max(worst, std::abs(plane[y * stride + x] - wanted));
  }
  if (worst > tolerance) Report(__FILE__, __LINE__, "a sample is off by " + std::to_string(worst));
}

void CheckEverySample(const Image& image, Yuv wanted, int tolerance = 2) {
  CheckPlane(image.planes[0], image.strides[0], image.width, image.height, wanted.y, tolerance);
  CheckPlane(image.planes[1], image.strides[1], image.chromaWidth(), image.chromaHeight(), wanted.u,
             tolerance);
  CheckPlane(image.planes[2], image.strides[2], image.chromaWidth(), image.chromaHeight(), wanted.v,
             tolerance);
}

Image BindJpeg(std::vector<uint8_t>& jpeg, int width, int height) {
  return BindImage({PixelFormat::kMjpg, width, height, 1, {PlaneLayout{0, 0}}}, jpeg, "jpeg");
}

}  // namespace

CASE("RGB in every byte order becomes BT.601 video range") {
  for (const PixelFormat format :
       {PixelFormat::kRgb24, PixelFormat::kRaw, PixelFormat::kArgb, PixelFormat::kAbgr}) {
    for (const Rgb colour : {Rgb{255, 0, 0}, Rgb{0, 255, 0}, Rgb{0, 0, 255}, Rgb{255, 255, 255}, Rgb{0, 0, 0},
                             Rgb{12, 200, 90}}) {
      Picture source(format, 34, 6);
      Picture target(PixelFormat::kI420, 34, 6);
      FillColour(source.image, colour);
      ConvertImage(source.image, target.image);
      CheckEverySample(target.image, Bt601(colour));
    }
  }
}

CASE("every size from 1x1 to 67x5, odd ones too, stays inside its buffers both ways") {
  for (const PixelFormat format : kRawFormats) {
    for (int width = 1; width <= 67; ++width) {
      for (int height = 1; height <= 5; ++height) {
        Picture packed(format, width, height);
        Picture planar(PixelFormat::kI420, width, height);
        std::memset(packed.bytes.span().data(), 90, packed.laid.bytes);
        ConvertImage(packed.image, planar.image);
        ConvertImage(planar.image, packed.image);
      }
    }
  }
}

CASE("NV12 and YUY2 give back the very samples, odd sizes too") {
  for (const PixelFormat format : {PixelFormat::kNv12, PixelFormat::kI420, PixelFormat::kYuy2}) {
    for (const auto& [width, height] : {std::pair{64, 48}, {33, 17}, {1, 1}, {1279, 719}}) {
      Picture first(PixelFormat::kI420, width, height);
      Picture between(format, width, height);
      Picture second(PixelFormat::kI420, width, height);
      DrawMoving(first.image, 3);
      ConvertImage(first.image, between.image);
      ConvertImage(between.image, second.image);
      CHECK(LumaPsnr(first.image, second.image) == 99);
      const bool same = std::ranges::equal(first.bytes.span(), second.bytes.span());
      CHECK(same || format == PixelFormat::kYuy2);  // 4:2:2 chroma between averages neighbours
    }
  }
}

CASE("padding between rows is neither read nor written") {
  constexpr int kWidth = 37;
  constexpr int kHeight = 9;
  constexpr uint64_t kStart = 5;
  const ImageLayout padded{
      PixelFormat::kI420,
      kWidth,
      kHeight,
      3,
      {PlaneLayout{kStart, 48}, PlaneLayout{kStart + 48 * 9, 40}, PlaneLayout{kStart + 48 * 9 + 40 * 5, 41}}};
  GuardedBytes bytes(kStart + 48 * 9 + 40 * 5 + 41 * 4 + 19);
  std::memset(bytes.span().data(), 0xee, bytes.span().size());
  Picture source(PixelFormat::kArgb, kWidth, kHeight);
  FillColour(source.image, {10, 20, 30});
  const Image target = BindImage(padded, bytes.span(), "padded");
  ConvertImage(source.image, target);
  CheckEverySample(target, Bt601({10, 20, 30}));
  bool untouched = true;
  for (size_t i = 0; i < kStart; ++i) untouched &= bytes[i] == 0xee;
  for (size_t row = 0; row + 1 < kHeight; ++row) {
    for (size_t x = kWidth; x < 48; ++x) untouched &= bytes[kStart + row * 48 + x] == 0xee;
  }
  CHECK(untouched);
}

CASE("a plane that leaves its buffer is refused before a sample is touched") {
  GuardedBytes bytes(TightI420Bytes(64, 48));
  const auto bind = [&](const ImageLayout& layout) {
    return CodeThrown([&] { BindImage(layout, bytes.span(), "image"); });
  };
  const auto with = [&](auto change) {
    ImageLayout layout = TightI420(64, 48);
    change(layout);
    return bind(layout);
  };
  CHECK_EQUAL(bind(TightI420(64, 48)), "");
  CHECK_EQUAL(with([](ImageLayout& l) { l.planes[2].offset += 1; }), "OUT_OF_RANGE");
  CHECK_EQUAL(with([](ImageLayout& l) { l.planes[0].offset = UINT64_MAX; }), "OUT_OF_RANGE");
  CHECK_EQUAL(with([](ImageLayout& l) { l.planes[1].stride = 31; }), "OUT_OF_RANGE");
  CHECK_EQUAL(with([](ImageLayout& l) { l.planes[0].stride = INT32_MAX; }), "OUT_OF_RANGE");
  CHECK_EQUAL(with([](ImageLayout& l) { l.planes[0].stride = -64; }), "OUT_OF_RANGE");
  CHECK_EQUAL(bind(TightI420(64, 50)), "OUT_OF_RANGE");
  CHECK_EQUAL(bind(TightI420(0, 48)), "OUT_OF_RANGE");
}

CASE("JPEG, 4:2:2 and 4:2:0, even and odd, becomes video range") {
  for (const int verticalSampling : {1, 2}) {
    for (const auto& [width, height] : {std::pair{64, 48}, {33, 17}}) {
      const Rgb colour{200, 40, 90};
      std::vector<uint8_t> jpeg = MakeJpeg(width, height, colour, verticalSampling);
      Picture target(PixelFormat::kI420, width, height);
      ConvertImage(BindJpeg(jpeg, width, height), target.image);
      CheckEverySample(target.image, Bt601(colour), 4);
    }
  }
}

CASE("a JPEG of another size than stated is refused") {
  std::vector<uint8_t> jpeg = MakeJpeg(64, 48, {1, 2, 3}, 2);
  Picture target(PixelFormat::kI420, 128, 96);
  CHECK_EQUAL(CodeThrown([&] { ConvertImage(BindJpeg(jpeg, 128, 96), target.image); }), "DAMAGED_IMAGE");
}

CASE("mutated and cut JPEGs convert or are refused, nothing else") {
  std::mt19937 random(Seed(0x2a));
  const std::vector<uint8_t> good = MakeJpeg(64, 48, {9, 99, 199}, 1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<uint8_t> jpeg = good;
    for (unsigned i = 0; i < 1 + random() % 6; ++i)
      jpeg[random() % jpeg.size()] = static_cast<uint8_t>(random());
    if (round % 3 == 0) jpeg.resize(1 + random() % jpeg.size());
    jpeg.shrink_to_fit();
    Picture target(PixelFormat::kI420, 64, 48);
    const std::string code = CodeThrown([&] { ConvertImage(BindJpeg(jpeg, 64, 48), target.image); });
    CHECK(code.empty() || code == "DAMAGED_IMAGE");
  }
}

CASE("conversions that do not exist say so") {
  Picture nv12(PixelFormat::kNv12, 16, 16);
  Picture argb(PixelFormat::kArgb, 16, 16);
  Picture small(PixelFormat::kI420, 8, 8);
  CHECK_EQUAL(CodeThrown([&] { ConvertImage(nv12.image, argb.image); }), "UNSUPPORTED_CONVERSION");
  CHECK_EQUAL(CodeThrown([&] { ConvertImage(nv12.image, small.image); }), "SIZE_MISMATCH");
  CHECK_EQUAL(CodeThrown([&] { ScaleImage(nv12.image, small.image, ScaleFilter::kBox); }),
              "UNSUPPORTED_CONVERSION");
}

CASE("scaling keeps a flat colour with every filter, up and down, odd sizes") {
  for (const ScaleFilter filter :
       {ScaleFilter::kNone, ScaleFilter::kLinear, ScaleFilter::kBilinear, ScaleFilter::kBox}) {
    for (const auto& [width, height] : {std::pair{320, 180}, {161, 91}, {1, 1}, {1280, 720}}) {
      Picture source(PixelFormat::kI420, 639, 359);
      Picture target(PixelFormat::kI420, width, height);
      std::memset(source.bytes.span().data(), 77, source.laid.bytes);
      ScaleImage(source.image, target.image, filter);
      CheckEverySample(target.image, {77, 77, 77}, 1);
    }
  }
}

int main() { return RunAll(); }
