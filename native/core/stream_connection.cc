#include "stream_connection.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "clock.h"
#include "coded_error.h"

namespace roomrtc {

namespace {

/// Half a second of two megabits: a key frame fits, seconds of backlog do not.
constexpr size_t kMediaRoom = 128 * 1024;
/// What ICE and DTLS may queue on top, so that a full queue never ends a connection.
constexpr size_t kUrgentRoom = 32 * 1024;
/// Bytes that the kernel keeps beyond what is on its way.
constexpr int kUnsentBytes = 32 * 1024;
/// A peer that acknowledges nothing for this long is gone.
constexpr unsigned kUserTimeoutMs = 15'000;
constexpr size_t kTlsReadBytes = 16 * 1024;

/// Connections by number, for the threads that attach to one.
class Registry {
 public:
  uint32_t Next() { return next_.fetch_add(1); }
  void Add(const std::shared_ptr<StreamConnection>& connection) {
    const std::lock_guard lock(mutex_);
    connections_[connection->handle()] = connection;
  }
  void Remove(uint32_t handle) {
    const std::lock_guard lock(mutex_);
    connections_.erase(handle);
  }
  std::shared_ptr<StreamConnection> Find(uint32_t handle) {
    const std::lock_guard lock(mutex_);
    const auto found = connections_.find(handle);
    return found == connections_.end() ? nullptr : found->second.lock();
  }

 private:
  std::atomic<uint32_t> next_{1};
  std::mutex mutex_;
  std::unordered_map<uint32_t, std::weak_ptr<StreamConnection>> connections_;
};

/// Never destroyed: worker threads may still run when the process ends.
Registry& Connections() {
  static Registry* const registry = new Registry;
  return *registry;
}

void SetOption(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

void Tune(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytes);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kUserTimeoutMs));
}

[[noreturn]] void ThrowErrno(const std::string& what) {
  const int error = errno;
  throw CodedError(error == EADDRNOTAVAIL ? "EADDRNOTAVAIL" : "SOCKET_FAILURE",
                   what + ": " + strerror(error));
}

std::span<const uint8_t> Payload(std::span<const uint8_t> slab, const DatagramEntry& entry) {
  const size_t offset = static_cast<uint32_t>(entry.offset);
  const size_t length = static_cast<uint32_t>(entry.length);
  if (offset > slab.size() || length > slab.size() - offset) {
    throw CodedError("OUT_OF_RANGE", "StreamSocket.send: an entry lies outside the slab");
  }
  return slab.subspan(offset, length);
}

SocketAddress PeerOf(int fd) {
  SocketAddress result;
  socklen_t size = SocketAddress::kCapacity;
  getpeername(fd, result.data(), &size);
  return result;
}

}  // namespace

std::shared_ptr<StreamConnection> StreamConnection::Connect(const StreamTarget& target) {
  const SocketAddress remote = SocketAddress::Parse(target.address, target.port);
  const int domain = remote.family() == 6 ? AF_INET6 : AF_INET;
  auto tls = target.tls ? std::make_unique<TlsClient>(*target.tls) : nullptr;
  FileDescriptor fd(socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string what = "cannot connect TCP to " + remote.Text() + " port " + std::to_string(target.port);
  if (fd.get() < 0) ThrowErrno(what);
  if (!target.localAddress.empty()) {
    SetOption(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const SocketAddress local = SocketAddress::Parse(target.localAddress, 0);
    if (bind(fd.get(), local.data(), local.size()) != 0) ThrowErrno(what);
  }
  Tune(fd.get());
  if (connect(fd.get(), remote.data(), remote.size()) != 0 && errno != EINPROGRESS) ThrowErrno(what);
  auto connection =
      std::make_shared<StreamConnection>(std::move(fd), target.framing, StreamState::kConnecting);
  connection->remote_ = remote;
  connection->tls_ = std::move(tls);
  Connections().Add(connection);
  return connection;
}

std::shared_ptr<StreamConnection> StreamConnection::Adopt(FileDescriptor fd, StreamFraming framing) {
  Tune(fd.get());
  auto connection = std::make_shared<StreamConnection>(std::move(fd), framing, StreamState::kOpen);
  connection->remote_ = PeerOf(connection->fd());
  Connections().Add(connection);
  return connection;
}

std::shared_ptr<StreamConnection> StreamConnection::Find(uint32_t handle) {
  return Connections().Find(handle);
}

StreamConnection::StreamConnection(FileDescriptor fd, StreamFraming framing, StreamState state)
    : handle_(Connections().Next()), framing_(framing), fd_(std::move(fd)), state_(state) {}

StreamConnection::~StreamConnection() { Connections().Remove(handle_); }

SocketAddress StreamConnection::local() const {
  const std::lock_guard lock(mutex_);
  return SocketAddress::OfSocket(fd_.get());
}

StreamState StreamConnection::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string StreamConnection::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

StreamCounters StreamConnection::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

// ---- connecting

/// Goes on as far as it goes without waiting; whether messages can flow.
bool StreamConnection::Advance() {
  if (state_ == StreamState::kConnecting) FinishConnecting();
  if (state_ == StreamState::kHandshaking) Shake();
  if (state_ == StreamState::kOpen) Flush();
  return state_ == StreamState::kOpen;
}

void StreamConnection::FinishConnecting() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    End(StreamState::kFailed, std::string("TCP: ") + strerror(error));
    return;
  }
  SocketAddress peer;
  size = SocketAddress::kCapacity;
  if (getpeername(fd_.get(), peer.data(), &size) != 0) return;  // not yet
  state_ = tls_ ? StreamState::kHandshaking : StreamState::kOpen;
  UpdateInterest();
}

