// What the relay carries: `flood ADDRESS RELAY_PORT SECONDS`, the relay's ends being this program's two
// sockets and RELAY_PORT what stands for the second. Prints `PORT_A PORT_B`, waits for a line, then sends
// from one to the other as fast as a bounded number of bytes on the way allows, and prints `BYTES_RECEIVED
// BYTES_LOST`.
#include <poll.h>

#include "udp.h"

namespace {

constexpr uint16_t kSegment = 1'200;
constexpr size_t kBurst = 48 * kSegment;
/// On the way at most: less than a socket's buffer where 4 MiB are allowed, since the kernel counts its own
/// overhead.
constexpr int64_t kWindow = 2 << 20;
/// Without a byte for this long, those on the way are lost.
constexpr int64_t kLostNs = 500'000'000;

int64_t receive(int fd) {
  static std::array<uint8_t, kLargestDatagram> buffer;
  int64_t total = 0;
  for (ssize_t length = 0; (length = recv(fd, buffer.data(), buffer.size(), 0)) > 0;) total += length;
  return total;
}

void flood(int from, int to, const sockaddr_in& relay, int64_t untilNs) {
  std::array<uint8_t, kBurst> burst{};
  int64_t sent = 0;
  int64_t received = 0;
  int64_t lost = 0;
  int64_t progressNs = nowNs();
  pollfd readable{to, POLLIN, 0};
  while (nowNs() < untilNs) {
    while (sent - lost - received < kWindow && sendSegments(from, relay, burst, kSegment)) sent += kBurst;
    poll(&readable, 1, 1);
    if (const int64_t length = receive(to); length > 0) {
      received += length;
      progressNs = nowNs();
    } else if (nowNs() - progressNs > kLostNs) {
      lost = sent - received;
      progressNs = nowNs();
    }
  }
  std::printf("%lld %lld\n", static_cast<long long>(received), static_cast<long long>(lost));
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: flood ADDRESS RELAY_PORT SECONDS\n");
    return 2;
  }
  const int a = openSocket(words[1]);
  const int b = openSocket(words[1]);
  std::printf("%u %u\n", portOf(a), portOf(b));
  std::fflush(stdout);
  if (std::getchar() == EOF) return 1;
  // What goes to the socket that stands for the other end reaches it.
  const sockaddr_in relay = addressOf(words[1], static_cast<uint16_t>(std::atoi(words[2])));
  flood(a, b, relay, nowNs() + std::atoll(words[3]) * 1'000'000'000);
}
