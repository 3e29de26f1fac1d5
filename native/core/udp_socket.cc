#include "udp_socket.h"

#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "clock.h"
#include "coded_error.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace roomrtc {

namespace {

constexpr size_t kMaxMessages = 64;   // of one system call
constexpr size_t kMaxVectors = 1024;  // segments of one sendmmsg
constexpr size_t kMaxSegments = 64;   // of one message we send: UDP_MAX_SEGMENTS of every kernel with GSO
constexpr size_t kMaxReceived = 128;  // of one message we receive: UDP_MAX_SEGMENTS of newer kernels
constexpr size_t kMaxRunBytes = 65000;
constexpr size_t kCoalescedRoom = 65536;
constexpr size_t kDatagramRoom = 2048;

const char* CodeOf(int error) {
  switch (error) {
    case EADDRINUSE:
      return "EADDRINUSE";
    case EADDRNOTAVAIL:
      return "EADDRNOTAVAIL";
    case EACCES:
      return "EACCES";
    case EAFNOSUPPORT:
      return "EAFNOSUPPORT";
    case EMFILE:
      return "EMFILE";
    case EBADF:
      return "EBADF";
    default:
      return "SOCKET_FAILURE";
  }
}

[[noreturn]] void ThrowErrno(const std::string& what) {
  const int error = errno;
  throw CodedError(CodeOf(error), what + ": " + strerror(error));
}

void SetBuffer(int fd, int option, int forceOption, int bytes) {
  if (bytes <= 0) return;
  // The forced variant may pass the system's limit when we are allowed to; the plain one is cut to it.
  if (setsockopt(fd, SOL_SOCKET, forceOption, &bytes, sizeof bytes) != 0) {
    setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
  }
}

double ToUs(const timespec& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

struct Ancillary {
  std::optional<timespec> received;
  size_t segmentBytes = 0;
};

Ancillary ReadAncillary(msghdr& header) {
  Ancillary result;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_GRO) {
      int bytes = 0;
      std::memcpy(&bytes, CMSG_DATA(item), sizeof bytes);
      result.segmentBytes = bytes > 0 ? static_cast<size_t>(bytes) : 0;
    } else if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
      std::memcpy(&result.received.emplace(), CMSG_DATA(item), sizeof(timespec));
    }
  }
  return result;
}

bool SameDestination(const DatagramEntry& a, const DatagramEntry& b) {
  return a.family == b.family && a.port == b.port && a.scopeId == b.scopeId &&
         std::memcmp(a.address, b.address, sizeof a.address) == 0;
}

std::span<const uint8_t> Payload(std::span<const uint8_t> slab, const DatagramEntry& entry) {
  const size_t offset = static_cast<uint32_t>(entry.offset);
  const size_t length = static_cast<uint32_t>(entry.length);
  if (offset > slab.size() || length > slab.size() - offset) {
    throw CodedError("OUT_OF_RANGE", "UdpSocket.send: an entry lies outside the slab: offset " +
                                         std::to_string(entry.offset) + ", length " +
                                         std::to_string(entry.length) + ", slab " +
                                         std::to_string(slab.size()));
  }
  return slab.subspan(offset, length);
}

}  // namespace

/// Places the kernel's wall-clock receive times on the monotonic time line.
class UdpSocket::ArrivalClock {
 public:
  ArrivalClock() : monotonicUs_(MonotonicUs()) {
    timespec wall{};
    clock_gettime(CLOCK_REALTIME, &wall);
    wallUs_ = ToUs(wall);
  }

  /// A time the wall clock was set away from (future, or longer ago than any queue) counts as now.
  double Arrival(const std::optional<timespec>& received) const {
    constexpr double kLongestQueueUs = 2e6;
    if (!received) return monotonicUs_;
    const double agoUs = wallUs_ - ToUs(*received);
    return agoUs > 0 && agoUs < kLongestQueueUs ? monotonicUs_ - agoUs : monotonicUs_;
  }

 private:
  double monotonicUs_;
  double wallUs_;
};

