#include "sctp_association.h"

#include <usrsctp.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>

#include "coded_error.h"
#include "crc32c.h"

namespace roomrtc {

namespace {

/// The process's one usrsctp: counted, and bound to one thread while anyone uses it.
class Stack {
 public:
  static Stack& Instance() {
    static Stack stack;
    return stack;
  }

  void Acquire(int (*output)(void*, void*, size_t, uint8_t, uint8_t), size_t bufferBytes) {
    const std::lock_guard lock(mutex_);
    if (users_ > 0 && owner_ != std::this_thread::get_id()) {
      throw CodedError("SCTP_OWNER", "SCTP: another thread owns this process's associations");
    }
    owner_ = std::this_thread::get_id();
    if (users_++ == 0 && !initialised_) Initialise(output);
    usrsctp_sysctl_set_sctp_sendspace(static_cast<uint32_t>(bufferBytes));
    usrsctp_sysctl_set_sctp_recvspace(static_cast<uint32_t>(bufferBytes));
  }

  void Release() {
    const std::lock_guard lock(mutex_);
    --users_;
  }

 private:
  // Once a process: usrsctp_finish() refuses while an aborted association waits for its last timer, and what
  // it would free is bounded.
  void Initialise(int (*output)(void*, void*, size_t, uint8_t, uint8_t)) {
    usrsctp_init_nothreads(0, output, nullptr);
    initialised_ = true;
    // DTLS guards the bytes (RFC 8261 §4), so checksums of received packets are not looked at; those of sent
    // ones are made in OnOutput, by the processor's own instruction where it has one.
    usrsctp_enable_crc32c_offload();
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_blackhole(2);
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(20);
    usrsctp_sysctl_set_sctp_rto_initial_default(400);
    usrsctp_sysctl_set_sctp_rto_min_default(200);
    usrsctp_sysctl_set_sctp_rto_max_default(5'000);
    usrsctp_sysctl_set_sctp_init_rto_max_default(5'000);
    usrsctp_sysctl_set_sctp_heartbeat_interval_default(10'000);
    usrsctp_sysctl_set_sctp_initial_cwnd(10);
    // Bursts are the UDP layer's strength (GSO), and the window, not a burst limit, paces a long pipe.
    usrsctp_sysctl_set_sctp_max_burst_default(64);
    usrsctp_sysctl_set_sctp_fr_max_burst_default(64);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(1 << 16);
  }

  std::mutex mutex_;
  std::thread::id owner_;
  int users_ = 0;
  bool initialised_ = false;
};

/// The associations by the address usrsctp knows them by. An address is never used again: usrsctp keeps a
/// closed association for a while, and what it still says must not reach the next one that lies in the same
/// memory.
class Directory {
 public:
  static Directory& Instance() {
    static Directory directory;
    return directory;
  }

  void* Add(SctpAssociation* association) {
    const std::lock_guard lock(mutex_);
    byAddress_.emplace(++last_, association);
    return reinterpret_cast<void*>(last_);
  }

  void Remove(void* address) {
    const std::lock_guard lock(mutex_);
    byAddress_.erase(reinterpret_cast<uintptr_t>(address));
  }

  SctpAssociation* Find(void* address) {
    const std::lock_guard lock(mutex_);
    const auto found = byAddress_.find(reinterpret_cast<uintptr_t>(address));
    return found == byAddress_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<uintptr_t, SctpAssociation*> byAddress_;
  uintptr_t last_ = 0;
};

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

}  // namespace

SctpAssociation::SctpAssociation(const SctpSettings& settings) : settings_(settings) {
  Stack::Instance().Acquire(&SctpAssociation::OnOutput, settings.bufferBytes);
  address_ = Directory::Instance().Add(this);
  usrsctp_register_address(address_);
  socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
  try {
    if (!socket_) throw CodedError("SCTP_SETUP", std::string("SCTP: no socket: ") + std::strerror(errno));
    Configure();
  } catch (...) {
    Close();
    Stack::Instance().Release();
    throw;
  }
}

SctpAssociation::~SctpAssociation() {
  Close();
  Stack::Instance().Release();
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
  SetOption(socket_, SOL_SOCKET, SO_SNDBUF, static_cast<int>(settings_.bufferBytes), "SO_SNDBUF");
  SetOption(socket_, SOL_SOCKET, SO_RCVBUF, static_cast<int>(settings_.bufferBytes), "SO_RCVBUF");
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
  sockaddr_conn remote = Address(address_, settings_.remotePort);
  const int result = usrsctp_connect(socket_, reinterpret_cast<sockaddr*>(&remote), sizeof remote);
  if (result != 0 && errno != EINPROGRESS) {
    throw CodedError("SCTP_SETUP", std::string("SCTP: cannot connect: ") + std::strerror(errno));
  }
  state_ = SctpState::kConnecting;
}

void SctpAssociation::HandlePacket(std::span<const uint8_t> packet) {
  if (!socket_) return;
  usrsctp_conninput(address_, packet.data(), packet.size(), 0);
  // Nothing can lie before the news that the association is up.
  if (state_ == SctpState::kConnecting) Pull();
  FlushResets();
}

size_t SctpAssociation::TakePacket(std::span<uint8_t> out) {
  if (packets_.empty()) return 0;
  std::vector<uint8_t>& packet = packets_.front();
  const size_t length = packet.size();
  if (length > out.size()) {
    throw CodedError("OUT_OF_RANGE", "SCTP: out holds " + std::to_string(out.size()) +
                                         " bytes, the packet has " + std::to_string(length));
  }
  std::memcpy(out.data(), packet.data(), length);
  constexpr size_t kSpareLimit = 256;
  if (spare_.size() < kSpareLimit) spare_.push_back(std::move(packet));
  packets_.pop_front();
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
  const ssize_t sent = usrsctp_sendv(socket_, bytes.data(), bytes.size(), nullptr, 0, &parameters,
                                     sizeof parameters, SCTP_SENDV_SPA, 0);
  if (sent >= 0) return true;
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

void SctpAssociation::HandleTimers(uint32_t elapsedMs) { usrsctp_handle_timers(elapsedMs); }

void SctpAssociation::PushKind(SctpEvent::Kind kind) {
  SctpEvent event;
  event.kind = kind;
  events_.push_back(std::move(event));
}

void SctpAssociation::Close() {
  if (socket_) {
    usrsctp_close(socket_);
    socket_ = nullptr;
  }
  if (address_) {
    usrsctp_deregister_address(address_);
    Directory::Instance().Remove(address_);
    address_ = nullptr;
  }
  if (state_ != SctpState::kClosed) PushKind(SctpEvent::Kind::kClosed);
  state_ = SctpState::kClosed;
}

int SctpAssociation::OnOutput(void* address, void* buffer, size_t length, uint8_t, uint8_t) {
  SctpAssociation* self = Directory::Instance().Find(address);
  if (!self) return 0;
  const auto* bytes = static_cast<const uint8_t*>(buffer);
  std::vector<uint8_t> packet;
  if (!self->spare_.empty()) {
    packet = std::move(self->spare_.back());
    self->spare_.pop_back();
  }
  packet.assign(bytes, bytes + length);
  // RFC 9260 §6.8: the checksum covers the packet with its checksum field at zero; usrsctp left it so.
  constexpr size_t kChecksumOffset = 8;
  if (length >= kChecksumOffset + sizeof(uint32_t)) {
    const uint32_t checksum = Crc32c(packet);
    std::memcpy(packet.data() + kChecksumOffset, &checksum, sizeof checksum);
  }
  self->packets_.push_back(std::move(packet));
  return 0;
}

// Reads from the receive buffer until there is an event to tell.
void SctpAssociation::Pull() {
  constexpr size_t kPartBytes = 65'536;
  part_.resize(kPartBytes);
  while (socket_ && events_.empty()) {
    sctp_rcvinfo info{};
    socklen_t infoLength = sizeof info;
    unsigned infoType = SCTP_RECVV_NOINFO;
    int flags = MSG_DONTWAIT;
    const ssize_t length = usrsctp_recvv(socket_, part_.data(), part_.size(), nullptr, nullptr, &info,
                                         &infoLength, &infoType, &flags);
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
  std::vector<uint8_t>& whole = partial_[info.rcv_sid];
  whole.insert(whole.end(), part.begin(), part.end());
  if (whole.size() > settings_.maxMessageBytes) {
    // RFC 8841 §6.1: the peer was told our limit; what goes beyond it is not kept.
    partial_.erase(info.rcv_sid);
    usrsctp_shutdown(socket_, SHUT_RDWR);
    return;
  }
  if (!(flags & MSG_EOR)) return;
  SctpEvent event;
  event.kind = SctpEvent::Kind::kMessage;
  event.message = {info.rcv_sid, ntohl(info.rcv_ppid), std::move(whole)};
  partial_.erase(info.rcv_sid);
  events_.push_back(std::move(event));
}

void SctpAssociation::Notify(std::span<const uint8_t> bytes) {
  if (bytes.size() < sizeof(sctp_notification::sctp_tlv)) return;
  const auto* notification = reinterpret_cast<const sctp_notification*>(bytes.data());
  if (notification->sn_header.sn_type == SCTP_ASSOC_CHANGE) {
    const uint16_t change = notification->sn_assoc_change.sac_state;
    if (change == SCTP_COMM_UP && state_ != SctpState::kConnected) {
      state_ = SctpState::kConnected;
      PushKind(SctpEvent::Kind::kConnected);
    } else if (change == SCTP_COMM_LOST || change == SCTP_SHUTDOWN_COMP || change == SCTP_CANT_STR_ASSOC) {
      if (state_ != SctpState::kClosed) PushKind(SctpEvent::Kind::kClosed);
      state_ = SctpState::kClosed;
    }
  }
  if (notification->sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
    const sctp_stream_reset_event& reset = notification->sn_strreset_event;
    if (reset.strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) return;
    if (!(reset.strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN)) return;
    const size_t count = (bytes.size() - sizeof reset) / sizeof(uint16_t);
    SctpEvent event;
    event.kind = SctpEvent::Kind::kStreamsReset;
    event.streams.assign(reset.strreset_stream_list, reset.strreset_stream_list + count);
    events_.push_back(std::move(event));
  }
}

}  // namespace roomrtc
