// What every video decoder says of one frame, and the way its picture leaves the decoder's own memory.
#pragma once

#include <cstdint>
#include <span>

namespace roomrtc {

enum class DecodeOutcome { kPicture, kNoPicture, kDamaged, kTooSmall };

struct DecodeResult {
  DecodeOutcome outcome = DecodeOutcome::kNoPicture;
  /// Of the picture, for kPicture and kTooSmall.
  int width = 0;
  int height = 0;
};

/// An I420 picture in a decoder's memory; both chroma planes have the same stride.
struct DecodedPlanes {
  const uint8_t* y = nullptr;
  const uint8_t* u = nullptr;
  const uint8_t* v = nullptr;
  int strideY = 0;
  int strideUv = 0;
  int width = 0;
  int height = 0;
};

/// Copies the picture into `out` as `TightI420`: kPicture, or kTooSmall.
DecodeResult CopyPicture(const DecodedPlanes& picture, std::span<uint8_t> out);

}  // namespace roomrtc
