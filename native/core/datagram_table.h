// The datagram table as C++ sees it; native/addon.ts (`DatagramTable`) is its definition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "ring_layout.h"

namespace roomrtc {

/// One datagram of a slab, as it lies in an Int32Array.
struct DatagramEntry {
  int32_t offset;
  int32_t length;
  int32_t family;  // 4 or 6
  int32_t port;
  uint32_t address[4];  // network order; IPv4 uses the first word alone
  uint32_t arrival[2];  // a float64 in µs; the table promises four-byte alignment only
  uint32_t scopeId;
  int32_t flags;  // reserved, 0

  void set_arrival(double arrivalUs) { std::memcpy(arrival, &arrivalUs, sizeof arrival); }
};

constexpr size_t kDatagramWords = layout::datagram_table::kWords;
static_assert(sizeof(DatagramEntry) == kDatagramWords * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, offset) == layout::datagram_table::kOffset * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, length) == layout::datagram_table::kLength * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, family) == layout::datagram_table::kFamily * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, port) == layout::datagram_table::kPort * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, address) == layout::datagram_table::kAddress * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, arrival) == layout::datagram_table::kArrival * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, scopeId) == layout::datagram_table::kScopeId * sizeof(int32_t));
static_assert(offsetof(DatagramEntry, flags) == layout::datagram_table::kFlags * sizeof(int32_t));

/// The whole entries of a table.
inline std::span<DatagramEntry> DatagramEntries(std::span<int32_t> words) {
  return {reinterpret_cast<DatagramEntry*>(words.data()), words.size() / kDatagramWords};
}

}  // namespace roomrtc
