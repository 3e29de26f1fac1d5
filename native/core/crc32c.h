// CRC-32C (Castagnoli), the checksum of SCTP (RFC 9260 Appendix A).
#pragma once

#include <cstdint>
#include <span>

namespace roomrtc {

/// In the byte order in which SCTP puts it into its header, stored as it lies in memory on this machine.
uint32_t Crc32c(std::span<const uint8_t> bytes);

}  // namespace roomrtc
