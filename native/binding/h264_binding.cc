#include "addon.h"
#include "h264_decoder.h"
#include "h264_encoder.h"
#include "video_decoder_js.h"
#include "video_encoder_js.h"

namespace roomrtc::binding {

namespace {

int MaxNalBytes(const Options& options) {
  constexpr int64_t kLeast = 300;
  const int64_t bytes = options.Integer("maxNalBytes", 0, 65535, 0);
  if (bytes != 0 && bytes < kLeast) {
    ThrowRange(options.Env(), options.Name("maxNalBytes"), "0 or an integer from 300 to 65535",
               std::to_string(bytes));
  }
  return static_cast<int>(bytes);
}

struct EncoderKind {
  using Core = H264Encoder;
  static constexpr const char* kName = "H264Encoder";
  static std::unique_ptr<Core> Make(const Options& options) {
    H264EncoderSettings settings;
    ReadEncoderOptions(options, settings);
    settings.idrInterval = static_cast<int>(options.Integer("idrInterval", 0, 1'000'000));
    settings.maxNalBytes = MaxNalBytes(options);
    return std::make_unique<Core>(OpenH264Library::Load(options.Text("libraryPath", "")), settings);
  }
};

struct DecoderKind {
  using Core = H264Decoder;
  static constexpr const char* kName = "H264Decoder";
  static std::unique_ptr<Core> Make(const Options& options) {
    return std::make_unique<Core>(OpenH264Library::Load(options.Text("libraryPath", "")));
  }
};

Napi::Value OpenH264VersionJs(const Napi::CallbackInfo& info) {
  return Guard(info.Env(), [&] {
    const std::string path = info[0].IsUndefined() ? "" : ToText(info[0], "openH264Version: libraryPath");
    return Napi::String::New(info.Env(), OpenH264Library::Load(path).Version());
  });
}

}  // namespace

void InitH264(Napi::Env env, Napi::Object exports) {
  exports.Set(EncoderKind::kName, VideoEncoderJs<EncoderKind>::Define(env));
  exports.Set(DecoderKind::kName, VideoDecoderJs<DecoderKind>::Define(env));
  exports.Set("openH264Version", Napi::Function::New(env, OpenH264VersionJs));
}

}  // namespace roomrtc::binding
