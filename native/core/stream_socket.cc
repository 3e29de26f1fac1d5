#include "stream_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "coded_error.h"

namespace roomrtc {

namespace {

const char* CodeOf(int error) {
  if (error == EADDRINUSE) return "EADDRINUSE";
  return error == EADDRNOTAVAIL ? "EADDRNOTAVAIL" : "SOCKET_FAILURE";
}

}  // namespace

std::unique_ptr<StreamSocket> StreamSocket::Attach(uint32_t handle) {
  auto connection = StreamConnection::Find(handle);
  if (!connection) {
    throw CodedError("SOCKET_FAILURE", "there is no stream connection " + std::to_string(handle));
  }
  return std::make_unique<StreamSocket>(std::move(connection), false);
}

StreamSocket::~StreamSocket() {
  LeavePoller();
  if (owner_) connection_->Close();
}

StreamListener::StreamListener(const std::string& address, uint16_t port, int backlog, StreamFraming framing)
    : framing_(framing) {
  const SocketAddress wanted = SocketAddress::Parse(address, port);
  const int domain = wanted.family() == 6 ? AF_INET6 : AF_INET;
  fd_ = FileDescriptor(socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (domain == AF_INET6) setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (fd_.get() < 0 || bind(fd_.get(), wanted.data(), wanted.size()) != 0 ||
      listen(fd_.get(), backlog) != 0) {
    const int error = errno;
    throw CodedError(CodeOf(error), "cannot listen on TCP " + wanted.Text() + " port " +
                                        std::to_string(port) + ": " + strerror(error));
  }
  local_ = SocketAddress::OfSocket(fd_.get());
}

std::unique_ptr<StreamSocket> StreamListener::Accept() {
  FileDescriptor fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  // A connection that is gone again, or no descriptor left: the next one may do better.
  if (fd.get() < 0) return nullptr;
  return std::make_unique<StreamSocket>(StreamConnection::Adopt(std::move(fd), framing_), true);
}

}  // namespace roomrtc
