#include "addon.h"
#include "h264_encoder.h"
#include "image_args.h"

namespace roomrtc::binding {

namespace {

constexpr double kMinFrameRate = 1;
constexpr double kMaxFrameRate = 120;
constexpr int64_t kMinBitrateBps = 10'000;
constexpr int64_t kMaxBitrateBps = 100'000'000;

int EvenSide(const Options& options, const char* key) {
  const int64_t side = options.Integer(key, 16, 4096);
  if (side % 2 != 0) {
    ThrowRange(options.Env(), options.Name(key), "an even integer from 16 to 4096", std::to_string(side));
  }
  return static_cast<int>(side);
}

int MaxNalBytes(const Options& options) {
  constexpr int64_t kLeast = 300;
  const int64_t bytes = options.Integer("maxNalBytes", 0, 65535, 0);
  if (bytes != 0 && bytes < kLeast) {
    ThrowRange(options.Env(), options.Name("maxNalBytes"), "0 or an integer from 300 to 65535",
               std::to_string(bytes));
  }
  return static_cast<int>(bytes);
}

H264EncoderSettings ToSettings(const Options& options) {
  H264EncoderSettings settings;
  settings.width = EvenSide(options, "width");
  settings.height = EvenSide(options, "height");
  settings.frameRate = options.Number("frameRate", kMinFrameRate, kMaxFrameRate);
  settings.bitrateBps = static_cast<int>(options.Integer("bitrateBps", kMinBitrateBps, kMaxBitrateBps));
  settings.idrInterval = static_cast<int>(options.Integer("idrInterval", 0, 1'000'000));
  settings.maxNalBytes = MaxNalBytes(options);
  settings.threads = static_cast<int>(options.Integer("threads", 1, 4, 1));
  return settings;
}

class H264EncoderJs : public Napi::ObjectWrap<H264EncoderJs> {
 public:
  explicit H264EncoderJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<H264EncoderJs>(info) {
    Guard(info.Env(), [&] {
      const Options options(info[0], "H264Encoder");
      const H264EncoderSettings settings = ToSettings(options);
      core_ = std::make_unique<H264Encoder>(OpenH264Library::Load(options.Text("libraryPath", "")), settings);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "H264Encoder",
                       {InstanceMethod<&H264EncoderJs::Encode>("encode"),
                        InstanceAccessor<&H264EncoderJs::LastWasKeyframe>("lastWasKeyframe"),
                        InstanceMethod<&H264EncoderJs::SetBitrate>("setBitrate"),
                        InstanceMethod<&H264EncoderJs::SetFrameRate>("setFrameRate"),
                        InstanceMethod<&H264EncoderJs::Close>("close")});
  }

 private:
  H264Encoder& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "H264Encoder"); }

  Napi::Value Encode(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      H264Encoder& core = Core(info);
      const Image image = ToImage(info, 0, "H264Encoder.encode", "image");
      const double captureTimeUs = ToNumber(info[2], "H264Encoder.encode: captureTimeUs", 0, 1e18);
      const bool force = ToBoolean(info[3], "H264Encoder.encode: forceKeyframe");
      const std::span<uint8_t> out = ToBytes(info[4], "H264Encoder.encode: out");
      return Napi::Number::New(info.Env(),
                               static_cast<double>(core.Encode(image, captureTimeUs, force, out)));
    });
  }

  Napi::Value LastWasKeyframe(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), Core(info).lastWasKeyframe());
  }

  void SetBitrate(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const auto bitrateBps =
          ToInteger(info[0], "H264Encoder.setBitrate: bitrateBps", kMinBitrateBps, kMaxBitrateBps);
      Core(info).SetBitrate(static_cast<int>(bitrateBps));
    });
  }

  void SetFrameRate(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      Core(info).SetFrameRate(
          ToNumber(info[0], "H264Encoder.setFrameRate: frameRate", kMinFrameRate, kMaxFrameRate));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<H264Encoder> core_;
};

Napi::Value OpenH264VersionJs(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const std::string path = info[0].IsUndefined() ? "" : ToText(info[0], "openH264Version: libraryPath");
    return Napi::String::New(info.Env(), OpenH264Library::Load(path).Version());
  });
}

}  // namespace

void InitH264Encoder(Napi::Env env, Napi::Object exports) {
  exports.Set("H264Encoder", H264EncoderJs::Define(env));
  exports.Set("openH264Version", Napi::Function::New(env, OpenH264VersionJs));
}

}  // namespace roomrtc::binding
