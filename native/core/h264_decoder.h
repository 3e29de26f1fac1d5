// H.264 decoding with OpenH264, one access unit in, at most one picture out, no reordering delay, no
// concealment: a damaged picture is never shown, a keyframe is asked for instead.
#pragma once

#include <memory>
#include <span>

#include "decoded_picture.h"
#include "openh264_library.h"

namespace roomrtc {

class H264Decoder {
 public:
  using Outcome = DecodeOutcome;
  using Result = DecodeResult;

  /// Throws CodedError DECODER_REFUSED when OpenH264 cannot make one.
  explicit H264Decoder(const OpenH264Library& library);

  /// Decodes one Annex-B access unit; a finished picture is copied into `out` as `TightI420`. After damage
  /// every access unit is kDamaged until one brings an IDR. Never throws for what the stream holds.
  Result Decode(std::span<const uint8_t> accessUnit, std::span<uint8_t> out);

 private:
  /// Which kinds of NAL unit an access unit holds.
  struct NalKinds {
    bool picture = false;
    bool idr = false;
    bool parameters = false;
  };
  /// OpenH264's own picture memory, valid until its next call.
  struct Decoded {
    unsigned char* planes[3] = {};
    SBufferInfo info{};
    bool ready = false;
  };

  static NalKinds FindNals(std::span<const uint8_t> unit);
  void Initialize();
  /// Whether the access unit decoded without damage, and to a picture if it has one.
  bool Attempt(std::span<const uint8_t> unit, bool hasPicture, Decoded& decoded);
  static Result TakePicture(const Decoded& decoded, std::span<uint8_t> out);

  std::unique_ptr<ISVCDecoder, void (*)(ISVCDecoder*)> decoder_;
  bool needsKeyframe_ = true;
};

}  // namespace roomrtc
