// A thread's end of a stream connection, and the listener that accepts connections. Neither ever blocks.
#pragma once

#include <memory>
#include <string>

#include "pollable.h"
#include "stream_connection.h"

namespace roomrtc {

/// The owner receives and can wait in a poller; its end is the connection's. Others are attached and only
/// send.
class StreamSocket final : public Pollable {
 public:
  StreamSocket(std::shared_ptr<StreamConnection> connection, bool owner)
      : connection_(std::move(connection)), owner_(owner) {}
  /// Throws CodedError("SOCKET_FAILURE") when the connection is gone.
  static std::unique_ptr<StreamSocket> Attach(uint32_t handle);
  ~StreamSocket() override;

  int fd() const override { return connection_->fd(); }
  StreamConnection& connection() { return *connection_; }

 protected:
  uint32_t Interest() const override { return connection_->Interest(); }
  void InPoller(int epoll) override { connection_->SetPoller(epoll, static_cast<Pollable*>(this)); }
  bool HasBuffered() const override { return connection_->HasBuffered(); }

 private:
  std::shared_ptr<StreamConnection> connection_;
  bool owner_;
};

class StreamListener final : public Pollable {
 public:
  /// Throws CodedError as UdpSocket::Bind does.
  StreamListener(const std::string& address, uint16_t port, int backlog, StreamFraming framing);
  ~StreamListener() override { LeavePoller(); }

  int fd() const override { return fd_.get(); }
  const SocketAddress& local() const { return local_; }
  /// The next connection that waits; null when none does.
  std::unique_ptr<StreamSocket> Accept();

 private:
  FileDescriptor fd_;
  SocketAddress local_;
  StreamFraming framing_;
};

}  // namespace roomrtc
