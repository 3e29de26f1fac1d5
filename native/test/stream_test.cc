// Stream connections under the sanitizers: messages arrive whole whatever the pieces they come in, threads
// that send at once never mix theirs, and every way a connection ends is told.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>
#include <thread>

#include "check.h"
#include "stream_socket.h"
#include "udp_poller.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

using Bytes = std::vector<uint8_t>;

struct Slab {
  Slab() : data(1 << 17), words(64 * kDatagramWords) {}
  std::span<DatagramEntry> table() { return DatagramEntries(words); }
  Bytes data;
  std::vector<int32_t> words;
};

/// A connection and the listener's end of it, both ours.
struct Link {
  explicit Link(StreamFraming framing = StreamFraming::kRfc4571)
      : listener("127.0.0.1", 0, 4, framing),
        near(std::make_unique<StreamSocket>(
            StreamConnection::Connect(
                {.address = "127.0.0.1", .port = listener.local().port(), .framing = framing}),
            true)) {
    poller.Add(listener);
    poller.Add(*near);
    while (!far || near->connection().state() != StreamState::kOpen) {
      poller.Wait(1e6);
      if (!far) far = listener.Accept();
      near->connection().Receive(room.data, room.table());
    }
    poller.Add(*far);
  }

  /// Takes from `socket` until `wanted` messages came or it ended.
  std::vector<Bytes> Take(StreamSocket& socket, size_t wanted) {
    std::vector<Bytes> messages;
    while (messages.size() < wanted && socket.connection().state() == StreamState::kOpen) {
      poller.Wait(1e6);
      near->connection().Send({}, {});  // what waits goes on as its poller would have it
      const size_t count = socket.connection().Receive(room.data, room.table());
      for (const DatagramEntry& entry : room.table().first(count)) {
        const auto begin = room.data.begin() + entry.offset;
        messages.emplace_back(begin, begin + entry.length);
      }
    }
    return messages;
  }

  UdpPoller poller;
  StreamListener listener;
  std::unique_ptr<StreamSocket> near;
  std::unique_ptr<StreamSocket> far;
  Slab room;
};

size_t SendOne(StreamConnection& connection, const Bytes& message) {
  std::vector<int32_t> words(kDatagramWords);
  DatagramEntry& entry = DatagramEntries(words)[0];
  entry.offset = 0;
  entry.length = static_cast<int32_t>(message.size());
  return connection.Send(message, DatagramEntries(words));
}

/// Something no ICE and no handshake: media.
Bytes Media(size_t size, uint8_t fill) {
  Bytes message(size, fill);
  message[0] = 0x80;
  return message;
}

