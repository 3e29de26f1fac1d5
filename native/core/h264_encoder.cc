#include "h264_encoder.h"

#include <cstring>
#include <string>

#include "coded_error.h"

namespace roomrtc {

namespace {

void Require(int status, const char* what) {
  if (status != cmResultSuccess) {
    throw CodedError("ENCODER_REFUSED", std::string("H264Encoder: OpenH264 refused ") + what + " (status " +
                                            std::to_string(status) + ")");
  }
}

ISVCEncoder* Create(const OpenH264Library& library) {
  ISVCEncoder* encoder = nullptr;
  Require(library.createEncoder(&encoder), "to make an encoder");
  return encoder;
}

// What makes the stream: sizes, rates, profile, slices.
void FillStream(SEncParamExt& p, const H264EncoderSettings& s) {
  p.iUsageType = CAMERA_VIDEO_REAL_TIME;
  p.iPicWidth = s.width;
  p.iPicHeight = s.height;
  p.fMaxFrameRate = static_cast<float>(s.frameRate);
  p.iTargetBitrate = s.bitrateBps;
  p.iMaxBitrate = UNSPECIFIED_BIT_RATE;
  p.iTemporalLayerNum = 1;
  p.iSpatialLayerNum = 1;
  p.uiIntraPeriod = static_cast<unsigned>(s.idrInterval);
  p.iNumRefFrame = 1;
  p.eSpsPpsIdStrategy = CONSTANT_ID;
  p.iEntropyCodingModeFlag = 0;  // CAVLC: constrained baseline has no CABAC (H.264 A.2.1.1)
  p.bEnableFrameCroppingFlag = true;
  p.uiMaxNalSize = static_cast<unsigned>(s.maxNalBytes);
  SSpatialLayerConfig& layer = p.sSpatialLayers[0];
  layer.uiProfileIdc = PRO_BASELINE;
  layer.uiLevelIdc = LEVEL_UNKNOWN;
  layer.iVideoWidth = s.width;
  layer.iVideoHeight = s.height;
  layer.fFrameRate = p.fMaxFrameRate;
  layer.iSpatialBitrate = s.bitrateBps;
  layer.iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
  layer.sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
  if (s.maxNalBytes > 0) {
    layer.sSliceArgument.uiSliceMode = SM_SIZELIMITED_SLICE;
    layer.sSliceArgument.uiSliceSizeConstraint = static_cast<unsigned>(s.maxNalBytes);
  } else if (s.threads > 1) {
    layer.sSliceArgument.uiSliceMode = SM_FIXEDSLCNUM_SLICE;
    layer.sSliceArgument.uiSliceNum = static_cast<unsigned>(s.threads);
  }
}

// What costs time per picture; chosen by measurement (docs/decisions/0011-openh264-settings.md).
void FillEffort(SEncParamExt& p, const H264EncoderSettings& s) {
  p.iRCMode = RC_BITRATE_MODE;
  p.bEnableFrameSkip = false;
  p.iComplexityMode = LOW_COMPLEXITY;
  p.iMultipleThreadIdc = static_cast<unsigned short>(s.threads);
  p.iLoopFilterDisableIdc = 0;
  p.bEnableDenoise = false;
  p.bEnableBackgroundDetection = true;
  p.bEnableAdaptiveQuant = false;
  p.bEnableSceneChangeDetect = false;
  p.bEnableLongTermReference = false;
}

}  // namespace

H264Encoder::H264Encoder(const OpenH264Library& library, const H264EncoderSettings& settings)
    : width_(settings.width), height_(settings.height), encoder_(Create(library), library.destroyEncoder) {
  int silent = WELS_LOG_QUIET;
  encoder_->SetOption(ENCODER_OPTION_TRACE_LEVEL, &silent);
  Configure(settings);
}

void H264Encoder::Configure(const H264EncoderSettings& settings) {
  SEncParamExt parameters{};
  Require(encoder_->GetDefaultParams(&parameters), "to give its defaults");
  FillStream(parameters, settings);
  FillEffort(parameters, settings);
  Require(encoder_->InitializeExt(&parameters), "the settings");
  int format = videoFormatI420;
  Require(encoder_->SetOption(ENCODER_OPTION_DATAFORMAT, &format), "I420 pictures");
}

size_t H264Encoder::Encode(const Image& picture, double captureTimeUs, bool forceKeyframe,
                           std::span<uint8_t> out) {
  if (picture.format != PixelFormat::kI420 || picture.width != width_ || picture.height != height_) {
    throw CodedError("SIZE_MISMATCH",
                     "H264Encoder: the picture must be I420 of " + std::to_string(width_) + "x" +
                         std::to_string(height_) + ", found " + PixelFormatName(picture.format) + " of " +
                         std::to_string(picture.width) + "x" + std::to_string(picture.height));
  }
  if (firstCaptureUs_ < 0) firstCaptureUs_ = captureTimeUs;
  SSourcePicture source{};
  source.iColorFormat = videoFormatI420;
  source.iPicWidth = width_;
  source.iPicHeight = height_;
  source.uiTimeStamp = static_cast<long long>((captureTimeUs - firstCaptureUs_) * 1e-3 + 0.5);
  for (size_t plane = 0; plane < 3; ++plane) {
    source.pData[plane] = picture.planes[plane];
    source.iStride[plane] = picture.strides[plane];
  }
  if (forceKeyframe || keyframeOwed_) encoder_->ForceIntraFrame(true);
  SFrameBSInfo info{};
  const int status = encoder_->EncodeFrame(&source, &info);
  if (status != cmResultSuccess) {
    throw CodedError("ENCODER_FAILED", "H264Encoder: OpenH264 failed with status " + std::to_string(status));
  }
  lastWasKeyframe_ = info.eFrameType == videoFrameTypeIDR;
  return info.eFrameType == videoFrameTypeSkip ? 0 : Collect(info, out);
}

size_t H264Encoder::Collect(const SFrameBSInfo& info, std::span<uint8_t> out) {
  const size_t needed = static_cast<size_t>(info.iFrameSizeInBytes);
  keyframeOwed_ = needed > out.size();
  if (keyframeOwed_) {
    lastWasKeyframe_ = false;
    throw CodedError("BUFFER_TOO_SMALL", "H264Encoder: the access unit needs " + std::to_string(needed) +
                                             " bytes, out has " + std::to_string(out.size()));
  }
  size_t written = 0;
  for (int layer = 0; layer < info.iLayerNum; ++layer) {
    const SLayerBSInfo& part = info.sLayerInfo[layer];
    size_t bytes = 0;
    for (int nal = 0; nal < part.iNalCount; ++nal) bytes += static_cast<size_t>(part.pNalLengthInByte[nal]);
    std::memcpy(out.data() + written, part.pBsBuf, bytes);
    written += bytes;
  }
  return written;
}

void H264Encoder::SetBitrate(int bitrateBps) {
  SBitrateInfo target{SPATIAL_LAYER_ALL, bitrateBps};
  Require(encoder_->SetOption(ENCODER_OPTION_BITRATE, &target), "the bitrate");
}

void H264Encoder::SetFrameRate(double frameRate) {
  float rate = static_cast<float>(frameRate);
  Require(encoder_->SetOption(ENCODER_OPTION_FRAME_RATE, &rate), "the frame rate");
}

}  // namespace roomrtc