void StreamConnection::Shake() {
  std::array<uint8_t, kTlsReadBytes> bytes;
  do {
    tls_->Handshake();
    FlushTls();
    if (!tls_->failure().empty()) {
      End(StreamState::kFailed, tls_->failure());
      return;
    }
    if (tls_->connected()) {
      state_ = StreamState::kOpen;
      return;
    }
  } while (ReadTls(bytes) > 0);
}

// ---- receiving

size_t StreamConnection::Receive(std::span<uint8_t> slab, std::span<DatagramEntry> table) {
  const std::lock_guard lock(mutex_);
  buffered_ = false;
  if (!Advance() || table.empty()) return 0;
  if (slab.size() < std::max(kLongestFrameOnWire, partial_.size())) {
    throw CodedError("OUT_OF_RANGE", "StreamSocket.receive: the slab needs room for a whole message");
  }
  size_t filled = partial_.size();
  std::copy(partial_.begin(), partial_.end(), slab.begin());
  partial_.clear();
  const bool full = Fill(slab, filled);
  const size_t count = Split(slab, filled, table);
  buffered_ = full || (count == table.size() && !partial_.empty());
  return count;
}

/// Reads until nothing waits or `room` is full. Whether it is full.
bool StreamConnection::Fill(std::span<uint8_t> room, size_t& filled) {
  while (filled < room.size()) {
    const size_t got = tls_ ? tls_->Read(room.subspan(filled)) : ReadSocket(room.subspan(filled));
    filled += got;
    counters_.bytesReceived += got;
    if (got > 0) continue;
    if (!tls_) return false;
    if (!tls_->failure().empty()) End(StreamState::kFailed, tls_->failure());
    if (tls_->ended()) End(StreamState::kClosed, "the peer closed the connection");
    std::array<uint8_t, kTlsReadBytes> bytes;
    if (state_ != StreamState::kOpen || ReadTls(bytes) == 0) return false;
  }
  return true;
}

size_t StreamConnection::ReadSocket(std::span<uint8_t> room) {
  if (fd_.get() < 0) return 0;
  const ssize_t got = recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (got > 0) return static_cast<size_t>(got);
  if (got == 0) {
    End(StreamState::kClosed, "the peer closed the connection");
  } else if (errno != EAGAIN && errno != EINTR) {
    End(StreamState::kFailed, std::string("TCP: ") + strerror(errno));
  }
  return 0;
}

/// Carries bytes from the socket to TLS.
size_t StreamConnection::ReadTls(std::span<uint8_t> room) {
  const size_t got = ReadSocket(room);
  if (got > 0) tls_->Feed(room.first(got));
  return got;
}

/// Makes entries of the whole messages; what is left begins the next time.
size_t StreamConnection::Split(std::span<const uint8_t> slab, size_t filled, std::span<DatagramEntry> table) {
  const double nowUs = MonotonicUs();
  size_t at = 0;
  size_t count = 0;
  while (count < table.size()) {
    StreamFrame frame;
    const FrameProblem problem = ReadFrame(framing_, slab.subspan(at, filled - at), frame);
    if (problem == FrameProblem::kIncomplete) break;
    if (problem == FrameProblem::kBroken) {
      End(StreamState::kFailed, "the peer's stream holds something that is no message");
      filled = at;
      break;
    }
    if (frame.length > 0) {
      DatagramEntry& entry = table[count++];
      entry.offset = static_cast<int32_t>(at + frame.skip);
      entry.length = static_cast<int32_t>(frame.length);
      entry.flags = 0;
      entry.set_arrival(nowUs);
      remote_.Store(entry);
    }
    at += frame.onWire;
  }
  partial_.assign(slab.begin() + static_cast<long>(at), slab.begin() + static_cast<long>(filled));
  counters_.received += count;
  return count;
}

