// One round of the SRTP benchmark (bench/srtp.ts runs many): nanoseconds per packet of 1200 payload bytes,
// for OpenSSL's bare AES-GCM, for SrtpContext and for libsrtp2, protecting and unprotecting, all on the same
// batches. Prints one line each: SIDE PROFILE OPERATION NANOSECONDS.
#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "byte_order.h"
#include "clock.h"
#include "openssl_handles.h"
#include "srtp_context.h"

using namespace roomrtc;

namespace {

constexpr size_t kHeader = 12;
constexpr size_t kPayload = 1200;
constexpr size_t kPacket = kHeader + kPayload;
constexpr size_t kStride = kPacket + SRTP_MAX_TRAILER_LEN + 4;
constexpr size_t kBatch = 64;    // stays in the second-level cache
constexpr size_t kBatches = 60;  // of a round

/// Packets with ever new sequence numbers.
class Batch {
 public:
  void Fill() {
    for (size_t i = 0; i < kBatch; ++i) {
      uint8_t* packet = at(i);
      packet[0] = 0x80;
      packet[1] = 96;
      WriteU16(packet + 2, sequence_++);
      WriteU32(packet + 4, 1);
      WriteU32(packet + 8, 0xabcdef);
    }
  }
  uint8_t* at(size_t i) { return bytes_.data() + i * kStride; }
  std::span<uint8_t> room(size_t i) { return {at(i), kStride}; }

 private:
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(kBatch * kStride);
  uint16_t sequence_ = 1;
};

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "srtp_bench: %s\n", what);
  std::exit(1);
}

/// One packet of a batch through one direction.
using Operation = std::function<void(Batch&, size_t)>;

/// Processor time, which leaves out the moments the thread was not running.
double NanosecondsEach(Batch& batch, const Operation& operation) {
  const double startUs = ThreadCpuUs();
  for (size_t i = 0; i < kBatch; ++i) operation(batch, i);
  return (ThreadCpuUs() - startUs) * 1e3 / kBatch;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// A side with one profile: protects a batch, then unprotects the same packets.
class Contestant {
 public:
  Contestant(std::string_view side, std::string_view profile, Operation protect, Operation unprotect)
      : label_(std::string(side) + " " + std::string(profile)),
        protect_(std::move(protect)),
        unprotect_(std::move(unprotect)) {}

  void RunBatch() {
    batch_.Fill();
    protectNs_.push_back(NanosecondsEach(batch_, protect_));
    unprotectNs_.push_back(NanosecondsEach(batch_, unprotect_));
  }

  void Print() const {
    std::printf("%s protect %.1f\n", label_.c_str(), Median(protectNs_));
    std::printf("%s unprotect %.1f\n", label_.c_str(), Median(unprotectNs_));
  }

 private:
  std::string label_;
  Operation protect_;
  Operation unprotect_;
  Batch batch_;
  std::vector<double> protectNs_;
  std::vector<double> unprotectNs_;
};

/// What any user of OpenSSL does for a packet: set the IV, the associated data, the payload, the tag.
struct BareGcm {
  BareGcm(const EVP_CIPHER* cipher, const uint8_t* key) {
    for (const CipherContextHandle* context : {&seal, &open}) {
      const int encrypt = context == &seal;
      CheckOpenSsl(EVP_CipherInit_ex(context->get(), cipher, nullptr, key, iv.data(), encrypt) == 1,
                   "bare cipher");
    }
  }

  void Crypt(EVP_CIPHER_CTX* context, uint8_t* packet, bool sealing) {
    int written = 0;
    std::memcpy(iv.data(), packet, iv.size());
    uint8_t* tag = packet + kPacket;
    bool ok = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), -1) == 1 &&
              EVP_CipherUpdate(context, nullptr, &written, packet, kHeader) == 1 &&
              EVP_CipherUpdate(context, packet + kHeader, &written, packet + kHeader, kPayload) == 1;
    if (!sealing) ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1;
    ok = ok && EVP_CipherFinal_ex(context, rest.data(), &written) == 1;
    if (sealing) ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
    if (!ok) Die("bare OpenSSL failed");
  }

  CipherContextHandle seal{EVP_CIPHER_CTX_new()};
  CipherContextHandle open{EVP_CIPHER_CTX_new()};
  std::array<uint8_t, 12> iv{};
  std::array<uint8_t, 16> rest{};
};

