#include "dtls_binding.h"

#include <array>

#include "addon.h"
#include "args.h"
#include "certificate_binding.h"

namespace roomrtc::binding {

namespace {

constexpr napi_type_tag kTransportTag{0x8c41d7e05b2f4a93, 0xb7e6f15d02c8394a};
constexpr std::string_view kRoles[] = {"client", "server"};
constexpr std::string_view kProfiles[] = {"AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"};
constexpr std::string_view kStates[] = {"new", "connecting", "connected", "closed", "failed"};
constexpr int64_t kMaxExport = 1024;

std::vector<SrtpProfile> ToProfiles(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) ThrowType(value, name, "an array of SRTP profiles");
  const Napi::Array list = value.As<Napi::Array>();
  if (list.Length() > std::size(kProfiles)) {
    ThrowRange(value.Env(), name, "an array of at most 3 profiles", std::to_string(list.Length()));
  }
  std::vector<SrtpProfile> profiles;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    profiles.push_back(SrtpProfile(ToChoice(list.Get(i), name + "[" + std::to_string(i) + "]", kProfiles)));
  }
  return profiles;
}

DtlsOptions ToOptions(const Options& options) {
  DtlsOptions result;
  result.role = static_cast<DtlsOptions::Role>(options.Choice("role", kRoles));
  result.mtu =
      static_cast<size_t>(options.Integer("mtu", DtlsTransport::kMinMtu, DtlsTransport::kMaxMtu, 1200));
  result.retransmitUs = options.Number("retransmitUs", DtlsTransport::kMinRetransmitUs,
                                       DtlsTransport::kMaxRetransmitUs, result.retransmitUs);
  result.handshakeTimeoutUs = options.Number("handshakeTimeoutUs", 1, 3600e6, result.handshakeTimeoutUs);
  if (options.Has("srtpProfiles")) {
    result.srtpProfiles = ToProfiles(options.Get("srtpProfiles"), options.Name("srtpProfiles"));
  }
  return result;
}

class DtlsTransportJs : public Napi::ObjectWrap<DtlsTransportJs> {
 public:
  explicit DtlsTransportJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DtlsTransportJs>(info) {
    Guard(info.Env(), [&] {
      const Options options(info[0], "DtlsTransport");
      const Certificate& certificate = ToCertificate(options.Get("certificate"), options.Name("certificate"));
      core_ = std::make_unique<DtlsTransport>(ToOptions(options), certificate);
    });
    info.This().As<Napi::Object>().TypeTag(&kTransportTag);
  }

