// The error native/core throws: a stable code for programs, a message for people.
#pragma once

#include <stdexcept>
#include <string>

namespace roomrtc {

/// Becomes a JavaScript Error with the same `code` at the border (native/binding/args.h, `Guard`).
class CodedError : public std::runtime_error {
 public:
  /// `code` must be a string literal: it is kept by pointer.
  CodedError(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const { return code_; }

 private:
  const char* code_;
};

}  // namespace roomrtc
