// VP8 (RFC 6386) for live calls with libvpx: one pass, no lag, constant bitrate; a picture goes in and its
// frame comes out of the same call.
#pragma once

#include <vpx/vpx_encoder.h>

#include <cstdint>
#include <span>

#include "image.h"

namespace roomrtc {

struct Vp8EncoderSettings {
  int width = 0;
  int height = 0;
  double frameRate = 30;
  int bitrateBps = 0;
  /// Pictures from keyframe to keyframe; 0: only on request.
  int keyframeInterval = 0;
  int threads = 1;
  /// 1 to 16: processor time against picture (docs/decisions/0020-vp8-settings.md).
  int speed = 12;
};

class Vp8Encoder {
 public:
  /// Throws CodedError ENCODER_REFUSED when libvpx does not take the settings.
  explicit Vp8Encoder(const Vp8EncoderSettings& settings);
  ~Vp8Encoder();
  Vp8Encoder(const Vp8Encoder&) = delete;
  Vp8Encoder& operator=(const Vp8Encoder&) = delete;

  /// Encodes one I420 picture of the encoder's size into `out`. Returns the frame's bytes, 0 when rate
  /// control skipped the picture. Throws CodedError SIZE_MISMATCH, BUFFER_TOO_SMALL (the picture is lost and
  /// the next one is a keyframe) or ENCODER_FAILED.
  size_t Encode(const Image& picture, double captureTimeUs, bool forceKeyframe, std::span<uint8_t> out);

  bool lastWasKeyframe() const { return lastWasKeyframe_; }
  void SetBitrate(int bitrateBps);
  void SetFrameRate(double frameRate);

 private:
  void Control(int control, int value, const char* what);
  void Require(vpx_codec_err_t status, const char* code, const char* what);
  int64_t NextTimestamp(double captureTimeUs);
  size_t Collect(std::span<uint8_t> out);

  vpx_codec_enc_cfg_t config_{};
  vpx_codec_ctx_t codec_{};
  double frameRate_;
  bool lastWasKeyframe_ = false;
  bool keyframeOwed_ = false;
  double firstCaptureUs_ = -1;
  int64_t lastTimestamp_ = -1;
};

}  // namespace roomrtc
