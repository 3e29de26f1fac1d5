#include "addon.h"
#include "video_decoder_js.h"
#include "video_encoder_js.h"
#include "vp8_decoder.h"
#include "vp8_encoder.h"

namespace roomrtc::binding {

namespace {

struct EncoderKind {
  using Core = Vp8Encoder;
  static constexpr const char* kName = "Vp8Encoder";
  static std::unique_ptr<Core> Make(const Options& options) {
    Vp8EncoderSettings settings;
    ReadEncoderOptions(options, settings);
    settings.keyframeInterval = static_cast<int>(options.Integer("keyframeInterval", 0, 1'000'000));
    settings.speed = static_cast<int>(options.Integer("speed", 1, 16, settings.speed));
    return std::make_unique<Core>(settings);
  }
};

struct DecoderKind {
  using Core = Vp8Decoder;
  static constexpr const char* kName = "Vp8Decoder";
  static std::unique_ptr<Core> Make(const Options&) { return std::make_unique<Core>(); }
};

}  // namespace

void InitVp8(Napi::Env env, Napi::Object exports) {
  exports.Set(EncoderKind::kName, VideoEncoderJs<EncoderKind>::Define(env));
  exports.Set(DecoderKind::kName, VideoDecoderJs<DecoderKind>::Define(env));
}

}  // namespace roomrtc::binding
