// SCTP associations under the sanitizers: two ends in one thread, two ends in two threads, eight threads at
// once that share usrsctp and its timers, and packets that lie.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "byte_order.h"
#include "check.h"
#include "sctp_association.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

using Bytes = std::vector<uint8_t>;
constexpr uint32_t kBinary = 53;

void Tick() {
  std::this_thread::sleep_for(std::chrono::milliseconds(SctpAssociation::kTimerMs));
  SctpAssociation::HandleTimers(SctpAssociation::kTimerMs);
}

/// Hands over what `from` has to send; how many packets that was.
size_t Carry(SctpAssociation& from, SctpAssociation& to) {
  size_t count = 0;
  for (auto packet = from.NextPacket(); !packet.empty(); packet = from.NextPacket(), ++count) {
    to.HandlePacket(packet);
    from.DropPacket();
  }
  return count;
}

struct Pair {
  explicit Pair(const SctpSettings& settings = {}) : a(settings), b(settings) {
    a.Connect();
    b.Connect();
    Exchange();
  }
  void Exchange() {
    while (Carry(a, b) + Carry(b, a) > 0) {
    }
  }
  SctpAssociation a, b;
};

std::vector<SctpEvent> Drain(SctpAssociation& association) {
  std::vector<SctpEvent> events;
  for (SctpEvent event; association.TakeEvent(event);) events.push_back(std::move(event));
  return events;
}

Bytes Pattern(size_t length, uint32_t seed) {
  std::mt19937 random(seed);
  Bytes bytes(length);
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<uint8_t>(random()); });
  return bytes;
}

/// Sends all of `messages` from `a` to `b`, with ticks while something is missing; whether they came whole
/// and in order.
bool Transfer(Pair& pair, const std::vector<Bytes>& messages) {
  size_t sent = 0;
  size_t received = 0;
  for (int ticks = 0; received < messages.size() && ticks < 1'000;) {
    while (sent < messages.size() && pair.a.Send(1, kBinary, messages[sent], {})) ++sent;
    const size_t before = received;
    pair.Exchange();
    for (const SctpEvent& event : Drain(pair.b)) {
      if (event.kind != SctpEvent::Kind::kMessage) continue;
      if (received == messages.size() || event.message.bytes != messages[received]) return false;
      ++received;
    }
    if (received == before) {
      Tick();
      ++ticks;
    }
  }
  return received == messages.size();
}

CASE("two ends that send INIT at once connect, and say so once") {
  Pair pair;
  for (SctpAssociation* end : {&pair.a, &pair.b}) {
    CHECK(end->state() == SctpState::kConnected);
    const auto events = Drain(*end);
    CHECK_EQUAL(events.size(), size_t{1});
    CHECK(events[0].kind == SctpEvent::Kind::kConnected);
  }
}