/// What the batch calls need.
struct UdpSocket::Batches {
  static constexpr size_t kControl = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(timespec));
  std::array<mmsghdr, kMaxMessages> messages;
  std::array<SocketAddress, kMaxMessages> addresses;
  std::array<Run, kMaxMessages> runs;
  std::array<iovec, kMaxVectors> vectors;
  alignas(cmsghdr) std::array<std::array<uint8_t, kControl>, kMaxMessages> control;

  /// One for all sockets of the thread, since nothing in it outlives a call: a socket of its own each would
  /// hold 30 KiB.
  static Batches& OfThread() {
    static thread_local const std::unique_ptr<Batches> batches = std::make_unique<Batches>();
    return *batches;
  }
};

std::unique_ptr<UdpSocket> UdpSocket::Bind(const UdpBinding& binding) {
  const SocketAddress address = SocketAddress::Parse(binding.address, binding.port);
  const int domain = address.family() == 6 ? AF_INET6 : AF_INET;
  FileDescriptor fd(socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string what = "cannot bind UDP " + address.Text() + " port " + std::to_string(binding.port);
  if (fd.get() < 0) ThrowErrno(what);
  const int on = 1;
  if (domain == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (binding.shared) {
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  }
  SetBuffer(fd.get(), SO_RCVBUF, SO_RCVBUFFORCE, binding.receiveBufferBytes);
  SetBuffer(fd.get(), SO_SNDBUF, SO_SNDBUFFORCE, binding.sendBufferBytes);
  if (bind(fd.get(), address.data(), address.size()) != 0) ThrowErrno(what);
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(fd)));
}

std::unique_ptr<UdpSocket> UdpSocket::Attach(int fd) {
  FileDescriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (copy.get() < 0) ThrowErrno("cannot attach to descriptor " + std::to_string(fd));
  int type = 0;
  int domain = 0;
  socklen_t size = sizeof type;
  const bool known = getsockopt(copy.get(), SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                     getsockopt(copy.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0;
  if (!known || type != SOCK_DGRAM || (domain != AF_INET && domain != AF_INET6)) {
    throw CodedError("INVALID_ARGUMENT", "descriptor " + std::to_string(fd) + " is not a UDP socket");
  }
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(copy)));
}

UdpSocket::UdpSocket(FileDescriptor fd) : fd_(std::move(fd)), local_(SocketAddress::OfSocket(fd_.get())) {
  int value = 0;
  socklen_t size = sizeof value;
  segmentation_ = getsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &value, &size) == 0;
  size = sizeof value;
  coalescing_ = getsockopt(fd_.get(), SOL_UDP, UDP_GRO, &value, &size) == 0 && value != 0;
  const int on = 1;
  setsockopt(fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

UdpSocket::~UdpSocket() { LeavePoller(); }

void UdpSocket::SetCoalescing(bool on) {
  const int value = on;
  coalescingWorks_ = setsockopt(fd_.get(), SOL_UDP, UDP_GRO, &value, sizeof value) == 0;
  coalescing_ = on && coalescingWorks_;
}

size_t UdpSocket::Receive(std::span<uint8_t> slab, std::span<DatagramEntry> table) {
  if (slab.empty() || table.empty()) return 0;
  const bool roomy = slab.size() >= kCoalescedRoom && table.size() >= kMaxReceived;
  if (coalescing_ != roomy && coalescingWorks_) SetCoalescing(roomy);
  const size_t share = std::max(slab.size() / table.size(), kDatagramRoom);
  const size_t room = std::min({coalescing_ ? kCoalescedRoom : share, kCoalescedRoom, slab.size()});
  size_t filled = 0;
  size_t used = 0;
  bool drained = false;
  while (!drained) {
    // Every batch starts behind what the one before it really used.
    filled += ReceiveBatch(slab, used, room, table.subspan(filled), drained);
    if (filled > 0)
      used = static_cast<size_t>(table[filled - 1].offset + table[filled - 1].length + 7) & ~size_t{7};
  }
  return filled;
}

/// One system call for messages of at most `room` bytes behind the first `used` of the slab. `drained`:
/// nothing waits any more, or there is no room for it.
size_t UdpSocket::ReceiveBatch(std::span<uint8_t> slab, size_t used, size_t room,
                               std::span<DatagramEntry> table, bool& drained) {
  const size_t entriesEach = coalescing_ ? kMaxReceived : 1;
  const size_t free = slab.size() - std::min(used, slab.size());
  const size_t count = std::min({free / room, table.size() / entriesEach, kMaxMessages});
  drained = true;
  if (count == 0) return 0;
  Batches& batch = Batches::OfThread();
  for (size_t i = 0; i < count; ++i) {
    batch.vectors[i] = {slab.data() + used + i * room, room};
    batch.messages[i].msg_hdr = {.msg_name = batch.addresses[i].data(),
                                 .msg_namelen = SocketAddress::kCapacity,
                                 .msg_iov = &batch.vectors[i],
                                 .msg_iovlen = 1,
                                 .msg_control = batch.control[i].data(),
                                 .msg_controllen = Batches::kControl};
  }
  ++counters_.syscalls;
  const int got =
      recvmmsg(fd_.get(), batch.messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT, nullptr);
  // An error here is EAGAIN or the echo of an earlier send (ICMP): either way nothing was received.
  if (got <= 0) return 0;
  drained = static_cast<size_t>(got) < count;

  const ArrivalClock clock;
  size_t filled = 0;
  for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
    filled += SplitMessage(i, used + i * room, clock, table.subspan(filled));
  }
  counters_.received += filled;
  return filled;
}

