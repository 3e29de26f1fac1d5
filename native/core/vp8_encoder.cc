#include "vp8_encoder.h"

#include <vpx/vp8cx.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "coded_error.h"

namespace roomrtc {

namespace {

// RTP's video clock, so that a frame's duration is a whole number at every usual rate.
constexpr int kClockRate = 90'000;

// What makes the stream: sizes, rates, keyframes.
void FillStream(vpx_codec_enc_cfg_t& c, const Vp8EncoderSettings& s) {
  c.g_w = static_cast<unsigned>(s.width);
  c.g_h = static_cast<unsigned>(s.height);
  c.g_timebase = {1, kClockRate};
  c.g_pass = VPX_RC_ONE_PASS;
  c.g_lag_in_frames = 0;
  c.g_threads = static_cast<unsigned>(s.threads);
  // Nothing is decoded past a missing frame, so entropy may follow from frame to frame.
  c.g_error_resilient = 0;
  c.kf_mode = s.keyframeInterval == 0 ? VPX_KF_DISABLED : VPX_KF_AUTO;
  if (s.keyframeInterval > 0) c.kf_max_dist = static_cast<unsigned>(s.keyframeInterval);
}

// Constant bitrate with a buffer of one second; chosen by measurement (docs/decisions/0020-vp8-settings.md).
void FillRate(vpx_codec_enc_cfg_t& c, int bitrateBps) {
  c.rc_end_usage = VPX_CBR;
  c.rc_target_bitrate = static_cast<unsigned>(std::max(1, bitrateBps / 1000));
  c.rc_min_quantizer = 2;
  c.rc_max_quantizer = 56;
  c.rc_undershoot_pct = 100;
  c.rc_overshoot_pct = 15;
  c.rc_buf_initial_sz = 500;
  c.rc_buf_optimal_sz = 600;
  c.rc_buf_sz = 1000;
  c.rc_dropframe_thresh = 0;
  c.rc_resize_allowed = 0;
}

/// A keyframe in percent of an average frame: half of the optimal buffer, three average frames at least.
int MaxIntraPercent(const vpx_codec_enc_cfg_t& c, double frameRate) {
  const double percent = 0.5 * c.rc_buf_optimal_sz * frameRate / 10;
  return std::max(300, static_cast<int>(percent));
}

vpx_image_t Describe(const Image& picture) {
  vpx_image_t image{};
  vpx_img_wrap(&image, VPX_IMG_FMT_I420, static_cast<unsigned>(picture.width),
               static_cast<unsigned>(picture.height), 1, picture.planes[0]);
  for (size_t plane = 0; plane < 3; ++plane) {
    image.planes[plane] = picture.planes[plane];
    image.stride[plane] = picture.strides[plane];
  }
  return image;
}

}  // namespace

Vp8Encoder::Vp8Encoder(const Vp8EncoderSettings& settings) : frameRate_(settings.frameRate) {
  if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config_, 0) != VPX_CODEC_OK) {
    throw CodedError("ENCODER_REFUSED", "Vp8Encoder: libvpx was built without a VP8 encoder");
  }
  FillStream(config_, settings);
  FillRate(config_, settings.bitrateBps);
  const vpx_codec_err_t status = vpx_codec_enc_init(&codec_, vpx_codec_vp8_cx(), &config_, 0);
  if (status != VPX_CODEC_OK) {
    throw CodedError("ENCODER_REFUSED", std::string("Vp8Encoder: libvpx refused the settings: ") +
                                            vpx_codec_err_to_string(status));
  }
  try {
    // A negative speed is kept; a positive one would follow the clock, and the same pictures would not give
    // the same stream twice.
    Control(VP8E_SET_CPUUSED, -settings.speed, "the speed");
    Control(VP8E_SET_NOISE_SENSITIVITY, 0, "the noise sensitivity");
    Control(VP8E_SET_STATIC_THRESHOLD, 1, "the static threshold");
    Control(VP8E_SET_TOKEN_PARTITIONS, VP8_ONE_TOKENPARTITION, "one token partition");
    Control(VP8E_SET_SCREEN_CONTENT_MODE, 0, "camera content");
    Control(VP8E_SET_MAX_INTRA_BITRATE_PCT, MaxIntraPercent(config_, frameRate_), "the keyframe's bound");
  } catch (...) {
    vpx_codec_destroy(&codec_);
    throw;
  }
}

