// A pointer's picture over pixels: blending, and clipping at every side.
#include <vector>

#include "check.h"
#include "cursor_overlay.h"

using namespace roomrtc;

namespace {

constexpr int kWidth = 4;
constexpr int kHeight = 3;

/// Grey pixels of which nothing may be touched but what the cursor covers: heap memory, under
/// AddressSanitizer.
struct Picture {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(kWidth * kHeight * 4, 100);

  PixelView View() { return {bytes.data(), kWidth, kHeight, kWidth * 4}; }
  uint8_t Blue(int x, int y) const { return bytes[(y * kWidth + x) * 4]; }
  int Touched() const {
    int count = 0;
    for (size_t i = 0; i < bytes.size(); i += 4) count += bytes[i] != 100;
    return count;
  }
};

const std::vector<uint32_t> kOpaque(4, 0xff0000c8);

}  // namespace

CASE("an opaque pixel covers, a clear one does not, half of one mixes") {
  Picture picture;
  const std::vector<uint32_t> cursor{0xff0000c8, 0x00000000, 0x80000064};
  OverlayCursor(picture.View(), cursor, 3, 0, 1);
  CHECK_EQUAL(int{picture.Blue(0, 1)}, 200);
  CHECK_EQUAL(int{picture.Blue(1, 1)}, 100);
  CHECK_EQUAL(int{picture.Blue(2, 1)}, 150);
  CHECK_EQUAL(picture.Touched(), 2);
}

CASE("colours above their alpha stay within a byte") {
  Picture picture;
  OverlayCursor(picture.View(), std::vector<uint32_t>{0x010000ff}, 1, 0, 0);
  CHECK_EQUAL(int{picture.Blue(0, 0)}, 255);
}

CASE("what lies outside of the picture is left out") {
  for (int y = -3; y <= kHeight + 1; ++y) {
    for (int x = -3; x <= kWidth + 1; ++x) {
      Picture picture;
      OverlayCursor(picture.View(), kOpaque, 2, x, y);
      int covered = 0;
      for (int i = 0; i < 4; ++i) {
        const int column = x + i % 2;
        const int row = y + i / 2;
        covered += column >= 0 && column < kWidth && row >= 0 && row < kHeight;
      }
      CHECK_EQUAL(picture.Touched(), covered);
    }
  }
}

int main() { return roomrtc::test::RunAll(); }
