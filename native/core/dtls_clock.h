// The clock OpenSSL's DTLS code sees.
#pragma once

#include <sys/time.h>

namespace roomrtc {

/// While one lives, OpenSSL on this thread reads `now` instead of the system's time of day.
///
/// OpenSSL's retransmission timers call gettimeofday; every program and module with this library is linked
/// with
/// --wrap=gettimeofday (CMakeLists.txt), which leads those calls to dtls_clock.cc. Without it a handshake
/// could neither run in virtual time nor be kept from early retransmission.
class DtlsClockScope {
 public:
  explicit DtlsClockScope(const timeval& now);
  ~DtlsClockScope();
  DtlsClockScope(const DtlsClockScope&) = delete;
  DtlsClockScope& operator=(const DtlsClockScope&) = delete;

 private:
  const timeval* outer_;
};

}  // namespace roomrtc
