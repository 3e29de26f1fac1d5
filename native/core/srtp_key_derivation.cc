#include "srtp_key_derivation.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "openssl_handles.h"

namespace roomrtc {

namespace {

/// RFC 3711 §4.3.2; SRTCP's labels are three more.
enum Label : uint8_t { kCipher = 0, kAuthentication = 1, kSalt = 2 };

/// Fills `out` with the AES-CM pseudo-random function of master key, master salt and label. A salt of 12
/// bytes is padded with zeros at its end (libsrtp does the same).
void Derive(std::span<const uint8_t> masterKey, std::span<const uint8_t> masterSalt, uint8_t label,
            std::span<uint8_t> out) {
  // RFC 3711 §4.3.1: x = (label || r) XOR master_salt with r = 0; the label is octet 7 of the 14-octet x, and
  // the counter block is x * 2^16 (§4.3.3).
  std::array<uint8_t, 16> block{};
  std::copy_n(masterSalt.begin(), std::min<size_t>(masterSalt.size(), 14), block.begin());
  block[7] ^= label;

  const EVP_CIPHER* cipher = masterKey.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  const CipherContextHandle context(EVP_CIPHER_CTX_new());
  std::fill(out.begin(), out.end(), uint8_t{0});
  int written = 0;
  CheckOpenSsl(
      context && EVP_EncryptInit_ex(context.get(), cipher, nullptr, masterKey.data(), block.data()) == 1 &&
          EVP_EncryptUpdate(context.get(), out.data(), &written, out.data(), static_cast<int>(out.size())) ==
              1,
      "SRTP key derivation");
}

}  // namespace

SrtpSessionKeys::~SrtpSessionKeys() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(salt.data(), salt.size());
  OPENSSL_cleanse(authentication.data(), authentication.size());
}

SrtpSessionKeys DeriveSrtpSessionKeys(SrtpProfile profile, SrtpKind kind, std::span<const uint8_t> masterKey,
                                      std::span<const uint8_t> masterSalt) {
  const SrtpProfileSizes sizes = SizesOf(profile);
  const uint8_t base = kind == SrtpKind::kRtp ? 0 : 3;
  SrtpSessionKeys keys;
  Derive(masterKey, masterSalt, base + kCipher, std::span(keys.cipher).first(sizes.key));
  Derive(masterKey, masterSalt, base + kAuthentication, keys.authentication);
  Derive(masterKey, masterSalt, base + kSalt, std::span(keys.salt).first(sizes.salt));
  return keys;
}

}  // namespace roomrtc
