// ImageLayout objects from JavaScript (native/addon.ts), checked and bound to their buffers.
#pragma once

#include <string>

#include "args.h"
#include "image.h"

namespace roomrtc::binding {

/// `name` as in args.h, such as "convertImage: sourceLayout".
ImageLayout ToImageLayout(const Napi::Value& value, const std::string& name);

/// The pair (buffer, layout) at info[index] and info[index + 1]; `function` and `argument` start the
/// messages.
Image ToImage(const Napi::CallbackInfo& info, size_t index, const std::string& function,
              const std::string& argument);

}  // namespace roomrtc::binding
