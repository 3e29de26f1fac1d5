// The two ends OpenSSL reads and writes: whole datagrams in memory.
#pragma once

#include <sys/time.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "openssl_handles.h"

namespace roomrtc {

/// What a DTLS connection's BIO works on. Must outlive the BIO.
class DatagramPort {
 public:
  explicit DatagramPort(size_t mtu) : mtu_(mtu) {}
  DatagramPort(const DatagramPort&) = delete;
  DatagramPort& operator=(const DatagramPort&) = delete;

  /// A BIO over this port, to be owned by the SSL object.
  BIO* CreateBio();

  /// The one datagram OpenSSL may read next, taken with the first read; the bytes must live that long.
  void Offer(std::span<const uint8_t> datagram) { incoming_ = datagram; }
  void Withdraw() { incoming_.reset(); }

  /// Copies the oldest datagram to send into `out`, handshake records that follow joined to it as far as the
  /// MTU goes; 0 when there is none. One that does not fit stays.
  size_t Take(std::span<uint8_t> out);
  size_t pendingBytes() const { return outgoing_.empty() ? 0 : outgoing_.front().size(); }

  /// When OpenSSL wants its retransmission timer to fire, on its own clock; nothing while no timer runs.
  const std::optional<timeval>& timer() const { return timer_; }
  /// Grows each time OpenSSL sets or stops its timer, also to the value it had.
  uint64_t timerChanges() const { return timerChanges_; }

 private:
  static constexpr size_t kMaxOutgoing = 256;

  static DatagramPort& Of(BIO* bio);
  static int Write(BIO* bio, const char* data, int size);
  static int Read(BIO* bio, char* out, int size);
  static long Control(BIO* bio, int command, long number, void* pointer);
  static BIO_METHOD* Method();

  const size_t mtu_;
  std::optional<std::span<const uint8_t>> incoming_;
  std::deque<std::vector<uint8_t>> outgoing_;
  std::optional<timeval> timer_;
  uint64_t timerChanges_ = 0;
};

}  // namespace roomrtc
