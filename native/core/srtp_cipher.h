// One keyed packet cipher: the transforms of RFC 7714 (AES-GCM) and RFC 3711 (AES-CM with HMAC-SHA1).
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "srtp_key_derivation.h"
#include "srtp_profile.h"

namespace roomrtc {

/// What names a packet to the cipher: its source and its index (RTP: 48 bits ROC || SEQ; RTCP: 31 bits).
struct SrtpNonce {
  uint32_t ssrc;
  uint64_t index;
};

/// Seals and opens packets of one kind (RTP or RTCP) under one session key. Keeps the expanded key; a packet
/// only sets its IV and allocates nothing. The transforms differ in what their tag covers, so a packet comes
/// as `clear` (authenticated) followed directly by `secret` (authenticated and encrypted in place), `trailer`
/// (authenticated, not part of the packet's front: ROC, or E || index), and the tag.
class SrtpCipher {
 public:
  struct Packet {
    std::span<uint8_t> clear;
    std::span<uint8_t> secret;
    std::span<const uint8_t> trailer;
    uint8_t* tag;
  };

  virtual ~SrtpCipher() = default;
  /// Encrypts `secret` and writes the tag.
  virtual void Seal(const SrtpNonce& nonce, const Packet& packet) = 0;
  /// Checks the tag and decrypts `secret`; on false the bytes of `secret` are undefined.
  virtual bool Open(const SrtpNonce& nonce, const Packet& packet) = 0;

  static std::unique_ptr<SrtpCipher> Create(SrtpProfile profile, const SrtpSessionKeys& keys);
};

}  // namespace roomrtc
