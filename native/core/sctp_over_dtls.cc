#include "sctp_over_dtls.h"

#include <string>

#include "coded_error.h"
#include "dtls_transport.h"
#include "sctp_association.h"

namespace roomrtc {

namespace {

/// More than any cipher adds to a record (RFC 6347 §4.1, RFC 5288 §3).
constexpr size_t kRecordOverhead = 64;

std::span<const uint8_t> Datagram(std::span<const uint8_t> slab, const DatagramEntry& entry) {
  const size_t offset = static_cast<uint32_t>(entry.offset);
  const size_t length = static_cast<uint32_t>(entry.length);
  if (offset > slab.size() || length > slab.size() - offset) {
    throw CodedError("OUT_OF_RANGE", "SCTP: a datagram lies outside the slab: offset " +
                                         std::to_string(entry.offset) + ", length " +
                                         std::to_string(entry.length));
  }
  return slab.subspan(offset, length);
}

bool IsDtls(std::span<const uint8_t> datagram) {
  return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63;
}

}  // namespace

size_t ReceiveRecords(SctpAssociation& association, DtlsTransport& dtls, std::span<const uint8_t> slab,
                      std::span<const DatagramEntry> entries, double nowUs) {
  size_t count = 0;
  while (count < entries.size() && dtls.state() == DtlsTransport::State::kConnected) {
    const std::span<const uint8_t> datagram = Datagram(slab, entries[count]);
    if (!IsDtls(datagram)) break;
    ++count;
    dtls.HandleDatagram(datagram, nowUs);
    while (const auto record = dtls.TakeApplicationData()) association.HandlePacket(*record);
  }
  return count;
}

size_t ProtectPackets(SctpAssociation& association, DtlsTransport& dtls, std::span<uint8_t> slab,
                      std::span<DatagramEntry> entries) {
  size_t count = 0;
  size_t used = 0;
  while (count < entries.size() && dtls.state() == DtlsTransport::State::kConnected) {
    const std::span<const uint8_t> packet = association.NextPacket();
    if (packet.empty() || packet.size() + kRecordOverhead > slab.size() - used) break;
    dtls.SendApplicationData(packet);
    association.DropPacket();
    const size_t length = dtls.TakeDatagram(slab.subspan(used));
    entries[count].offset = static_cast<int32_t>(used);
    entries[count].length = static_cast<int32_t>(length);
    used += length;
    ++count;
  }
  return count;
}

}  // namespace roomrtc
