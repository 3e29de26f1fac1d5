// Checks of what JavaScript passes in, once, at the border; core code behind it trusts its arguments.
//
// Every message names the function or class, the argument or option, what is allowed and what was found:
//   H264Encoder: option width must be an integer from 16 to 4096, found 12.5
// Errors carry a stable code: INVALID_ARGUMENT (wrong kind), OUT_OF_RANGE (right kind, wrong value),
// CLOSED (the object's close() was called), or the code of the CodedError native/core threw.
//
// `name` is always what the message starts with up to "must", such as "decode: out".
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "coded_error.h"

namespace roomrtc::binding {

/// Wraps `message` in a JavaScript error of class `E` (Napi::Error, TypeError, RangeError) carrying `code`.
template <typename E = Napi::Error>
[[noreturn]] void ThrowCoded(Napi::Env env, const char* code, const std::string& message) {
  E error = E::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  throw error;
}

/// A short, safe picture of any value for a message: 12.5, "abc", undefined, null, an array, an object.
inline std::string Describe(const Napi::Value& value) {
  constexpr size_t kLongest = 60;
  switch (value.Type()) {
    case napi_string: {
      std::string text = value.As<Napi::String>().Utf8Value();
      if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
      return "\"" + text + "\"";
    }
    case napi_number:
    case napi_boolean:
    case napi_undefined:
    case napi_null:
      return value.ToString().Utf8Value();
    case napi_bigint:
      return "a bigint";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    default:
      if (value.IsArray()) return "an array";
      if (value.IsTypedArray()) return "a typed array of another kind";
      return "an object";
  }
}

[[noreturn]] inline void ThrowType(const Napi::Value& found, const std::string& name,
                                   const std::string& allowed) {
  ThrowCoded<Napi::TypeError>(found.Env(), "INVALID_ARGUMENT",
                              name + " must be " + allowed + ", found " + Describe(found));
}

[[noreturn]] inline void ThrowRange(Napi::Env env, const std::string& name, const std::string& allowed,
                                    const std::string& found) {
  ThrowCoded<Napi::RangeError>(env, "OUT_OF_RANGE", name + " must be " + allowed + ", found " + found);
}

/// 1280, 0.5: a number as people write it.
inline std::string NumberText(double value) {
  if (value == std::floor(value) && std::fabs(value) < 1e15) {
    return std::to_string(static_cast<long long>(value));
  }
  return std::to_string(value);
}

/// A finite number within [min, max].
inline double ToNumber(const Napi::Value& value, const std::string& name, double min, double max) {
  const auto allowed = [&] { return "a number from " + NumberText(min) + " to " + NumberText(max); };
  if (!value.IsNumber()) ThrowType(value, name, allowed());
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= min && number <= max)) ThrowRange(value.Env(), name, allowed(), Describe(value));
  return number;
}

