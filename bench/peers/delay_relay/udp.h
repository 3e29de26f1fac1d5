// What the relay and its proof share: sockets that join and split datagrams in the kernel.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

constexpr size_t kLargestDatagram = 65'536;
constexpr int kSocketBytes = 8 << 20;

inline int64_t nowNs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline sockaddr_in addressOf(const char* text, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) fail(text);
  return address;
}

inline int openSocket(const char* text) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  for (const auto& [forced, limited] :
       {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
    // The forced one may exceed the limit; the other asks for what the limit allows.
    if (setsockopt(fd, SOL_SOCKET, forced, &kSocketBytes, sizeof kSocketBytes) == 0) continue;
    setsockopt(fd, SOL_SOCKET, limited, &kSocketBytes, sizeof kSocketBytes);
  }
  const int on = 1;
  if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) fail("UDP_GRO");
  const sockaddr_in address = addressOf(text, 0);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  return fd;
}

inline uint16_t portOf(int fd) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

/// UDP GSO: one call, many datagrams of `segment` bytes (0: one). False: the kernel took nothing.
inline bool sendSegments(int fd, const sockaddr_in& to, std::span<uint8_t> bytes, uint16_t segment) {
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<uint8_t, CMSG_SPACE(sizeof segment)> control{};
  msghdr header{};
  header.msg_name = const_cast<sockaddr_in*>(&to);
  header.msg_namelen = sizeof to;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (segment != 0 && bytes.size() > segment) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = IPPROTO_UDP;
    message->cmsg_type = UDP_SEGMENT;
    message->cmsg_len = CMSG_LEN(sizeof segment);
    std::memcpy(CMSG_DATA(message), &segment, sizeof segment);
  }
  return sendmsg(fd, &header, 0) >= 0;
}

/// UDP GRO: the size of the datagrams that the kernel joined; 0: it is one.
inline uint16_t segmentOf(msghdr& header) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    return static_cast<uint16_t>(size);
  }
  return 0;
}
