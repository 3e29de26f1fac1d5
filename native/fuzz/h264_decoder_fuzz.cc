// libFuzzer: access units of any bytes, one after the other, to one decoder. Cut by two-byte lengths.
#include <vector>

#include "byte_order.h"
#include "h264_decoder.h"

using namespace roomrtc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const OpenH264Library library = OpenH264Library::Load("");
  // Room for what the engine takes; larger pictures must be refused, not written.
  static std::vector<uint8_t> picture(1920 * 1088 * 3 / 2);
  H264Decoder decoder(library);
  std::span<const uint8_t> rest(data, size);
  while (rest.size() > 2) {
    const size_t length = std::min<size_t>(ReadU16(rest.data()), rest.size() - 2);
    const std::vector<uint8_t> unit(rest.begin() + 2, rest.begin() + 2 + static_cast<long>(length));
    decoder.Decode(unit, picture);
    rest = rest.subspan(2 + length);
  }
  return 0;
}
