#include "datagram_bio.h"

#include <algorithm>
#include <cstring>

namespace roomrtc {

DatagramPort& DatagramPort::Of(BIO* bio) { return *static_cast<DatagramPort*>(BIO_get_data(bio)); }

BIO_METHOD* DatagramPort::Method() {
  // One table for the process, of function pointers alone; never freed, as connections of any thread use it.
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram port");
    CheckOpenSsl(made && BIO_meth_set_write(made, Write) == 1 && BIO_meth_set_read(made, Read) == 1 &&
                     BIO_meth_set_ctrl(made, Control) == 1,
                 "DTLS input and output");
    return made;
  }();
  return method;
}

BIO* DatagramPort::CreateBio() {
  BIO* bio = BIO_new(Method());
  CheckOpenSsl(bio != nullptr, "DTLS input and output");
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

namespace {

/// Everything of a flight but application data (RFC 6347 §4.1), ciphered or not.
bool IsOfHandshake(const std::vector<uint8_t>& datagram) {
  constexpr uint8_t kApplicationData = 23;
  return datagram[0] < kApplicationData;
}

}  // namespace

size_t DatagramPort::Take(std::span<uint8_t> out) {
  if (outgoing_.empty() || outgoing_.front().size() > out.size()) return 0;
  const size_t limit = std::min(out.size(), mtu_);
  const bool joins = IsOfHandshake(outgoing_.front());
  size_t taken = 0;
  // RFC 6347 §4.1.1: a datagram may hold several records. OpenSSL repeats a flight message by message; the
  // fewer datagrams it takes, the sooner all of it arrives on a path that loses some.
  do {
    const std::vector<uint8_t>& next = outgoing_.front();
    std::copy(next.begin(), next.end(), out.begin() + static_cast<ptrdiff_t>(taken));
    taken += next.size();
    outgoing_.pop_front();
  } while (joins && !outgoing_.empty() && IsOfHandshake(outgoing_.front()) &&
           taken + outgoing_.front().size() <= limit);
  return taken;
}

int DatagramPort::Write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  std::deque<std::vector<uint8_t>>& outgoing = Of(bio).outgoing_;
  // A full queue loses datagrams as a network would; retransmission makes up for it.
  if (size > 0 && outgoing.size() < kMaxOutgoing) outgoing.emplace_back(data, data + size);
  return size;
}

int DatagramPort::Read(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  std::optional<std::span<const uint8_t>>& incoming = Of(bio).incoming_;
  if (!incoming) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // As recv does: one datagram a call, cut to the room.
  const size_t taken = std::min(incoming->size(), static_cast<size_t>(std::max(size, 0)));
  std::memcpy(out, incoming->data(), taken);
  incoming.reset();
  return static_cast<int>(taken);
}

long DatagramPort::Control(BIO* bio, int command, long number, void* pointer) {
  DatagramPort& port = Of(bio);
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
      return 1;
    case BIO_CTRL_PENDING:
      return port.incoming_ ? static_cast<long>(port.incoming_->size()) : 0;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return static_cast<long>(port.mtu_);
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
      return 0;  // our MTU counts the payload of a datagram
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: {
      const timeval& next = *static_cast<const timeval*>(pointer);
      const bool runs = next.tv_sec != 0 || next.tv_usec != 0;
      ++port.timerChanges_;
      port.timer_ = runs ? std::optional(next) : std::nullopt;
      return 1;
    }
    default:
      (void)number;
      return 0;
  }
}

}  // namespace roomrtc
