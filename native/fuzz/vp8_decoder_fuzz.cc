// libFuzzer: VP8 frames of any bytes, one after the other, to one decoder; the first one gets a keyframe's
// head, which mutation alone seldom finds.
#include "frame_feed.h"
#include "vp8_decoder.h"

using namespace roomrtc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Vp8Decoder decoder;
  std::vector<uint8_t> bytes(data, data + size);
  if (size > 12 && (data[0] & 1) == 0) {
    const uint8_t head[] = {0x9d, 0x01, 0x2a, 64, 0, 48, 0};
    std::copy(std::begin(head), std::end(head), bytes.begin() + 5);
    bytes[2] &= 0xfe;
  }
  fuzz::FeedFrames(decoder, bytes);
  return 0;
}
