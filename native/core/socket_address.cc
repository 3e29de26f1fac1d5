#include "socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>

#include <cerrno>
#include <cstring>

#include "coded_error.h"

namespace roomrtc {

SocketAddress SocketAddress::Parse(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const bool usable =
      getaddrinfo(address.c_str(), nullptr, &hints, &found) == 0 && found->ai_addrlen <= kCapacity;
  SocketAddress result;
  if (usable) std::memcpy(&result.storage_, found->ai_addr, found->ai_addrlen);
  if (found) freeaddrinfo(found);
  if (!usable || address.empty()) {
    throw CodedError("INVALID_ADDRESS",
                     "\"" + address + "\" is not a numeric IPv4 or IPv6 address of this machine");
  }
  if (result.family() == 6) {
    result.storage_.v6.sin6_port = htons(port);
  } else {
    result.storage_.v4.sin_port = htons(port);
  }
  return result;
}

SocketAddress SocketAddress::OfSocket(int fd) {
  SocketAddress result;
  socklen_t size = kCapacity;
  if (getsockname(fd, result.data(), &size) != 0) {
    throw CodedError("SOCKET_FAILURE", std::string("cannot read the socket's address: ") + strerror(errno));
  }
  return result;
}

bool SocketAddress::Assign(const DatagramEntry& entry, sa_family_t family) {
  const uint16_t port = htons(static_cast<uint16_t>(entry.port));
  if (entry.port <= 0 || entry.port > 0xffff || entry.family != (family == AF_INET6 ? 6 : 4)) return false;
  if (family == AF_INET6) {
    storage_.v6 = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_scope_id = entry.scopeId};
    std::memcpy(&storage_.v6.sin6_addr, entry.address, 16);
  } else {
    storage_.v4 = {.sin_family = AF_INET, .sin_port = port};
    std::memcpy(&storage_.v4.sin_addr, entry.address, 4);
  }
  return true;
}

void SocketAddress::Store(DatagramEntry& entry) const {
  entry.family = family();
  entry.port = port();
  std::memset(entry.address, 0, sizeof entry.address);
  if (family() == 6) {
    std::memcpy(entry.address, &storage_.v6.sin6_addr, 16);
    entry.scopeId = storage_.v6.sin6_scope_id;
  } else {
    std::memcpy(entry.address, &storage_.v4.sin_addr, 4);
    entry.scopeId = 0;
  }
}

uint16_t SocketAddress::port() const {
  return ntohs(family() == 6 ? storage_.v6.sin6_port : storage_.v4.sin_port);
}

std::string SocketAddress::Text() const {
  char text[INET6_ADDRSTRLEN] = "";
  const void* address =
      family() == 6 ? static_cast<const void*>(&storage_.v6.sin6_addr) : &storage_.v4.sin_addr;
  inet_ntop(storage_.generic.sa_family, address, text, sizeof text);
  std::string result(text);
  char interface[IF_NAMESIZE];
  if (family() == 6 && storage_.v6.sin6_scope_id != 0 &&
      if_indextoname(storage_.v6.sin6_scope_id, interface)) {
    result += std::string("%") + interface;
  }
  return result;
}

}  // namespace roomrtc
