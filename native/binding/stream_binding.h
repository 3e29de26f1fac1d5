// Lets the poller's binding take streams.
#pragma once

#include <napi.h>

#include "pollable.h"

namespace roomrtc::binding {

/// The core of a JavaScript StreamSocket or StreamListener; null when `value` is neither. Throws CLOSED.
Pollable* StreamPollable(const Napi::Value& value);

}  // namespace roomrtc::binding
