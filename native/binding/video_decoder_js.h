// One JavaScript class for every video decoder of native/core (`VideoDecoder` in native/addon.ts). `Kind` as
// in video_encoder_js.h.
#pragma once

#include <memory>
#include <string>

#include "args.h"
#include "decoded_picture.h"
#include "image.h"

namespace roomrtc::binding {

/// DecodedLayout in native/addon.ts.
constexpr size_t kDecodedLayoutWords = 8;

inline void WriteDecodedLayout(std::span<int32_t> words, int width, int height) {
  const ImageLayout layout = TightI420(width, height);
  words[0] = width;
  words[1] = height;
  for (size_t plane = 0; plane < 3; ++plane) {
    words[2 + plane] = layout.planes[plane].stride;
    words[5 + plane] = static_cast<int32_t>(layout.planes[plane].offset);
  }
}

/// The number `decode` returns.
inline double ReportDecoded(const DecodeResult& result, std::span<int32_t> layout) {
  switch (result.outcome) {
    case DecodeOutcome::kPicture:
      WriteDecodedLayout(layout, result.width, result.height);
      return static_cast<double>(TightI420Bytes(result.width, result.height));
    case DecodeOutcome::kDamaged:
      return -1;
    case DecodeOutcome::kTooSmall:
      WriteDecodedLayout(layout, result.width, result.height);
      return -2;
    default:
      return 0;
  }
}

template <typename Kind>
class VideoDecoderJs : public Napi::ObjectWrap<VideoDecoderJs<Kind>> {
  using Base = Napi::ObjectWrap<VideoDecoderJs<Kind>>;

 public:
  explicit VideoDecoderJs(const Napi::CallbackInfo& info) : Base(info) {
    Guard(info.Env(), [&] { core_ = Kind::Make(Options::Optional(info[0], Kind::kName)); });
  }

  static Napi::Function Define(Napi::Env env) {
    return Base::DefineClass(env, Kind::kName,
                             {Base::template InstanceMethod<&VideoDecoderJs::Decode>("decode"),
                              Base::template InstanceMethod<&VideoDecoderJs::Close>("close")});
  }

 private:
  Napi::Value Decode(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      auto& core = Alive(info.Env(), core_, Kind::kName);
      const std::span<uint8_t> unit = ToBytes(info[0], accessUnitName_);
      const std::span<uint8_t> out = ToBytes(info[1], outName_);
      const std::span<int32_t> layout = ToWords(info[2], layoutName_, kDecodedLayoutWords);
      return Napi::Number::New(info.Env(), ReportDecoded(core.Decode(unit, out), layout));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  // Built once: decode runs for every frame.
  const std::string accessUnitName_ = std::string(Kind::kName) + ".decode: accessUnit";
  const std::string outName_ = std::string(Kind::kName) + ".decode: out";
  const std::string layoutName_ = std::string(Kind::kName) + ".decode: layout";
  std::unique_ptr<typename Kind::Core> core_;
};

}  // namespace roomrtc::binding
