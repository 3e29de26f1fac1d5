// libFuzzer: packets of any bytes to an SCTP association, before, while and after it is set up. The first
// byte says how many packets of the set-up are exchanged first; the rest is cut into packets by two-byte
// lengths.
#include <array>
#include <vector>

#include "byte_order.h"
#include "sctp_association.h"

using namespace roomrtc;

namespace {

bool Carry(SctpAssociation& from, SctpAssociation& to) {
  std::array<uint8_t, 2048> packet;
  const size_t size = from.TakePacket(packet);
  if (size > 0) to.HandlePacket(std::span(packet).first(size));
  return size > 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  SctpSettings settings;
  settings.sendBufferBytes = 1 << 16;
  settings.receiveWindowBytes = 1 << 16;
  settings.maxMessageBytes = 1 << 14;
  SctpAssociation ours(settings);
  SctpAssociation theirs(settings);
  ours.Connect();
  theirs.Connect();
  for (int i = 0; i < (data[0] & 15); ++i) {
    if (!Carry(ours, theirs)) Carry(theirs, ours);
  }
  std::span<const uint8_t> rest(data + 1, size - 1);
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(ReadU16(rest.data()), rest.size() - 2);
    const std::vector<uint8_t> packet(rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length));
    ours.HandlePacket(packet);
    rest = rest.subspan(2 + length);
  }
  SctpEvent event;
  while (ours.TakeEvent(event)) {
  }
  SctpAssociation::HandleTimers(1000);
  return 0;
}
