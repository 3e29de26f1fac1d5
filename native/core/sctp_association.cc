#include "sctp_association.h"

#include <usrsctp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "byte_order.h"
#include "coded_error.h"
#include "crc32c.h"
#include "sctp_chunks.h"
#include "sctp_stack.h"

namespace roomrtc {

namespace {

/// How far ahead of the first missing chunk usrsctp takes others.
constexpr size_t kReceiveSpanChunks = 4096;
/// SCTP_PLUGGABLE_CC, which usrsctp takes and its installed header leaves out; the number is FreeBSD's.
constexpr int kPluggableCongestionControl = 0x1202;
constexpr size_t kDataChunkHeader = 16;
/// What is read from the receive buffer at once.
constexpr size_t kPartBytes = 65'536;

sockaddr_conn Address(void* self, uint16_t port) {
  sockaddr_conn address{};
  address.sconn_family = AF_CONN;
  address.sconn_port = htons(port);
  address.sconn_addr = self;
  return address;
}

template <typename T>
void SetOption(struct socket* sock, int level, int option, const T& value, const char* name) {
  if (usrsctp_setsockopt(sock, level, option, &value, sizeof value) != 0) {
    throw CodedError("SCTP_SETUP", std::string("SCTP: cannot set ") + name + ": " + std::strerror(errno));
  }
}

/// Whether the packet is one SACK chunk and nothing else (RFC 9260 §3.3.4).
bool IsSackAlone(std::span<const uint8_t> packet) {
  const auto first = SctpChunks(packet).Next();
  return !first.empty() && first[0] == kSctpSack && kSctpCommonHeader + first.size() == packet.size();
}

/// A SACK says all that was received, but each duplicate once: one that reports some has to arrive.
bool ReportsDuplicates(std::span<const uint8_t> packet) {
  const auto sack = FindSack(packet);
  return sack && !sack->duplicates.empty();
}

/// Whether the packet has a chunk that ends an association (RFC 9260 §3.3).
bool MayEnd(std::span<const uint8_t> packet) {
  SctpChunks chunks(packet);
  for (auto chunk = chunks.Next(); !chunk.empty(); chunk = chunks.Next()) {
    switch (chunk[0]) {
      case kSctpAbort:
      case kSctpShutdown:
      case kSctpShutdownAck:
      case kSctpShutdownComplete:
        return true;
      default:
        break;
    }
  }
  return false;
}

std::optional<sctp_status> StatusOf(struct socket* sock) {
  sctp_status status{};
  socklen_t length = sizeof status;
  if (!sock || usrsctp_getsockopt(sock, IPPROTO_SCTP, SCTP_STATUS, &status, &length) != 0)
    return std::nullopt;
  return status;
}

struct AbortCause {
  uint16_t code = 0;
  /// The text of a user's abort or of a protocol violation (RFC 9260 §3.3.10.12, .13).
  std::string text;
};

/// The first cause in an ABORT chunk.
AbortCause CauseOf(std::span<const uint8_t> abort) {
  constexpr size_t kHeader = 4;
  constexpr uint16_t kProtocolViolation = 13;
  if (abort.size() < 2 * kHeader) return {};
  const std::span<const uint8_t> cause = abort.subspan(kHeader);
  AbortCause result{.code = ReadU16(cause.data()), .text = ""};
  const size_t length = std::min<size_t>(ReadU16(cause.data() + 2), cause.size());
  if (result.code != kSctpUserAbort && result.code != kProtocolViolation) return result;
  for (size_t i = kHeader; i < length; ++i) {
    const bool printable = cause[i] >= ' ' && cause[i] <= '~';
    result.text += printable ? static_cast<char>(cause[i]) : '?';
  }
  return result;
}

/// "cause 13: what the other end said".
std::string Describe(const AbortCause& cause) {
  if (cause.code == 0) return "no cause given";
  return "cause " + std::to_string(cause.code) + (cause.text.empty() ? "" : ": " + cause.text);
}

}  // namespace

SctpAssociation::SctpAssociation(const SctpSettings& settings) : settings_(settings) {
  try {
    Open();
  } catch (...) {
    Close();
    throw;
  }
}

SctpAssociation::~SctpAssociation() { Close(); }

void SctpAssociation::Open() {
  SctpStack& stack = SctpStack::Instance();
  const auto lock = stack.Lock();
  address_ = stack.Add(*this, &SctpAssociation::OnOutput);
  usrsctp_register_address(address_);
  // A socket takes its buffers' sizes from the process's defaults when it is made.
  usrsctp_sysctl_set_sctp_sendspace(static_cast<uint32_t>(settings_.sendBufferBytes));
  usrsctp_sysctl_set_sctp_recvspace(static_cast<uint32_t>(settings_.receiveWindowBytes));
  socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
  if (!socket_) throw CodedError("SCTP_SETUP", std::string("SCTP: no socket: ") + std::strerror(errno));
  Configure();
}

void SctpAssociation::Configure() {
  usrsctp_set_non_blocking(socket_, 1);
  // Closing aborts: nothing lingers once the connection under it is gone.
  SetOption(socket_, SOL_SOCKET, SO_LINGER, linger{1, 0}, "SO_LINGER");
  SetOption(socket_, IPPROTO_SCTP, SCTP_NODELAY, 1, "SCTP_NODELAY");
  SetOption(socket_, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1, "SCTP_RECVRCVINFO");
  const sctp_assoc_value reset{SCTP_ALL_ASSOC, SCTP_ENABLE_RESET_STREAM_REQ};
  SetOption(socket_, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, reset, "SCTP_ENABLE_STREAM_RESET");
  sctp_initmsg init{};
  init.sinit_num_ostreams = settings_.streams;
  init.sinit_max_instreams = settings_.streams;
  SetOption(socket_, IPPROTO_SCTP, SCTP_INITMSG, init, "SCTP_INITMSG");
  sctp_paddrparams path{};
  path.spp_address.ss_family = AF_CONN;
  path.spp_flags = SPP_PMTUD_DISABLE;
  path.spp_pathmtu = static_cast<uint32_t>(settings_.maxPacketBytes);
  SetOption(socket_, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path, "SCTP_PEER_ADDR_PARAMS");
  SetOption(socket_, SOL_SOCKET, SO_SNDBUF, static_cast<int>(settings_.sendBufferBytes), "SO_SNDBUF");
  SetOption(socket_, SOL_SOCKET, SO_RCVBUF, static_cast<int>(settings_.receiveWindowBytes), "SO_RCVBUF");
  for (const uint16_t type : {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_SENDER_DRY_EVENT}) {
    sctp_event event{};
    event.se_assoc_id = SCTP_ALL_ASSOC;
    event.se_type = type;
    event.se_on = 1;
    SetOption(socket_, IPPROTO_SCTP, SCTP_EVENT, event, "SCTP_EVENT");
  }
  sockaddr_conn local = Address(address_, settings_.port);
  if (usrsctp_bind(socket_, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) {
    throw CodedError("SCTP_SETUP", std::string("SCTP: cannot bind: ") + std::strerror(errno));
  }
}

void SctpAssociation::Connect() {
  if (state_ != SctpState::kNew) return;
  const auto lock = SctpStack::Instance().Lock();
  sockaddr_conn remote = Address(address_, settings_.remotePort);
  const int result = usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&remote), sizeof remote);
  if (result != 0 && errno != EINPROGRESS) {
    throw CodedError("SCTP_SETUP", std::string("SCTP: cannot connect: ") + std::strerror(errno));
  }
  state_ = SctpState::kConnecting;
}

