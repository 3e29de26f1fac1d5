// The chunks of an SCTP packet (RFC 9260 §3), and the order of their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "byte_order.h"

namespace roomrtc {

constexpr size_t kSctpCommonHeader = 12;

enum SctpChunkType : uint8_t {
  kSctpData = 0,
  kSctpSack = 3,
  kSctpAbort = 6,
  kSctpShutdown = 7,
  kSctpShutdownAck = 8,
  kSctpShutdownComplete = 14,
};

/// Transmission sequence numbers are serial numbers (RFC 9260 §1.6, RFC 1982).
inline bool IsTsnAfter(uint32_t tsn, uint32_t other) { return static_cast<int32_t>(tsn - other) > 0; }

/// Walks over a packet's chunks; one that says a length that cannot be ends the walk, as it does in usrsctp.
class SctpChunks {
 public:
  explicit SctpChunks(std::span<const uint8_t> packet)
      : rest_(packet.subspan(packet.size() < kSctpCommonHeader ? packet.size() : kSctpCommonHeader)) {}

  /// The next chunk from its header's first byte on, at least four bytes, without padding; empty: no more.
  std::span<const uint8_t> Next() {
    if (rest_.size() < kHeader) return {};
    const size_t length = ReadU16(&rest_[2]);
    if (length < kHeader || length > rest_.size()) return {};
    const std::span<const uint8_t> chunk = rest_.first(length);
    const size_t padded = (length + 3) & ~size_t{3};
    rest_ = rest_.subspan(padded < rest_.size() ? padded : rest_.size());
    return chunk;
  }

 private:
  static constexpr size_t kHeader = 4;
  std::span<const uint8_t> rest_;
};

}  // namespace roomrtc
