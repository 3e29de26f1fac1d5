// Clocks of the running thread and machine. The only place in native/core, besides the UDP and capture
// classes, that asks the operating system for anything.
#pragma once

#include <string_view>

namespace roomrtc {

/// CLOCK_MONOTONIC in microseconds (the fraction holds the nanoseconds): one time line for every thread and
/// process.
double MonotonicUs();

/// CPU time of the calling thread in microseconds (CLOCK_THREAD_CPUTIME_ID).
double ThreadCpuUs();

/// Names the calling thread for `top -H` and debuggers; the kernel keeps the first 15 bytes.
void SetThreadName(std::string_view name);

}  // namespace roomrtc
