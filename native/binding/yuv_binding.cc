#include "addon.h"
#include "image_args.h"
#include "yuv.h"

namespace roomrtc::binding {

namespace {

constexpr std::string_view kFilters[] = {"none", "linear", "bilinear", "box"};

void ConvertImageJs(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    const Image source = ToImage(info, 0, "convertImage", "source");
    const Image target = ToImage(info, 2, "convertImage", "target");
    ConvertImage(source, target);
  });
}

void ScaleImageJs(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    const Image source = ToImage(info, 0, "scaleImage", "source");
    const Image target = ToImage(info, 2, "scaleImage", "target");
    ScaleImage(source, target, static_cast<ScaleFilter>(ToChoice(info[4], "scaleImage: filter", kFilters)));
  });
}

}  // namespace

void InitYuv(Napi::Env env, Napi::Object exports) {
  exports.Set("convertImage", Napi::Function::New(env, ConvertImageJs));
  exports.Set("scaleImage", Napi::Function::New(env, ScaleImageJs));
}

}  // namespace roomrtc::binding
