// VP8 decoding with libvpx, one frame in, at most one picture out, no concealment: a damaged picture is never
// shown, a keyframe is asked for instead.
#pragma once

#include <vpx/vpx_decoder.h>

#include <span>

#include "decoded_picture.h"

namespace roomrtc {

class Vp8Decoder {
 public:
  using Outcome = DecodeOutcome;
  using Result = DecodeResult;

  /// Throws CodedError DECODER_REFUSED when libvpx cannot make one.
  Vp8Decoder();
  ~Vp8Decoder();
  Vp8Decoder(const Vp8Decoder&) = delete;
  Vp8Decoder& operator=(const Vp8Decoder&) = delete;

  /// Decodes one frame; its picture is copied into `out` as `TightI420`. After damage every frame is kDamaged
  /// until a keyframe comes. A keyframe whose picture `out` could not hold is refused before libvpx sees it,
  /// so that a stream cannot make it allocate. Never throws for what the stream holds.
  Result Decode(std::span<const uint8_t> frame, std::span<uint8_t> out);

 private:
  Result Damaged();
  /// Whether libvpx took the frame whole.
  bool Attempt(std::span<const uint8_t> frame);

  vpx_codec_ctx_t codec_{};
  bool needsKeyframe_ = true;
};

}  // namespace roomrtc
