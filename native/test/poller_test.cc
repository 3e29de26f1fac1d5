// The poller and the datagram table under the sanitizers: what wakes a wait and what does not, sockets that
// come and go, bells rung by other threads, and addresses that go into a table and come out of it.
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <thread>

#include "check.h"
#include "clock.h"
#include "udp_poller.h"
#include "udp_socket.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

/// Long enough that who waits so long was not woken.
constexpr double kForeverUs = 20e6;

std::unique_ptr<UdpSocket> Bind(const std::string& address = "127.0.0.1") {
  return UdpSocket::Bind({.address = address});
}

/// Sends `count` datagrams of one byte.
void Send(UdpSocket& from, const UdpSocket& to, size_t count = 1) {
  std::vector<uint8_t> slab(count, 7);
  std::vector<int32_t> words(count * kDatagramWords);
  for (size_t i = 0; i < count; ++i) {
    DatagramEntry& entry = DatagramEntries(words)[i];
    to.local().Store(entry);
    entry.offset = static_cast<int32_t>(i);
    entry.length = 1;
  }
  CHECK_EQUAL(from.Send(slab, DatagramEntries(words)), count);
}

size_t Receive(UdpSocket& socket) {
  std::vector<uint8_t> slab(1 << 17);
  std::vector<int32_t> words(256 * kDatagramWords);
  return socket.Receive(slab, DatagramEntries(words));
}

CASE("a wait ends at its deadline, and at once where none is given") {
  UdpPoller poller;
  CHECK_EQUAL(poller.Wait(0), size_t{0});
  CHECK_EQUAL(poller.Wait(-5), size_t{0});
  const double startUs = MonotonicUs();
  CHECK_EQUAL(poller.Wait(3'000), size_t{0});
  CHECK(MonotonicUs() - startUs >= 3'000);
}

CASE("a bell rung before the wait, by this thread or another, ends it, and once") {
  UdpPoller poller;
  UdpPoller::RingDoorbell(poller.doorbellFd());
  UdpPoller::RingDoorbell(poller.doorbellFd());
  const double startUs = MonotonicUs();
  CHECK_EQUAL(poller.Wait(kForeverUs), size_t{0});
  CHECK(MonotonicUs() - startUs < kForeverUs);
  const double againUs = MonotonicUs();
  poller.Wait(2'000);
  CHECK(MonotonicUs() - againUs >= 2'000);
  std::jthread ringer([fd = poller.doorbellFd()] { UdpPoller::RingDoorbell(fd); });
  poller.Wait(kForeverUs);
  CHECK(MonotonicUs() - startUs < kForeverUs);
}

CASE("a bell of a poller that is gone rings nowhere") {
  int fd = -1;
  { fd = UdpPoller().doorbellFd(); }
  UdpPoller::RingDoorbell(fd);
  UdpPoller::RingDoorbell(-1);
}

CASE("a thousand bells of four threads lose none of the work they announce") {
  UdpPoller poller;
  std::atomic<int> announced = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) {
        ++announced;
        UdpPoller::RingDoorbell(poller.doorbellFd());
      }
    });
  }
  const double startUs = MonotonicUs();
  while (announced < 1'000) poller.Wait(kForeverUs);
  CHECK(MonotonicUs() - startUs < kForeverUs);
}

CASE("readable is who has something, until it was taken") {
  UdpPoller poller;
  const auto from = Bind();
  std::array<std::unique_ptr<UdpSocket>, 3> sockets = {Bind(), Bind(), Bind()};
  for (const auto& socket : sockets) poller.Add(*socket);
  poller.Add(*sockets[0]);  // once more changes nothing
  Send(*from, *sockets[1], 3);
  CHECK_EQUAL(poller.Wait(kForeverUs), size_t{1});
  CHECK(!poller.IsReadable(*sockets[0]) && poller.IsReadable(*sockets[1]) && !poller.IsReadable(*sockets[2]));
  CHECK_EQUAL(poller.Wait(kForeverUs), size_t{1});
  size_t taken = 0;
  while (taken < 3) taken += Receive(*sockets[1]);
  CHECK_EQUAL(poller.Wait(0), size_t{0});
  CHECK(!poller.IsReadable(*sockets[1]));
}

CASE("more sockets than one look at the kernel brings are all found in the end") {
  UdpPoller poller;
  const auto from = Bind();
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  for (int i = 0; i < 100; ++i) {
    sockets.push_back(Bind());
    poller.Add(*sockets.back());
    Send(*from, *sockets.back());
  }
  size_t taken = 0;
  while (taken < sockets.size() && poller.Wait(kForeverUs) > 0) {
    for (const auto& socket : sockets) {
      if (poller.IsReadable(*socket)) taken += Receive(*socket);
    }
  }
  CHECK_EQUAL(taken, sockets.size());
}

CASE("a socket that moves to another poller, or out of it, is waited for there alone") {
  UdpPoller first, second;
  const auto from = Bind();
  const auto socket = Bind();
  first.Add(*socket);
  second.Add(*socket);
  Send(*from, *socket);
  CHECK_EQUAL(second.Wait(kForeverUs), size_t{1});
  CHECK_EQUAL(first.Wait(0), size_t{0});
  CHECK(!first.IsReadable(*socket) && second.IsReadable(*socket));
  first.Remove(*socket);  // not its own
  CHECK(second.IsReadable(*socket));
  second.Remove(*socket);
  CHECK(!second.IsReadable(*socket));
  CHECK_EQUAL(second.Wait(0), size_t{0});
  second.Add(*socket);
  CHECK_EQUAL(second.Wait(kForeverUs), size_t{1});
}

CASE("an address goes into a table entry and comes out of it, of either family") {
  for (const char* address : {"127.0.0.1", "::1"}) {
    const auto socket = Bind(address);
    std::vector<int32_t> words(kDatagramWords, -1);
    DatagramEntry& entry = DatagramEntries(words)[0];
    socket->local().Store(entry);
    CHECK_EQUAL(entry.family, address[0] == ':' ? 6 : 4);
    CHECK_EQUAL(entry.port, static_cast<int32_t>(socket->local().port()));
    const auto from = Bind(address);
    Send(*from, *socket);
    UdpPoller poller;
    poller.Add(*socket);
    poller.Wait(kForeverUs);
    std::vector<uint8_t> slab(1 << 17);
    std::vector<int32_t> room(130 * kDatagramWords, -1);
    CHECK_EQUAL(socket->Receive(slab, DatagramEntries(room)), size_t{1});
    const DatagramEntry& got = DatagramEntries(room)[0];
    CHECK_EQUAL(got.family, entry.family);
    CHECK_EQUAL(got.port, static_cast<int32_t>(from->local().port()));
    CHECK_EQUAL(got.length, 1);
    double arrivalUs = 0;
    std::memcpy(&arrivalUs, got.arrival, sizeof arrivalUs);
    CHECK(arrivalUs > 0 && arrivalUs <= MonotonicUs());
    CHECK_EQUAL(DatagramEntries(room)[1].family, -1);  // nothing is written beyond what came
  }
}

CASE("a table's words beyond its last whole entry are no entry") {
  std::vector<int32_t> words(3 * kDatagramWords - 1);
  CHECK_EQUAL(DatagramEntries(words).size(), size_t{2});
  CHECK(DatagramEntries(std::span<int32_t>()).empty());
}

}  // namespace

int main() { return RunAll(); }