void SctpAssociation::HandlePacket(std::span<const uint8_t> packet) {
  if (!socket_ || isGone_ || state_ == SctpState::kClosed) return;
  {
    const auto lock = SctpStack::Instance().Lock();
    NoteSack(packet);
    usrsctp_conninput(address_, packet.data(), packet.size(), 0);
    // usrsctp loses 256 bytes for each packet that it cannot put to an association, however late the news of
    // the end is taken from it.
    if (MayEnd(packet)) isGone_ = !IsAlive();
  }
  // Nothing can lie before the news that the association is up.
  if (state_ == SctpState::kConnecting) Pull();
  FlushResets();
}

bool SctpAssociation::IsAlive() const { return StatusOf(socket_).has_value(); }

size_t SctpAssociation::CongestionWindow() const {
  const auto lock = SctpStack::Instance().Lock();
  return Window();
}

size_t SctpAssociation::Window() const {
  const auto status = StatusOf(socket_);
  return status ? status->sstat_primary.spinfo_cwnd : 0;
}

void SctpAssociation::BeforeTimers() {
  if (HasFlight()) window_ = Window();
}

/// A window of one packet is what a timeout leaves (RFC 9260 §7.2.3).
void SctpAssociation::AfterTimers() {
  if (!HasFlight()) return;
  const size_t onePacket = settings_.maxPacketBytes + kSctpCommonHeader;
  const size_t present = Window();
  if (present == 0 || present > onePacket || window_ <= onePacket) return;
  timeout_.Begin(*acknowledgedTsn_ + 1, window_);
}

