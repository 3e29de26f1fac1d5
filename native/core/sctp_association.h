// SCTP over DTLS (RFC 8261, RFC 9260) by usrsctp: one association, packets in and out as bytes.
//
// usrsctp runs here without threads of its own. An association belongs to the thread that made it; those of
// other threads share usrsctp with it (sctp_stack.h), and its packets may be made by the timers that another
// thread runs.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sctp_spurious_timeout.h"

struct socket;
struct sctp_assoc_change;
struct sctp_rcvinfo;
union sctp_sockstore;

namespace roomrtc {

struct SctpSettings {
  /// Our port in the SCTP header (RFC 8841 §5), and the peer's.
  uint16_t port = 5000;
  uint16_t remotePort = 5000;
  /// Largest SCTP packet handed out, common header included.
  size_t maxPacketBytes = 1160;
  /// Largest message that is received; a longer one aborts the association.
  size_t maxMessageBytes = 1 << 20;
  /// What may lie in the send buffer, acknowledged or not.
  size_t sendBufferBytes = 16 << 20;
  /// The receive window that the peer is told. usrsctp takes nothing that is 4096 chunks or more ahead of the
  /// first missing one, so a window of more than so many packets invites what would be thrown away.
  size_t receiveWindowBytes = 4 << 20;
  uint16_t streams = 1024;
};

enum class SctpState { kNew, kConnecting, kConnected, kClosed };

/// Limits of one message (RFC 3758); neither: reliable.
struct SctpReliability {
  bool unordered = false;
  bool limited = false;
  bool byTime = false;
  /// Retransmissions, or milliseconds.
  uint32_t limit = 0;
};

struct SctpMessage {
  uint16_t streamId = 0;
  uint32_t payloadProtocol = 0;
  std::vector<uint8_t> bytes;
};

/// Something to tell the owner, in the order in which it happened.
struct SctpEvent {
  enum class Kind { kConnected, kClosed, kMessage, kStreamsReset };
  Kind kind = Kind::kClosed;
  SctpMessage message;
  /// kStreamsReset: the peer reset its side of these.
  std::vector<uint16_t> streams;
  /// kClosed: why, "" when it was asked for here; and the cause code of an ABORT (RFC 9260 §3.3.10), 0: none.
  std::string reason;
  uint16_t causeCode = 0;
};

class SctpAssociation {
 public:
  explicit SctpAssociation(const SctpSettings& settings);
  ~SctpAssociation();
  SctpAssociation(const SctpAssociation&) = delete;
  SctpAssociation& operator=(const SctpAssociation&) = delete;

  /// Sends INIT. Both ends may: a collision is resolved (RFC 9260 §5.2).
  void Connect();
  void HandlePacket(std::span<const uint8_t> packet);
  /// Writes the next packet to send; 0: none.
  size_t TakePacket(std::span<uint8_t> out);
  /// The packet that TakePacket would give, valid until one is taken; empty: none.
  std::span<const uint8_t> NextPacket();
  void DropPacket();

  /// False when the send buffer is full; try again after acknowledgements came in. Throws when not connected
  /// or too long.
  bool Send(uint16_t streamId, uint32_t payloadProtocol, std::span<const uint8_t> bytes,
            const SctpReliability& reliability);
  /// Messages given to Send of which a part was never sent yet. They leave in the order of the calls.
  size_t PendingMessages() const;
  /// What may be in flight, in bytes; 0: not connected.
  size_t CongestionWindow() const;
  /// Resets our side of a stream (RFC 6525); queued until what was sent on it is through.
  void ResetStream(uint16_t streamId);
  /// The next event, if there is one. What nobody takes stays in the receive buffer: when that is full, the
  /// window closes and the peer waits.
  bool TakeEvent(SctpEvent& event);
  const SctpEvent* PeekEvent();
  /// Gives the bytes of a message back, so that the next one needs no memory of its own.
  void Recycle(std::vector<uint8_t>&& bytes);

  /// Says ABORT to the peer and closes.
  void Abort();
  SctpState state() const { return state_; }

  /// Advances the timers of all associations of the process, unless another thread does. Call about every
  /// kTimerMs.
  static void HandleTimers(uint32_t elapsedMs);
  static constexpr uint32_t kTimerMs = 10;
  /// Around each run of the stack's timers, with its lock held.
  void BeforeTimers();
  void AfterTimers();

 private:
  static int OnOutput(void* address, void* buffer, size_t length, uint8_t tos, uint8_t setDf);
  void Pull();
  void Receive(std::span<const uint8_t> part, const sctp_rcvinfo& info, int flags);
  void PushMessage(const sctp_rcvinfo& info, std::vector<uint8_t>&& bytes);
  void Notify(std::span<const uint8_t> notification);
  void Queue(std::span<const uint8_t> packet);
  void NoteChunks(std::span<const uint8_t> packet);
  void NoteChunk(uint32_t tsn, bool isEnding);
  void NoteSack(std::span<const uint8_t> packet);
  bool HasFlight() const { return highestTsn_ && acknowledgedTsn_ && *highestTsn_ != *acknowledgedTsn_; }
  /// As CongestionWindow(), with the stack's lock held.
  size_t Window() const;
  void RestoreWindow(size_t window);
  void PushKind(SctpEvent::Kind kind);
  void NoteChange(const sctp_assoc_change& change, std::span<const uint8_t> abort);
  void NoteResets(std::span<const uint8_t> notification);
  void End(const std::string& reason, uint16_t causeCode);
  void LimitFlight();
  void FillOutbox();
  void Open();
  void Configure();
  void Close();
  void FlushResets();
  bool IsAlive() const;

  SctpSettings settings_;
  struct socket* socket_ = nullptr;
  void* address_ = nullptr;
  SctpState state_ = SctpState::kNew;
  /// usrsctp has no association any more, though the news of it may still lie in the receive buffer.
  bool isGone_ = false;
  /// Taken over from `packets_`, and given back to `spare_`.
  std::deque<std::vector<uint8_t>> outbox_;
  std::vector<std::vector<uint8_t>> sent_;
  std::deque<SctpEvent> events_;
  std::vector<uint8_t> part_;
  /// Parts of messages that are not complete yet, by stream.
  std::map<uint16_t, std::vector<uint8_t>> partial_;
  std::vector<uint16_t> resets_;

  // Of whoever holds the stack's lock: packets are made within calls into usrsctp.
  std::deque<std::vector<uint8_t>> packets_;
  /// The last of `packets_` is nothing but a SACK that a later one may replace; it took the place of so many
  /// before it.
  size_t sacksMerged_ = 0;
  bool lastIsMergeable_ = false;
  size_t messagesGiven_ = 0;
  size_t messagesSent_ = 0;
  std::optional<uint32_t> highestTsn_;
  /// All up to it is acknowledged.
  std::optional<uint32_t> acknowledgedTsn_;
  /// The congestion window before the timers ran.
  size_t window_ = 0;
  SpuriousTimeoutDetector timeout_;
  std::vector<std::vector<uint8_t>> spare_;
};

}  // namespace roomrtc