Vp8Encoder::~Vp8Encoder() { vpx_codec_destroy(&codec_); }

void Vp8Encoder::Control(int control, int value, const char* what) {
  Require(vpx_codec_control_(&codec_, control, value), "ENCODER_REFUSED", what);
}

void Vp8Encoder::Require(vpx_codec_err_t status, const char* code, const char* what) {
  if (status == VPX_CODEC_OK) return;
  throw CodedError(code, std::string("Vp8Encoder: libvpx refused ") + what + ": " + vpx_codec_error(&codec_));
}

// libvpx wants timestamps that grow, whatever the capture times do.
int64_t Vp8Encoder::NextTimestamp(double captureTimeUs) {
  if (firstCaptureUs_ < 0) firstCaptureUs_ = captureTimeUs;
  const auto timestamp =
      static_cast<int64_t>(std::llround((captureTimeUs - firstCaptureUs_) * kClockRate / 1e6));
  lastTimestamp_ = std::max(timestamp, lastTimestamp_ + 1);
  return lastTimestamp_;
}

size_t Vp8Encoder::Encode(const Image& picture, double captureTimeUs, bool forceKeyframe,
                          std::span<uint8_t> out) {
  const int width = static_cast<int>(config_.g_w);
  const int height = static_cast<int>(config_.g_h);
  if (picture.format != PixelFormat::kI420 || picture.width != width || picture.height != height) {
    throw CodedError("SIZE_MISMATCH",
                     "Vp8Encoder: the picture must be I420 of " + std::to_string(width) + "x" +
                         std::to_string(height) + ", found " + PixelFormatName(picture.format) + " of " +
                         std::to_string(picture.width) + "x" + std::to_string(picture.height));
  }
  const vpx_image_t image = Describe(picture);
  const vpx_enc_frame_flags_t flags = forceKeyframe || keyframeOwed_ ? VPX_EFLAG_FORCE_KF : 0;
  const auto duration = static_cast<unsigned long>(std::max(1.0, kClockRate / frameRate_));
  lastWasKeyframe_ = false;
  if (vpx_codec_encode(&codec_, &image, NextTimestamp(captureTimeUs), duration, flags, VPX_DL_REALTIME) !=
      VPX_CODEC_OK) {
    keyframeOwed_ = true;
    throw CodedError("ENCODER_FAILED", std::string("Vp8Encoder: libvpx failed: ") + vpx_codec_error(&codec_));
  }
  return Collect(out);
}

size_t Vp8Encoder::Collect(std::span<uint8_t> out) {
  vpx_codec_iter_t iterator = nullptr;
  while (const vpx_codec_cx_pkt_t* packet = vpx_codec_get_cx_data(&codec_, &iterator)) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    const auto& frame = packet->data.frame;
    keyframeOwed_ = frame.sz > out.size();
    if (keyframeOwed_) {
      throw CodedError("BUFFER_TOO_SMALL", "Vp8Encoder: the frame needs " + std::to_string(frame.sz) +
                                               " bytes, out has " + std::to_string(out.size()));
    }
    std::memcpy(out.data(), frame.buf, frame.sz);
    lastWasKeyframe_ = (frame.flags & VPX_FRAME_IS_KEY) != 0;
    return frame.sz;
  }
  return 0;
}

void Vp8Encoder::SetBitrate(int bitrateBps) {
  FillRate(config_, bitrateBps);
  Require(vpx_codec_enc_config_set(&codec_, &config_), "ENCODER_REFUSED", "the bitrate");
}

// libvpx knows the frame rate by the frames' timestamps and durations alone.
void Vp8Encoder::SetFrameRate(double frameRate) {
  frameRate_ = frameRate;
  Control(VP8E_SET_MAX_INTRA_BITRATE_PCT, MaxIntraPercent(config_, frameRate), "the keyframe's bound");
}

}  // namespace roomrtc
