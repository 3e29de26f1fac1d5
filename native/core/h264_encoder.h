// H.264 constrained baseline for live calls with OpenH264: one slice or size-limited slices, no B-frames, no
// lookahead; a picture goes in and its access unit comes out of the same call.
#pragma once

#include <memory>
#include <span>

#include "image.h"
#include "openh264_library.h"

namespace roomrtc {

struct H264EncoderSettings {
  /// Even, 16 to 4096 (4:2:0 cropping counts in pairs of samples, H.264 §7.4.2.1.1).
  int width = 0;
  int height = 0;
  double frameRate = 30;
  int bitrateBps = 0;
  /// Pictures from IDR to IDR; 0: only on request.
  int idrInterval = 0;
  /// Largest NAL unit (without start code) in bytes; 0: one slice a picture.
  int maxNalBytes = 0;
  int threads = 1;
};

class H264Encoder {
 public:
  /// Throws CodedError ENCODER_REFUSED when OpenH264 does not take the settings.
  H264Encoder(const OpenH264Library& library, const H264EncoderSettings& settings);

  /// Encodes one I420 picture of the encoder's size into `out` as Annex-B (4-byte start codes, SPS and PPS
  /// before every IDR). Returns the bytes written, 0 when OpenH264 skipped the picture. Throws CodedError
  /// SIZE_MISMATCH, BUFFER_TOO_SMALL (the picture is lost and the next one is an IDR) or ENCODER_FAILED.
  size_t Encode(const Image& picture, double captureTimeUs, bool forceKeyframe, std::span<uint8_t> out);

  bool lastWasKeyframe() const { return lastWasKeyframe_; }
  void SetBitrate(int bitrateBps);
  void SetFrameRate(double frameRate);

 private:
  void Configure(const H264EncoderSettings& settings);
  size_t Collect(const SFrameBSInfo& info, std::span<uint8_t> out);

  int width_;
  int height_;
  std::unique_ptr<ISVCEncoder, void (*)(ISVCEncoder*)> encoder_;
  bool lastWasKeyframe_ = false;
  bool keyframeOwed_ = false;
  double firstCaptureUs_ = -1;
};

}  // namespace roomrtc
