// SCTP packets in DTLS records (RFC 8261), many with one call.
#pragma once

#include <cstdint>
#include <span>

#include "datagram_table.h"

namespace roomrtc {

class DtlsTransport;
class SctpAssociation;

/// Hands the DTLS datagrams at the head of `entries` to the association behind `dtls`; returns how many
/// entries that were. Stops at the first that is no DTLS (RFC 7983), and when `dtls` is no longer connected.
size_t ReceiveRecords(SctpAssociation& association, DtlsTransport& dtls, std::span<const uint8_t> slab,
                      std::span<const DatagramEntry> entries, double nowUs);

/// Protects the packets that wait, as many as `slab` and `entries` have room for, and writes offset and
/// length of each datagram; returns how many.
size_t ProtectPackets(SctpAssociation& association, DtlsTransport& dtls, std::span<uint8_t> slab,
                      std::span<DatagramEntry> entries);

}  // namespace roomrtc
