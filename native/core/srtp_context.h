// SRTP and SRTCP packet processing for one direction under one master key (RFC 3711 §3.3, RFC 7714).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>

#include "replay_window.h"
#include "srtp_cipher.h"
#include "srtp_profile.h"

namespace roomrtc {

/// Results below zero; native/addon.ts calls them SrtpError.
enum SrtpResult : int {
  kSrtpMalformed = -1,
  kSrtpAuthentication = -2,
  kSrtpReplay = -3,
};

struct SrtpKeys {
  SrtpProfile profile;
  std::span<const uint8_t> masterKey;
  std::span<const uint8_t> masterSalt;
  uint32_t replayWindow = 1024;
};

/// Protects or unprotects packets in place. One object serves one direction: its first packet settles which,
/// for sending and receiving under one key would repeat nonces. Sources (SSRCs) are learned as they come,
/// from authenticated packets only, kMaxSources at most; nothing is allocated for a packet of a known source.
class SrtpContext {
 public:
  static constexpr size_t kMaxSources = 1024;
  static constexpr uint32_t kMinReplayWindow = 64;
  static constexpr uint32_t kMaxReplayWindow = 16384;

  /// Key and salt must have the profile's sizes.
  explicit SrtpContext(const SrtpKeys& keys);

  SrtpProfile profile() const { return profile_; }
  size_t rtpOverhead() const { return tagSize_; }
  size_t rtcpOverhead() const { return tagSize_ + kRtcpTrailer; }

  /// Protects the first `length` bytes of `buffer`, which must have the overhead's room behind them; returns
  /// the new length. kSrtpMalformed: not an RTP packet. kSrtpReplay: that sequence number was protected
  /// before or lies behind the window; to protect it again would use a nonce twice, so re-send the protected
  /// bytes instead. Throws CodedError for a full source table or a used-up key.
  int ProtectRtp(std::span<uint8_t> buffer, size_t length);
  int ProtectRtcp(std::span<uint8_t> buffer, size_t length);
  /// Opens a copy of a packet that this object protected, in place, so that a sender need not keep the plain
  /// ones for a retransmission stream (RFC 4588). Returns the new length, or kSrtpAuthentication for what it
  /// did not protect. The packet must be less than 2^15 numbers old.
  int RecoverRtp(std::span<uint8_t> packet);
  /// Returns the new length or an SrtpResult; after kSrtpAuthentication the payload's bytes are undefined.
  int UnprotectRtp(std::span<uint8_t> packet);
  int UnprotectRtcp(std::span<uint8_t> packet);

 private:
  static constexpr size_t kRtcpHeader = 8;   // RFC 3711 §3.4: the first header and sender SSRC stay clear
  static constexpr size_t kRtcpTrailer = 4;  // E flag and index

  struct Source {
    explicit Source(uint32_t window) : replay(window) {}
    ReplayWindow replay;
  };

  /// The sources of RTP or of RTCP; remembers the last one, for packets come in bursts.
  class Sources {
   public:
    Source* Find(uint32_t ssrc);
    /// nullptr when the table is full.
    Source* FindOrAdd(uint32_t ssrc, uint32_t window);

   private:
    std::unordered_map<uint32_t, Source> byId_;
    Source* last_ = nullptr;
    uint32_t lastId_ = 0;
  };

  enum class Direction { kUnsettled, kProtect, kUnprotect };

  void Settle(Direction direction);
  bool OpenRtp(const SrtpNonce& nonce, std::span<uint8_t> packet, size_t header);
  Source& SourceToProtect(Sources& sources, uint32_t ssrc);
  bool Accept(Sources& sources, Source* known, const SrtpNonce& nonce);

  static std::unique_ptr<SrtpCipher> MakeCipher(const SrtpKeys& keys, SrtpKind kind);

  const SrtpProfile profile_;
  const size_t tagSize_;
  const bool tagCoversTrailer_;  // false for GCM, where the trailer is associated data and follows the tag
  const uint32_t window_;
  Direction direction_ = Direction::kUnsettled;
  std::unique_ptr<SrtpCipher> rtp_;
  std::unique_ptr<SrtpCipher> rtcp_;
  Sources rtpSources_;
  Sources rtcpSources_;
};

}  // namespace roomrtc
