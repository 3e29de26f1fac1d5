// Sliding replay list (RFC 3711 §3.3.2) over packet indices.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace roomrtc {

/// Remembers which of the last `size` indices were seen. All memory is taken in the constructor.
class ReplayWindow {
 public:
  /// `size` is rounded up to a power of two, 64 at least.
  explicit ReplayWindow(uint32_t size) : bits_(std::bit_ceil(size < 64 ? 64u : size) / 64) {}

  bool empty() const { return empty_; }
  uint64_t highest() const { return highest_; }

  /// Whether `index` is neither seen nor older than the window.
  bool IsFresh(uint64_t index) const {
    if (empty_ || index > highest_) return true;
    if (highest_ - index >= size()) return false;
    return (word(index) >> (index % 64) & 1) == 0;
  }

  void Add(uint64_t index) {
    if (empty_ || index > highest_) Advance(index);
    word(index) |= uint64_t{1} << (index % 64);
  }

 private:
  uint64_t size() const { return bits_.size() * 64; }
  uint64_t& word(uint64_t index) { return bits_[(index / 64) & (bits_.size() - 1)]; }
  uint64_t word(uint64_t index) const { return bits_[(index / 64) & (bits_.size() - 1)]; }

  void Advance(uint64_t index) {
    if (empty_ || index - highest_ >= size()) {
      bits_.assign(bits_.size(), 0);
    } else {
      for (uint64_t skipped = highest_ + 1; skipped <= index; ++skipped) {
        word(skipped) &= ~(uint64_t{1} << (skipped % 64));
      }
    }
    empty_ = false;
    highest_ = index;
  }

  std::vector<uint64_t> bits_;
  uint64_t highest_ = 0;
  bool empty_ = true;
};

}  // namespace roomrtc
