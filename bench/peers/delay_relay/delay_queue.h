#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

/// What is on its way in one direction: 50 ms at 10 Gbit/s.
constexpr size_t kQueueBytes = 64u << 20;

/// Datagrams of one direction, in the order of their arrival, in a ring of bytes.
class DelayQueue {
 public:
  struct Entry {
    int64_t dueNs;
    size_t offset;
    uint32_t length;
    uint16_t segment;
  };

  bool empty() const { return entries_.empty(); }
  const Entry& front() const { return entries_.front(); }
  std::span<uint8_t> bytesOf(const Entry& entry) { return {ring_.data() + entry.offset, entry.length}; }

  /// False, and counted by the caller, when there is no room.
  bool push(std::span<const uint8_t> bytes, uint16_t segment, int64_t dueNs) {
    const size_t offset = place(bytes.size());
    if (offset == kNowhere) return false;
    std::memcpy(ring_.data() + offset, bytes.data(), bytes.size());
    entries_.push_back({dueNs, offset, static_cast<uint32_t>(bytes.size()), segment});
    end_ = offset + bytes.size();
    return true;
  }

  void pop() { entries_.pop_front(); }

 private:
  static constexpr size_t kNowhere = SIZE_MAX;

  size_t place(size_t length) const {
    if (empty()) return 0;
    const size_t begin = front().offset;
    if (end_ > begin) {
      if (end_ + length <= ring_.size()) return end_;
      return length < begin ? 0 : kNowhere;
    }
    return end_ + length < begin ? end_ : kNowhere;
  }

  std::vector<uint8_t> ring_ = std::vector<uint8_t>(kQueueBytes);
  std::deque<Entry> entries_;
  size_t end_ = 0;
};
