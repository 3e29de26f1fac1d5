// Reaching the core of a JavaScript DtlsTransport from other bindings.
#pragma once

#include <napi.h>

#include "dtls_transport.h"

namespace roomrtc::binding {

/// Throws a TypeError beginning with `name` when `value` is not a DtlsTransport.
DtlsTransport& ToDtlsTransport(const Napi::Value& value, const std::string& name);

}  // namespace roomrtc::binding
