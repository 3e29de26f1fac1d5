#include "decoded_picture.h"

#include <libyuv.h>

#include "image.h"

namespace roomrtc {

DecodeResult CopyPicture(const DecodedPlanes& from, std::span<uint8_t> out) {
  const int width = from.width;
  const int height = from.height;
  if (out.size() < TightI420Bytes(width, height)) return {DecodeOutcome::kTooSmall, width, height};
  const Image to = BindImage(TightI420(width, height), out, "decoder: out");
  libyuv::I420Copy(from.y, from.strideY, from.u, from.strideUv, from.v, from.strideUv, to.planes[0],
                   to.strides[0], to.planes[1], to.strides[1], to.planes[2], to.strides[2], width, height);
  return {DecodeOutcome::kPicture, width, height};
}

}  // namespace roomrtc
