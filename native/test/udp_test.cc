// UDP batches under the sanitizers: runs of every shape arrive as they were sent, whatever the slab.
#include <algorithm>
#include <random>

#include "check.h"
#include "udp_poller.h"
#include "udp_socket.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

using Bytes = std::vector<uint8_t>;

struct Slab {
  Slab(size_t bytes, size_t entries) : data(bytes), words(entries * kDatagramWords) {}
  std::span<DatagramEntry> table() { return DatagramEntries(words); }
  Bytes data;
  std::vector<int32_t> words;
};

struct Link {
  Link()
      : from(UdpSocket::Bind({.address = "127.0.0.1", .sendBufferBytes = 4 << 20})),
        to(UdpSocket::Bind({.address = "127.0.0.1", .receiveBufferBytes = 8 << 20})) {
    poller.Add(*to);
  }
  UdpPoller poller;
  std::unique_ptr<UdpSocket> from;
  std::unique_ptr<UdpSocket> to;
};

/// Sends datagrams of these sizes, each filled with its number, and returns the batch.
Slab Send(Link& link, const std::vector<size_t>& sizes) {
  size_t total = 0;
  for (const size_t size : sizes) total += size;
  Slab slab(std::max<size_t>(total, 1), sizes.size());
  size_t at = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    DatagramEntry& entry = slab.table()[i];
    link.to->local().Store(entry);
    entry.offset = static_cast<int32_t>(at);
    entry.length = static_cast<int32_t>(sizes[i]);
    std::fill_n(slab.data.begin() + static_cast<long>(at), sizes[i], static_cast<uint8_t>(i));
    at += sizes[i];
  }
  CHECK_EQUAL(link.from->Send(slab.data, slab.table()), sizes.size());
  return slab;
}

void ExpectAll(Link& link, Slab& sent, Slab& room) {
  size_t next = 0;
  while (next < sent.table().size() && link.poller.Wait(2e6) > 0) {
    const size_t count = link.to->Receive(room.data, room.table());
    for (const DatagramEntry& got : room.table().first(count)) {
      const DatagramEntry& wanted = sent.table()[next++];
      CHECK_EQUAL(got.length, wanted.length);
      CHECK(std::equal(room.data.begin() + got.offset, room.data.begin() + got.offset + got.length,
                       sent.data.begin() + wanted.offset));
    }
  }
  CHECK_EQUAL(next, sent.table().size());
}

}  // namespace

CASE("batches of random shape arrive whole and in order, with and without coalescing") {
  std::mt19937 random(Seed(41));
  for (const bool coalescing : {true, false}) {
    Link link;
    for (int round = 0; round < 150; ++round) {
      std::vector<size_t> sizes;
      while (sizes.size() < 1 + random() % 200) {
        const size_t size = 1 + random() % (random() % 2 ? 1500 : 60);
        sizes.insert(sizes.end(), 1 + random() % 80, size);
      }
      Slab sent = Send(link, sizes);
      Slab room(coalescing ? 65536 + random() % (4 << 16) : 2048 + random() % 30000,
                coalescing ? 128 + random() % 600 : 1 + random() % 64);
      ExpectAll(link, sent, room);
    }
    CHECK(link.to->counters().truncated == 0);
  }
}

CASE("a run leaves in one system call and arrives in few") {
  Link link;
  Slab room(1 << 20, 2048);
  CHECK_EQUAL(link.to->Receive(room.data, room.table()),
              0u);  // coalescing begins with the first large receive
  Slab sent = Send(link, std::vector<size_t>(50, 1200));
  CHECK_EQUAL(link.from->counters().syscalls, 1u);
  ExpectAll(link, sent, room);
  CHECK(link.to->counters().syscalls <= 3);
}

CASE("a socket may die in its poller, and a poller before its sockets") {
  auto poller = std::make_unique<UdpPoller>();
  auto socket = UdpSocket::Bind({.address = "127.0.0.1"});
  poller->Add(*socket);
  socket.reset();
  CHECK_EQUAL(poller->Wait(0), 0u);
  socket = UdpSocket::Bind({.address = "127.0.0.1"});
  poller->Add(*socket);
  poller.reset();
  socket.reset();
}

int main() { return RunAll(); }
