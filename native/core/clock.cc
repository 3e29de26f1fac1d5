#include "clock.h"

#include <pthread.h>
#include <time.h>

#include <string>

namespace roomrtc {

namespace {

double ReadUs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

}  // namespace

double MonotonicUs() { return ReadUs(CLOCK_MONOTONIC); }

double ThreadCpuUs() { return ReadUs(CLOCK_THREAD_CPUTIME_ID); }

void SetThreadName(std::string_view name) {
  constexpr size_t kKernelLimit = 15;  // TASK_COMM_LEN less the terminating zero
  const std::string cut(name.substr(0, kKernelLimit));
  pthread_setname_np(pthread_self(), cut.c_str());
}

}  // namespace roomrtc