/// Before usrsctp sees the packet: what its acknowledgements let go out goes by the window that is right. A
/// SACK beyond what was sent is passed over, as usrsctp refuses it: believed, it would hide all that come
/// after. The exception is honest, an abandoned message whose last TSN was never sent (RFC 3758); the next
/// SACK makes up for that one.
void SctpAssociation::NoteSack(std::span<const uint8_t> packet) {
  const auto sack = FindSack(packet);
  if (!sack || !highestTsn_ || IsTsnAfter(sack->cumulativeTsn, *highestTsn_)) return;
  if (acknowledgedTsn_ && IsTsnAfter(*acknowledgedTsn_, sack->cumulativeTsn)) return;
  acknowledgedTsn_ = sack->cumulativeTsn;
  if (const auto window = timeout_.NoteSack(*sack)) RestoreWindow(*window);
}

/// usrsctp's congestion window is set where its congestion control begins, which also lifts the bound of
/// slow start. Half of what the path has carried, since it leaves in one burst; slow start sees to the rest
/// (RFC 4015 §3.2 is as careful).
void SctpAssociation::RestoreWindow(size_t window) {
  const size_t present = Window();
  const auto packets = static_cast<uint32_t>(window / 2 / settings_.maxPacketBytes);
  if (present == 0 || present >= packets * settings_.maxPacketBytes) return;
  const sctp_assoc_value control{SCTP_ALL_ASSOC, SCTP_CC_RFC2581};
  usrsctp_sysctl_set_sctp_initial_cwnd(std::max(packets, kInitialWindowPackets));
  usrsctp_setsockopt(socket_, IPPROTO_SCTP, kPluggableCongestionControl, &control, sizeof control);
  usrsctp_sysctl_set_sctp_initial_cwnd(kInitialWindowPackets);
}

std::span<const uint8_t> SctpAssociation::NextPacket() {
  if (outbox_.empty()) FillOutbox();
  return outbox_.empty() ? std::span<const uint8_t>() : outbox_.front();
}

/// The lock is taken once for all that waits: what stands in the outbox is this thread's alone.
void SctpAssociation::FillOutbox() {
  constexpr size_t kSpareLimit = 256;
  const auto lock = SctpStack::Instance().Lock();
  while (!sent_.empty()) {
    if (spare_.size() < kSpareLimit) spare_.push_back(std::move(sent_.back()));
    sent_.pop_back();
  }
  std::swap(outbox_, packets_);
}

void SctpAssociation::DropPacket() {
  sent_.push_back(std::move(outbox_.front()));
  outbox_.pop_front();
}

size_t SctpAssociation::TakePacket(std::span<uint8_t> out) {
  const std::span<const uint8_t> packet = NextPacket();
  if (packet.empty()) return 0;
  if (packet.size() > out.size()) {
    throw CodedError("OUT_OF_RANGE", "SCTP: out holds " + std::to_string(out.size()) +
                                         " bytes, the packet has " + std::to_string(packet.size()));
  }
  std::memcpy(out.data(), packet.data(), packet.size());
  const size_t length = packet.size();
  DropPacket();
  return length;
}

