#include "addon.h"
#include "args.h"
#include "h264_decoder.h"

namespace roomrtc::binding {

namespace {

// DecodedLayout in native/addon.ts.
constexpr size_t kLayoutWords = 8;

void WriteLayout(std::span<int32_t> words, int width, int height) {
  const ImageLayout layout = TightI420(width, height);
  words[0] = width;
  words[1] = height;
  for (size_t plane = 0; plane < 3; ++plane) {
    words[2 + plane] = layout.planes[plane].stride;
    words[5 + plane] = static_cast<int32_t>(layout.planes[plane].offset);
  }
}

class H264DecoderJs : public Napi::ObjectWrap<H264DecoderJs> {
 public:
  explicit H264DecoderJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<H264DecoderJs>(info) {
    Guard(info.Env(), [&] {
      const Options options = Options::Optional(info[0], "H264Decoder");
      core_ = std::make_unique<H264Decoder>(OpenH264Library::Load(options.Text("libraryPath", "")));
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "H264Decoder",
        {InstanceMethod<&H264DecoderJs::Decode>("decode"), InstanceMethod<&H264DecoderJs::Close>("close")});
  }

 private:
  Napi::Value Decode(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      H264Decoder& core = Alive(info.Env(), core_, "H264Decoder");
      const std::span<uint8_t> unit = ToBytes(info[0], "H264Decoder.decode: accessUnit");
      const std::span<uint8_t> out = ToBytes(info[1], "H264Decoder.decode: out");
      const std::span<int32_t> layout = ToWords(info[2], "H264Decoder.decode: layout", kLayoutWords);
      return Napi::Number::New(info.Env(), Report(core.Decode(unit, out), layout));
    });
  }

  static double Report(const H264Decoder::Result& result, std::span<int32_t> layout) {
    switch (result.outcome) {
      case H264Decoder::Outcome::kPicture:
        WriteLayout(layout, result.width, result.height);
        return static_cast<double>(TightI420Bytes(result.width, result.height));
      case H264Decoder::Outcome::kDamaged:
        return -1;
      case H264Decoder::Outcome::kTooSmall:
        WriteLayout(layout, result.width, result.height);
        return -2;
      default:
        return 0;
    }
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<H264Decoder> core_;
};

}  // namespace

void InitH264Decoder(Napi::Env env, Napi::Object exports) {
  exports.Set("H264Decoder", H264DecoderJs::Define(env));
}

}  // namespace roomrtc::binding
