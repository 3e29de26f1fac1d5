// One JavaScript class for every video encoder of native/core (`VideoEncoder` in native/addon.ts). `Kind`
// gives its name, its core and how options become one:
//   struct Kind { using Core = …; static constexpr const char* kName = "…"; static std::unique_ptr<Core>
//   Make(const Options&); };
#pragma once

#include <memory>
#include <string>

#include "image_args.h"

namespace roomrtc::binding {

constexpr double kMinFrameRate = 1;
constexpr double kMaxFrameRate = 120;
constexpr int64_t kMinBitrateBps = 10'000;
constexpr int64_t kMaxBitrateBps = 100'000'000;

inline int EvenSide(const Options& options, const char* key) {
  const int64_t side = options.Integer(key, 16, 4096);
  if (side % 2 != 0) {
    ThrowRange(options.Env(), options.Name(key), "an even integer from 16 to 4096", std::to_string(side));
  }
  return static_cast<int>(side);
}

/// What all encoders are told: size, rates, threads.
template <typename Settings>
void ReadEncoderOptions(const Options& options, Settings& settings) {
  settings.width = EvenSide(options, "width");
  settings.height = EvenSide(options, "height");
  settings.frameRate = options.Number("frameRate", kMinFrameRate, kMaxFrameRate);
  settings.bitrateBps = static_cast<int>(options.Integer("bitrateBps", kMinBitrateBps, kMaxBitrateBps));
  settings.threads = static_cast<int>(options.Integer("threads", 1, 4, 1));
}

template <typename Kind>
class VideoEncoderJs : public Napi::ObjectWrap<VideoEncoderJs<Kind>> {
  using Base = Napi::ObjectWrap<VideoEncoderJs<Kind>>;

 public:
  explicit VideoEncoderJs(const Napi::CallbackInfo& info) : Base(info) {
    Guard(info.Env(), [&] { core_ = Kind::Make(Options(info[0], Kind::kName)); });
  }

  static Napi::Function Define(Napi::Env env) {
    return Base::DefineClass(
        env, Kind::kName,
        {Base::template InstanceMethod<&VideoEncoderJs::Encode>("encode"),
         Base::template InstanceAccessor<&VideoEncoderJs::LastWasKeyframe>("lastWasKeyframe"),
         Base::template InstanceMethod<&VideoEncoderJs::SetBitrate>("setBitrate"),
         Base::template InstanceMethod<&VideoEncoderJs::SetFrameRate>("setFrameRate"),
         Base::template InstanceMethod<&VideoEncoderJs::Close>("close")});
  }

 private:
  using Core = typename Kind::Core;

  Core& Alive(const Napi::CallbackInfo& info) { return binding::Alive(info.Env(), core_, Kind::kName); }

  // Built once: encode runs for every picture.
  struct Names {
    std::string encode = std::string(Kind::kName) + ".encode";
    std::string captureTimeUs = encode + ": captureTimeUs";
    std::string forceKeyframe = encode + ": forceKeyframe";
    std::string out = encode + ": out";
    std::string bitrateBps = std::string(Kind::kName) + ".setBitrate: bitrateBps";
    std::string frameRate = std::string(Kind::kName) + ".setFrameRate: frameRate";
  };

  Napi::Value Encode(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      Core& core = Alive(info);
      const Image image = ToImage(info, 0, names_.encode, "image");
      const double captureTimeUs = ToNumber(info[2], names_.captureTimeUs, 0, 1e18);
      const bool force = ToBoolean(info[3], names_.forceKeyframe);
      const std::span<uint8_t> out = ToBytes(info[4], names_.out);
      return Napi::Number::New(info.Env(),
                               static_cast<double>(core.Encode(image, captureTimeUs, force, out)));
    });
  }

  Napi::Value LastWasKeyframe(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), Alive(info).lastWasKeyframe());
  }

  void SetBitrate(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const int64_t bitrateBps = ToInteger(info[0], names_.bitrateBps, kMinBitrateBps, kMaxBitrateBps);
      Alive(info).SetBitrate(static_cast<int>(bitrateBps));
    });
  }

  void SetFrameRate(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      Alive(info).SetFrameRate(ToNumber(info[0], names_.frameRate, kMinFrameRate, kMaxFrameRate));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  const Names names_;
  std::unique_ptr<Core> core_;
};

}  // namespace roomrtc::binding
