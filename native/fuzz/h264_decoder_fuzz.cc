// libFuzzer: access units of any bytes, one after the other, to one decoder.
#include "frame_feed.h"
#include "h264_decoder.h"

using namespace roomrtc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const OpenH264Library library = OpenH264Library::Load("");
  H264Decoder decoder(library);
  fuzz::FeedFrames(decoder, {data, size});
  return 0;
}
