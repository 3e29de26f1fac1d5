#include "udp_poller.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "coded_error.h"
#include "pollable.h"

namespace roomrtc {

void Pollable::LeavePoller() {
  if (poller_) poller_->Remove(*this);
}

namespace {

constexpr size_t kMaxEvents = 64;

[[noreturn]] void ThrowErrno(const char* what) {
  throw CodedError("SOCKET_FAILURE", std::string(what) + ": " + strerror(errno));
}

timespec ToTimespec(double us) {
  const double seconds = std::floor(us / 1e6);
  return {.tv_sec = static_cast<time_t>(seconds), .tv_nsec = static_cast<long>((us - seconds * 1e6) * 1e3)};
}

int WaitForEvents(int epoll, std::span<epoll_event, kMaxEvents> events, double timeoutUs) {
  const timespec limit = ToTimespec(std::clamp(timeoutUs, 0.0, 1e12));
  const timespec* timeout = timeoutUs > 1e12 ? nullptr : &limit;
  const int count = epoll_pwait2(epoll, events.data(), kMaxEvents, timeout, nullptr);
  if (count >= 0 || errno != ENOSYS) return count;
  // Linux before 5.11: an epoll descriptor can itself be polled.
  pollfd self{.fd = epoll, .events = POLLIN};
  ppoll(&self, 1, timeout, nullptr);
  return epoll_wait(epoll, events.data(), kMaxEvents, 0);
}

}  // namespace

UdpPoller::UdpPoller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), doorbell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  // Edge-triggered: every ring wakes by itself, and the counter never has to be read back.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (epoll_.get() < 0 || doorbell_.get() < 0 ||
      epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, doorbell_.get(), &event) != 0) {
    ThrowErrno("UdpPoller");
  }
  // A thread's timers may be late by its slack, 50 µs by default: as much as ten hops between workers.
  prctl(PR_SET_TIMERSLACK, 1000UL);
}

UdpPoller::~UdpPoller() {
  for (Pollable* socket : sockets_) {
    socket->InPoller(-1);
    socket->poller_ = nullptr;
  }
}

void UdpPoller::Add(Pollable& socket) {
  if (socket.poller_ == this) return;
  if (socket.poller_) socket.poller_->Remove(socket);
  epoll_event event{.events = socket.Interest(), .data = {.ptr = &socket}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.fd(), &event) != 0) ThrowErrno("UdpPoller.add");
  sockets_.push_back(&socket);
  socket.poller_ = this;
  socket.readable_ = false;
  socket.InPoller(epoll_.get());
}

void UdpPoller::Remove(Pollable& socket) {
  if (socket.poller_ != this) return;
  socket.InPoller(-1);
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket.fd(), nullptr);
  std::erase(sockets_, &socket);
  socket.poller_ = nullptr;
  socket.readable_ = false;
}

size_t UdpPoller::Wait(double timeoutUs) {
  size_t readable = 0;
  for (Pollable* socket : sockets_) {
    socket->readable_ = socket->HasBuffered();
    readable += socket->readable_;
  }
  std::array<epoll_event, kMaxEvents> events;
  const int count = WaitForEvents(epoll_.get(), events, readable > 0 ? 0 : timeoutUs);
  for (int i = 0; i < count; ++i) {
    Pollable* socket = static_cast<Pollable*>(events[static_cast<size_t>(i)].data.ptr);
    if (!socket) continue;  // the doorbell
    readable += !socket->readable_;
    socket->readable_ = true;
  }
  return readable;
}

bool UdpPoller::IsReadable(const Pollable& socket) const {
  return socket.poller_ == this && socket.readable_;
}

void UdpPoller::RingDoorbell(int fd) {
  // Fails only when the counter is at its end (the bell rings already) or the owner closed it meanwhile.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
}

}  // namespace roomrtc
