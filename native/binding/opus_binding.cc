#include "addon.h"
#include "args.h"
#include "opus_codec.h"

namespace roomrtc::binding {

namespace {

constexpr std::string_view kApplications[] = {"voip", "audio", "lowdelay"};
// RFC 7587 §6.1 maxaveragebitrate.
constexpr int64_t kMinBitrateBps = 6'000;
constexpr int64_t kMaxBitrateBps = 510'000;
// The longest packet: 120 ms at 48 kHz (RFC 6716 §3.2.5).
constexpr int64_t kMaxFrameSamples = 5760;

int SampleRate(const Options& options) {
  const int64_t rate = options.Integer("sampleRate", 8000, 48000);
  for (const int64_t allowed : {8000, 12000, 16000, 24000, 48000}) {
    if (rate == allowed) return static_cast<int>(rate);
  }
  ThrowRange(options.Env(), options.Name("sampleRate"), "one of 8000 12000 16000 24000 48000",
             std::to_string(rate));
}

class OpusEncoderJs : public Napi::ObjectWrap<OpusEncoderJs> {
 public:
  explicit OpusEncoderJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<OpusEncoderJs>(info) {
    Guard(info.Env(), [&] {
      const Options options(info[0], "OpusEncoder");
      OpusEncoderSettings settings;
      settings.sampleRate = SampleRate(options);
      settings.channels = static_cast<int>(options.Integer("channels", 1, 2));
      settings.bitrateBps = static_cast<int>(options.Integer("bitrateBps", kMinBitrateBps, kMaxBitrateBps));
      settings.use = static_cast<OpusUse>(options.Choice("application", kApplications, 0));
      settings.fec = options.Boolean("fec", false);
      settings.dtx = options.Boolean("dtx", false);
      settings.packetLossPercent = static_cast<int>(options.Integer("packetLossPercent", 0, 100, 0));
      settings.complexity = static_cast<int>(options.Integer("complexity", 0, 10, settings.complexity));
      core_ = std::make_unique<OpusFrameEncoder>(settings);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "OpusEncoder",
                       {InstanceMethod<&OpusEncoderJs::Encode>("encode"),
                        InstanceMethod<&OpusEncoderJs::SetBitrate>("setBitrate"),
                        InstanceMethod<&OpusEncoderJs::SetPacketLoss>("setPacketLoss"),
                        InstanceMethod<&OpusEncoderJs::Close>("close")});
  }

 private:
  OpusFrameEncoder& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "OpusEncoder"); }

  Napi::Value Encode(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      OpusFrameEncoder& core = Core(info);
      const std::span<int16_t> pcm = ToSamples(info[0], "OpusEncoder.encode: pcm");
      const std::span<uint8_t> out = ToBytes(info[1], "OpusEncoder.encode: out");
      return Napi::Number::New(info.Env(), static_cast<double>(core.Encode(pcm, out)));
    });
  }

  void SetBitrate(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const auto bitrateBps =
          ToInteger(info[0], "OpusEncoder.setBitrate: bitrateBps", kMinBitrateBps, kMaxBitrateBps);
      Core(info).SetBitrate(static_cast<int>(bitrateBps));
    });
  }

  void SetPacketLoss(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      Core(info).SetPacketLoss(
          static_cast<int>(ToInteger(info[0], "OpusEncoder.setPacketLoss: percent", 0, 100)));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<OpusFrameEncoder> core_;
};

class OpusDecoderJs : public Napi::ObjectWrap<OpusDecoderJs> {
 public:
  explicit OpusDecoderJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<OpusDecoderJs>(info) {
    Guard(info.Env(), [&] {
      const Options options(info[0], "OpusDecoder");
      const int channels = static_cast<int>(options.Integer("channels", 1, 2));
      core_ = std::make_unique<OpusFrameDecoder>(SampleRate(options), channels);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "OpusDecoder",
        {InstanceMethod<&OpusDecoderJs::Decode>("decode"),
         InstanceMethod<&OpusDecoderJs::DecodeFec>("decodeFec"),
         InstanceMethod<&OpusDecoderJs::Conceal>("conceal"), InstanceMethod<&OpusDecoderJs::Close>("close")});
  }

 private:
  OpusFrameDecoder& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "OpusDecoder"); }

  Napi::Value Decode(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      OpusFrameDecoder& core = Core(info);
      const std::span<uint8_t> packet = ToBytes(info[0], "OpusDecoder.decode: packet");
      const std::span<int16_t> pcm = ToSamples(info[1], "OpusDecoder.decode: pcm");
      return Napi::Number::New(info.Env(), core.Decode(packet, pcm));
    });
  }

  Napi::Value DecodeFec(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      OpusFrameDecoder& core = Core(info);
      const std::span<uint8_t> packet = ToBytes(info[0], "OpusDecoder.decodeFec: packet");
      const std::span<int16_t> pcm = ToSamples(info[1], "OpusDecoder.decodeFec: pcm");
      const auto frame = ToInteger(info[2], "OpusDecoder.decodeFec: frameSamples", 1, kMaxFrameSamples);
      return Napi::Number::New(info.Env(), core.DecodeFec(packet, pcm, static_cast<int>(frame)));
    });
  }

  Napi::Value Conceal(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      OpusFrameDecoder& core = Core(info);
      const std::span<int16_t> pcm = ToSamples(info[0], "OpusDecoder.conceal: pcm");
      const auto frame = ToInteger(info[1], "OpusDecoder.conceal: frameSamples", 1, kMaxFrameSamples);
      return Napi::Number::New(info.Env(), core.Conceal(pcm, static_cast<int>(frame)));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<OpusFrameDecoder> core_;
};

}  // namespace

void InitOpus(Napi::Env env, Napi::Object exports) {
  exports.Set("OpusEncoder", OpusEncoderJs::Define(env));
  exports.Set("OpusDecoder", OpusDecoderJs::Define(env));
}

}  // namespace roomrtc::binding
