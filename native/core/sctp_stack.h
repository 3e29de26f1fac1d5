// The process's one usrsctp. It keeps its state per process and calls back from wherever it is called;
// threads share it behind one lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

namespace roomrtc {

class SctpAssociation;

/// The cause of an ABORT that a user asked for (RFC 9260 §3.3.10.12); usrsctp's own carry it, too.
inline constexpr uint16_t kSctpUserAbort = 12;
/// The congestion window that an association begins with, in packets (RFC 6928 §2).
inline constexpr uint32_t kInitialWindowPackets = 10;
/// SACKs that wait to be sent and say less than the one after them, which is sent in their place.
inline constexpr size_t kMergedSacks = 3;

class SctpStack {
 public:
  /// What usrsctp calls with each packet to send: the address of its association, the packet, its length.
  using Output = int (*)(void* address, void* packet, size_t length, uint8_t tos, uint8_t setDf);

  static SctpStack& Instance();

  /// Held for every call into usrsctp, and for every touch of what the output callback touches: the timers
  /// that one thread runs send packets of another's associations. The members below are called with it.
  [[nodiscard]] std::unique_lock<std::mutex> Lock() { return std::unique_lock(mutex_); }

  /// The address by which usrsctp knows the association from now on. An address is never used again: usrsctp
  /// keeps a closed association for a while, and what it still says must not reach the next one that lies in
  /// the same memory.
  void* Add(SctpAssociation& association, Output output);
  void Remove(void* address);
  /// Null when it was removed.
  SctpAssociation* Find(void* address) const;

  /// The process's timers are advanced by one of the threads that call this: by the same one as long as it
  /// does, by another when that one has not for kTakeOverUs.
  void HandleTimers(uint32_t elapsedMs);
  static constexpr double kTakeOverUs = 30'000;

 private:
  void Initialise(Output output);

  std::mutex mutex_;
  bool initialised_ = false;
  std::map<uintptr_t, SctpAssociation*> byAddress_;
  uintptr_t lastAddress_ = 0;
  std::thread::id driver_;
  double drivenUs_ = 0;
};

}  // namespace roomrtc
