#include "addon.h"
#include "image_args.h"
#include "v4l2_capture.h"

namespace roomrtc::binding {

namespace {

class V4l2CaptureJs : public Napi::ObjectWrap<V4l2CaptureJs> {
 public:
  explicit V4l2CaptureJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<V4l2CaptureJs>(info) {
    Guard(info.Env(), [&] {
      const std::string path = ToText(info[0], "V4l2Capture.open: path");
      const Options options(info[1], "V4l2Capture.open");
      V4l2Request request;
      request.width = static_cast<int>(options.Integer("width", 16, kMaxImageSide));
      request.height = static_cast<int>(options.Integer("height", 16, kMaxImageSide));
      request.frameRate = options.Number("frameRate", 1, 240);
      core_ = V4l2Capture::Open(path, request);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "V4l2Capture",
        {StaticMethod<&V4l2CaptureJs::Open>("open"), InstanceAccessor<&V4l2CaptureJs::Format>("format"),
         InstanceAccessor<&V4l2CaptureJs::Width>("width"), InstanceAccessor<&V4l2CaptureJs::Height>("height"),
         InstanceAccessor<&V4l2CaptureJs::FrameRate>("frameRate"),
         InstanceMethod<&V4l2CaptureJs::Capture>("capture"), InstanceMethod<&V4l2CaptureJs::Close>("close")});
  }

 private:
  static Napi::Value Open(const Napi::CallbackInfo& info) {
    return info.This().As<Napi::Function>().New({info[0], info[1]});
  }

  V4l2Capture& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "V4l2Capture"); }

  Napi::Value Format(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), PixelFormatName(Core(info).mode().format));
  }
  Napi::Value Width(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).mode().width);
  }
  Napi::Value Height(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).mode().height);
  }
  Napi::Value FrameRate(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).mode().frameRate);
  }

  Napi::Value Capture(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      V4l2Capture& core = Core(info);
      const Image target = ToImage(info, 0, "V4l2Capture.capture", "out");
      const double timeoutUs = ToNumber(info[2], "V4l2Capture.capture: timeoutUs", 0, 1e9);
      return Napi::Number::New(info.Env(), core.Capture(target, timeoutUs));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<V4l2Capture> core_;
};

}  // namespace

void InitV4l2Capture(Napi::Env env, Napi::Object exports) {
  exports.Set("V4l2Capture", V4l2CaptureJs::Define(env));
}

}  // namespace roomrtc::binding
