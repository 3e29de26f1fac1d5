// SRTP key derivation (RFC 3711 §4.3, RFC 7714 §11) with a key derivation rate of zero.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "srtp_profile.h"

namespace roomrtc {

enum class SrtpKind { kRtp, kRtcp };

/// What one kind of packet is encrypted and authenticated with; wiped at its end.
struct SrtpSessionKeys {
  std::array<uint8_t, 32> cipher{};          // SizesOf(profile).key bytes of it count
  std::array<uint8_t, 14> salt{};            // SizesOf(profile).salt
  std::array<uint8_t, 20> authentication{};  // AES128_CM_SHA1_80 alone

  SrtpSessionKeys() = default;
  SrtpSessionKeys(const SrtpSessionKeys&) = default;
  ~SrtpSessionKeys();
};

/// Master key and salt must have the profile's sizes.
SrtpSessionKeys DeriveSrtpSessionKeys(SrtpProfile profile, SrtpKind kind, std::span<const uint8_t> masterKey,
                                      std::span<const uint8_t> masterSalt);

}  // namespace roomrtc