/// An integer within [min, max]; both must fit in 53 bits.
inline int64_t ToInteger(const Napi::Value& value, const std::string& name, int64_t min, int64_t max) {
  const auto allowed = [&] {
    return "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  };
  if (!value.IsNumber()) ThrowType(value, name, allowed());
  const double number = value.As<Napi::Number>().DoubleValue();
  const bool inside = number >= static_cast<double>(min) && number <= static_cast<double>(max);
  if (!inside || number != std::floor(number)) ThrowRange(value.Env(), name, allowed(), Describe(value));
  return static_cast<int64_t>(number);
}

inline bool ToBoolean(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) ThrowType(value, name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

inline std::string ToText(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) ThrowType(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

/// Finds a string among `choices`; returns its index.
inline size_t ToChoice(const Napi::Value& value, const std::string& name,
                       std::span<const std::string_view> choices) {
  std::string allowed = "one of";
  if (value.IsString()) {
    const std::string text = value.As<Napi::String>().Utf8Value();
    for (size_t i = 0; i < choices.size(); ++i) {
      if (choices[i] == text) return i;
    }
  }
  for (const std::string_view choice : choices) allowed += " \"" + std::string(choice) + "\"";
  if (!value.IsString()) ThrowType(value, name, allowed);
  ThrowRange(value.Env(), name, allowed, Describe(value));
}

namespace detail {

// Napi::TypedArray asks for the ArrayBuffer, which Node-API refuses for a SharedArrayBuffer; the plain call
// hands out the data pointer (offset applied) and the element count of either kind.
template <typename T>
std::span<T> View(const Napi::Value& value, napi_typedarray_type wanted, const std::string& name,
                  const char* allowed) {
  bool isTypedArray = false;
  napi_is_typedarray(value.Env(), value, &isTypedArray);
  napi_typedarray_type type{};
  size_t length = 0;
  void* data = nullptr;
  if (!isTypedArray ||
      napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != wanted) {
    ThrowType(value, name, allowed);
  }
  return {static_cast<T*>(data), length};
}

}  // namespace detail

/// A Uint8Array (a Buffer is one), also over a SharedArrayBuffer. Valid until the native call returns.
inline std::span<uint8_t> ToBytes(const Napi::Value& value, const std::string& name) {
  return detail::View<uint8_t>(value, napi_uint8_array, name, "a Uint8Array");
}

/// An Int16Array, also over a SharedArrayBuffer.
inline std::span<int16_t> ToSamples(const Napi::Value& value, const std::string& name) {
  return detail::View<int16_t>(value, napi_int16_array, name, "an Int16Array");
}

/// An Int32Array, also over a SharedArrayBuffer.
inline std::span<int32_t> ToWords(const Napi::Value& value, const std::string& name) {
  return detail::View<int32_t>(value, napi_int32_array, name, "an Int32Array");
}

/// Int32Array with at least `atLeast` words.
inline std::span<int32_t> ToWords(const Napi::Value& value, const std::string& name, size_t atLeast) {
  const std::span<int32_t> words = ToWords(value, name);
  if (words.size() < atLeast) {
    ThrowRange(value.Env(), name, "an Int32Array of at least " + std::to_string(atLeast) + " words",
               std::to_string(words.size()));
  }
  return words;
}

/// The part [offset, offset + length) of `bytes`, or an error that names all three numbers.
inline std::span<uint8_t> Subrange(Napi::Env env, std::span<uint8_t> bytes, const std::string& name,
                                   uint64_t offset, uint64_t length) {
  if (offset > bytes.size() || length > bytes.size() - offset) {
    ThrowRange(env, name, "within the buffer's " + std::to_string(bytes.size()) + " bytes",
               "offset " + std::to_string(offset) + " and length " + std::to_string(length));
  }
  return bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
}

/// `close()`d objects keep a null core pointer; every other method comes through here.
template <typename T>
T& Alive(Napi::Env env, const std::unique_ptr<T>& core, const char* className) {
  if (!core) ThrowCoded(env, "CLOSED", std::string(className) + ": used after close()");
  return *core;
}

/// Runs `body`; what native/core throws becomes a JavaScript error (a C++ exception must not cross Node-API).
template <typename Body>
auto Guard(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Napi::Error&) {
    throw;
  } catch (const CodedError& error) {
    ThrowCoded(env, error.code(), error.what());
  } catch (const std::exception& error) {
    ThrowCoded(env, "NATIVE_FAILURE", error.what());
  }
}

/// An options object: `Options options(info[0], "H264Encoder"); options.Integer("width", 16, 4096)`.
/// A getter with a fallback takes an absent or undefined option for the fallback; without one it is required.
class Options {
 public:
  Options(const Napi::Value& value, std::string owner) : owner_(std::move(owner)) {
    if (!value.IsObject() || value.IsFunction()) ThrowType(value, owner_ + ": options", "an object");
    object_ = value.As<Napi::Object>();
  }

  /// For functions whose options argument may be left out altogether.
  static Options Optional(const Napi::Value& value, std::string owner) {
    if (value.IsUndefined()) return Options(Napi::Object::New(value.Env()), std::move(owner));
    return Options(value, std::move(owner));
  }

  bool Has(const char* key) const { return !Get(key).IsUndefined(); }
  Napi::Value Get(const char* key) const { return object_.Get(key); }
  /// "H264Encoder: option width", as messages begin.
  std::string Name(const char* key) const { return owner_ + ": option " + key; }
  Napi::Env Env() const { return object_.Env(); }

  int64_t Integer(const char* key, int64_t min, int64_t max) const {
    return ToInteger(Get(key), Name(key), min, max);
  }
  int64_t Integer(const char* key, int64_t min, int64_t max, int64_t fallback) const {
    return Has(key) ? Integer(key, min, max) : fallback;
  }
  double Number(const char* key, double min, double max) const {
    return ToNumber(Get(key), Name(key), min, max);
  }
  double Number(const char* key, double min, double max, double fallback) const {
    return Has(key) ? Number(key, min, max) : fallback;
  }
  bool Boolean(const char* key, bool fallback) const {
    return Has(key) ? ToBoolean(Get(key), Name(key)) : fallback;
  }
  std::string Text(const char* key) const { return ToText(Get(key), Name(key)); }
  std::string Text(const char* key, const std::string& fallback) const {
    return Has(key) ? Text(key) : fallback;
  }
  size_t Choice(const char* key, std::span<const std::string_view> choices) const {
    return ToChoice(Get(key), Name(key), choices);
  }
  size_t Choice(const char* key, std::span<const std::string_view> choices, size_t fallback) const {
    return Has(key) ? Choice(key, choices) : fallback;
  }
  std::span<uint8_t> Bytes(const char* key) const { return ToBytes(Get(key), Name(key)); }

 private:
  std::string owner_;
  Napi::Object object_;
};

}  // namespace roomrtc::binding
