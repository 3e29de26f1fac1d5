// A UDP socket that receives and sends many datagrams with one system call. Never blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "datagram_table.h"
#include "file_descriptor.h"
#include "pollable.h"
#include "socket_address.h"

namespace roomrtc {

struct UdpBinding {
  std::string address;
  uint16_t port = 0;
  int receiveBufferBytes = 0;  // 0: the system's default
  int sendBufferBytes = 0;
  bool shared = false;  // others may bind the same address and port too, as multicast DNS needs
};

struct UdpCounters {
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t sendErrors = 0;  // datagrams the kernel did not take
  uint64_t truncated = 0;   // received datagrams larger than their room, dropped
  uint64_t syscalls = 0;
};

class UdpSocket final : public Pollable {
 public:
  /// Throws CodedError with the system's code (EADDRINUSE, EADDRNOTAVAIL, EACCES, …) or INVALID_ADDRESS.
  static std::unique_ptr<UdpSocket> Bind(const UdpBinding& binding);
  /// Duplicates another thread's descriptor of a bound UDP socket.
  static std::unique_ptr<UdpSocket> Attach(int fd);
  /// Leaves its poller first.
  ~UdpSocket() override;

  int fd() const override { return fd_.get(); }
  const SocketAddress& local() const { return local_; }
  const UdpCounters& counters() const { return counters_; }

  /// Receives what waits in the kernel, as far as slab and table have room; returns the entries filled. With
  /// 64 KiB of slab and 128 entries or more, bursts the kernel coalesced (UDP_GRO) are taken whole and come
  /// split; a multiple of both lets one call take more bursts. Smaller ones give each datagram its share,
  /// 2048 bytes at least; a larger datagram is dropped and counted. Keep to one of the two kinds for the life
  /// of a socket.
  size_t Receive(std::span<uint8_t> slab, std::span<DatagramEntry> table);

  /// Sends the entries in order; those of length zero or less are skipped. Returns how many the kernel took.
  size_t Send(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries);

  /// As Send, but stops where the kernel has no room; returns how many entries are done with. The others can
  /// be sent later.
  size_t SendWhatFits(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries);

 private:
  struct Batches;
  class ArrivalClock;

  /// Datagrams that leave as one message: one destination, one segment size (the last may be shorter).
  struct Run {
    size_t first;
    size_t count;
    size_t bytes;
  };

  explicit UdpSocket(FileDescriptor fd);

  size_t ReceiveBatch(std::span<uint8_t> slab, size_t used, size_t room, std::span<DatagramEntry> table,
                      bool& drained);
  size_t SplitMessage(size_t i, size_t start, const ArrivalClock& clock, std::span<DatagramEntry> table);
  void SetCoalescing(bool on);
  Run FindRun(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries, size_t first) const;
  void BuildMessage(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries, const Run& run,
                    size_t i, size_t vector);
  size_t SendMessages(std::span<const uint8_t> slab, std::span<const DatagramEntry> entries, size_t& next);
  size_t NextAfterError(int error, std::span<const DatagramEntry> entries, const Run& run);

  FileDescriptor fd_;
  SocketAddress local_;
  UdpCounters counters_;
  bool segmentation_ = false;  // UDP_SEGMENT works
  bool coalescing_ = false;    // UDP_GRO is on
  bool coalescingWorks_ = true;
  size_t unsegmentedUntil_ = 0;  // while sending: entries before this go one by one
  bool keepsRest_ = false;       // while sending: what finds no room stays
  bool full_ = false;            // while sending: there was no room
};

}  // namespace roomrtc