bool SctpAssociation::Send(uint16_t streamId, uint32_t payloadProtocol, std::span<const uint8_t> bytes,
                           const SctpReliability& reliability) {
  if (state_ != SctpState::kConnected)
    throw CodedError("SCTP_STATE", "SCTP: the association is not connected");
  sctp_sendv_spa parameters{};
  parameters.sendv_flags = SCTP_SEND_SNDINFO_VALID;
  parameters.sendv_sndinfo.snd_sid = streamId;
  parameters.sendv_sndinfo.snd_ppid = htonl(payloadProtocol);
  parameters.sendv_sndinfo.snd_flags = reliability.unordered ? SCTP_UNORDERED : 0;
  if (reliability.limited) {
    parameters.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    parameters.sendv_prinfo.pr_policy = reliability.byTime ? SCTP_PR_SCTP_TTL : SCTP_PR_SCTP_RTX;
    parameters.sendv_prinfo.pr_value = reliability.limit;
  }
  const auto lock = SctpStack::Instance().Lock();
  ++messagesGiven_;  // first: it may go out within the call
  const ssize_t sent = usrsctp_sendv(socket_, bytes.data(), bytes.size(), nullptr, 0, &parameters,
                                     sizeof parameters, SCTP_SENDV_SPA, 0);
  if (sent >= 0) return true;
  --messagesGiven_;
  if (errno == EWOULDBLOCK || errno == EAGAIN) return false;
  throw CodedError("SCTP_SEND", std::string("SCTP: cannot send: ") + std::strerror(errno));
}

void SctpAssociation::ResetStream(uint16_t streamId) {
  if (std::find(resets_.begin(), resets_.end(), streamId) == resets_.end()) resets_.push_back(streamId);
  FlushResets();
}

// One reset request may be outstanding at a time (RFC 6525 §5.1.1); the rest wait for the next packet.
void SctpAssociation::FlushResets() {
  if (resets_.empty() || state_ != SctpState::kConnected) return;
  const size_t bytes = sizeof(sctp_reset_streams) + resets_.size() * sizeof(uint16_t);
  std::vector<uint8_t> storage(bytes);
  auto* request = reinterpret_cast<sctp_reset_streams*>(storage.data());
  request->srs_flags = SCTP_STREAM_RESET_OUTGOING;
  request->srs_number_streams = static_cast<uint16_t>(resets_.size());
  std::copy(resets_.begin(), resets_.end(), request->srs_stream_list);
  const auto lock = SctpStack::Instance().Lock();
  if (usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_RESET_STREAMS, request, static_cast<socklen_t>(bytes)) ==
      0) {
    resets_.clear();
  }
}

const SctpEvent* SctpAssociation::PeekEvent() {
  if (events_.empty()) Pull();
  return events_.empty() ? nullptr : &events_.front();
}

bool SctpAssociation::TakeEvent(SctpEvent& event) {
  if (!PeekEvent()) return false;
  event = std::move(events_.front());
  events_.pop_front();
  return true;
}

void SctpAssociation::Abort() { Close(); }

void SctpAssociation::HandleTimers(uint32_t elapsedMs) {
  SctpStack& stack = SctpStack::Instance();
  const auto lock = stack.Lock();
  stack.HandleTimers(elapsedMs);
}

size_t SctpAssociation::PendingMessages() const {
  const auto lock = SctpStack::Instance().Lock();
  return messagesGiven_ - messagesSent_;
}

void SctpAssociation::PushKind(SctpEvent::Kind kind) {
  SctpEvent event;
  event.kind = kind;
  events_.push_back(std::move(event));
}

void SctpAssociation::Close() {
  {
    SctpStack& stack = SctpStack::Instance();
    const auto lock = stack.Lock();
    if (socket_) usrsctp_close(socket_);
    if (address_) {
      usrsctp_deregister_address(address_);
      stack.Remove(address_);
    }
    socket_ = nullptr;
    address_ = nullptr;
  }
  End("", 0);
}

/// Nothing after the first.
void SctpAssociation::End(const std::string& reason, uint16_t causeCode) {
  if (state_ == SctpState::kClosed) return;
  state_ = SctpState::kClosed;
  SctpEvent event;
  event.kind = SctpEvent::Kind::kClosed;
  event.reason = reason;
  event.causeCode = causeCode;
  events_.push_back(std::move(event));
}

