// The plain SHA-1 functions are deprecated in OpenSSL 3, but they alone let a keyed state be copied without
// an allocation for each packet.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "srtp_cipher.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "byte_order.h"
#include "openssl_handles.h"

namespace roomrtc {

namespace {

int Length(std::span<const uint8_t> bytes) { return static_cast<int>(bytes.size()); }

/// RFC 7714: AES in Galois/counter mode, a 16-byte tag.
class GcmCipher final : public SrtpCipher {
 public:
  GcmCipher(SrtpProfile profile, const SrtpSessionKeys& keys) : context_(EVP_CIPHER_CTX_new()) {
    std::copy_n(keys.salt.begin(), salt_.size(), salt_.begin());
    const EVP_CIPHER* cipher = SizesOf(profile).key == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
    CheckOpenSsl(context_ && EVP_EncryptInit_ex(context_.get(), cipher, nullptr, keys.cipher.data(),
                                                salt_.data()) == 1,
                 "SRTP cipher set-up");
  }
  ~GcmCipher() override { OPENSSL_cleanse(salt_.data(), salt_.size()); }

  void Seal(const SrtpNonce& nonce, const Packet& packet) override {
    int written = 0;
    CheckOpenSsl(Begin(nonce, packet, /*encrypt=*/1) && Update(packet.secret) &&
                     EVP_EncryptFinal_ex(context_.get(), packet.tag, &written) == 1 &&
                     EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTag, packet.tag) == 1,
                 "SRTP encryption");
  }

  bool Open(const SrtpNonce& nonce, const Packet& packet) override {
    int written = 0;
    uint8_t unused[16];
    return Begin(nonce, packet, /*encrypt=*/0) && Update(packet.secret) &&
           EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, packet.tag) == 1 &&
           EVP_DecryptFinal_ex(context_.get(), unused, &written) == 1;
  }

 private:
  static constexpr int kTag = 16;

  // RFC 7714 §8.1 (RTP: 00 00 || SSRC || ROC || SEQ) and §9.1 (RTCP: 00 00 || SSRC || 00 00 || 0 || index):
  // the index right-aligned in the last six octets serves both.
  bool Begin(const SrtpNonce& nonce, const Packet& packet, int encrypt) {
    std::array<uint8_t, 12> iv{};
    WriteU32(iv.data() + 2, nonce.ssrc);
    WriteU16(iv.data() + 6, static_cast<uint16_t>(nonce.index >> 32));
    WriteU32(iv.data() + 8, static_cast<uint32_t>(nonce.index));
    for (size_t i = 0; i < iv.size(); ++i) iv[i] ^= salt_[i];
    return EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data(), encrypt) == 1 &&
           Authenticate(packet.clear) && Authenticate(packet.trailer);
  }

  bool Authenticate(std::span<const uint8_t> bytes) {
    int written = 0;
    return bytes.empty() ||
           EVP_CipherUpdate(context_.get(), nullptr, &written, bytes.data(), Length(bytes)) == 1;
  }

  bool Update(std::span<uint8_t> bytes) {
    int written = 0;
    return bytes.empty() ||
           EVP_CipherUpdate(context_.get(), bytes.data(), &written, bytes.data(), Length(bytes)) == 1;
  }

  CipherContextHandle context_;
  std::array<uint8_t, 12> salt_{};
};

/// HMAC-SHA1 (RFC 2104) with both key blocks hashed once, ahead of all packets.
class HmacSha1 {
 public:
  static constexpr size_t kDigest = SHA_DIGEST_LENGTH;

  explicit HmacSha1(std::span<const uint8_t> key) {
    Start(inner_, key, 0x36);
    Start(outer_, key, 0x5c);
  }
  ~HmacSha1() {
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
  }

  std::array<uint8_t, kDigest> Digest(std::span<const uint8_t> first, std::span<const uint8_t> second,
                                      std::span<const uint8_t> third) const {
    std::array<uint8_t, kDigest> digest;
    SHA_CTX state = inner_;
    SHA1_Update(&state, first.data(), first.size());
    SHA1_Update(&state, second.data(), second.size());
    SHA1_Update(&state, third.data(), third.size());
    SHA1_Final(digest.data(), &state);
    state = outer_;
    SHA1_Update(&state, digest.data(), digest.size());
    SHA1_Final(digest.data(), &state);
    return digest;
  }

 private:
  static void Start(SHA_CTX& state, std::span<const uint8_t> key, uint8_t pad) {
    std::array<uint8_t, SHA_CBLOCK> block{};
    std::copy(key.begin(), key.end(), block.begin());
    for (uint8_t& byte : block) byte ^= pad;
    SHA1_Init(&state);
    SHA1_Update(&state, block.data(), block.size());
    OPENSSL_cleanse(block.data(), block.size());
  }

  SHA_CTX inner_;
  SHA_CTX outer_;
};

/// RFC 3711 §4.1.1 and §4.2: AES in counter mode, the first 80 bits of HMAC-SHA1 as tag.
class CounterModeCipher final : public SrtpCipher {
 public:
  explicit CounterModeCipher(const SrtpSessionKeys& keys)
      : context_(EVP_CIPHER_CTX_new()), hmac_(keys.authentication) {
    std::copy(keys.salt.begin(), keys.salt.end(), salt_.begin());
    CheckOpenSsl(context_ && EVP_EncryptInit_ex(context_.get(), EVP_aes_128_ctr(), nullptr,
                                                keys.cipher.data(), salt_.data()) == 1,
                 "SRTP cipher set-up");
  }
  ~CounterModeCipher() override { OPENSSL_cleanse(salt_.data(), salt_.size()); }

  void Seal(const SrtpNonce& nonce, const Packet& packet) override {
    CheckOpenSsl(Crypt(nonce, packet.secret), "SRTP encryption");
    const auto digest = hmac_.Digest(packet.clear, packet.secret, packet.trailer);
    std::memcpy(packet.tag, digest.data(), kTag);
  }

  bool Open(const SrtpNonce& nonce, const Packet& packet) override {
    const auto digest = hmac_.Digest(packet.clear, packet.secret, packet.trailer);
    return CRYPTO_memcmp(packet.tag, digest.data(), kTag) == 0 && Crypt(nonce, packet.secret);
  }

 private:
  static constexpr size_t kTag = 10;

  // IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
  bool Crypt(const SrtpNonce& nonce, std::span<uint8_t> bytes) {
    std::array<uint8_t, 16> iv{};
    WriteU32(iv.data() + 4, nonce.ssrc);
    WriteU16(iv.data() + 8, static_cast<uint16_t>(nonce.index >> 32));
    WriteU32(iv.data() + 10, static_cast<uint32_t>(nonce.index));
    for (size_t i = 0; i < iv.size(); ++i) iv[i] ^= salt_[i];
    int written = 0;
    return bytes.empty() ||
           (EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data()) == 1 &&
            EVP_EncryptUpdate(context_.get(), bytes.data(), &written, bytes.data(), Length(bytes)) == 1);
  }

  CipherContextHandle context_;
  HmacSha1 hmac_;
  std::array<uint8_t, 16> salt_{};
};

}  // namespace

std::unique_ptr<SrtpCipher> SrtpCipher::Create(SrtpProfile profile, const SrtpSessionKeys& keys) {
  if (profile == SrtpProfile::kAes128CmSha1_80) return std::make_unique<CounterModeCipher>(keys);
  return std::make_unique<GcmCipher>(profile, keys);
}

}  // namespace roomrtc
