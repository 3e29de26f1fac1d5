// Cuts fuzzed bytes into frames by two-byte lengths and feeds them to one decoder, each in memory of its own
// so that the address sanitizer sees its very end.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "byte_order.h"

namespace roomrtc::fuzz {

template <typename Decoder>
void FeedFrames(Decoder& decoder, std::span<const uint8_t> rest) {
  // Room for what the engine takes; larger pictures must be refused, not written.
  static std::vector<uint8_t> picture(1920 * 1088 * 3 / 2);
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(ReadU16(rest.data()), rest.size() - 2);
    const std::vector<uint8_t> frame(rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length));
    decoder.Decode(frame, picture);
    rest = rest.subspan(2 + length);
  }
}

}  // namespace roomrtc::fuzz