/// A plain socket, to say what no StreamSocket would.
struct RawPeer {
  explicit RawPeer(StreamListener& listener) : fd(socket(AF_INET, SOCK_STREAM, 0)) {
    connect(fd.get(), listener.local().data(), listener.local().size());
    while (!(accepted = listener.Accept())) poll(nullptr, 0, 1);
  }
  void Say(const Bytes& bytes) {
    CHECK_EQUAL(send(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  FileDescriptor fd;
  std::unique_ptr<StreamSocket> accepted;
};

}  // namespace

CASE("messages of any size arrive whole and in order, both framings") {
  std::mt19937 random(Seed(7));
  for (const StreamFraming framing : {StreamFraming::kRfc4571, StreamFraming::kTurn}) {
    Link link(framing);
    std::vector<Bytes> sent, got;
    const auto take = [&](size_t wanted) {
      for (Bytes& message : link.Take(*link.far, wanted)) got.push_back(std::move(message));
    };
    for (int i = 0; i < 400; ++i) {
      Bytes message(4 + random() % 1400, static_cast<uint8_t>(i));
      if (framing == StreamFraming::kTurn) {
        message[0] = 0x40;
        message[2] = static_cast<uint8_t>((message.size() - 4) >> 8);
        message[3] = static_cast<uint8_t>(message.size() - 4);
      }
      while (SendOne(link.near->connection(), message) == 0) take(1);
      sent.push_back(std::move(message));
    }
    take(sent.size() - got.size());
    CHECK(got == sent);
  }
}

CASE("a message that comes byte by byte is one message") {
  StreamListener listener("127.0.0.1", 0, 1, StreamFraming::kRfc4571);
  RawPeer peer(listener);
  Slab room;
  size_t count = 0;
  for (const uint8_t byte : Bytes{0, 3, 7, 8, 9}) {
    CHECK_EQUAL(count, 0u);
    peer.Say({byte});
    pollfd ready{.fd = peer.accepted->fd(), .events = POLLIN};
    poll(&ready, 1, 1000);
    count = peer.accepted->connection().Receive(room.data, room.table());
  }
  CHECK_EQUAL(count, 1u);
  CHECK_EQUAL(room.table()[0].length, 3);
  CHECK_EQUAL(int{room.data[static_cast<size_t>(room.table()[0].offset)]}, 7);
}

CASE("more messages than the table has entries wait, and the poller says so") {
  StreamListener listener("127.0.0.1", 0, 1, StreamFraming::kRfc4571);
  RawPeer peer(listener);
  UdpPoller poller;
  poller.Add(*peer.accepted);
  Bytes many;
  for (int i = 0; i < 150; ++i) many.insert(many.end(), {0, 1, static_cast<uint8_t>(i)});
  peer.Say(many);
  Slab room;
  size_t total = 0;
  while (total < 150 && poller.Wait(2e6) > 0) {
    total += peer.accepted->connection().Receive(room.data, room.table());
  }
  CHECK_EQUAL(total, 150u);
  CHECK_EQUAL(poller.Wait(0), 0u);
}

CASE("what is no message ends a TURN stream") {
  StreamListener listener("127.0.0.1", 0, 1, StreamFraming::kTurn);
  RawPeer peer(listener);
  peer.Say({0x80, 1, 0, 0, 0, 0});
  pollfd ready{.fd = peer.accepted->fd(), .events = POLLIN};
  poll(&ready, 1, 1000);
  Slab room;
  CHECK_EQUAL(peer.accepted->connection().Receive(room.data, room.table()), 0u);
  CHECK(peer.accepted->connection().state() == StreamState::kFailed);
}

CASE("a full queue refuses media whole, has room for ICE, and delivers all it took") {
  Link link;
  StreamConnection& near = link.near->connection();
  size_t taken = 0;
  while (SendOne(near, Media(1200, 1)) == 1) ++taken;
  const Bytes stun(100, 0);
  CHECK_EQUAL(SendOne(near, stun), 1u);
  CHECK_EQUAL(SendOne(near, Media(1200, 1)), 0u);
  CHECK_EQUAL(near.counters().refused, 2u);
  const std::vector<Bytes> got = link.Take(*link.far, taken + 1);
  CHECK_EQUAL(got.size(), taken + 1);
  CHECK(std::all_of(got.begin(), got.end() - 1, [](const Bytes& m) { return m == Media(1200, 1); }));
  CHECK(got.back() == stun);
}

CASE("two threads that send at once never mix their messages") {
  Link link;
  const auto send = [&](uint8_t fill) {
    auto attached = StreamSocket::Attach(link.near->connection().handle());
    for (int i = 0; i < 3000; ++i) {
      while (SendOne(attached->connection(), Media(200 + fill, fill)) == 0) std::this_thread::yield();
    }
  };
  std::thread a(send, 10), b(send, 20);
  const std::vector<Bytes> got = link.Take(*link.far, 6000);
  a.join();
  b.join();
  CHECK_EQUAL(got.size(), 6000u);
  CHECK(std::all_of(got.begin(), got.end(),
                    [](const Bytes& m) { return m.size() > 1 && m == Media(200u + m[1], m[1]); }));
}

CASE("the end is told: a peer that closes, one that resets, a port where nobody listens") {
  Link link;
  SendOne(link.far->connection(), Media(50, 3));
  link.far.reset();
  Slab room;
  StreamConnection& near = link.near->connection();
  CHECK_EQUAL(link.Take(*link.near, 2).size(), 1u);
  CHECK(near.state() == StreamState::kClosed);
  CHECK_EQUAL(near.failure(), "the peer closed the connection");

  StreamListener listener("127.0.0.1", 0, 1, StreamFraming::kRfc4571);
  RawPeer peer(listener);
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(peer.fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  peer.fd = FileDescriptor();
  { const FileDescriptor old = std::move(peer.fd); }
  pollfd ready{.fd = peer.accepted->fd(), .events = POLLIN};
  poll(&ready, 1, 1000);
  peer.accepted->connection().Receive(room.data, room.table());
  CHECK(peer.accepted->connection().state() != StreamState::kOpen);

  uint16_t nobody = 0;
  { nobody = StreamListener("127.0.0.1", 0, 1, StreamFraming::kTurn).local().port(); }
  StreamSocket lost(StreamConnection::Connect({.address = "127.0.0.1", .port = nobody}), true);
  UdpPoller poller;
  poller.Add(lost);
  poller.Wait(2e6);
  lost.connection().Receive(room.data, room.table());
  CHECK(lost.connection().state() == StreamState::kFailed);
  CHECK_EQUAL(lost.connection().failure(), "TCP: Connection refused");
}

CASE("an owner that closes leaves its attached ends harmless") {
  Link link;
  auto attached = StreamSocket::Attach(link.near->connection().handle());
  const uint32_t handle = link.near->connection().handle();
  link.near.reset();
  CHECK_EQUAL(SendOne(attached->connection(), Media(10, 1)), 0u);
  attached.reset();
  CHECK_EQUAL(CodeThrown([&] { StreamSocket::Attach(handle); }), "SOCKET_FAILURE");
}

int main() { return RunAll(); }
