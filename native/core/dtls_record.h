// What can be said of DTLS records from their headers alone (RFC 6347 §4.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "byte_order.h"

namespace roomrtc {

constexpr size_t kDtlsRecordHeaderBytes = 13;

/// Whether the datagram is made of whole records, and each that claims to be ciphered (an epoch above 0)
/// holds at least `leastCiphered` bytes: explicit nonce and tag. OpenSSL 3.0 takes a shorter one for an error
/// of its own and ends the association with "internal error", so that a single forged datagram could end a
/// call.
inline bool HasSoundRecords(std::span<const uint8_t> datagram, size_t leastCiphered) {
  while (!datagram.empty()) {
    if (datagram.size() < kDtlsRecordHeaderBytes) return false;
    const uint16_t epoch = ReadU16(&datagram[3]);
    const size_t length = ReadU16(&datagram[11]);
    if (length > datagram.size() - kDtlsRecordHeaderBytes) return false;
    if (epoch > 0 && length < leastCiphered) return false;
    datagram = datagram.subspan(kDtlsRecordHeaderBytes + length);
  }
  return true;
}

}  // namespace roomrtc
