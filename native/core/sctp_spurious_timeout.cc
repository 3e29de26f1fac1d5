#include "sctp_spurious_timeout.h"

#include <algorithm>

#include "byte_order.h"
#include "sctp_chunks.h"

namespace roomrtc {

namespace {

constexpr size_t kSackHeader = 16;
/// A gap block, or a TSN.
constexpr size_t kEntry = 4;

}  // namespace

std::optional<SctpSack> FindSack(std::span<const uint8_t> packet) {
  SctpChunks chunks(packet);
  for (auto chunk = chunks.Next(); !chunk.empty(); chunk = chunks.Next()) {
    if (chunk[0] != kSctpSack) continue;
    if (chunk.size() < kSackHeader) return std::nullopt;
    const size_t gaps = kEntry * ReadU16(&chunk[12]);
    const size_t duplicates = kEntry * ReadU16(&chunk[14]);
    if (kSackHeader + gaps + duplicates > chunk.size()) return std::nullopt;
    return SctpSack{ReadU32(&chunk[4]), chunk.subspan(kSackHeader + gaps, duplicates)};
  }
  return std::nullopt;
}

void SpuriousTimeoutDetector::Begin(uint32_t firstOpen, size_t window) {
  if (isWaiting_) return;
  isWaiting_ = true;
  firstOpen_ = firstOpen;
  isFirstAgain_ = false;
  window_ = window;
  open_.clear();
}

void SpuriousTimeoutDetector::NoteRetransmission(uint32_t tsn, uint32_t highestTsn) {
  if (!isWaiting_) return;
  lastBefore_ = highestTsn;
  isFirstAgain_ = isFirstAgain_ || tsn == firstOpen_;
  if (std::find(open_.begin(), open_.end(), tsn) == open_.end()) open_.push_back(tsn);
  if (open_.size() > kMost) isWaiting_ = false;
}

std::optional<size_t> SpuriousTimeoutDetector::NoteSack(const SctpSack& sack) {
  if (!isWaiting_) return std::nullopt;
  for (size_t at = 0; at + kEntry <= sack.duplicates.size(); at += kEntry) {
    std::erase(open_, ReadU32(&sack.duplicates[at]));
  }
  return IsTsnAfter(firstOpen_, sack.cumulativeTsn) ? std::nullopt : Decide(sack.cumulativeTsn);
}

/// The first of those that were taken for lost is acknowledged.
std::optional<size_t> SpuriousTimeoutDetector::Decide(uint32_t cumulativeTsn) {
  const bool isSpurious = !isFirstAgain_ || open_.empty();
  isWaiting_ = !isSpurious && !IsTsnAfter(cumulativeTsn, lastBefore_);
  return isSpurious ? std::optional(window_) : std::nullopt;
}

}  // namespace roomrtc
