// What a poller waits for.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

namespace roomrtc {

class UdpPoller;

/// A socket that a UdpPoller can hold, in one poller at a time. Its destructor must call LeavePoller first.
class Pollable {
 public:
  Pollable() = default;
  Pollable(const Pollable&) = delete;
  Pollable& operator=(const Pollable&) = delete;
  virtual ~Pollable() = default;

  virtual int fd() const = 0;

 protected:
  void LeavePoller();

  /// What the poller is to wait for at first.
  virtual uint32_t Interest() const { return EPOLLIN; }
  /// The poller's epoll descriptor, -1 when the socket has left it.
  virtual void InPoller(int /*epoll*/) {}
  /// Bytes wait here that the kernel does not know of any more.
  virtual bool HasBuffered() const { return false; }

 private:
  friend class UdpPoller;
  UdpPoller* poller_ = nullptr;
  bool readable_ = false;
};

}  // namespace roomrtc
