#include "sctp_stack.h"

#include <usrsctp.h>

#include "clock.h"
#include "sctp_association.h"

namespace roomrtc {

SctpStack& SctpStack::Instance() {
  static SctpStack stack;
  return stack;
}

void* SctpStack::Add(SctpAssociation& association, Output output) {
  if (!initialised_) Initialise(output);
  byAddress_.emplace(++lastAddress_, &association);
  return reinterpret_cast<void*>(lastAddress_);
}

void SctpStack::Remove(void* address) { byAddress_.erase(reinterpret_cast<uintptr_t>(address)); }

SctpAssociation* SctpStack::Find(void* address) const {
  const auto found = byAddress_.find(reinterpret_cast<uintptr_t>(address));
  return found == byAddress_.end() ? nullptr : found->second;
}

void SctpStack::HandleTimers(uint32_t elapsedMs) {
  const std::thread::id self = std::this_thread::get_id();
  const double nowUs = MonotonicUs();
  if (driver_ != self && nowUs - drivenUs_ < kTakeOverUs) return;
  driver_ = self;
  drivenUs_ = nowUs;
  for (const auto& [address, association] : byAddress_) association->BeforeTimers();
  usrsctp_handle_timers(elapsedMs);
  for (const auto& [address, association] : byAddress_) association->AfterTimers();
}

// Once a process: usrsctp_finish() refuses while an aborted association waits for its last timer, and what
// it would free is bounded.
void SctpStack::Initialise(Output output) {
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
  usrsctp_sysctl_set_sctp_initial_cwnd(kInitialWindowPackets);
  // Bursts are the UDP layer's strength (GSO), and the congestion window alone paces a long pipe: a limit
  // of bursts would besides cut that window down to what is in flight whenever acknowledgements come in a
  // clump.
  usrsctp_sysctl_set_sctp_max_burst_default(0);
  usrsctp_sysctl_set_sctp_fr_max_burst_default(0);
  usrsctp_sysctl_set_sctp_use_cwnd_based_maxburst(0);
  usrsctp_sysctl_set_sctp_max_chunks_on_queue(1 << 16);
  // By default usrsctp aborts when a chunk was retransmitted 30 times, which takes a few round trips where
  // a queue on the path is full. RFC 9260 §8.1 counts time-outs alone.
  usrsctp_sysctl_set_sctp_max_retran_chunk(0);
  // Acknowledgements are merged under load, so the window opens by what each acknowledges (RFC 3465 §2.1).
  usrsctp_sysctl_set_sctp_L2_abc_variable(2 * (kMergedSacks + 1));
  // One message after the other, in the order they were given: turns are taken above.
  usrsctp_sysctl_set_sctp_default_ss_module(SCTP_SS_FIRST_COME);
  // Aborts of its own say why.
  usrsctp_sysctl_set_sctp_diag_info_code(kSctpUserAbort);
}

}  // namespace roomrtc
