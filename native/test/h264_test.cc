// What the encoder's streams hold and that the decoder gives the pictures back.
#include <algorithm>
#include <cmath>
#include <thread>

#include "check.h"
#include "h264_stream.h"

using namespace roomrtc;
using namespace roomrtc::test;
using Outcome = H264Decoder::Outcome;

CASE("a moving picture comes back above 33 dB, one picture out for each in") {
  Encoding encode;
  Decoding decode;
  double worst = 99;
  for (int i = 0; i < 60; ++i) {
    CHECK(decode(encode(i)) == Outcome::kPicture);
    worst = std::min(worst, LumaPsnr(encode.source.image, decode.picture.image));
  }
  CHECK(worst > 33);
}

CASE("SPS and PPS come with every IDR, and at interval 0 only forced IDRs come") {
  Encoding encode;
  for (int i = 0; i < 100; ++i) {
    const bool force = i == 37 || i == 38 || i == 80;
    const std::vector<int> types = NalTypes(encode(i, force));
    CHECK(types == (force || i == 0 ? std::vector{7, 8, 5} : std::vector{1}));
    CHECK_EQUAL(encode.encoder.lastWasKeyframe(), force || i == 0);
  }
}

CASE("idrInterval puts an IDR at every n-th picture") {
  H264EncoderSettings settings = StreamSettings();
  settings.idrInterval = 10;
  const std::vector<Bytes> stream = EncodeStream(35, settings);
  for (size_t i = 0; i < stream.size(); ++i) CHECK_EQUAL(NalTypes(stream[i]).front() == 7, i % 10 == 0);
}

CASE("the SPS says constrained baseline") {
  const Bytes unit = EncodeStream(1)[0];
  const Nal sps = SplitNals(unit)[0];
  CHECK_EQUAL(int{unit[sps.start + 1]}, 66);
  CHECK_EQUAL(unit[sps.start + 2] & 0x40, 0x40);  // constraint_set1_flag
}

CASE("no NAL unit is longer than maxNalBytes") {
  H264EncoderSettings settings = StreamSettings();
  settings.maxNalBytes = 1100;
  settings.bitrateBps = 2'000'000;
  size_t longest = 0;
  size_t most = 0;
  Decoding decode;
  for (const Bytes& unit : EncodeStream(30, settings)) {
    const std::vector<Nal> nals = SplitNals(unit);
    for (const Nal& nal : nals) longest = std::max(longest, nal.length);
    most = std::max(most, nals.size());
    CHECK(decode(unit) == Outcome::kPicture);
  }
  CHECK(longest <= 1100);
  CHECK(most > 4);
}

CASE("an access unit that does not fit is an error, and the next one is an IDR") {
  Encoding encode;
  encode(0);
  Bytes tiny(10);
  CHECK_EQUAL(CodeThrown([&] { encode.encoder.Encode(encode.source.image, 2e6, false, tiny); }),
              "BUFFER_TOO_SMALL");
  CHECK_EQUAL(NalTypes(encode(2)).front(), 7);
  CHECK_EQUAL(NalTypes(encode(3)).front(), 1);
}

CASE("a picture of another size than the encoder's is refused") {
  Encoding encode;
  Picture other(PixelFormat::kI420, kStreamWidth, kStreamHeight + 2);
  Bytes out(100'000);
  CHECK_EQUAL(CodeThrown([&] { encode.encoder.Encode(other.image, 0, false, out); }), "SIZE_MISMATCH");
}

CASE("two encoder threads code two slices, and the decoder takes them") {
  H264EncoderSettings settings = StreamSettings();
  settings.threads = 2;
  Decoding decode;
  for (const Bytes& unit : EncodeStream(5, settings)) {
    CHECK_EQUAL(std::ranges::count_if(NalTypes(unit), [](int type) { return type == 1 || type == 5; }), 2);
    CHECK(decode(unit) == Outcome::kPicture);
  }
}

CASE("the bitrate follows its target and a change of it") {
  Encoding encode;
  const auto measure = [&](int from, int frames) {
    size_t bytes = 0;
    for (int i = from; i < from + frames; ++i) bytes += encode(i).size();
    return static_cast<double>(bytes) * 8 * 30 / frames;
  };
  measure(0, 30);
  const double before = measure(30, 90);
  encode.encoder.SetBitrate(250'000);
  measure(120, 30);
  const double after = measure(150, 90);
  CHECK(std::fabs(before - 500'000) < 75'000);
  CHECK(std::fabs(after - 250'000) < 40'000);
}

CASE("a picture larger than the buffer says how large it is") {
  H264Decoder decoder(OpenH264Library::Load(""));
  Bytes small(1000);
  const H264Decoder::Result result = decoder.Decode(EncodeStream(1)[0], small);
  CHECK(result.outcome == Outcome::kTooSmall);
  CHECK_EQUAL(result.width, kStreamWidth);
  CHECK_EQUAL(result.height, kStreamHeight);
}

CASE("encoders in four threads at once do not disturb each other") {
  const std::vector<Bytes> wanted = EncodeStream(10);
  std::vector<std::vector<Bytes>> found(4);
  std::vector<std::thread> threads;
  for (auto& stream : found) threads.emplace_back([&stream] { stream = EncodeStream(10); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& stream : found) CHECK(stream == wanted);
}

CASE("a library that is not there is named in the error") {
  try {
    OpenH264Library::Load("/nowhere/libopenh264.so");
    CHECK(false);
  } catch (const CodedError& error) {
    CHECK_EQUAL(std::string(error.code()), "OPENH264_UNAVAILABLE");
    CHECK(std::string(error.what()).find("/nowhere/libopenh264.so") != std::string::npos);
  }
  CHECK_EQUAL(CodeThrown([] { OpenH264Library::Load("libm.so.6"); }), "OPENH264_UNAVAILABLE");
}

int main() { return RunAll(); }
