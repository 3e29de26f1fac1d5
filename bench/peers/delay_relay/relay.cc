// A UDP relay that delivers every datagram later, for `npm run bench:peers -- data`: a kernel may have no
// netem.
//
//   relay ADDRESS DELAY_US
//
// Two sockets stand for two ends: what an end sends to the socket of the other is sent on from its own.
// Prints `PORT_A PORT_B`; then reads `a PORT` and `b PORT`, the ends' own ports at ADDRESS, as they get
// known, and ends with its standard input by printing how many datagrams it dropped. Datagrams that the
// kernel joined stay joined.
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "delay_queue.h"
#include "udp.h"

namespace {

constexpr int kBatch = 32;

/// What arrives at `in` leaves from `out` to `target`.
struct Direction {
  int in;
  int out;
  sockaddr_in target{};
  DelayQueue queue{};
  uint64_t dropped = 0;
};

class Receiver {
 public:
  Receiver() {
    for (int i = 0; i < kBatch; ++i) parts_[i] = {buffers_.data() + i * kLargestDatagram, kLargestDatagram};
  }

  /// One batch: what is due in either direction goes out between two.
  void drain(Direction& direction, int64_t delayNs) {
    for (int i = 0; i < kBatch; ++i) {
      messages_[i] = {};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_control = controls_[i].data();
      messages_[i].msg_hdr.msg_controllen = controls_[i].size();
    }
    const int count = recvmmsg(direction.in, messages_.data(), kBatch, 0, nullptr);
    const int64_t dueNs = nowNs() + delayNs;
    for (int i = 0; i < count; ++i) keep(direction, i, dueNs);
  }

 private:
  void keep(Direction& direction, int i, int64_t dueNs) {
    const std::span<const uint8_t> bytes{buffers_.data() + i * kLargestDatagram, messages_[i].msg_len};
    if (!direction.queue.push(bytes, segmentOf(messages_[i].msg_hdr), dueNs)) ++direction.dropped;
  }

  std::vector<uint8_t> buffers_ = std::vector<uint8_t>(kBatch * kLargestDatagram);
  std::array<std::array<uint8_t, CMSG_SPACE(sizeof(int))>, kBatch> controls_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
};

/// Sends what is due; returns when the next is, INT64_MAX: nothing waits.
int64_t flush(Direction& direction) {
  DelayQueue& queue = direction.queue;
  while (!queue.empty()) {
    const DelayQueue::Entry& entry = queue.front();
    if (entry.dueNs > nowNs()) return entry.dueNs;
    if (!sendSegments(direction.out, direction.target, queue.bytesOf(entry), entry.segment))
      ++direction.dropped;
    queue.pop();
  }
  return INT64_MAX;
}

/// False at the end of the input.
bool readPeers(const char* text, Direction& toA, Direction& toB) {
  static std::string pending;
  std::array<char, 256> chunk{};
  const ssize_t length = read(STDIN_FILENO, chunk.data(), chunk.size());
  if (length <= 0) return false;
  pending.append(chunk.data(), static_cast<size_t>(length));
  for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
    const auto port = static_cast<uint16_t>(std::atoi(pending.c_str() + 2));
    (pending[0] == 'a' ? toA : toB).target = addressOf(text, port);
    pending.erase(0, end + 1);
  }
  return true;
}

void run(const char* text, int64_t delayNs) {
  const int a = openSocket(text);
  const int b = openSocket(text);
  Direction toA{.in = a, .out = b};
  Direction toB{.in = b, .out = a};
  Receiver receiver;
  std::printf("%u %u\n", portOf(a), portOf(b));
  std::fflush(stdout);
  std::array<pollfd, 3> waits{{{a, POLLIN, 0}, {b, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  for (;;) {
    const int64_t dueNs = std::min(flush(toA), flush(toB));
    const int64_t waitNs = std::clamp<int64_t>(dueNs - nowNs(), 0, 1'000'000'000);
    const timespec timeout{waitNs / 1'000'000'000, waitNs % 1'000'000'000};
    if (ppoll(waits.data(), waits.size(), &timeout, nullptr) < 0 && errno != EINTR) fail("ppoll");
    if (waits[0].revents != 0) receiver.drain(toA, delayNs);
    if (waits[1].revents != 0) receiver.drain(toB, delayNs);
    if (waits[2].revents != 0 && !readPeers(text, toA, toB)) break;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(toA.dropped + toB.dropped));
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "usage: relay ADDRESS DELAY_US\n");
    return 2;
  }
  // Without it the kernel may sleep 50 us longer than asked.
  prctl(PR_SET_TIMERSLACK, 1);
  run(words[1], std::atoll(words[2]) * 1'000);
}
