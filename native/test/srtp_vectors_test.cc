// SRTP against the vectors of RFC 3711 (appendix B) and RFC 7714 (§16, §17), and the replay window against a
// plain set.
#include <algorithm>
#include <random>
#include <set>

#include "check.h"
#include "hex.h"
#include "openssl_handles.h"
#include "replay_window.h"
#include "srtp_cipher.h"
#include "srtp_context.h"
#include "srtp_key_derivation.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr const char* kKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr const char* kSalt = "517569642070726f2071756f";
constexpr const char* kRtp =
    "8040f17b8041f8d35501a0b2"
    "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
constexpr const char* kRtcp =
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
constexpr SrtpNonce kRtpNonce{0x5501a0b2, 0xf17b};
constexpr SrtpNonce kRtcpNonce{0x4d617273, 0x5d4};

SrtpSessionKeys SessionKeys(SrtpProfile profile, const char* key, const char* salt) {
  SrtpSessionKeys keys;
  const Bytes keyBytes = FromHex(key);
  std::copy_n(keyBytes.begin(), SizesOf(profile).key, keys.cipher.begin());
  const Bytes saltBytes = FromHex(salt);
  std::copy(saltBytes.begin(), saltBytes.end(), keys.salt.begin());
  return keys;
}

/// Seals `packet` (with 16 bytes of room at its end), whose first `clear` bytes stay, then checks that it
/// opens again.
std::string SealAndOpen(SrtpProfile profile, const SrtpNonce& nonce, Bytes packet, size_t clear,
                        const Bytes& trailer) {
  PrepareOpenSsl();
  const Bytes plain = packet;
  const auto cipher = SrtpCipher::Create(profile, SessionKeys(profile, kKey, kSalt));
  const size_t length = packet.size();
  packet.resize(length + 16);
  const std::span<uint8_t> bytes(packet);
  const SrtpCipher::Packet parts{bytes.first(clear), bytes.subspan(clear, length - clear), trailer,
                                 packet.data() + length};
  cipher->Seal(nonce, parts);
  const std::string sealed = ToHex(packet);
  CHECK(cipher->Open(nonce, parts));
  CHECK_EQUAL(ToHex(bytes.first(length)), ToHex(plain));
  packet[0] ^= 1;
  CHECK(!cipher->Open(nonce, parts));
  return sealed;
}

}  // namespace

CASE("RFC 3711 B.3: key derivation") {
  PrepareOpenSsl();
  const SrtpSessionKeys keys = DeriveSrtpSessionKeys(SrtpProfile::kAes128CmSha1_80, SrtpKind::kRtp,
                                                     FromHex("E1F97A0D3E018BE0D64FA32C06DE4139"),
                                                     FromHex("0EC675AD498AFEEBB6960B3AABE6"));
  CHECK_EQUAL(ToHex(std::span(keys.cipher).first(16)), "c61e7a93744f39ee10734afe3ff7a087");
  CHECK_EQUAL(ToHex(keys.salt), "30cbbc08863d8c85d49db34a9ae1");
  CHECK_EQUAL(ToHex(keys.authentication), "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
}

CASE("RFC 3711 B.2: AES counter mode key stream") {
  PrepareOpenSsl();
  constexpr SrtpProfile profile = SrtpProfile::kAes128CmSha1_80;
  const auto cipher = SrtpCipher::Create(
      profile, SessionKeys(profile, "2B7E151628AED2A6ABF7158809CF4F3C", "F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
  Bytes stream(0xff02 * 16);
  Bytes tag(10);
  cipher->Seal({0, 0}, {{}, stream, {}, tag.data()});
  CHECK_EQUAL(
      ToHex(std::span(stream).first(48)),
      "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0");
  CHECK_EQUAL(
      ToHex(std::span(stream).last(48)),
      "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44");
}

CASE("RFC 7714 16.1.1: SRTP AEAD_AES_128_GCM") {
  CHECK_EQUAL(
      SealAndOpen(SrtpProfile::kAeadAes128Gcm, kRtpNonce, FromHex(kRtp), 12, {}),
      "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
      "899d7f27beb16a9152cf765ee4390cce");
}

CASE("RFC 7714 16.2.1: SRTP AEAD_AES_256_GCM") {
  CHECK_EQUAL(
      SealAndOpen(SrtpProfile::kAeadAes256Gcm, kRtpNonce, FromHex(kRtp), 12, {}),
      "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
      "7aa3db36dfffd6b0f9bb7878d7a76c13");
}

CASE("RFC 7714 17.1: SRTCP AEAD_AES_128_GCM") {
  CHECK_EQUAL(
      SealAndOpen(SrtpProfile::kAeadAes128Gcm, kRtcpNonce, FromHex(kRtcp), 8, FromHex("800005d4")),
      "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9"
      "275bc84aa45896cf4d2fc5abf87245d9eade");
}

CASE("RFC 7714 17.2: SRTCP AEAD_AES_256_GCM") {
  CHECK_EQUAL(
      SealAndOpen(SrtpProfile::kAeadAes256Gcm, kRtcpNonce, FromHex(kRtcp), 8, FromHex("800005d4")),
      "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b"
      "6fad1d1eb30c4446839f57ff6f6cb26ac3be");
}

CASE("RFC 7714 17.3: SRTCP authenticated only") {
  const Bytes packet = FromHex(kRtcp);
  CHECK_EQUAL(
      SealAndOpen(SrtpProfile::kAeadAes128Gcm, kRtcpNonce, packet, packet.size(), FromHex("000005d4")),
      std::string(kRtcp) + "841dd9683dd78ec92ae58790125f62b3");
}

CASE("the replay window agrees with a plain set") {
  std::mt19937_64 random(Seed(11));
  for (const uint32_t size : {64u, 100u, 1024u}) {
    const uint64_t rounded = size == 100 ? 128 : size;
    ReplayWindow window(size);
    std::set<uint64_t> seen;
    uint64_t base = 0;
    for (int i = 0; i < 20000; ++i) {
      const uint64_t jump = random() % 50 == 0 ? random() % (3 * rounded) : random() % 4;
      base += jump;
      const uint64_t index = base - std::min(base, random() % (rounded + 20));
      const bool tooOld = !seen.empty() && *seen.rbegin() >= index + rounded;
      CHECK_EQUAL(window.IsFresh(index), !tooOld && !seen.contains(index));
      if (!window.IsFresh(index)) continue;
      window.Add(index);
      seen.insert(index);
    }
  }
}

CASE("no bytes of any length make unprotecting read or write outside the packet") {
  std::mt19937 random(Seed(12));
  const Bytes key(32, 1);
  const Bytes salt(14, 2);
  for (const SrtpProfile profile :
       {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAes128CmSha1_80}) {
    const SrtpProfileSizes sizes = SizesOf(profile);
    SrtpContext receiver({profile, std::span(key).first(sizes.key), std::span(salt).first(sizes.salt)});
    for (int i = 0; i < 20000; ++i) {
      Bytes packet(random() % 80);
      for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random());
      if (!packet.empty() && random() % 4) packet[0] = static_cast<uint8_t>(0x80 | random() % 64);
      packet.shrink_to_fit();
      CHECK(receiver.UnprotectRtp(packet) < 0);
      CHECK(receiver.UnprotectRtcp(packet) < 0);
    }
  }
}

int main() { return RunAll(); }