CASE("messages of every size arrive whole and in order") {
  Pair pair;
  std::vector<Bytes> messages;
  for (const size_t length : {1, 2, 1'131, 1'132, 1'133, 65'535, 65'536, 65'537, 262'144}) {
    messages.push_back(Pattern(length, static_cast<uint32_t>(length)));
  }
  CHECK(Transfer(pair, messages));
  CHECK_EQUAL(pair.a.PendingMessages(), size_t{0});
}

CASE("a buffer that is too small for the packet is told, and takes nothing from it") {
  SctpAssociation association{{}};
  association.Connect();
  Bytes small(11);
  CHECK_EQUAL(CodeThrown([&] { association.TakePacket(small); }), "OUT_OF_RANGE");
  Bytes room(2'048);
  const size_t length = association.TakePacket(room);
  CHECK(length >= 12 + 20);
  CHECK_EQUAL(static_cast<int>(room[12]), 1);  // an INIT chunk
  CHECK_EQUAL(association.TakePacket(room), size_t{0});
}

CASE("nothing is sent before the association stands") {
  SctpAssociation association{{}};
  CHECK_EQUAL(CodeThrown([&] { association.Send(0, kBinary, Bytes(1), {}); }), "SCTP_STATE");
}

CASE("a message beyond the announced limit ends the association of who receives it") {
  Pair pair({.maxMessageBytes = 10'000});
  CHECK(Transfer(pair, {Bytes(10'000, 7)}));
  CHECK(pair.a.Send(1, kBinary, Bytes(10'001, 7), {}));
  pair.Exchange();
  const auto events = Drain(pair.b);
  CHECK(!events.empty() && events.back().kind == SctpEvent::Kind::kClosed);
  CHECK(events.back().reason.find("10000 bytes") != std::string::npos);
  CHECK(pair.b.state() == SctpState::kClosed);
  pair.Exchange();
  Drain(pair.a);
  CHECK(pair.a.state() == SctpState::kClosed);
}

CASE("a send buffer that is full says so, and takes more once it has drained") {
  Pair pair({.sendBufferBytes = 1 << 16});
  size_t sent = 0;
  while (pair.a.Send(1, kBinary, Bytes(8'192, 1), {})) ++sent;
  CHECK(sent >= 4 && sent <= 16);
  CHECK(pair.a.PendingMessages() > 0);
  for (int ticks = 0; ticks < 100 && pair.a.PendingMessages() > 0; ++ticks) {
    pair.Exchange();
    Tick();
  }
  CHECK_EQUAL(pair.a.PendingMessages(), size_t{0});
  CHECK(pair.a.Send(1, kBinary, Bytes(8'192, 1), {}));
}

CASE("resets of streams arrive, those asked for together as well") {
  Pair pair;
  CHECK(Transfer(pair, {Bytes(10, 1)}));
  for (const uint16_t stream : {1, 5, 9}) pair.a.ResetStream(stream);
  std::vector<uint16_t> reset;
  for (int ticks = 0; ticks < 100 && reset.size() < 3; ++ticks) {
    pair.Exchange();
    for (const SctpEvent& event : Drain(pair.b)) {
      reset.insert(reset.end(), event.streams.begin(), event.streams.end());
    }
    Tick();
  }
  std::sort(reset.begin(), reset.end());
  CHECK(reset == std::vector<uint16_t>({1, 5, 9}));
}

CASE("an ABORT tells the other end, and what comes later reaches nobody") {
  auto pair = std::make_unique<Pair>();
  CHECK(pair->a.Send(1, kBinary, Bytes(100, 1), {}));
  const std::span<const uint8_t> next = pair->a.NextPacket();
  const Bytes late(next.begin(), next.end());
  pair->a.Abort();
  pair->Exchange();
  const auto events = Drain(pair->b);
  CHECK(!events.empty() && events.back().kind == SctpEvent::Kind::kClosed);
  CHECK_EQUAL(events.back().causeCode, uint16_t{12});
  pair->b.HandlePacket(late);
  CHECK(Drain(pair->b).empty());
  pair.reset();
  Pair successor;
  successor.b.HandlePacket(late);
  Tick();
  successor.Exchange();
  CHECK(successor.b.state() == SctpState::kConnected);
}

CASE("packets cut short or with lying lengths change nothing for an association that stands") {
  const unsigned seed = Seed(20261125);
  std::mt19937 random(seed);
  Pair pair;
  SctpAssociation stranger{{}};
  stranger.Connect();
  const auto first = stranger.NextPacket();
  const Bytes init(first.begin(), first.end());
  for (size_t length = 0; length < init.size(); ++length) pair.b.HandlePacket({init.data(), length});
  for (int i = 0; i < 2'000; ++i) {
    Bytes lying = init;
    // Lengths of the chunk and of the parameters behind its 20 bytes, and whatever else stands there.
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes) {
      lying[12 + random() % (lying.size() - 12)] = static_cast<uint8_t>(random());
    }
    lying.resize(12 + random() % (lying.size() - 11));
    pair.b.HandlePacket(lying);
    while (!pair.b.NextPacket().empty()) pair.b.DropPacket();
  }
  CHECK(pair.b.state() == SctpState::kConnected);
  CHECK(Transfer(pair, {Pattern(20'000, seed)}));
}

/// A SACK with these duplicates behind one gap block (RFC 9260 §3.3.4), after a chunk of another kind.
Bytes SackPacket(uint32_t cumulativeTsn, const std::vector<uint32_t>& duplicates) {
  Bytes packet(12 + 4 + 16 + 4 + 4 * duplicates.size());
  packet[12] = 14;  // SHUTDOWN COMPLETE, four bytes
  WriteU16(&packet[14], 4);
  uint8_t* sack = &packet[16];
  sack[0] = 3;
  WriteU16(sack + 2, static_cast<uint16_t>(packet.size() - 16));
  WriteU32(sack + 4, cumulativeTsn);
  WriteU16(sack + 12, 1);
  WriteU16(sack + 14, static_cast<uint16_t>(duplicates.size()));
  for (size_t i = 0; i < duplicates.size(); ++i) WriteU32(sack + 20 + 4 * i, duplicates[i]);
  return packet;
}

struct Judge {
  std::optional<size_t> Note(uint32_t cumulativeTsn, const std::vector<uint32_t>& duplicates) {
    const Bytes packet = SackPacket(cumulativeTsn, duplicates);
    return detector.NoteSack(*FindSack(packet));
  }
  SpuriousTimeoutDetector detector;
};

CASE("a timeout is taken back when the first chunk did not leave again, or all that did are reported") {
  Judge judge;
  judge.detector.Begin(0xFFFFFFFF, 40'000);
  CHECK(!judge.Note(0xFFFFFFFE, {}));
  CHECK_EQUAL(judge.Note(3, {}).value_or(0), size_t{40'000});
  CHECK(!judge.detector.IsWaiting());
  judge.detector.NoteRetransmission(5, 20);
  CHECK(!judge.detector.IsWaiting());  // no timeout
  judge.detector.Begin(0xFFFFFFFF, 50'000);
  judge.detector.NoteRetransmission(0xFFFFFFFF, 2);
  judge.detector.NoteRetransmission(0, 2);
  CHECK(!judge.Note(1, {0xFFFFFFFF}));
  CHECK_EQUAL(judge.Note(2, {0xFFFFFFFF, 0}).value_or(0), size_t{50'000});
}

CASE("a timeout stands when a chunk that left again was not reported, or many leave again") {
  Judge judge;
  judge.detector.Begin(10, 50'000);
  judge.detector.NoteRetransmission(10, 20);
  judge.detector.NoteRetransmission(11, 20);
  CHECK(!judge.Note(20, {11}));
  CHECK(judge.detector.IsWaiting());
  CHECK(!judge.Note(21, {}));
  CHECK(!judge.detector.IsWaiting());
  CHECK(!judge.Note(22, {10}));
  judge.detector.Begin(0, 50'000);
  for (uint32_t tsn = 0; tsn < 1'000; ++tsn) judge.detector.NoteRetransmission(tsn, 1'000);
  CHECK(!judge.detector.IsWaiting());
}

CASE("a SACK that lies about its length is none") {
  const Bytes whole = SackPacket(7, {1, 2});
  CHECK_EQUAL(FindSack(whole)->duplicates.size(), size_t{8});
  for (size_t length = 0; length < whole.size(); ++length) CHECK(!FindSack({whole.data(), length}));
  Bytes lying = whole;
  WriteU16(&lying[16 + 14], 3);
  CHECK(!FindSack(lying));
}

/// Sends from `a` to `b` until the window has grown.
bool GrowWindow(Pair& pair, size_t bytes) {
  const Bytes message(60'000, 7);
  for (int turns = 0; turns < 1'000 && pair.a.CongestionWindow() < bytes; ++turns) {
    while (pair.a.Send(1, kBinary, message, {})) {
    }
    Carry(pair.a, pair.b);
    Drain(pair.b);
    Carry(pair.b, pair.a);
  }
  pair.Exchange();
  return pair.a.CongestionWindow() >= bytes;
}

std::deque<Bytes> TakeAll(SctpAssociation& from) {
  std::deque<Bytes> packets;
  for (auto packet = from.NextPacket(); !packet.empty(); packet = from.NextPacket()) {
    packets.emplace_back(packet.begin(), packet.end());
    from.DropPacket();
  }
  return packets;
}

/// A window's data leaves, and its way or that of its acknowledgements is late, or it is lost: the window
/// before the timeout, the one in it, and the one after all has come.
struct Timeout {
  size_t before = 0, within = 0, after = 0;
};

Timeout RunTimeout(bool isLost, std::optional<uint32_t> lie = std::nullopt) {
  Pair pair;
  constexpr size_t kWindow = 300'000;
  CHECK(GrowWindow(pair, kWindow));
  // What waits is through; then one more window.
  Drain(pair.b);
  for (int ticks = 0; ticks < 200 && pair.a.PendingMessages() > 0; ++ticks) {
    pair.Exchange();
    Drain(pair.b);
    Tick();
  }
  pair.Exchange();
  Timeout windows{.before = pair.a.CongestionWindow()};
  CHECK(pair.a.Send(1, kBinary, Bytes(100'000, 1), {}));
  const std::deque<Bytes> sent = TakeAll(pair.a);
  CHECK(!sent.empty());
  if (lie) pair.a.HandlePacket(SackPacket(ReadU32(&sent.back()[12 + 4]) + *lie, {}));
  std::deque<Bytes> again;
  for (int ticks = 0; ticks < 500 && again.empty(); ++ticks) {
    Tick();
    again = TakeAll(pair.a);
  }
  CHECK(!again.empty());
  windows.within = pair.a.CongestionWindow();
  if (!isLost) {
    for (const Bytes& packet : sent) pair.b.HandlePacket(packet);
  }
  for (const Bytes& packet : again) pair.b.HandlePacket(packet);
  pair.Exchange();
  for (int ticks = 0; ticks < 500 && pair.a.PendingMessages() > 0; ++ticks) {
    pair.Exchange();
    Drain(pair.b);
    Tick();
  }
  windows.after = pair.a.CongestionWindow();
  return windows;
}

CASE("the window comes back when a timeout was none, and stays small when something was lost") {
  const Timeout late = RunTimeout(false);
  CHECK(late.within < 3'000);
  CHECK(late.after >= late.before / 2 - 2'000);
  const Timeout lost = RunTimeout(true);
  CHECK(lost.within < 3'000);
  CHECK(lost.after < lost.before / 2);
}

CASE("an acknowledgement of what was never sent hides no timeout that was none") {
  // usrsctp itself drops it: its verification tag is not the association's.
  for (const uint32_t beyond : {1U, 1'000U, 0x7FFFFFFFU}) {
    const Timeout late = RunTimeout(false, beyond);
    CHECK(late.within < 3'000);
    CHECK(late.after >= late.before / 2 - 2'000);
  }
}

CASE("eight threads use usrsctp at once, each its own associations, whoever runs the timers") {
  std::atomic<int> whole = 0;
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&whole, thread] {
      for (uint32_t round = 0; round < 4; ++round) {
        Pair pair;
        std::vector<Bytes> messages;
        for (uint32_t i = 0; i < 6; ++i) messages.push_back(Pattern(30'000, thread * 100 + round * 10 + i));
        whole += Transfer(pair, messages);
        Tick();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQUAL(whole.load(), 32);
}

/// A path between two threads.
struct Path {
  void Push(std::span<const uint8_t> packet) {
    const std::lock_guard lock(mutex);
    packets.emplace_back(packet.begin(), packet.end());
  }
  std::deque<Bytes> Take() {
    const std::lock_guard lock(mutex);
    return std::exchange(packets, {});
  }
  std::mutex mutex;
  std::deque<Bytes> packets;
};

CASE("two threads are two ends of one association, one of which loses packets") {
  constexpr size_t kMessages = 40;
  Path there, back;
  std::atomic<bool> done = false;
  std::atomic<size_t> received = 0;
  const auto run = [&](SctpAssociation& end, Path& in, Path& out, bool loses, const auto& turn) {
    end.Connect();
    size_t count = 0;
    while (!done) {
      for (const Bytes& packet : in.Take()) end.HandlePacket(packet);
      turn(end);
      for (auto packet = end.NextPacket(); !packet.empty(); packet = end.NextPacket()) {
        if (!loses || ++count % 20 != 0) out.Push(packet);
        end.DropPacket();
      }
      Tick();
    }
  };
  std::thread sender([&] {
    SctpAssociation end{{}};
    size_t sent = 0;
    run(end, back, there, true, [&](SctpAssociation& self) {
      Drain(self);
      if (self.state() != SctpState::kConnected) return;
      while (sent < kMessages && self.Send(3, kBinary, Bytes(10'000, static_cast<uint8_t>(sent)), {})) ++sent;
    });
  });
  std::thread receiver([&] {
    SctpAssociation end{{}};
    run(end, there, back, false, [&](SctpAssociation& self) {
      for (const SctpEvent& event : Drain(self)) {
        if (event.kind == SctpEvent::Kind::kMessage) {
          CHECK(event.message.bytes == Bytes(10'000, static_cast<uint8_t>(received.load())));
          ++received;
        }
        done = done || event.kind == SctpEvent::Kind::kClosed;
      }
      done = done || received == kMessages;
    });
  });
  sender.join();
  receiver.join();
  CHECK_EQUAL(received.load(), kMessages);
}

CASE("associations that end while other threads run the timers take nobody with them") {
  std::atomic<bool> done = false;
  std::jthread driver([&] {
    Pair pair;
    while (!done) Tick();
  });
  for (int i = 0; i < 200; ++i) {
    Pair pair;
    CHECK(pair.a.Send(1, kBinary, Bytes(50'000, 1), {}));
    Carry(pair.a, pair.b);
  }
  done = true;
}

}  // namespace

int main() { return RunAll(); }
