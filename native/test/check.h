// The smallest test bench that could work: named cases, checks that go on after a failure, counts at the end.
//   CASE("an odd width keeps its last column") { CHECK(x == 3); CHECK_EQUAL(got, wanted); }
//   int main() { return roomrtc::test::RunAll(); }
// The last line is "N passed, N failed", counted in cases.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "coded_error.h"

namespace roomrtc::test {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

inline int& FailuresInCase() {
  static int failures = 0;
  return failures;
}

struct Registration {
  Registration(const char* name, void (*body)()) { Cases().push_back({name, body}); }
};

inline void Report(const char* file, int line, const std::string& what) {
  ++FailuresInCase();
  std::printf("  %s:%d: %s\n", file, line, what.c_str());
}

template <typename A, typename B>
void Equal(const A& found, const B& wanted, const char* text, const char* file, int line) {
  if (found == wanted) return;
  std::ostringstream message;
  message << text << ": found " << found << ", wanted " << wanted;
  Report(file, line, message.str());
}

/// The code of the CodedError `body` throws, "" for none.
inline std::string CodeThrown(const std::function<void()>& body) {
  try {
    body();
    return "";
  } catch (const CodedError& error) {
    return error.code();
  }
}

/// The seed of randomised cases: ROOMRTC_SEED or `fallback`; printed, so that a failure can be run again.
inline unsigned Seed(unsigned fallback) {
  const char* given = std::getenv("ROOMRTC_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : fallback;
  std::printf("  seed %u\n", seed);
  return seed;
}

inline bool RunCase(const Case& test) {
  FailuresInCase() = 0;
  try {
    test.body();
  } catch (const std::exception& error) {
    Report(test.name, 0, std::string("threw ") + error.what());
  }
  std::printf("%s %s\n", FailuresInCase() ? "FAIL" : "ok  ", test.name);
  std::fflush(stdout);
  return FailuresInCase() == 0;
}

inline int RunAll() {
  int passed = 0;
  for (const Case& test : Cases()) passed += RunCase(test);
  const int failed = static_cast<int>(Cases().size()) - passed;
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}

}  // namespace roomrtc::test

#define ROOMRTC_JOIN2(a, b) a##b
#define ROOMRTC_JOIN(a, b) ROOMRTC_JOIN2(a, b)
#define CASE(name)                                                               \
  static void ROOMRTC_JOIN(Case, __LINE__)();                                    \
  static const roomrtc::test::Registration ROOMRTC_JOIN(registration, __LINE__)( \
      name, ROOMRTC_JOIN(Case, __LINE__));                                       \
  static void ROOMRTC_JOIN(Case, __LINE__)()
#define CHECK(condition) \
  if (!(condition)) roomrtc::test::Report(__FILE__, __LINE__, #condition " does not hold")
#define CHECK_EQUAL(found, wanted) roomrtc::test::Equal(found, wanted, #found, __FILE__, __LINE__)