/// Runs within calls into usrsctp, hence with the lock, in the thread of whoever called.
int SctpAssociation::OnOutput(void* address, void* buffer, size_t length, uint8_t, uint8_t) {
  SctpAssociation* self = SctpStack::Instance().Find(address);
  if (self) self->Queue({static_cast<const uint8_t*>(buffer), length});
  return 0;
}

void SctpAssociation::Queue(std::span<const uint8_t> bytes) {
  const bool isSack = IsSackAlone(bytes);
  if (isSack && lastIsMergeable_ && !packets_.empty() && sacksMerged_ < kMergedSacks) {
    // A SACK tells all that was received (RFC 9260 §3.3.4): the one before it need not be sent.
    ++sacksMerged_;
  } else {
    std::vector<uint8_t> packet;
    if (!spare_.empty()) {
      packet = std::move(spare_.back());
      spare_.pop_back();
    }
    packets_.push_back(std::move(packet));
    sacksMerged_ = 0;
  }
  lastIsMergeable_ = isSack && !ReportsDuplicates(bytes);
  if (!isSack) NoteChunks(bytes);
  std::vector<uint8_t>& packet = packets_.back();
  packet.assign(bytes.begin(), bytes.end());
  // RFC 9260 §6.8: the checksum covers the packet with its checksum field at zero; usrsctp left it so.
  constexpr size_t kChecksumOffset = 8;
  if (packet.size() < kSctpCommonHeader) return;
  const uint32_t checksum = Crc32c(packet);
  std::memcpy(packet.data() + kChecksumOffset, &checksum, sizeof checksum);
}

void SctpAssociation::NoteChunks(std::span<const uint8_t> packet) {
  constexpr uint8_t kEnding = 1;
  SctpChunks chunks(packet);
  for (auto chunk = chunks.Next(); !chunk.empty(); chunk = chunks.Next()) {
    if (chunk[0] != kSctpData || chunk.size() < kDataChunkHeader) continue;
    NoteChunk(ReadU32(&chunk[4]), chunk[1] & kEnding);
  }
}

/// Counts the messages whose last chunk goes out for the first time (RFC 9260 §3.3.1).
void SctpAssociation::NoteChunk(uint32_t tsn, bool isEnding) {
  if (highestTsn_ && !IsTsnAfter(tsn, *highestTsn_)) {
    return timeout_.NoteRetransmission(tsn, *highestTsn_);
  }
  highestTsn_ = tsn;
  if (isEnding && messagesSent_ < messagesGiven_) ++messagesSent_;
}

// Reads from the receive buffer until there is an event to tell.
void SctpAssociation::Pull() {
  while (socket_ && events_.empty()) {
    part_.resize(kPartBytes);
    sctp_rcvinfo info{};
    socklen_t infoLength = sizeof info;
    unsigned infoType = SCTP_RECVV_NOINFO;
    int flags = MSG_DONTWAIT;
    auto lock = SctpStack::Instance().Lock();
    const ssize_t length = usrsctp_recvv(socket_, part_.data(), part_.size(), nullptr, nullptr, &info,
                                         &infoLength, &infoType, &flags);
    lock.unlock();
    if (length <= 0) return;
    const std::span<const uint8_t> bytes(part_.data(), static_cast<size_t>(length));
    if (flags & MSG_NOTIFICATION) {
      Notify(bytes);
    } else if (infoType == SCTP_RECVV_RCVINFO) {
      Receive(bytes, info, flags);
    }
  }
}

void SctpAssociation::Receive(std::span<const uint8_t> part, const sctp_rcvinfo& info, int flags) {
  const bool isWhole = flags & MSG_EOR && !partial_.contains(info.rcv_sid);
  if (isWhole && part.size() >= kPartBytes / 2 && part.size() <= settings_.maxMessageBytes) {
    // A message that fills most of the buffer takes it along.
    part_.resize(part.size());
    return PushMessage(info, std::move(part_));
  }
  std::vector<uint8_t>& whole = partial_[info.rcv_sid];
  whole.insert(whole.end(), part.begin(), part.end());
  if (whole.size() > settings_.maxMessageBytes) {
    // RFC 8841 §6.1: the peer was told our limit; what goes beyond it is not kept.
    partial_.erase(info.rcv_sid);
    End("the peer sent a message of more than " + std::to_string(settings_.maxMessageBytes) + " bytes", 0);
    Close();
    return;
  }
  if (!(flags & MSG_EOR)) return;
  PushMessage(info, std::move(whole));
  partial_.erase(info.rcv_sid);
}