bool StreamConnection::HasBuffered() const {
  const std::lock_guard lock(mutex_);
  return buffered_;
}

// ---- sending

size_t StreamConnection::Send(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries) {
  const std::lock_guard lock(mutex_);
  size_t taken = 0;
  if (state_ == StreamState::kOpen) {
    for (const DatagramEntry& entry : entries) {
      if (entry.length > 0 && !Queue(Payload(slab, entry))) break;
      ++taken;
    }
    Flush();
  }
  counters_.sent += taken;
  counters_.refused += entries.size() - taken;
  return taken;
}

/// False when there is no room for it.
bool StreamConnection::Queue(std::span<const uint8_t> message) {
  if (message.size() > 0xffff) return false;
  const size_t room = kMediaRoom + (IsUrgent(framing_, message) ? kUrgentRoom : 0);
  if (out_.size() - outSent_ + message.size() > room) Flush();
  if (out_.size() - outSent_ + message.size() > room || state_ != StreamState::kOpen) return false;
  Append(message);
  return true;
}

void StreamConnection::Append(std::span<const uint8_t> message) {
  std::vector<uint8_t>& to = tls_ ? plain_ : out_;
  if (framing_ == StreamFraming::kRfc4571) {
    to.push_back(static_cast<uint8_t>(message.size() >> 8));
    to.push_back(static_cast<uint8_t>(message.size()));
  }
  to.insert(to.end(), message.begin(), message.end());
  // RFC 8656 §12.5: over TCP and TLS ChannelData ends on a multiple of four. STUN does so anyway.
  if (framing_ == StreamFraming::kTurn) to.insert(to.end(), (4 - message.size() % 4) % 4, 0);
  if (!tls_) return;
  tls_->Write(plain_);
  plain_.clear();
  tls_->TakeOutput(out_);
}

/// Gives the kernel what it takes.
void StreamConnection::Flush() {
  while (outSent_ < out_.size() && fd_.get() >= 0) {
    const ssize_t sent =
        send(fd_.get(), out_.data() + outSent_, out_.size() - outSent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) End(StreamState::kFailed, std::string("TCP: ") + strerror(errno));
    if (sent <= 0) break;
    outSent_ += static_cast<size_t>(sent);
  }
  if (outSent_ == out_.size()) {
    out_.clear();
    outSent_ = 0;
  } else if (outSent_ > kMediaRoom) {
    out_.erase(out_.begin(), out_.begin() + static_cast<long>(outSent_));
    outSent_ = 0;
  }
  UpdateInterest();
}

void StreamConnection::FlushTls() {
  tls_->TakeOutput(out_);
  Flush();
}

// ---- the poller, and the end

uint32_t StreamConnection::WantedEvents() const {
  if (state_ == StreamState::kConnecting) return EPOLLOUT;
  return EPOLLIN | (outSent_ < out_.size() ? static_cast<uint32_t>(EPOLLOUT) : 0u);
}

uint32_t StreamConnection::Interest() const {
  const std::lock_guard lock(mutex_);
  return WantedEvents();
}

void StreamConnection::SetPoller(int epoll, void* key) {
  const std::lock_guard lock(mutex_);
  epoll_ = epoll;
  key_ = key;
  interest_ = 0;
  UpdateInterest();
}

void StreamConnection::UpdateInterest() {
  const uint32_t wanted = WantedEvents();
  if (epoll_ < 0 || fd_.get() < 0 || wanted == interest_) return;
  interest_ = wanted;
  epoll_event event{.events = wanted, .data = {.ptr = key_}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd_.get(), &event);
}

/// The descriptor stays until the owner closes: the poller still knows it.
void StreamConnection::End(StreamState state, std::string reason) {
  if (state_ == StreamState::kClosed || state_ == StreamState::kFailed) return;
  state_ = state;
  failure_ = std::move(reason);
  out_.clear();
  outSent_ = 0;
}

void StreamConnection::Close() {
  const std::lock_guard lock(mutex_);
  if (fd_.get() < 0) return;
  if (state_ == StreamState::kOpen && tls_) {
    tls_->Close();
    FlushTls();
  }
  if (state_ == StreamState::kOpen) {
    Flush();
    shutdown(fd_.get(), SHUT_WR);
    // Closing with bytes unread would be a reset, which takes from the peer what it has not read yet.
    std::array<uint8_t, kTlsReadBytes> rest;
    for (int i = 0; i < 16 && recv(fd_.get(), rest.data(), rest.size(), MSG_DONTWAIT) > 0; ++i) continue;
  }
  End(StreamState::kClosed, "closed");
  epoll_ = -1;
  fd_ = FileDescriptor();
}

}  // namespace roomrtc