  static DtlsTransport& From(const Napi::Value& value, const std::string& name) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kTransportTag)) {
      ThrowType(value, name, "a DtlsTransport");
    }
    return Alive(value.Env(), Unwrap(value.As<Napi::Object>())->core_, "DtlsTransport");
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "DtlsTransport",
                       {InstanceAccessor<&DtlsTransportJs::State>("state"),
                        InstanceAccessor<&DtlsTransportJs::Failure>("failure"),
                        InstanceAccessor<&DtlsTransportJs::NextDeadlineUs>("nextDeadlineUs"),
                        InstanceAccessor<&DtlsTransportJs::Profile>("srtpProfile"),
                        InstanceAccessor<&DtlsTransportJs::Cipher>("cipher"),
                        InstanceMethod<&DtlsTransportJs::Start>("start"),
                        InstanceMethod<&DtlsTransportJs::HandleDatagram>("handleDatagram"),
                        InstanceMethod<&DtlsTransportJs::HandleTimeout>("handleTimeout"),
                        InstanceMethod<&DtlsTransportJs::TakeDatagram>("takeDatagram"),
                        InstanceMethod<&DtlsTransportJs::RemoteFingerprint>("remoteFingerprint"),
                        InstanceMethod<&DtlsTransportJs::RemoteCertificate>("remoteCertificate"),
                        InstanceMethod<&DtlsTransportJs::ExportKeyingMaterial>("exportKeyingMaterial"),
                        InstanceMethod<&DtlsTransportJs::SendApplicationData>("sendApplicationData"),
                        InstanceMethod<&DtlsTransportJs::TakeApplicationData>("takeApplicationData"),
                        InstanceMethod<&DtlsTransportJs::Close>("close"),
                        InstanceMethod<&DtlsTransportJs::Destroy>("destroy")});
  }

 private:
  DtlsTransport& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "DtlsTransport"); }

  static double Time(const Napi::Value& value, const char* name) { return ToNumber(value, name, 0, 1e18); }

  Napi::Value State(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), std::string(kStates[static_cast<size_t>(Core(info).state())]));
  }
  Napi::Value Failure(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), Core(info).failure());
  }
  Napi::Value NextDeadlineUs(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).NextDeadlineUs());
  }
  Napi::Value Profile(const Napi::CallbackInfo& info) {
    const std::optional<SrtpProfile> profile = Core(info).srtpProfile();
    return Napi::String::New(info.Env(), profile ? std::string(SizesOf(*profile).name) : "");
  }
  Napi::Value Cipher(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), Core(info).Cipher());
  }

  void Start(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).Start(Time(info[0], "DtlsTransport.start: nowUs")); });
  }
  void HandleDatagram(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const std::span<uint8_t> datagram = ToBytes(info[0], "DtlsTransport.handleDatagram: datagram");
      Core(info).HandleDatagram(datagram, Time(info[1], "DtlsTransport.handleDatagram: nowUs"));
    });
  }
  void HandleTimeout(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).HandleTimeout(Time(info[0], "DtlsTransport.handleTimeout: nowUs")); });
  }
  Napi::Value TakeDatagram(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::span<uint8_t> out = ToBytes(info[0], "DtlsTransport.takeDatagram: out");
      return Napi::Number::New(info.Env(), static_cast<double>(Core(info).TakeDatagram(out)));
    });
  }

  Napi::Value RemoteCertificate(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&]() -> Napi::Value {
      const std::vector<uint8_t> der = Core(info).RemoteCertificate();
      return Napi::Buffer<uint8_t>::Copy(info.Env(), der.data(), der.size());
    });
  }
  Napi::Value RemoteFingerprint(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::string algorithm = ToText(info[0], "DtlsTransport.remoteFingerprint: algorithm");
      return Napi::String::New(info.Env(), Core(info).RemoteFingerprint(algorithm));
    });
  }
  Napi::Value ExportKeyingMaterial(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::string label = ToText(info[0], "DtlsTransport.exportKeyingMaterial: label");
      const int64_t length = ToInteger(info[1], "DtlsTransport.exportKeyingMaterial: length", 1, kMaxExport);
      const std::vector<uint8_t> material =
          Core(info).ExportKeyingMaterial(label, static_cast<size_t>(length));
      Napi::Uint8Array result = Napi::Uint8Array::New(info.Env(), material.size());
      std::copy(material.begin(), material.end(), result.Data());
      return result;
    });
  }

  void SendApplicationData(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const std::span<uint8_t> data = ToBytes(info[0], "DtlsTransport.sendApplicationData: data");
      if (data.empty() || data.size() > DtlsTransport::kMaxApplicationData) {
        ThrowRange(info.Env(), "DtlsTransport.sendApplicationData: data",
                   "1 to " + std::to_string(DtlsTransport::kMaxApplicationData) + " bytes",
                   std::to_string(data.size()));
      }
      Core(info).SendApplicationData(data);
    });
  }
  Napi::Value TakeApplicationData(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::span<uint8_t> out = ToBytes(info[0], "DtlsTransport.takeApplicationData: out");
      return Napi::Number::New(info.Env(), static_cast<double>(Core(info).TakeApplicationData(out)));
    });
  }

  void Close(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).Close(); });
  }
  void Destroy(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<DtlsTransport> core_;
};

}  // namespace

DtlsTransport& ToDtlsTransport(const Napi::Value& value, const std::string& name) {
  return DtlsTransportJs::From(value, name);
}

void InitDtlsTransport(Napi::Env env, Napi::Object exports) {
  exports.Set("DtlsTransport", DtlsTransportJs::Define(env));
}

}  // namespace roomrtc::binding