void SctpAssociation::PushMessage(const sctp_rcvinfo& info, std::vector<uint8_t>&& bytes) {
  SctpEvent event;
  event.kind = SctpEvent::Kind::kMessage;
  event.message = {info.rcv_sid, ntohl(info.rcv_ppid), std::move(bytes)};
  events_.push_back(std::move(event));
}

void SctpAssociation::Recycle(std::vector<uint8_t>&& bytes) {
  if (bytes.capacity() >= kPartBytes) part_ = std::move(bytes);
}

void SctpAssociation::Notify(std::span<const uint8_t> bytes) {
  if (bytes.size() < sizeof(sctp_notification::sctp_tlv)) return;
  const auto* notification = reinterpret_cast<const sctp_notification*>(bytes.data());
  const uint16_t type = notification->sn_header.sn_type;
  if (type == SCTP_ASSOC_CHANGE && bytes.size() >= sizeof(sctp_assoc_change)) {
    NoteChange(notification->sn_assoc_change, bytes.subspan(sizeof(sctp_assoc_change)));
  }
  // Messages that were given up before their last chunk was sent (RFC 3758) are done with, too.
  if (type == SCTP_SENDER_DRY_EVENT) {
    const auto lock = SctpStack::Instance().Lock();
    messagesSent_ = messagesGiven_;
  }
  if (type == SCTP_STREAM_RESET_EVENT && bytes.size() >= sizeof(sctp_stream_reset_event)) NoteResets(bytes);
}

/// `abort` is the peer's ABORT chunk, empty when there was none.
void SctpAssociation::NoteChange(const sctp_assoc_change& change, std::span<const uint8_t> abort) {
  switch (change.sac_state) {
    case SCTP_COMM_UP:
      if (state_ == SctpState::kConnected) return;
      state_ = SctpState::kConnected;
      LimitFlight();
      return PushKind(SctpEvent::Kind::kConnected);
    case SCTP_SHUTDOWN_COMP:
      return End("the peer shut the SCTP association down", 0);
    case SCTP_COMM_LOST:
    case SCTP_CANT_STR_ASSOC: {
      if (abort.empty()) {
        const std::string what = change.sac_state == SCTP_COMM_LOST
                                     ? "the SCTP association was given up"
                                     : "the SCTP association could not be set up";
        return End(what + " (" + Describe({change.sac_error, ""}) + ")", change.sac_error);
      }
      const AbortCause cause = CauseOf(abort);
      return End("the peer aborted the SCTP association (" + Describe(cause) + ")", cause.code);
    }
    default:
      return;
  }
}

/// What is in flight stays within what a receiver with usrsctp takes when the first of it is lost: the rest
/// would be thrown away there and sent again, over and over.
void SctpAssociation::LimitFlight() {
  const size_t chunkBytes = settings_.maxPacketBytes - kSctpCommonHeader - kDataChunkHeader;
  sctp_assoc_value limit{};
  limit.assoc_value = static_cast<uint32_t>(kReceiveSpanChunks * chunkBytes);
  const auto lock = SctpStack::Instance().Lock();
  usrsctp_setsockopt(socket_, IPPROTO_SCTP, SCTP_MAX_CWND, &limit, sizeof limit);
}

void SctpAssociation::NoteResets(std::span<const uint8_t> notification) {
  const auto& reset = *reinterpret_cast<const sctp_stream_reset_event*>(notification.data());
  if (reset.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) return;
  if (!(reset.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN)) return;
  const size_t count = (notification.size() - sizeof reset) / sizeof(uint16_t);
  SctpEvent event;
  event.kind = SctpEvent::Kind::kStreamsReset;
  event.streams.assign(reset.strreset_stream_list, reset.strreset_stream_list + count);
  events_.push_back(std::move(event));
}

}  // namespace roomrtc
