#include "addon.h"
#include "args.h"
#include "image.h"
#include "screen_capture.h"

namespace roomrtc::binding {

namespace {

ScreenRequest ToRequest(const Napi::Value& value) {
  const Options options(value, "ScreenCapture");
  ScreenRequest request;
  request.display = options.Text("display");
  request.window = static_cast<uint32_t>(options.Integer("window", 0, 0xffffffff, 0));
  if (options.Has("largest")) {
    const Options largest(options.Get("largest"), "ScreenCapture: largest");
    request.largestWidth = static_cast<int>(largest.Integer("width", 16, kMaxImageSide));
    request.largestHeight = static_cast<int>(largest.Integer("height", 16, kMaxImageSide));
  }
  if (options.Has("region")) {
    const Options region(options.Get("region"), "ScreenCapture: region");
    const auto integer = [&](const char* key) {
      return static_cast<int>(region.Integer(key, 0, kMaxImageSide));
    };
    request.region = ScreenArea{integer("x"), integer("y"), integer("width"), integer("height")};
  }
  return request;
}

class ScreenCaptureJs : public Napi::ObjectWrap<ScreenCaptureJs> {
 public:
  explicit ScreenCaptureJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ScreenCaptureJs>(info) {
    Guard(info.Env(), [&] {
      auto core = std::make_unique<ScreenCapture>(ToRequest(info[0]));
      first_ = core->PictureOf(core->Area());
      core_ = std::move(core);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "ScreenCapture",
                       {InstanceAccessor<&ScreenCaptureJs::Width>("width"),
                        InstanceAccessor<&ScreenCaptureJs::Height>("height"),
                        InstanceAccessor<&ScreenCaptureJs::Shared>("shared"),
                        InstanceMethod<&ScreenCaptureJs::Capture>("capture"),
                        InstanceMethod<&ScreenCaptureJs::Close>("close")});
  }

 private:
  Napi::Value Width(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), first_.width); }
  Napi::Value Height(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), first_.height); }

  Napi::Value Shared(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), Alive(info.Env(), core_, "ScreenCapture").shared());
  }

  Napi::Value Capture(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      ScreenCapture& core = Alive(info.Env(), core_, "ScreenCapture");
      const std::span<uint8_t> out = ToBytes(info[0], "ScreenCapture.capture: out");
      const std::span<int32_t> size = ToWords(info[1], "ScreenCapture.capture: size", 2);
      ScreenArea shown;
      const size_t bytes = core.Capture(out, shown);
      size[0] = shown.width;
      size[1] = shown.height;
      return Napi::Number::New(info.Env(), static_cast<double>(bytes));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<ScreenCapture> core_;
  ScreenArea first_;
};

}  // namespace

void InitScreen(Napi::Env env, Napi::Object exports) {
  exports.Set("ScreenCapture", ScreenCaptureJs::Define(env));
}

}  // namespace roomrtc::binding
