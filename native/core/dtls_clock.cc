#include "dtls_clock.h"

namespace roomrtc {

namespace {
thread_local const timeval* currentTime = nullptr;
}

DtlsClockScope::DtlsClockScope(const timeval& now) : outer_(currentTime) { currentTime = &now; }

DtlsClockScope::~DtlsClockScope() { currentTime = outer_; }

}  // namespace roomrtc

extern "C" {

int __real_gettimeofday(timeval* time, void* zone);

int __wrap_gettimeofday(timeval* time, void* zone) {
  if (!roomrtc::currentTime) return __real_gettimeofday(time, zone);
  *time = *roomrtc::currentTime;
  return 0;
}

}  // extern "C"
