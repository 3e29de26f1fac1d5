// What the VP8 encoder's streams hold, that the decoder gives the pictures back, and what it does with
// damage.
#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

#include "check.h"
#include "picture.h"
#include "vp8_decoder.h"
#include "vp8_encoder.h"

using namespace roomrtc;
using namespace roomrtc::test;
using Outcome = DecodeOutcome;
using Bytes = std::vector<uint8_t>;

namespace {

constexpr int kWidth = 320;
constexpr int kHeight = 180;

Vp8EncoderSettings StreamSettings() { return {kWidth, kHeight, 30, 500'000, 0, 1}; }

class Encoding {
 public:
  explicit Encoding(const Vp8EncoderSettings& settings = StreamSettings()) : encoder(settings) {}

  Bytes operator()(int frame, bool force = false) {
    DrawMoving(source.image, frame);
    Bytes out(200'000);
    out.resize(encoder.Encode(source.image, 1e6 + frame * 33'333.3, force, out));
    return out;
  }

  Picture source{PixelFormat::kI420, kWidth, kHeight};
  Vp8Encoder encoder;
};

class Decoding {
 public:
  Outcome operator()(const Bytes& frame) { return decoder_.Decode(frame, picture.bytes.span()).outcome; }
  Picture picture{PixelFormat::kI420, kWidth, kHeight};

 private:
  Vp8Decoder decoder_;
};

std::vector<Bytes> EncodeStream(int frames, const Vp8EncoderSettings& settings = StreamSettings()) {
  Encoding encode(settings);
  std::vector<Bytes> stream;
  for (int i = 0; i < frames; ++i) stream.push_back(encode(i));
  return stream;
}

bool IsKeyframe(const Bytes& frame) { return (frame.at(0) & 1) == 0; }

Bytes Mutate(Bytes frame, std::mt19937& random) {
  const unsigned kind = random() % 5;
  if (kind == 0) frame.resize(random() % frame.size());
  if (kind > 0 && kind < 4) {
    for (unsigned i = 0; i < 1 + random() % 5; ++i) frame[random() % frame.size()] ^= 1u << random() % 8;
  }
  if (kind == 4 && frame.size() > 40) std::shuffle(frame.begin() + 20, frame.end(), random);
  frame.shrink_to_fit();  // so that the address sanitizer sees the very end
  return frame;
}

}  // namespace

CASE("a moving picture comes back above 30 dB, one picture out for each in") {
  Encoding encode;
  Decoding decode;
  double worst = 99;
  for (int i = 0; i < 60; ++i) {
    CHECK(decode(encode(i)) == Outcome::kPicture);
    worst = std::min(worst, LumaPsnr(encode.source.image, decode.picture.image));
  }
  CHECK(worst > 30);
}

CASE("at interval 0 only forced keyframes come") {
  Encoding encode;
  for (int i = 0; i < 150; ++i) {
    const bool force = i == 37 || i == 38 || i == 80;
    CHECK_EQUAL(IsKeyframe(encode(i, force)), force || i == 0);
    CHECK_EQUAL(encode.encoder.lastWasKeyframe(), force || i == 0);
  }
}

CASE("keyframeInterval puts a keyframe at every n-th picture") {
  Vp8EncoderSettings settings = StreamSettings();
  settings.keyframeInterval = 10;
  const std::vector<Bytes> stream = EncodeStream(35, settings);
  for (size_t i = 0; i < stream.size(); ++i) CHECK_EQUAL(IsKeyframe(stream[i]), i % 10 == 0);
}

CASE("the same pictures give the same stream, in four threads at once") {
  const std::vector<Bytes> wanted = EncodeStream(10);
  std::vector<std::vector<Bytes>> found(4);
  std::vector<std::thread> threads;
  for (auto& stream : found) threads.emplace_back([&stream] { stream = EncodeStream(10); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& stream : found) CHECK(stream == wanted);
}

CASE("a frame that does not fit is an error, and the next one is a keyframe") {
  Encoding encode;
  encode(0);
  Bytes tiny(10);
  CHECK_EQUAL(CodeThrown([&] { encode.encoder.Encode(encode.source.image, 2e6, false, tiny); }),
              "BUFFER_TOO_SMALL");
  CHECK(IsKeyframe(encode(32)));
  CHECK(!IsKeyframe(encode(33)));
}

CASE("a picture of another size than the encoder's is refused") {
  Encoding encode;
  Picture other(PixelFormat::kI420, kWidth, kHeight + 2);
  Bytes out(100'000);
  CHECK_EQUAL(CodeThrown([&] { encode.encoder.Encode(other.image, 0, false, out); }), "SIZE_MISMATCH");
}

CASE("capture times that stand still or go back stop nothing") {
  Encoding encode;
  Decoding decode;
  Bytes out(200'000);
  for (const double captureUs : {1e6, 1e6, 0.5e6, 9e6}) {
    DrawMoving(encode.source.image, static_cast<int>(captureUs / 1e5));
    out.resize(200'000);
    out.resize(encode.encoder.Encode(encode.source.image, captureUs, false, out));
    CHECK(decode(out) == Outcome::kPicture);
  }
}

CASE("the bitrate follows its target and a change of it") {
  Encoding encode;
  const auto measure = [&](int from, int frames) {
    size_t bytes = 0;
    for (int i = from; i < from + frames; ++i) bytes += encode(i).size();
    return static_cast<double>(bytes) * 8 * 30 / frames;
  };
  measure(0, 60);
  const double before = measure(60, 90);
  encode.encoder.SetBitrate(300'000);
  measure(150, 60);
  const double after = measure(210, 90);
  CHECK(std::fabs(before - 500'000) < 75'000);
  CHECK(std::fabs(after - 300'000) < 45'000);
}

CASE("a decoder that starts in the middle wants a keyframe and then goes on") {
  Encoding encode;
  Decoding decode;
  encode(0);
  CHECK(decode(encode(1)) == Outcome::kDamaged);
  CHECK(decode(encode(2, true)) == Outcome::kPicture);
  CHECK(decode(encode(3)) == Outcome::kPicture);
}

CASE("a keyframe larger than the buffer says how large it is, and libvpx never sees it") {
  Vp8Decoder decoder;
  Bytes frame = EncodeStream(1)[0];
  Bytes small(1000);
  const DecodeResult result = decoder.Decode(frame, small);
  CHECK(result.outcome == Outcome::kTooSmall);
  CHECK_EQUAL(result.width, kWidth);
  CHECK_EQUAL(result.height, kHeight);
  // 16383x16383: half a gigabyte, were it believed.
  frame[6] = frame[8] = 0xff;
  frame[7] = frame[9] = 0x3f;
  Decoding decode;
  CHECK(decode(frame) == Outcome::kTooSmall);
}

CASE("a size that changes in the middle is followed") {
  Vp8EncoderSettings half = StreamSettings();
  half.width = 160;
  half.height = 90;
  Vp8Encoder encoder(half);
  Picture source(PixelFormat::kI420, 160, 90);
  DrawMoving(source.image, 0);
  Bytes smaller(100'000);
  smaller.resize(encoder.Encode(source.image, 0, false, smaller));
  Encoding encode;
  Decoding decode;
  CHECK(decode(encode(0)) == Outcome::kPicture);
  CHECK(decode(smaller) == Outcome::kPicture);
  CHECK(decode(encode(1, true)) == Outcome::kPicture);
}

CASE("frames cut short, first partitions beyond the end and nothing at all are damage, or nothing") {
  const std::vector<Bytes> stream = EncodeStream(3);
  Decoding decode;
  CHECK(decode({}) == Outcome::kNoPicture);
  CHECK(decode(stream[0]) == Outcome::kPicture);
  Bytes lying = stream[1];
  lying[1] = lying[2] = 0xff;
  CHECK(decode(lying) == Outcome::kDamaged);
  CHECK(decode(stream[2]) == Outcome::kDamaged);
  CHECK(decode(stream[0]) == Outcome::kPicture);
  CHECK(decode({0x9d, 0x01}) == Outcome::kDamaged);
}

CASE("mutated streams are decoded or refused, and an undamaged keyframe always heals") {
  std::mt19937 random(Seed(0x708));
  Vp8EncoderSettings settings = StreamSettings();
  settings.keyframeInterval = 8;
  const std::vector<Bytes> stream = EncodeStream(16, settings);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    Decoding decode;
    for (const Bytes& good : stream) refused += decode(Mutate(good, random)) == Outcome::kDamaged;
    CHECK(decode(stream[8]) == Outcome::kPicture);
  }
  CHECK(refused > 60);
}

int main() { return RunAll(); }
