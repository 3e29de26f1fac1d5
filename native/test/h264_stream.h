// Encoded test streams and a look inside them.
#pragma once

#include <vector>

#include "h264_decoder.h"
#include "h264_encoder.h"
#include "picture.h"

namespace roomrtc::test {

constexpr int kStreamWidth = 320;
constexpr int kStreamHeight = 180;

using Bytes = std::vector<uint8_t>;

inline H264EncoderSettings StreamSettings() { return {kStreamWidth, kStreamHeight, 30, 500'000, 0, 0, 1}; }

/// An encoder with the moving picture in front of it.
class Encoding {
 public:
  explicit Encoding(const H264EncoderSettings& settings = StreamSettings())
      : encoder(OpenH264Library::Load(""), settings) {}

  Bytes operator()(int frame, bool force = false) {
    DrawMoving(source.image, frame);
    Bytes out(200'000);
    out.resize(encoder.Encode(source.image, 1e6 + frame * 33'333.3, force, out));
    return out;
  }

  Picture source{PixelFormat::kI420, kStreamWidth, kStreamHeight};
  H264Encoder encoder;
};

class Decoding {
 public:
  H264Decoder::Outcome operator()(const Bytes& unit) {
    return decoder_.Decode(unit, picture.bytes.span()).outcome;
  }
  Picture picture{PixelFormat::kI420, kStreamWidth, kStreamHeight};

 private:
  H264Decoder decoder_{OpenH264Library::Load("")};
};

inline std::vector<Bytes> EncodeStream(int frames, const H264EncoderSettings& settings = StreamSettings()) {
  Encoding encode(settings);
  std::vector<Bytes> stream;
  for (int i = 0; i < frames; ++i) stream.push_back(encode(i));
  return stream;
}

struct Nal {
  /// Of the header byte behind the 4-byte start code.
  size_t start;
  size_t length;
  int type;
};

inline std::vector<Nal> SplitNals(const Bytes& unit) {
  std::vector<Nal> nals;
  for (size_t i = 0; i + 4 < unit.size(); ++i) {
    if (unit[i] == 0 && unit[i + 1] == 0 && unit[i + 2] == 0 && unit[i + 3] == 1) {
      if (!nals.empty()) nals.back().length = i - nals.back().start;
      nals.push_back({i + 4, unit.size() - i - 4, unit[i + 4] & 0x1f});
    }
  }
  return nals;
}

inline std::vector<int> NalTypes(const Bytes& unit) {
  std::vector<int> types;
  for (const Nal& nal : SplitNals(unit)) types.push_back(nal.type);
  return types;
}

}  // namespace roomrtc::test
