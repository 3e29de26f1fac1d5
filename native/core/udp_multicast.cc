#include "udp_multicast.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "coded_error.h"
#include "socket_address.h"

namespace roomrtc {

namespace {

constexpr int kMostHops = 255;
constexpr int kLoop = 1;

unsigned IndexOf(const std::string& interface) {
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0)
    throw CodedError("INVALID_ARGUMENT", "\"" + interface + "\" is no network interface of this machine");
  return index;
}

void Require(int result, const std::string& what, const std::string& interface) {
  if (result == 0) return;
  const char* code = errno == ENODEV || errno == EADDRNOTAVAIL ? "EADDRNOTAVAIL" : "SOCKET_FAILURE";
  throw CodedError(code, what + " on " + interface + ": " + strerror(errno));
}

}  // namespace

void JoinMulticast(int fd, const std::string& group, const std::string& interface) {
  SocketAddress address = SocketAddress::Parse(group, 0);
  const unsigned index = IndexOf(interface);
  int result = 0;
  if (address.family() == 6) {
    ipv6_mreq request{};
    request.ipv6mr_multiaddr = reinterpret_cast<sockaddr_in6*>(address.data())->sin6_addr;
    request.ipv6mr_interface = index;
    result = setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request);
  } else {
    ip_mreqn request{};
    request.imr_multiaddr = reinterpret_cast<sockaddr_in*>(address.data())->sin_addr;
    request.imr_ifindex = static_cast<int>(index);
    result = setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
  }
  // Two addresses of one interface make two joins; the second changes nothing.
  if (result != 0 && errno == EADDRINUSE) return;
  Require(result, "cannot join multicast group " + group, interface);
}

void SetMulticastInterface(int fd, const std::string& interface) {
  const int index = static_cast<int>(IndexOf(interface));
  const std::string what = "cannot send multicast";
  if (SocketAddress::OfSocket(fd).family() == 6) {
    Require(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index), what, interface);
    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &kMostHops, sizeof kMostHops);
    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &kLoop, sizeof kLoop);
    return;
  }
  ip_mreqn request{};
  request.imr_ifindex = index;
  Require(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request), what, interface);
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &kMostHops, sizeof kMostHops);
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &kLoop, sizeof kLoop);
}

}  // namespace roomrtc
