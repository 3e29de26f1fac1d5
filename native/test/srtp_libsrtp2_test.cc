// SRTP against libsrtp2 (Debian's, which computes with NSS): what one protects the other opens, for every
// profile.
#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <random>

#include "byte_order.h"
#include "check.h"
#include "hex.h"
#include "srtp_context.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr SrtpProfile kProfiles[] = {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                     SrtpProfile::kAes128CmSha1_80};
constexpr int kRoom = SRTP_MAX_TRAILER_LEN + 16;

struct Keys {
  Bytes key;
  Bytes salt;
};

Keys RandomKeys(SrtpProfile profile, std::mt19937& random) {
  Keys keys{Bytes(SizesOf(profile).key), Bytes(SizesOf(profile).salt)};
  for (Bytes* bytes : {&keys.key, &keys.salt}) {
    for (uint8_t& byte : *bytes) byte = static_cast<uint8_t>(random());
  }
  return keys;
}

SrtpContext Ours(SrtpProfile profile, const Keys& keys) {
  return SrtpContext({profile, keys.key, keys.salt, 128});
}

/// One direction of libsrtp2.
class Theirs {
 public:
  Theirs(SrtpProfile profile, const Keys& keys, bool sending) {
    static const srtp_err_status_t ready = srtp_init();
    CHECK_EQUAL(ready, srtp_err_status_ok);
    Bytes master = keys.key;
    master.insert(master.end(), keys.salt.begin(), keys.salt.end());
    srtp_policy_t policy{};
    const srtp_profile_t theirs = profile == SrtpProfile::kAeadAes128Gcm   ? srtp_profile_aead_aes_128_gcm
                                  : profile == SrtpProfile::kAeadAes256Gcm ? srtp_profile_aead_aes_256_gcm
                                                                           : srtp_profile_aes128_cm_sha1_80;
    CHECK_EQUAL(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, theirs), srtp_err_status_ok);
    CHECK_EQUAL(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, theirs), srtp_err_status_ok);
    policy.ssrc.type = sending ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = master.data();
    policy.window_size = 128;
    CHECK_EQUAL(srtp_create(&session_, &policy), srtp_err_status_ok);
  }
  ~Theirs() { srtp_dealloc(session_); }
  Theirs(const Theirs&) = delete;
  Theirs& operator=(const Theirs&) = delete;

  using Function = srtp_err_status_t (*)(srtp_t, void*, int*);
  /// The new length, or -1.
  int Apply(Function function, Bytes& buffer, size_t length) {
    int size = static_cast<int>(length);
    return function(session_, buffer.data(), &size) == srtp_err_status_ok ? size : -1;
  }

 private:
  srtp_t session_ = nullptr;
};

Bytes RtpPacket(uint16_t sequence, uint32_t ssrc, std::mt19937& random) {
  const uint8_t csrcs = static_cast<uint8_t>(random() % 4);
  const bool extended = random() % 2;
  const size_t words = extended ? random() % 5 : 0;
  Bytes packet(12 + csrcs * 4 + (extended ? 4 + words * 4 : 0) + random() % 1100);
  for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random());
  packet[0] = static_cast<uint8_t>(0x80 | (extended ? 0x10 : 0) | csrcs);
  WriteU16(packet.data() + 2, sequence);
  WriteU32(packet.data() + 8, ssrc);
  if (extended) WriteU16(packet.data() + 12 + csrcs * 4 + 2, static_cast<uint16_t>(words));
  return packet;
}

Bytes RtcpPacket(uint32_t ssrc, std::mt19937& random) {
  Bytes packet(8 + 4 * (random() % 20));
  for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random());
  packet[0] = 0x80;
  packet[1] = 200;
  WriteU32(packet.data() + 4, ssrc);
  return packet;
}

Bytes WithRoom(Bytes packet) {
  packet.resize(packet.size() + kRoom);
  return packet;
}