/// Writes the table entries of received message `i`, which lies at `start` of the slab; returns how many.
size_t UdpSocket::SplitMessage(size_t i, size_t start, const ArrivalClock& clock,
                               std::span<DatagramEntry> table) {
  Batches& batch = Batches::OfThread();
  msghdr& header = batch.messages[i].msg_hdr;
  const size_t bytes = batch.messages[i].msg_len;
  if (header.msg_flags & MSG_TRUNC) {
    ++counters_.truncated;
    return 0;
  }
  const Ancillary ancillary = ReadAncillary(header);
  const size_t segment = ancillary.segmentBytes ? ancillary.segmentBytes : std::max<size_t>(bytes, 1);
  const double arrivalUs = clock.Arrival(ancillary.received);
  size_t filled = 0;
  size_t at = 0;
  do {
    DatagramEntry& entry = table[filled++];
    entry.offset = static_cast<int32_t>(start + at);
    entry.length = static_cast<int32_t>(std::min(segment, bytes - at));
    entry.flags = 0;
    entry.set_arrival(arrivalUs);
    batch.addresses[i].Store(entry);
    at += segment;
  } while (at < bytes && filled < table.size());
  return filled;
}

size_t UdpSocket::Send(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries) {
  unsegmentedUntil_ = 0;
  size_t taken = 0;
  for (size_t next = 0; next < entries.size();) taken += SendMessages(slab, entries, next);
  counters_.sent += taken;
  return taken;
}

size_t UdpSocket::SendWhatFits(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries) {
  unsegmentedUntil_ = 0;
  keepsRest_ = true;
  full_ = false;
  size_t next = 0;
  while (next < entries.size() && !full_) counters_.sent += SendMessages(slab, entries, next);
  keepsRest_ = false;
  return next;
}

/// The longest run of datagrams from `first` that one message can carry.
UdpSocket::Run UdpSocket::FindRun(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries,
                                  size_t first) const {
  const DatagramEntry& head = entries[first];
  const size_t segment = Payload(slab, head).size();
  Run run{first, 1, segment};
  if (!segmentation_ || first < unsegmentedUntil_) return run;
  while (run.count < kMaxSegments && first + run.count < entries.size()) {
    const DatagramEntry& next = entries[first + run.count];
    if (next.length <= 0 || !SameDestination(head, next)) break;
    const size_t bytes = Payload(slab, next).size();
    if (bytes > segment || run.bytes + bytes > kMaxRunBytes) break;
    ++run.count;
    run.bytes += bytes;
    if (bytes < segment) break;  // a shorter segment can only be the last
  }
  return run;
}

