// Opus (RFC 6716) with libopus, as RFC 7587 carries it.
#pragma once

#include <opus.h>

#include <memory>
#include <span>

namespace roomrtc {

enum class OpusUse { kVoip, kAudio, kLowDelay };

struct OpusEncoderSettings {
  /// 8000, 12000, 16000, 24000 or 48000.
  int sampleRate = 48000;
  int channels = 1;
  /// 6000 to 510000 (RFC 7587 §3.1).
  int bitrateBps = 32000;
  OpusUse use = OpusUse::kVoip;
  bool fec = false;
  bool dtx = false;
  int packetLossPercent = 0;
  /// 0 to 10: processor time against sound (docs/decisions/0012-opus-complexity.md).
  int complexity = 5;
};

/// Encodes interleaved 16-bit samples, one frame of 2.5, 5, 10, 20, 40 or 60 ms a call.
class OpusFrameEncoder {
 public:
  explicit OpusFrameEncoder(const OpusEncoderSettings& settings);
  /// Returns bytes written; one or two of them mean silence under DTX and need not be sent. Throws CodedError
  /// OUT_OF_RANGE for another frame length, BUFFER_TOO_SMALL when the packet does not fit.
  size_t Encode(std::span<const int16_t> pcm, std::span<uint8_t> out);
  void SetBitrate(int bitrateBps);
  void SetPacketLoss(int percent);

 private:
  int sampleRate_;
  int channels_;
  std::unique_ptr<OpusEncoder, void (*)(OpusEncoder*)> encoder_;
};

/// Decodes packets, recovers lost frames from the next packet's in-band FEC (RFC 6716 §2.1.7), conceals the
/// others.
class OpusFrameDecoder {
 public:
  OpusFrameDecoder(int sampleRate, int channels);
  /// Samples per channel, -1 when the packet is damaged. Throws CodedError BUFFER_TOO_SMALL when `pcm` cannot
  /// hold what the packet's table of contents states.
  int Decode(std::span<const uint8_t> packet, std::span<int16_t> pcm);
  int DecodeFec(std::span<const uint8_t> packet, std::span<int16_t> pcm, int frameSamples);
  int Conceal(std::span<int16_t> pcm, int frameSamples);

 private:
  void CheckFrame(std::span<int16_t> pcm, int frameSamples) const;

  int sampleRate_;
  int channels_;
  std::unique_ptr<OpusDecoder, void (*)(OpusDecoder*)> decoder_;
};

}  // namespace roomrtc
