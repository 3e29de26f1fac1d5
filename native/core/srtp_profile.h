// The SRTP protection profiles this engine speaks and their sizes.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace roomrtc {

enum class SrtpProfile { kAeadAes128Gcm, kAeadAes256Gcm, kAes128CmSha1_80 };

struct SrtpProfileSizes {
  std::string_view name;  // IANA's, without the SRTP_ prefix
  size_t key;
  size_t salt;
  size_t tag;
};

/// RFC 7714 §12 (GCM), RFC 3711 §5 and §8.2 with RFC 5764 §4.1.2 (CM with HMAC-SHA1-80).
constexpr SrtpProfileSizes SizesOf(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAeadAes128Gcm:
      return {"AEAD_AES_128_GCM", 16, 12, 16};
    case SrtpProfile::kAeadAes256Gcm:
      return {"AEAD_AES_256_GCM", 32, 12, 16};
    case SrtpProfile::kAes128CmSha1_80:
      break;
  }
  return {"AES128_CM_SHA1_80", 16, 14, 10};
}

constexpr std::optional<SrtpProfile> SrtpProfileByName(std::string_view name) {
  for (const SrtpProfile profile :
       {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAes128CmSha1_80}) {
    if (SizesOf(profile).name == name) return profile;
  }
  return std::nullopt;
}

}  // namespace roomrtc
