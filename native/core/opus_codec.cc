#include "opus_codec.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "coded_error.h"

namespace roomrtc {

namespace {

void Require(int status, const char* what) {
  if (status != OPUS_OK) {
    throw CodedError("OPUS_REFUSED", std::string("Opus refused ") + what + ": " + opus_strerror(status));
  }
}

int Application(OpusUse use) {
  switch (use) {
    case OpusUse::kAudio:
      return OPUS_APPLICATION_AUDIO;
    case OpusUse::kLowDelay:
      return OPUS_APPLICATION_RESTRICTED_LOWDELAY;
    default:
      return OPUS_APPLICATION_VOIP;
  }
}

OpusEncoder* CreateEncoder(const OpusEncoderSettings& settings) {
  int status = OPUS_OK;
  OpusEncoder* encoder =
      opus_encoder_create(settings.sampleRate, settings.channels, Application(settings.use), &status);
  Require(status, "the encoder's settings");
  return encoder;
}

OpusDecoder* CreateDecoder(int sampleRate, int channels) {
  int status = OPUS_OK;
  OpusDecoder* decoder = opus_decoder_create(sampleRate, channels, &status);
  Require(status, "the decoder's settings");
  return decoder;
}

// RFC 6716 §2.1.4: 2.5, 5, 10, 20, 40, 60 ms, in units of 2.5 ms.
bool IsFrameLength(size_t samples, int sampleRate) {
  constexpr size_t kUnits[] = {1, 2, 4, 8, 16, 24};
  const size_t unit = static_cast<size_t>(sampleRate) / 400;
  return std::any_of(std::begin(kUnits), std::end(kUnits), [&](size_t n) { return samples == n * unit; });
}

}  // namespace

OpusFrameEncoder::OpusFrameEncoder(const OpusEncoderSettings& settings)
    : sampleRate_(settings.sampleRate),
      channels_(settings.channels),
      encoder_(CreateEncoder(settings), opus_encoder_destroy) {
  SetBitrate(settings.bitrateBps);
  SetPacketLoss(settings.packetLossPercent);
  Require(opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(settings.complexity)), "the complexity");
  Require(opus_encoder_ctl(encoder_.get(), OPUS_SET_INBAND_FEC(settings.fec ? 1 : 0)), "fec");
  Require(opus_encoder_ctl(encoder_.get(), OPUS_SET_DTX(settings.dtx ? 1 : 0)), "dtx");
}

size_t OpusFrameEncoder::Encode(std::span<const int16_t> pcm, std::span<uint8_t> out) {
  const size_t samples = pcm.size() / static_cast<size_t>(channels_);
  if (samples * static_cast<size_t>(channels_) != pcm.size() || !IsFrameLength(samples, sampleRate_)) {
    throw CodedError("OUT_OF_RANGE", "OpusEncoder: pcm must hold 2.5, 5, 10, 20, 40 or 60 ms at " +
                                         std::to_string(sampleRate_) + " Hz and " +
                                         std::to_string(channels_) + " channels, found " +
                                         std::to_string(pcm.size()) + " values");
  }
  constexpr size_t kLeast = 2;       // libopus reports less room as a bad argument
  constexpr size_t kLongest = 4000;  // what libopus's documentation calls enough for any packet
  const auto room = static_cast<opus_int32>(std::min(out.size(), kLongest));
  const int bytes = out.size() < kLeast ? OPUS_BUFFER_TOO_SMALL
                                        : opus_encode(encoder_.get(), pcm.data(), static_cast<int>(samples),
                                                      out.data(), room);
  if (bytes == OPUS_BUFFER_TOO_SMALL) {
    throw CodedError("BUFFER_TOO_SMALL", "OpusEncoder: the packet does not fit in the " +
                                             std::to_string(out.size()) + " bytes of out");
  }
  Require(std::min(bytes, 0), "the frame");
  return static_cast<size_t>(bytes);
}

void OpusFrameEncoder::SetBitrate(int bitrateBps) {
  Require(opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(bitrateBps)), "the bitrate");
}

void OpusFrameEncoder::SetPacketLoss(int percent) {
  Require(opus_encoder_ctl(encoder_.get(), OPUS_SET_PACKET_LOSS_PERC(percent)), "the packet loss");
}

OpusFrameDecoder::OpusFrameDecoder(int sampleRate, int channels)
    : sampleRate_(sampleRate),
      channels_(channels),
      decoder_(CreateDecoder(sampleRate, channels), opus_decoder_destroy) {}

int OpusFrameDecoder::Decode(std::span<const uint8_t> packet, std::span<int16_t> pcm) {
  if (packet.empty()) return -1;  // libopus would take it for a loss to conceal
  const auto length = static_cast<opus_int32>(packet.size());
  const int samples = opus_decoder_get_nb_samples(decoder_.get(), packet.data(), length);
  if (samples <= 0) return -1;
  const size_t room = pcm.size() / static_cast<size_t>(channels_);
  if (static_cast<size_t>(samples) > room) {
    throw CodedError("BUFFER_TOO_SMALL", "OpusDecoder: the packet holds " + std::to_string(samples) +
                                             " samples per channel, pcm has room for " +
                                             std::to_string(room));
  }
  return std::max(opus_decode(decoder_.get(), packet.data(), length, pcm.data(), samples, 0), -1);
}

int OpusFrameDecoder::DecodeFec(std::span<const uint8_t> packet, std::span<int16_t> pcm, int frameSamples) {
  CheckFrame(pcm, frameSamples);
  if (packet.empty()) return -1;
  const auto length = static_cast<opus_int32>(packet.size());
  return std::max(opus_decode(decoder_.get(), packet.data(), length, pcm.data(), frameSamples, 1), -1);
}

int OpusFrameDecoder::Conceal(std::span<int16_t> pcm, int frameSamples) {
  CheckFrame(pcm, frameSamples);
  return std::max(opus_decode(decoder_.get(), nullptr, 0, pcm.data(), frameSamples, 0), -1);
}

void OpusFrameDecoder::CheckFrame(std::span<int16_t> pcm, int frameSamples) const {
  const size_t room = pcm.size() / static_cast<size_t>(channels_);
  if (frameSamples <= 0 || static_cast<size_t>(frameSamples) > room ||
      frameSamples % (sampleRate_ / 400) != 0) {
    throw CodedError("OUT_OF_RANGE",
                     "OpusDecoder: frameSamples must be a multiple of 2.5 ms that fits in pcm (" +
                         std::to_string(room) + " samples per channel), found " +
                         std::to_string(frameSamples));
  }
}

}  // namespace roomrtc
