// The decoder under loss, mutation and rubbish: never a crash, never a damaged picture shown, always healed
// by an IDR.
#include <algorithm>
#include <random>

#include "check.h"
#include "h264_stream.h"

using namespace roomrtc;
using namespace roomrtc::test;
using Outcome = H264Decoder::Outcome;

namespace {

Bytes WithoutNal(Bytes unit, size_t index) {
  const Nal nal = SplitNals(unit).at(index);
  const auto begin = unit.begin() + static_cast<std::ptrdiff_t>(nal.start) - 4;
  unit.erase(begin, begin + 4 + static_cast<std::ptrdiff_t>(nal.length));
  return unit;
}

Bytes Mutate(Bytes unit, std::mt19937& random) {
  const unsigned kind = random() % 6;
  if (kind == 0) unit.resize(random() % unit.size());
  if (kind < 4 && !unit.empty()) {
    for (unsigned i = 0; i < 1 + random() % 5; ++i) unit[random() % unit.size()] ^= 1u << random() % 8;
  }
  if (kind == 4 && unit.size() > 40) std::shuffle(unit.begin() + 20, unit.end(), random);
  unit.shrink_to_fit();  // so that the address sanitizer sees the very end
  return unit;
}

}  // namespace

CASE("a decoder that starts in the middle wants a keyframe and then goes on") {
  Encoding encode;
  Decoding decode;
  encode(0);
  CHECK(decode(encode(1)) == Outcome::kDamaged);
  CHECK(decode(encode(2, true)) == Outcome::kPicture);
  CHECK(decode(encode(3)) == Outcome::kPicture);
}

CASE("a missing slice is damage, and so is every picture after it until the next IDR") {
  H264EncoderSettings settings = StreamSettings();
  settings.maxNalBytes = 500;
  settings.idrInterval = 6;
  std::vector<Bytes> stream = EncodeStream(14, settings);
  stream[2] = WithoutNal(stream[2], 1);
  Decoding decode;
  for (size_t i = 0; i < stream.size(); ++i) {
    CHECK_EQUAL(decode(stream[i]) == Outcome::kDamaged, i >= 2 && i < 6);
  }
}

CASE("an IDR right behind an incomplete picture heals, with its parameter sets and without") {
  H264EncoderSettings settings = StreamSettings();
  settings.maxNalBytes = 500;
  settings.idrInterval = 3;
  const std::vector<Bytes> stream = EncodeStream(6, settings);
  for (const bool parameters : {true, false}) {
    Decoding decode;
    for (size_t i = 0; i < 2; ++i) CHECK(decode(stream[i]) == Outcome::kPicture);
    CHECK(decode(WithoutNal(stream[2], 0)) == Outcome::kDamaged);
    CHECK(decode(parameters ? stream[3] : WithoutNal(WithoutNal(stream[3], 0), 0)) == Outcome::kPicture);
    CHECK(decode(stream[4]) == Outcome::kPicture);
  }
}

CASE("a missing last slice is damage at once") {
  H264EncoderSettings settings = StreamSettings();
  settings.maxNalBytes = 500;
  const std::vector<Bytes> stream = EncodeStream(4, settings);
  Decoding decode;
  for (size_t i = 0; i < 3; ++i) CHECK(decode(stream[i]) == Outcome::kPicture);
  CHECK(decode(WithoutNal(stream[3], SplitNals(stream[3]).size() - 1)) == Outcome::kDamaged);
}

CASE("a missing picture is damage") {
  const std::vector<Bytes> stream = EncodeStream(6);
  Decoding decode;
  for (size_t i = 0; i < 3; ++i) CHECK(decode(stream[i]) == Outcome::kPicture);
  CHECK(decode(stream[4]) == Outcome::kDamaged);
  CHECK(decode(stream[5]) == Outcome::kDamaged);
}

CASE("parameter sets alone and nothing at all are neither picture nor damage") {
  const Bytes unit = EncodeStream(1)[0];
  const Nal idr = SplitNals(unit)[2];
  Decoding decode;
  CHECK(decode({}) == Outcome::kNoPicture);
  CHECK(decode(Bytes(unit.begin(), unit.begin() + static_cast<std::ptrdiff_t>(idr.start) - 4)) ==
        Outcome::kNoPicture);
  CHECK(decode(unit) == Outcome::kPicture);
}

CASE("mutated streams are decoded or refused, and an undamaged IDR always heals") {
  std::mt19937 random(Seed(0x264));
  H264EncoderSettings settings = StreamSettings();
  settings.idrInterval = 8;
  const std::vector<Bytes> stream = EncodeStream(16, settings);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    Decoding decode;
    for (const Bytes& good : stream) refused += decode(Mutate(good, random)) == Outcome::kDamaged;
    CHECK(decode(stream[8]) == Outcome::kPicture);
  }
  CHECK(refused > 60);
}

CASE("random bytes behind a start code are never a picture") {
  std::mt19937 random(Seed(0x265));
  Decoding decode;
  for (int round = 0; round < 2000; ++round) {
    Bytes unit = {0, 0, 0, 1, static_cast<uint8_t>(random() % 32 | 0x60)};
    for (unsigned i = random() % 300; i > 0; --i) unit.push_back(static_cast<uint8_t>(random()));
    CHECK(decode(unit) != Outcome::kPicture);
  }
}

int main() { return RunAll(); }
