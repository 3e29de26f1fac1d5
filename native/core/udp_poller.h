// Waits for sockets and for a doorbell at once, with microsecond deadlines.
#pragma once

#include <cstddef>
#include <vector>

#include "file_descriptor.h"

namespace roomrtc {

class Pollable;

/// One owner thread; only RingDoorbell may be called from others. Sockets may be destroyed while they are in
/// it.
class UdpPoller {
 public:
  UdpPoller();
  ~UdpPoller();
  UdpPoller(const UdpPoller&) = delete;
  UdpPoller& operator=(const UdpPoller&) = delete;

  int doorbellFd() const { return doorbell_.get(); }
  /// A socket belongs to one poller at a time; adding it twice changes nothing.
  void Add(Pollable& socket);
  void Remove(Pollable& socket);
  /// Returns when a socket is readable, the doorbell rang (which is then reset) or `timeoutUs` passed
  /// (infinite: no limit; zero or less: at once). The number of readable sockets.
  size_t Wait(double timeoutUs);
  bool IsReadable(const Pollable& socket) const;

  /// From any thread: ends the wait of the poller that owns the eventfd. A closed or foreign descriptor is
  /// ignored.
  static void RingDoorbell(int fd);

 private:
  FileDescriptor epoll_;
  FileDescriptor doorbell_;
  std::vector<Pollable*> sockets_;
};

}  // namespace roomrtc