std::array<uint8_t, 46> MasterKeyAndSalt() {
  std::array<uint8_t, 46> master;
  for (size_t i = 0; i < master.size(); ++i) master[i] = static_cast<uint8_t>(i * 7 + 3);
  return master;
}

Contestant OpenSsl(const EVP_CIPHER* cipher, std::string_view profile) {
  const auto bare = std::make_shared<BareGcm>(cipher, MasterKeyAndSalt().data());
  return {"openssl", profile,
          [bare](Batch& batch, size_t i) { bare->Crypt(bare->seal.get(), batch.at(i), true); },
          [bare](Batch& batch, size_t i) { bare->Crypt(bare->open.get(), batch.at(i), false); }};
}

Contestant Ours(SrtpProfile profile) {
  const auto master = MasterKeyAndSalt();
  const SrtpProfileSizes sizes = SizesOf(profile);
  const SrtpKeys keys{profile, std::span(master).first(sizes.key),
                      std::span(master).subspan(sizes.key, sizes.salt)};
  const auto sender = std::make_shared<SrtpContext>(keys);
  const auto receiver = std::make_shared<SrtpContext>(keys);
  return {"roomrtc", sizes.name,
          [sender](Batch& batch, size_t i) {
            if (sender->ProtectRtp(batch.room(i), kPacket) < 0) Die("SrtpContext refused to protect");
          },
          [receiver, tag = sizes.tag](Batch& batch, size_t i) {
            if (receiver->UnprotectRtp(batch.room(i).first(kPacket + tag)) < 0)
              Die("SrtpContext refused a packet");
          }};
}

srtp_t TheirSession(SrtpProfile profile, bool sending) {
  auto master = MasterKeyAndSalt();
  srtp_policy_t policy{};
  const srtp_profile_t id = profile == SrtpProfile::kAeadAes128Gcm   ? srtp_profile_aead_aes_128_gcm
                            : profile == SrtpProfile::kAeadAes256Gcm ? srtp_profile_aead_aes_256_gcm
                                                                     : srtp_profile_aes128_cm_sha1_80;
  srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, id);
  srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, id);
  policy.ssrc.type = sending ? ssrc_any_outbound : ssrc_any_inbound;
  policy.key = master.data();
  policy.window_size = 1024;
  srtp_t session = nullptr;
  if (srtp_create(&session, &policy) != srtp_err_status_ok) Die("libsrtp2 refused the profile");
  return session;
}

Contestant Theirs(SrtpProfile profile) {
  const srtp_t sender = TheirSession(profile, true);
  const srtp_t receiver = TheirSession(profile, false);
  return {"libsrtp2", SizesOf(profile).name,
          [sender](Batch& batch, size_t i) {
            int size = kPacket;
            if (srtp_protect(sender, batch.at(i), &size) != srtp_err_status_ok)
              Die("libsrtp2 refused to protect");
          },
          [receiver, tag = SizesOf(profile).tag](Batch& batch, size_t i) {
            int size = static_cast<int>(kPacket + tag);
            if (srtp_unprotect(receiver, batch.at(i), &size) != srtp_err_status_ok)
              Die("libsrtp2 refused a packet");
          }};
}

}  // namespace

int main() {
  PrepareOpenSsl();
  if (srtp_init() != srtp_err_status_ok) Die("libsrtp2 does not start");
  std::vector<Contestant> contestants{OpenSsl(EVP_aes_128_gcm(), "AEAD_AES_128_GCM"),
                                      OpenSsl(EVP_aes_256_gcm(), "AEAD_AES_256_GCM")};
  for (const SrtpProfile profile :
       {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAes128CmSha1_80}) {
    contestants.push_back(Ours(profile));
    contestants.push_back(Theirs(profile));
  }
  // Batch by batch in turn: what else the machine does meets every side.
  for (size_t i = 0; i < kBatches; ++i) {
    for (Contestant& contestant : contestants) contestant.RunBatch();
  }
  for (const Contestant& contestant : contestants) contestant.Print();
  return 0;
}
