// Where one message ends and the next begins in a byte stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "byte_order.h"

namespace roomrtc {

enum class StreamFraming {
  kTurn,     // STUN messages and ChannelData (RFC 8656 §12.5)
  kRfc4571,  // two bytes of length before each message (RFC 6544 §10.1)
};

/// A message at the start of a stream.
struct StreamFrame {
  size_t skip;    // bytes before the message
  size_t length;  // of the message
  size_t onWire;  // all that the message takes in the stream
};

enum class FrameProblem { kNone, kIncomplete, kBroken };

constexpr size_t kLongestFrameOnWire = 20 + 65535;

inline FrameProblem ReadTurnFrame(std::span<const uint8_t> bytes, StreamFrame& frame) {
  if (bytes.size() < 4) return FrameProblem::kIncomplete;
  const size_t length = static_cast<size_t>(bytes[2] << 8 | bytes[3]);
  if (bytes[0] < 0x40) {
    if (length % 4 != 0) return FrameProblem::kBroken;
    frame = {0, 20 + length, 20 + length};
  } else if (bytes[0] < 0x50) {
    frame = {0, 4 + length, 4 + ((length + 3) & ~size_t{3})};
  } else {
    return FrameProblem::kBroken;
  }
  return bytes.size() < frame.onWire ? FrameProblem::kIncomplete : FrameProblem::kNone;
}

inline FrameProblem ReadFrame(StreamFraming framing, std::span<const uint8_t> bytes, StreamFrame& frame) {
  if (framing == StreamFraming::kTurn) return ReadTurnFrame(bytes, frame);
  if (bytes.size() < 2) return FrameProblem::kIncomplete;
  const size_t length = static_cast<size_t>(bytes[0] << 8 | bytes[1]);
  frame = {2, length, 2 + length};
  return bytes.size() < frame.onWire ? FrameProblem::kIncomplete : FrameProblem::kNone;
}

/// ICE and the DTLS handshake (RFC 7983 §7): what a connection cannot do without, and what is rare. `message`
/// may be wrapped in ChannelData.
inline bool IsUrgent(StreamFraming framing, std::span<const uint8_t> message) {
  if (framing == StreamFraming::kTurn && message.size() > 4 && (message[0] & 0xc0) == 0x40) {
    message = message.subspan(4);
  }
  constexpr uint8_t kDtlsFirst = 20, kDtlsHandshake = 22;
  return !message.empty() && (message[0] < 4 || (message[0] >= kDtlsFirst && message[0] <= kDtlsHandshake));
}

}  // namespace roomrtc
