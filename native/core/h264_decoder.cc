#include "h264_decoder.h"

#include <climits>
#include <cstring>
#include <string>

#include "coded_error.h"

namespace roomrtc {

namespace {

ISVCDecoder* Create(const OpenH264Library& library) {
  ISVCDecoder* decoder = nullptr;
  if (library.createDecoder(&decoder) != 0 || !decoder) {
    throw CodedError("DECODER_REFUSED", "H264Decoder: OpenH264 could not make a decoder");
  }
  return decoder;
}

}  // namespace

// Looks at the first byte behind every start code (H.264 B.1, 7.3.1).
H264Decoder::NalKinds H264Decoder::FindNals(std::span<const uint8_t> unit) {
  constexpr uint8_t kSlice = 1;
  constexpr uint8_t kIdrSlice = 5;
  constexpr uint8_t kSequenceParameters = 7;
  NalKinds found;
  const uint8_t* at = unit.data();
  const uint8_t* const end = at + unit.size();
  while (end - at >= 4) {
    const void* one = std::memchr(at + 2, 1, static_cast<size_t>(end - at - 3));
    if (!one) break;
    const uint8_t* mark = static_cast<const uint8_t*>(one);
    if (mark[-1] == 0 && mark[-2] == 0) {
      const uint8_t type = mark[1] & 0x1f;
      found.parameters |= type == kSequenceParameters;
      found.idr |= type == kIdrSlice;
      found.picture |= type >= kSlice && type <= kIdrSlice;
    }
    at = mark - 1;
  }
  return found;
}

H264Decoder::H264Decoder(const OpenH264Library& library) : decoder_(Create(library), library.destroyDecoder) {
  int silent = WELS_LOG_QUIET;
  decoder_->SetOption(DECODER_OPTION_TRACE_LEVEL, &silent);
  Initialize();
}

void H264Decoder::Initialize() {
  SDecodingParam parameters{};
  parameters.uiTargetDqLayer = UCHAR_MAX;
  parameters.eEcActiveIdc = ERROR_CON_DISABLE;
  parameters.sVideoProperty.size = sizeof(parameters.sVideoProperty);
  parameters.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
  if (decoder_->Initialize(&parameters) != 0) {
    throw CodedError("DECODER_REFUSED", "H264Decoder: OpenH264 refused its parameters");
  }
}

bool H264Decoder::Attempt(std::span<const uint8_t> unit, bool hasPicture, Decoded& decoded) {
  decoded = {};
  const DECODING_STATE state =
      decoder_->DecodeFrameNoDelay(unit.data(), static_cast<int>(unit.size()), decoded.planes, &decoded.info);
  decoded.ready = decoded.info.iBufferStatus == 1 && decoded.planes[0];
  return state == dsErrorFree && decoded.ready >= hasPicture;
}

H264Decoder::Result H264Decoder::Decode(std::span<const uint8_t> accessUnit, std::span<uint8_t> out) {
  const NalKinds nals = FindNals(accessUnit);
  if (needsKeyframe_ && nals.picture && !nals.idr) return {Outcome::kDamaged};
  if (accessUnit.empty() || accessUnit.size() > INT_MAX) return {Outcome::kNoPicture};
  Decoded decoded;
  bool good = Attempt(accessUnit, nals.picture, decoded);
  if (!good && needsKeyframe_ && nals.idr) {
    // OpenH264 still holds the slices of the picture that was never completed and trips over them once.
    if (nals.parameters) {
      decoder_->Uninitialize();
      Initialize();
    }
    good = Attempt(accessUnit, nals.picture, decoded);
  }
  if (!good) {
    needsKeyframe_ = true;
    return {Outcome::kDamaged};
  }
  if (nals.idr) needsKeyframe_ = false;
  return decoded.ready ? TakePicture(decoded, out) : Result{Outcome::kNoPicture};
}

H264Decoder::Result H264Decoder::TakePicture(const Decoded& decoded, std::span<uint8_t> out) {
  const SSysMEMBuffer& picture = decoded.info.UsrData.sSystemBuffer;
  const auto* const planes = decoded.planes;
  return CopyPicture({planes[0], planes[1], planes[2], picture.iStride[0], picture.iStride[1], picture.iWidth,
                      picture.iHeight},
                     out);
}

}  // namespace roomrtc
