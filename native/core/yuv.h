// Colour conversion and scaling with libyuv, straight from the source into the target, no buffers between.
// RGB is taken as BT.601 in video range (Y 16..235), which is what decoders assume of H.264 without colour
// description.
#pragma once

#include "image.h"

namespace roomrtc {

enum class ScaleFilter { kNone, kLinear, kBilinear, kBox };

/// Any format to I420, or I420 to any but kMjpg; both the same size.
/// A JPEG's full-range samples (JFIF) become video range. Throws CodedError UNSUPPORTED_CONVERSION,
/// SIZE_MISMATCH or DAMAGED_IMAGE (a JPEG that does not decode or has another size than stated).
void ConvertImage(const Image& source, const Image& target);

/// I420 to I420 of any other size. kBox falls back to kBilinear where one pixel would stand for more than
/// 256. Throws CodedError UNSUPPORTED_CONVERSION for other formats.
void ScaleImage(const Image& source, const Image& target, ScaleFilter filter);

}  // namespace roomrtc
