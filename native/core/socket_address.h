// Conversions between socket addresses, numeric text and datagram table entries.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "datagram_table.h"

namespace roomrtc {

/// An IPv4 or IPv6 address with port, as the kernel takes it.
class SocketAddress {
 public:
  SocketAddress() = default;

  /// From numeric text (`%scope` allowed); throws CodedError("INVALID_ADDRESS").
  static SocketAddress Parse(const std::string& address, uint16_t port);
  /// The address a socket is bound to.
  static SocketAddress OfSocket(int fd);

  /// Takes the destination of `entry`; false when its family is not the socket's or the port is none.
  bool Assign(const DatagramEntry& entry, sa_family_t family);
  /// Writes family, port, address and scope.
  void Store(DatagramEntry& entry) const;

  int family() const { return storage_.generic.sa_family == AF_INET6 ? 6 : 4; }
  uint16_t port() const;
  std::string Text() const;
  sockaddr* data() { return &storage_.generic; }
  const sockaddr* data() const { return &storage_.generic; }
  socklen_t size() const { return family() == 6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  static constexpr socklen_t kCapacity = sizeof(sockaddr_in6);

 private:
  union {
    sockaddr generic;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_{.v6 = {}};
};

}  // namespace roomrtc
