#include "certificate_binding.h"

#include <time.h>

#include "addon.h"
#include "args.h"

namespace roomrtc::binding {

namespace {

constexpr napi_type_tag kCertificateTag{0x6d2c4b1a98f7e6d5, 0xc4b3a29180716253};
constexpr size_t kLongestName = 253;       // of a host (RFC 1035 §2.3.4)
constexpr size_t kLongestCommonName = 64;  // ub-common-name of RFC 5280
constexpr uint32_t kMaxAltNames = 100;
constexpr int64_t kDaySeconds = 24 * 60 * 60;

std::string NameText(const Napi::Value& value, const std::string& what, size_t longest) {
  const std::string text = ToText(value, what);
  if (text.empty() || text.size() > longest) {
    ThrowRange(value.Env(), what, "1 to " + std::to_string(longest) + " bytes", Describe(value));
  }
  return text;
}

class CertificateJs : public Napi::ObjectWrap<CertificateJs> {
 public:
  /// From `fromPem` with two strings or from `generate` with its options.
  explicit CertificateJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CertificateJs>(info) {
    Guard(info.Env(), [&] {
      core_ = std::make_unique<Certificate>(info.Length() > 1 ? FromTexts(info) : FromOptions(info[0]));
    });
    info.This().As<Napi::Object>().TypeTag(&kCertificateTag);
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "Certificate",
        {StaticMethod<&CertificateJs::Generate>("generate"), StaticMethod<&CertificateJs::FromPem>("fromPem"),
         InstanceAccessor<&CertificateJs::CertificatePem>("certificatePem"),
         InstanceAccessor<&CertificateJs::PrivateKeyPem>("privateKeyPem"),
         InstanceAccessor<&CertificateJs::ExpiresMs>("expiresMs"),
         InstanceMethod<&CertificateJs::Fingerprint>("fingerprint")});
  }

  static const Certificate& From(const Napi::Value& value, const std::string& name) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kCertificateTag)) {
      ThrowType(value, name, "a Certificate");
    }
    return *Unwrap(value.As<Napi::Object>())->core_;
  }

 private:
  static Napi::Value Generate(const Napi::CallbackInfo& info) {
    return info.This().As<Napi::Function>().New({info[0]});
  }
  static Napi::Value FromPem(const Napi::CallbackInfo& info) {
    return info.This().As<Napi::Function>().New({info[0], info[1]});
  }

  static Certificate FromTexts(const Napi::CallbackInfo& info) {
    return Certificate::FromPem(ToText(info[0], "Certificate.fromPem: certificatePem"),
                                ToText(info[1], "Certificate.fromPem: privateKeyPem"));
  }

  static Certificate FromOptions(const Napi::Value& value) {
    const Options options = Options::Optional(value, "Certificate.generate");
    CertificateRequest request;
    request.commonName = "RoomRTC";
    if (options.Has("commonName")) {
      request.commonName =
          NameText(options.Get("commonName"), options.Name("commonName"), kLongestCommonName);
    }
    request.validSeconds = options.Integer("days", 1, 36500, 30) * kDaySeconds;
    request.validSeconds = options.Integer("seconds", 0, 36500 * kDaySeconds, request.validSeconds);
    if (options.Has("privateKeyPem")) {
      request.privateKeyPem = ToText(options.Get("privateKeyPem"), options.Name("privateKeyPem"));
    }
    request.nowSeconds = time(nullptr);
    if (options.Has("subjectAltNames")) request.subjectAltNames = AltNames(options);
    return Certificate::Generate(request);
  }

  static std::vector<std::string> AltNames(const Options& options) {
    const std::string name = options.Name("subjectAltNames");
    const Napi::Value value = options.Get("subjectAltNames");
    if (!value.IsArray()) ThrowType(value, name, "an array of host names and addresses");
    const Napi::Array list = value.As<Napi::Array>();
    if (list.Length() > kMaxAltNames) {
      ThrowRange(options.Env(), name, "at most " + std::to_string(kMaxAltNames) + " names",
                 std::to_string(list.Length()));
    }
    std::vector<std::string> names;
    for (uint32_t i = 0; i < list.Length(); ++i) {
      names.push_back(NameText(list.Get(i), name + "[" + std::to_string(i) + "]", kLongestName));
    }
    return names;
  }

  Napi::Value CertificatePem(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] { return Napi::String::New(info.Env(), core_->CertificatePem()); });
  }
  Napi::Value PrivateKeyPem(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] { return Napi::String::New(info.Env(), core_->PrivateKeyPem()); });
  }
  Napi::Value ExpiresMs(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] { return Napi::Number::New(info.Env(), core_->ExpiresMs()); });
  }
  Napi::Value Fingerprint(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::string algorithm = ToText(info[0], "Certificate.fingerprint: algorithm");
      return Napi::String::New(info.Env(), FingerprintOf(core_->x509(), algorithm));
    });
  }

  std::unique_ptr<Certificate> core_;
};

}  // namespace

const Certificate& ToCertificate(const Napi::Value& value, const std::string& name) {
  return CertificateJs::From(value, name);
}

void InitCertificate(Napi::Env env, Napi::Object exports) {
  exports.Set("Certificate", CertificateJs::Define(env));
}

}  // namespace roomrtc::binding
