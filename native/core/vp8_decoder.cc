#include "vp8_decoder.h"

#include <vpx/vp8dx.h>

#include <climits>
#include <string>

#include "coded_error.h"
#include "image.h"

namespace roomrtc {

namespace {

// What a frame says before any partition is decoded (RFC 6386 §9.1).
struct FrameTag {
  bool valid = false;
  bool keyframe = false;
  int width = 0;
  int height = 0;
};

FrameTag ReadTag(std::span<const uint8_t> frame) {
  constexpr size_t kTagBytes = 3;
  constexpr size_t kKeyframeHeadBytes = 10;
  FrameTag tag;
  if (frame.size() < kTagBytes) return tag;
  const unsigned bits = frame[0] | frame[1] << 8 | frame[2] << 16;
  tag.keyframe = (bits & 1) == 0;
  const size_t head = tag.keyframe ? kKeyframeHeadBytes : kTagBytes;
  const size_t firstPartition = bits >> 5;
  if (frame.size() < head + firstPartition) return tag;
  if (tag.keyframe) {
    if (frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a) return tag;
    tag.width = (frame[6] | frame[7] << 8) & 0x3fff;
    tag.height = (frame[8] | frame[9] << 8) & 0x3fff;
    if (tag.width == 0 || tag.height == 0) return tag;
  }
  tag.valid = true;
  return tag;
}

}  // namespace

Vp8Decoder::Vp8Decoder() {
  const vpx_codec_dec_cfg_t config{1, 0, 0};
  const vpx_codec_err_t status = vpx_codec_dec_init(&codec_, vpx_codec_vp8_dx(), &config, 0);
  if (status != VPX_CODEC_OK) {
    throw CodedError("DECODER_REFUSED", std::string("Vp8Decoder: libvpx could not make a decoder: ") +
                                            vpx_codec_err_to_string(status));
  }
}

Vp8Decoder::~Vp8Decoder() { vpx_codec_destroy(&codec_); }

Vp8Decoder::Result Vp8Decoder::Damaged() {
  needsKeyframe_ = true;
  return {Outcome::kDamaged};
}

Vp8Decoder::Result Vp8Decoder::Decode(std::span<const uint8_t> frame, std::span<uint8_t> out) {
  if (frame.empty()) return {Outcome::kNoPicture};
  const FrameTag tag = ReadTag(frame);
  if (!tag.valid || frame.size() > INT_MAX || (needsKeyframe_ && !tag.keyframe)) return Damaged();
  if (tag.keyframe && out.size() < TightI420Bytes(tag.width, tag.height)) {
    needsKeyframe_ = true;
    return {Outcome::kTooSmall, tag.width, tag.height};
  }
  if (!Attempt(frame)) return Damaged();
  needsKeyframe_ = false;
  vpx_codec_iter_t iterator = nullptr;
  const vpx_image_t* picture = vpx_codec_get_frame(&codec_, &iterator);
  if (picture == nullptr) return {Outcome::kNoPicture};
  return CopyPicture({picture->planes[0], picture->planes[1], picture->planes[2], picture->stride[0],
                      picture->stride[1], static_cast<int>(picture->d_w), static_cast<int>(picture->d_h)},
                     out);
}

bool Vp8Decoder::Attempt(std::span<const uint8_t> frame) {
  if (vpx_codec_decode(&codec_, frame.data(), static_cast<unsigned>(frame.size()), nullptr, 0) !=
      VPX_CODEC_OK) {
    return false;
  }
  int corrupted = 0;
  return vpx_codec_control(&codec_, VP8D_GET_FRAME_CORRUPTED, &corrupted) == VPX_CODEC_OK && corrupted == 0;
}

}  // namespace roomrtc