/// Makes message `i` of the batch carry `run`; its address is set already.
void UdpSocket::BuildMessage(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries,
                             const Run& run, size_t i, size_t vector) {
  Batches& batch = Batches::OfThread();
  msghdr& header = batch.messages[i].msg_hdr;
  header = {.msg_name = batch.addresses[i].data(),
            .msg_namelen = batch.addresses[i].size(),
            .msg_iov = &batch.vectors[vector],
            .msg_iovlen = run.count};
  for (const DatagramEntry& entry : entries.subspan(run.first, run.count)) {
    const std::span<const uint8_t> payload = Payload(slab, entry);
    batch.vectors[vector++] = {const_cast<uint8_t*>(payload.data()), payload.size()};
  }
  batch.runs[i] = run;
  if (run.count == 1) return;
  header.msg_control = batch.control[i].data();
  header.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  item->cmsg_level = SOL_UDP;
  item->cmsg_type = UDP_SEGMENT;
  const uint16_t segment = static_cast<uint16_t>(batch.vectors[vector - run.count].iov_len);
  std::memcpy(CMSG_DATA(item), &segment, sizeof segment);
}

/// Sends as many entries from `next` on as one system call carries; advances `next` past what was sent or
/// dropped.
size_t UdpSocket::SendMessages(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries,
                               size_t& next) {
  Batches& batch = Batches::OfThread();
  size_t messages = 0;
  size_t vectors = 0;
  size_t at = next;
  while (at < entries.size() && messages < kMaxMessages && vectors + kMaxSegments <= kMaxVectors) {
    if (entries[at].length <= 0) {
      ++at;
      continue;
    }
    if (!batch.addresses[messages].Assign(entries[at], local_.data()->sa_family)) {
      if (messages > 0) break;  // counted when it comes first, so once
      ++counters_.sendErrors;
      ++at;
      continue;
    }
    const Run run = FindRun(slab, entries, at);
    BuildMessage(slab, entries, run, messages++, vectors);
    vectors += run.count;
    at += run.count;
  }
  next = at;
  if (messages == 0) return 0;

  ++counters_.syscalls;
  const int done = sendmmsg(fd_.get(), batch.messages.data(), static_cast<unsigned>(messages),
                            MSG_DONTWAIT | MSG_NOSIGNAL);
  if (done <= 0) {
    next = NextAfterError(done < 0 ? errno : EAGAIN, entries, batch.runs[0]);
    return 0;
  }
  size_t taken = 0;
  for (size_t i = 0; i < static_cast<size_t>(done); ++i) taken += batch.runs[i].count;
  if (static_cast<size_t>(done) < messages) next = batch.runs[static_cast<size_t>(done)].first;
  return taken;
}

/// The kernel refused `run`: where to go on.
size_t UdpSocket::NextAfterError(int error, std::span<const DatagramEntry> entries, const Run& run) {
  switch (error) {
    case EINTR:
      return run.first;
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:  // no room for the others either
      if (keepsRest_) {
        full_ = true;
        return run.first;
      }
      for (const DatagramEntry& entry : entries.subspan(run.first)) counters_.sendErrors += entry.length > 0;
      return entries.size();
    case EIO:
    case EOPNOTSUPP:
    case ENOPROTOOPT:  // this path cannot segment at all
      if (run.count > 1) segmentation_ = false;
      [[fallthrough]];
    case EINVAL:
    case EMSGSIZE:  // segments above the path's MTU can go as fragmented datagrams
      if (run.count > 1) {
        unsegmentedUntil_ = run.first + run.count;
        return run.first;
      }
      [[fallthrough]];
    default:
      counters_.sendErrors += run.count;
      return run.first + run.count;
  }
}

}  // namespace roomrtc