/// Neighbours change places now and then, and some packets are lost, over two ends of the sequence numbers.
std::vector<uint32_t> RoughOrder(std::mt19937& random) {
  std::vector<uint32_t> order;
  for (uint32_t i = 65300; i < 65300 + 2 * 65536 + 500; i += random() % 40 == 0 ? 90 : 1 + random() % 60) {
    order.push_back(i);
  }
  for (size_t i = 1; i + 1 < order.size(); ++i) {
    if (random() % 5 == 0) std::swap(order[i], order[i + 1]), ++i;
  }
  return order;
}

constexpr uint32_t kSsrcs[] = {1, 0xfffffffe, 0x12345678};

}  // namespace

CASE("libsrtp2 opens our RTP, over rollovers, with CSRCs and extensions") {
  std::mt19937 random(Seed(21));
  for (const SrtpProfile profile : kProfiles) {
    const Keys keys = RandomKeys(profile, random);
    SrtpContext ours = Ours(profile, keys);
    Theirs theirs(profile, keys, false);
    for (const uint32_t index : RoughOrder(random)) {
      for (const uint32_t ssrc : kSsrcs) {
        const Bytes packet = RtpPacket(static_cast<uint16_t>(index), ssrc, random);
        Bytes wire = WithRoom(packet);
        const int sealed = ours.ProtectRtp(wire, packet.size());
        CHECK_EQUAL(sealed, static_cast<int>(packet.size() + ours.rtpOverhead()));
        CHECK_EQUAL(theirs.Apply(srtp_unprotect, wire, static_cast<size_t>(sealed)),
                    static_cast<int>(packet.size()));
        CHECK(std::equal(packet.begin(), packet.end(), wire.begin()));
      }
    }
  }
}

CASE("we open libsrtp2's RTP, over rollovers, with CSRCs and extensions") {
  std::mt19937 random(Seed(22));
  for (const SrtpProfile profile : kProfiles) {
    const Keys keys = RandomKeys(profile, random);
    SrtpContext ours = Ours(profile, keys);
    Theirs theirs(profile, keys, true);
    for (const uint32_t index : RoughOrder(random)) {
      for (const uint32_t ssrc : kSsrcs) {
        const Bytes packet = RtpPacket(static_cast<uint16_t>(index), ssrc, random);
        Bytes wire = WithRoom(packet);
        const int sealed = theirs.Apply(srtp_protect, wire, packet.size());
        CHECK(sealed > 0);
        if (sealed <= 0) continue;
        const std::span<uint8_t> received(wire.data(), static_cast<size_t>(sealed));
        CHECK_EQUAL(ours.UnprotectRtp(received), static_cast<int>(packet.size()));
        CHECK(std::equal(packet.begin(), packet.end(), wire.begin()));
        CHECK(ours.UnprotectRtp(received) < 0);
      }
    }
  }
}

CASE("libsrtp2 and we open each other's RTCP") {
  std::mt19937 random(Seed(23));
  for (const SrtpProfile profile : kProfiles) {
    const Keys keys = RandomKeys(profile, random);
    SrtpContext sender = Ours(profile, keys);
    SrtpContext receiver = Ours(profile, keys);
    Theirs theirSender(profile, keys, true);
    Theirs theirReceiver(profile, keys, false);
    for (int i = 0; i < 500; ++i) {
      const Bytes packet = RtcpPacket(kSsrcs[i % 3], random);
      Bytes wire = WithRoom(packet);
      const int sealed = sender.ProtectRtcp(wire, packet.size());
      CHECK_EQUAL(sealed, static_cast<int>(packet.size() + sender.rtcpOverhead()));
      CHECK_EQUAL(theirReceiver.Apply(srtp_unprotect_rtcp, wire, static_cast<size_t>(sealed)),
                  static_cast<int>(packet.size()));
      CHECK(std::equal(packet.begin(), packet.end(), wire.begin()));

      wire = WithRoom(packet);
      const int theirsSealed = theirSender.Apply(srtp_protect_rtcp, wire, packet.size());
      CHECK_EQUAL(theirsSealed, sealed);
      const std::span<uint8_t> received(wire.data(), static_cast<size_t>(std::max(theirsSealed, 0)));
      CHECK_EQUAL(receiver.UnprotectRtcp(received), static_cast<int>(packet.size()));
      CHECK(std::equal(packet.begin(), packet.end(), wire.begin()));
    }
  }
}

int main() { return RunAll(); }
