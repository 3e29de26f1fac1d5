// Tells when a timeout of SCTP was none: what was sent again had arrived, only its acknowledgement was late.
//
// usrsctp's timer of retransmission runs on while acknowledgements come in, and when it ends it takes each
// chunk for lost that is out for longer than the round trip's mean and four of its deviations: on a smooth
// path that is a stall of few milliseconds. The window falls to one packet, and half of what was in flight
// becomes the bound from which on it grows by a packet a round trip: on a long pipe a transfer does not
// recover from that. That nothing was lost is proven by an acknowledgement of the first of them if it was
// not sent again, and else by the receiver's report of those that it had already (RFC 9260 §3.3.4, RFC 3708).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace roomrtc {

/// What a SACK chunk says (RFC 9260 §3.3.4).
struct SctpSack {
  uint32_t cumulativeTsn = 0;
  /// TSNs as they lie in the packet.
  std::span<const uint8_t> duplicates;
};

/// The packet's SACK chunk, if it has one that is whole.
std::optional<SctpSack> FindSack(std::span<const uint8_t> packet);

class SpuriousTimeoutDetector {
 public:
  /// A time ran out. `firstOpen` is the first TSN that was not acknowledged, hence among those taken for
  /// lost; `window` the congestion window before.
  void Begin(uint32_t firstOpen, size_t window);
  /// A chunk leaves once more; `highestTsn` is the last that was ever sent.
  void NoteRetransmission(uint32_t tsn, uint32_t highestTsn);
  /// The window to go back to when this acknowledgement is the proof.
  std::optional<size_t> NoteSack(const SctpSack& sack);
  /// Whether a timeout is in question.
  bool IsWaiting() const { return isWaiting_; }

 private:
  /// After a timeout the window is so small that no more than these leave again before the answer.
  static constexpr size_t kMost = 256;

  std::optional<size_t> Decide(uint32_t cumulativeTsn);

  bool isWaiting_ = false;
  uint32_t firstOpen_ = 0;
  bool isFirstAgain_ = false;
  size_t window_ = 0;
  /// Sent again, and not reported as duplicates.
  std::vector<uint32_t> open_;
  /// Sent before the last of `open_`: with a later one acknowledged, what was to be reported has been.
  uint32_t lastBefore_ = 0;
};

}  // namespace roomrtc
