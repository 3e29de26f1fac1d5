// Reaching the core of a JavaScript Certificate from other bindings.
#pragma once

#include <napi.h>

#include "certificate.h"

namespace roomrtc::binding {

/// Throws a TypeError beginning with `name` when `value` is not a Certificate.
const Certificate& ToCertificate(const Napi::Value& value, const std::string& name);

}  // namespace roomrtc::binding
