#include "srtp_context.h"

#include <algorithm>
#include <array>
#include <optional>

#include "byte_order.h"
#include "coded_error.h"
#include "openssl_handles.h"

namespace roomrtc {

namespace {

constexpr size_t kRtpFixedHeader = 12;
constexpr uint32_t kRtcpIndexMask = 0x7fffffff;
constexpr uint32_t kRtcpEncrypted = 0x80000000;
constexpr uint64_t kLastRtpIndex = (uint64_t{1} << 48) - 1;

/// Bytes of the RTP header with CSRCs and extension (RFC 3550 §5.1, §5.3.1), 0 when the packet is not RTP.
size_t RtpHeaderSize(std::span<const uint8_t> packet) {
  if (packet.size() < kRtpFixedHeader || packet[0] >> 6 != 2) return 0;
  size_t size = kRtpFixedHeader + 4 * size_t{packet[0] & 0x0fu};
  if (packet[0] & 0x10) {
    if (packet.size() < size + 4) return 0;
    size += 4 + 4 * size_t{ReadU16(packet.data() + size + 2)};
  }
  return size <= packet.size() ? size : 0;
}

/// RFC 3711 §3.3.1 and appendix A: the index nearest to the highest one seen. Nothing for one below zero.
std::optional<uint64_t> GuessIndex(const ReplayWindow& replay, uint16_t sequence) {
  const int64_t highest = static_cast<int64_t>(replay.highest());
  const int16_t step = static_cast<int16_t>(sequence - static_cast<uint16_t>(highest));
  // A step of exactly -32768 is ambiguous; appendix A reads it as one forward when the highest is in the
  // lower half.
  const bool forward = step == INT16_MIN && (highest & 0xffff) < 32768;
  const int64_t index = highest + (forward ? 32768 : step);
  if (index < 0) return std::nullopt;
  return static_cast<uint64_t>(index);
}

}  // namespace

SrtpContext::Source* SrtpContext::Sources::Find(uint32_t ssrc) {
  if (last_ && lastId_ == ssrc) return last_;
  const auto found = byId_.find(ssrc);
  if (found == byId_.end()) return nullptr;
  lastId_ = ssrc;
  return last_ = &found->second;
}

SrtpContext::Source* SrtpContext::Sources::FindOrAdd(uint32_t ssrc, uint32_t window) {
  if (Source* known = Find(ssrc)) return known;
  if (byId_.size() >= kMaxSources) return nullptr;
  lastId_ = ssrc;
  return last_ = &byId_.emplace(ssrc, window).first->second;
}

std::unique_ptr<SrtpCipher> SrtpContext::MakeCipher(const SrtpKeys& keys, SrtpKind kind) {
  PrepareOpenSsl();
  return SrtpCipher::Create(keys.profile,
                            DeriveSrtpSessionKeys(keys.profile, kind, keys.masterKey, keys.masterSalt));
}

SrtpContext::SrtpContext(const SrtpKeys& keys)
    : profile_(keys.profile),
      tagSize_(SizesOf(keys.profile).tag),
      tagCoversTrailer_(keys.profile == SrtpProfile::kAes128CmSha1_80),
      window_(keys.replayWindow),
      rtp_(MakeCipher(keys, SrtpKind::kRtp)),
      rtcp_(MakeCipher(keys, SrtpKind::kRtcp)) {}

void SrtpContext::Settle(Direction direction) {
  if (direction_ == direction) return;
  if (direction_ != Direction::kUnsettled) {
    throw CodedError("SRTP_DIRECTION", "SrtpContext: one object cannot both protect and unprotect");
  }
  direction_ = direction;
}

SrtpContext::Source& SrtpContext::SourceToProtect(Sources& sources, uint32_t ssrc) {
  if (Source* source = sources.FindOrAdd(ssrc, window_)) return *source;
  throw CodedError("SRTP_TOO_MANY_SOURCES",
                   "SrtpContext: more than " + std::to_string(kMaxSources) + " sources under one key");
}

/// Records an authenticated packet; false when its source is new and the table is full.
bool SrtpContext::Accept(Sources& sources, Source* known, const SrtpNonce& nonce) {
  Source* source = known ? known : sources.FindOrAdd(nonce.ssrc, window_);
  if (!source) return false;
  source->replay.Add(nonce.index);
  return true;
}

int SrtpContext::ProtectRtp(std::span<uint8_t> buffer, size_t length) {
  Settle(Direction::kProtect);
  const std::span<uint8_t> packet = buffer.first(length);
  const size_t header = RtpHeaderSize(packet);
  if (header == 0) return kSrtpMalformed;
  const uint16_t sequence = ReadU16(packet.data() + 2);
  const uint32_t ssrc = ReadU32(packet.data() + 8);
  ReplayWindow& sent = SourceToProtect(rtpSources_, ssrc).replay;
  const std::optional<uint64_t> index = sent.empty() ? sequence : GuessIndex(sent, sequence);
  if (!index || !sent.IsFresh(*index)) return kSrtpReplay;
  if (*index > kLastRtpIndex) throw CodedError("SRTP_KEY_EXHAUSTED", "SrtpContext: 2^48 packets sent");

  std::array<uint8_t, 4> rollover;
  WriteU32(rollover.data(), static_cast<uint32_t>(*index >> 16));
  const std::span<const uint8_t> trailer =
      tagCoversTrailer_ ? std::span<const uint8_t>(rollover) : std::span<const uint8_t>();
  rtp_->Seal({ssrc, *index}, {packet.first(header), packet.subspan(header), trailer, buffer.data() + length});
  sent.Add(*index);
  return static_cast<int>(length + tagSize_);
}

int SrtpContext::UnprotectRtp(std::span<uint8_t> packet) {
  Settle(Direction::kUnprotect);
  const size_t header = RtpHeaderSize(packet);
  if (header == 0 || packet.size() < header + tagSize_) return kSrtpMalformed;
  const uint16_t sequence = ReadU16(packet.data() + 2);
  const uint32_t ssrc = ReadU32(packet.data() + 8);
  Source* known = rtpSources_.Find(ssrc);
  const std::optional<uint64_t> index = known ? GuessIndex(known->replay, sequence) : sequence;
  if (!index || *index > kLastRtpIndex || (known && !known->replay.IsFresh(*index))) return kSrtpReplay;

  const SrtpNonce nonce{ssrc, *index};
  if (!OpenRtp(nonce, packet, header) || !Accept(rtpSources_, known, nonce)) return kSrtpAuthentication;
  return static_cast<int>(packet.size() - tagSize_);
}

int SrtpContext::RecoverRtp(std::span<uint8_t> packet) {
  Settle(Direction::kProtect);
  const size_t header = RtpHeaderSize(packet);
  if (header == 0 || packet.size() < header + tagSize_) return kSrtpMalformed;
  const uint32_t ssrc = ReadU32(packet.data() + 8);
  Source* source = rtpSources_.Find(ssrc);
  if (!source || source->replay.empty()) return kSrtpAuthentication;
  const std::optional<uint64_t> index = GuessIndex(source->replay, ReadU16(packet.data() + 2));
  if (!index || !OpenRtp({ssrc, *index}, packet, header)) return kSrtpAuthentication;
  return static_cast<int>(packet.size() - tagSize_);
}

/// Checks and decrypts a protected packet of `header` clear bytes.
bool SrtpContext::OpenRtp(const SrtpNonce& nonce, std::span<uint8_t> packet, size_t header) {
  std::array<uint8_t, 4> rollover;
  WriteU32(rollover.data(), static_cast<uint32_t>(nonce.index >> 16));
  const std::span<const uint8_t> trailer =
      tagCoversTrailer_ ? std::span<const uint8_t>(rollover) : std::span<const uint8_t>();
  const size_t length = packet.size() - tagSize_;
  return rtp_->Open(nonce, {packet.first(header), packet.subspan(header, length - header), trailer,
                            packet.data() + length});
}

int SrtpContext::ProtectRtcp(std::span<uint8_t> buffer, size_t length) {
  Settle(Direction::kProtect);
  if (length < kRtcpHeader || buffer[0] >> 6 != 2) return kSrtpMalformed;
  const uint32_t ssrc = ReadU32(buffer.data() + 4);
  ReplayWindow& sent = SourceToProtect(rtcpSources_, ssrc).replay;
  // RFC 3711 §3.4: zero before the first packet, one more after each.
  const uint64_t index = sent.empty() ? 0 : sent.highest() + 1;
  if (index > kRtcpIndexMask) throw CodedError("SRTP_KEY_EXHAUSTED", "SrtpContext: 2^31 RTCP packets sent");

  std::array<uint8_t, kRtcpTrailer> trailer;
  WriteU32(trailer.data(), kRtcpEncrypted | static_cast<uint32_t>(index));
  // RFC 3711 §3.4: packet, E || index, tag. RFC 7714 §9.2: packet, tag, E || index.
  uint8_t* tag = buffer.data() + length + (tagCoversTrailer_ ? kRtcpTrailer : 0);
  uint8_t* tail = buffer.data() + length + (tagCoversTrailer_ ? 0 : tagSize_);
  rtcp_->Seal({ssrc, index},
              {buffer.first(kRtcpHeader), buffer.subspan(kRtcpHeader, length - kRtcpHeader), trailer, tag});
  std::copy(trailer.begin(), trailer.end(), tail);
  sent.Add(index);
  return static_cast<int>(length + rtcpOverhead());
}

int SrtpContext::UnprotectRtcp(std::span<uint8_t> packet) {
  Settle(Direction::kUnprotect);
  if (packet.size() < kRtcpHeader + rtcpOverhead() || packet[0] >> 6 != 2) return kSrtpMalformed;
  const size_t length = packet.size() - rtcpOverhead();
  uint8_t* tag = packet.data() + length + (tagCoversTrailer_ ? kRtcpTrailer : 0);
  const uint8_t* tail = packet.data() + length + (tagCoversTrailer_ ? 0 : tagSize_);
  const uint32_t flagged = ReadU32(tail);
  const SrtpNonce nonce{ReadU32(packet.data() + 4), flagged & kRtcpIndexMask};
  Source* known = rtcpSources_.Find(nonce.ssrc);
  if (known && !known->replay.IsFresh(nonce.index)) return kSrtpReplay;

  // RFC 3711 §3.4: without the E flag the whole packet is clear, and still authenticated.
  const size_t clear = flagged & kRtcpEncrypted ? kRtcpHeader : length;
  const SrtpCipher::Packet parts{packet.first(clear), packet.subspan(clear, length - clear),
                                 std::span(tail, kRtcpTrailer), tag};
  if (!rtcp_->Open(nonce, parts) || !Accept(rtcpSources_, known, nonce)) return kSrtpAuthentication;
  return static_cast<int>(length);
}

}  // namespace roomrtc
