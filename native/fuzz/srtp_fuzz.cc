// libFuzzer: any bytes as RTP and RTCP packets through every profile. The first byte chooses profile and
// kind.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "srtp_context.h"

using namespace roomrtc;

namespace {

constexpr SrtpProfile kProfiles[] = {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                     SrtpProfile::kAes128CmSha1_80};

SrtpContext NewContext(SrtpProfile profile) {
  static constexpr std::array<uint8_t, 46> kMaster{1, 2, 3};
  const SrtpProfileSizes sizes = SizesOf(profile);
  return SrtpContext(
      {profile, std::span(kMaster).first(sizes.key), std::span(kMaster).subspan(sizes.key, sizes.salt), 64});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const SrtpProfile profile = kProfiles[data[0] % 3];
  const bool rtcp = data[0] & 0x80;
  const std::vector<uint8_t> packet(data + 1, data + size);

  // As received: nothing that was not protected with the key may pass.
  SrtpContext receiver = NewContext(profile);
  std::vector<uint8_t> received = packet;
  if ((rtcp ? receiver.UnprotectRtcp(received) : receiver.UnprotectRtp(received)) >= 0) std::abort();

  // As sent: what is accepted for protection must come back.
  SrtpContext sender = NewContext(profile);
  std::vector<uint8_t> sent = packet;
  sent.resize(packet.size() + sender.rtcpOverhead());
  const int length = rtcp ? sender.ProtectRtcp(sent, packet.size()) : sender.ProtectRtp(sent, packet.size());
  if (length < 0) return 0;
  const std::span<uint8_t> wire = std::span(sent).first(static_cast<size_t>(length));
  const int back = rtcp ? receiver.UnprotectRtcp(wire) : receiver.UnprotectRtp(wire);
  if (back != static_cast<int>(packet.size()) || !std::equal(packet.begin(), packet.end(), sent.begin()))
    std::abort();
  return 0;
}
