// One TCP connection that carries whole messages, maybe under TLS. Shared by the threads that send on it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datagram_table.h"
#include "file_descriptor.h"
#include "socket_address.h"
#include "stream_framing.h"
#include "tls_client.h"

namespace roomrtc {

struct StreamTarget {
  /// Numeric; "" leaves the choice to the system.
  std::string localAddress;
  std::string address;
  uint16_t port = 0;
  StreamFraming framing = StreamFraming::kRfc4571;
  std::optional<TlsOptions> tls;
};

enum class StreamState { kConnecting, kHandshaking, kOpen, kClosed, kFailed };

struct StreamCounters {
  uint64_t sent = 0;      // messages taken
  uint64_t refused = 0;   // messages there was no room for
  uint64_t received = 0;  // messages
  uint64_t bytesReceived = 0;
};

/// The one owner of a connection's descriptor and outgoing queue. One thread receives; any may send: a
/// message is taken whole or refused whole, so messages of two threads never mix. The queue is short, since
/// what waits in it is late; the kernel is told to keep little unsent as well.
class StreamConnection {
 public:
  /// Starts to connect. Throws CodedError INVALID_ADDRESS, the system's code, and what TlsClient throws.
  static std::shared_ptr<StreamConnection> Connect(const StreamTarget& target);
  /// Takes over an accepted socket.
  static std::shared_ptr<StreamConnection> Adopt(FileDescriptor fd, StreamFraming framing);
  /// The connection of that number, from any thread; null when it is gone.
  static std::shared_ptr<StreamConnection> Find(uint32_t handle);

  StreamConnection(FileDescriptor fd, StreamFraming framing, StreamState state);
  ~StreamConnection();
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  uint32_t handle() const { return handle_; }
  int fd() const { return fd_.get(); }
  const SocketAddress& remote() const { return remote_; }
  SocketAddress local() const;
  StreamState state() const;
  /// Why it failed, or was closed; "" while it lives.
  std::string failure() const;
  StreamCounters counters() const;

  /// Goes on with connecting, the handshake and what waits to be sent; then fills the table with the messages
  /// that have come, as far as slab and table have room. Returns how many. The owner's thread.
  size_t Receive(std::span<uint8_t> slab, std::span<DatagramEntry> table);
  /// Takes the messages in order until one has no room; returns how many. Their addresses mean nothing here.
  size_t Send(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries);
  /// Says goodbye as far as that goes without waiting; nothing is taken or delivered afterwards.
  void Close();

  /// The epoll descriptor that waits for this connection under `key`, -1 for none.
  void SetPoller(int epoll, void* key);
  uint32_t Interest() const;
  bool HasBuffered() const;

 private:
  bool Advance();
  void FinishConnecting();
  void Shake();
  bool Fill(std::span<uint8_t> room, size_t& filled);
  size_t ReadSocket(std::span<uint8_t> room);
  size_t ReadTls(std::span<uint8_t> room);
  size_t Split(std::span<const uint8_t> slab, size_t filled, std::span<DatagramEntry> table);
  bool Queue(std::span<const uint8_t> message);
  void Append(std::span<const uint8_t> message);
  void Flush();
  void FlushTls();
  void UpdateInterest();
  uint32_t WantedEvents() const;
  void End(StreamState state, std::string reason);

  const uint32_t handle_;
  const StreamFraming framing_;
  mutable std::mutex mutex_;
  FileDescriptor fd_;
  SocketAddress remote_;
  StreamState state_;
  std::string failure_;
  std::unique_ptr<TlsClient> tls_;
  /// Waits for the kernel: from `outSent_` on.
  std::vector<uint8_t> out_;
  size_t outSent_ = 0;
  std::vector<uint8_t> plain_;
  /// The beginning of a message whose rest has not come, or what the table had no room for.
  std::vector<uint8_t> partial_;
  bool buffered_ = false;
  StreamCounters counters_;
  int epoll_ = -1;
  void* key_ = nullptr;
  uint32_t interest_ = 0;
};

}  // namespace roomrtc
