// Opus: the tone survives, losses are recovered or concealed, wrong packets and sizes are refused.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "check.h"
#include "opus_codec.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

constexpr int kRate = 48000;
constexpr int kFrame = 960;
using Pcm = std::vector<int16_t>;
using Packet = std::vector<uint8_t>;

Pcm Tone(int frame, double hz, int channels = 1) {
  Pcm pcm;
  for (int i = 0; i < kFrame; ++i) {
    const double time = static_cast<double>(frame * kFrame + i) / kRate;
    const auto value = static_cast<int16_t>(12000 * std::sin(2 * std::numbers::pi * hz * time));
    pcm.insert(pcm.end(), static_cast<size_t>(channels), value);
  }
  return pcm;
}

// Power at `hz` relative to the whole, by correlation.
double ShareOfTone(const Pcm& pcm, double hz) {
  double real = 0;
  double imaginary = 0;
  double power = 0;
  for (size_t i = 0; i < pcm.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / kRate;
    real += pcm[i] * std::cos(phase);
    imaginary += pcm[i] * std::sin(phase);
    power += static_cast<double>(pcm[i]) * pcm[i];
  }
  return power == 0 ? 0
                    : 2 * (real * real + imaginary * imaginary) / (power * static_cast<double>(pcm.size()));
}

double Power(const Pcm& pcm) {
  double power = 0;
  for (const int16_t value : pcm) power += static_cast<double>(value) * value;
  return power / static_cast<double>(pcm.size());
}

Packet Encode(OpusFrameEncoder& encoder, const Pcm& pcm) {
  Packet packet(1500);
  packet.resize(encoder.Encode(pcm, packet));
  return packet;
}

}  // namespace

CASE("a tone comes back, mono and stereo, in every use") {
  for (const int channels : {1, 2}) {
    for (const OpusUse use : {OpusUse::kVoip, OpusUse::kAudio, OpusUse::kLowDelay}) {
      OpusFrameEncoder encoder({.channels = channels, .bitrateBps = 64000, .use = use});
      OpusFrameDecoder decoder(kRate, 1);
      Pcm heard;
      for (int i = 0; i < 25; ++i) {
        Pcm pcm(kFrame);
        CHECK_EQUAL(decoder.Decode(Encode(encoder, Tone(i, 440, channels)), pcm), kFrame);
        if (i >= 5) heard.insert(heard.end(), pcm.begin(), pcm.end());
      }
      CHECK(ShareOfTone(heard, 440) > 0.9);
    }
  }
}

CASE("concealment goes on with the tone where silence would be a hole") {
  OpusFrameEncoder encoder({.bitrateBps = 64000});
  OpusFrameDecoder decoder(kRate, 1);
  Pcm pcm(kFrame);
  for (int i = 0; i < 10; ++i) decoder.Decode(Encode(encoder, Tone(i, 440)), pcm);
  const double before = Power(pcm);
  CHECK_EQUAL(decoder.Conceal(pcm, kFrame), kFrame);
  CHECK(Power(pcm) > before / 10);
}

CASE("in-band FEC brings back a lost frame closer than concealment does") {
  const auto lossError = [](bool useFec) {
    OpusFrameEncoder encoder(
        {.bitrateBps = 32000, .use = OpusUse::kVoip, .fec = true, .packetLossPercent = 30});
    OpusFrameDecoder decoder(kRate, 1);
    OpusFrameDecoder lossless(kRate, 1);
    double error = 0;
    for (int i = 0; i < 60; ++i) {
      // A gliding tone: what comes cannot be guessed from what was.
      const Packet lost = Encode(encoder, Tone(2 * i, 200 + 37 * (i % 17)));
      const Packet next = Encode(encoder, Tone(2 * i + 1, 200 + 37 * (i % 17)));
      Pcm wanted(kFrame);
      Pcm found(kFrame);
      lossless.Decode(lost, wanted);
      useFec ? decoder.DecodeFec(next, found, kFrame) : decoder.Conceal(found, kFrame);
      Pcm ignored(kFrame);
      lossless.Decode(next, ignored);
      decoder.Decode(next, ignored);
      for (size_t s = 0; s < wanted.size(); ++s) error += std::abs(wanted[s] - found[s]);
    }
    return error;
  };
  CHECK(lossError(true) < 0.8 * lossError(false));
}

CASE("DTX turns silence into packets of two bytes or less") {
  OpusFrameEncoder encoder({.bitrateBps = 24000, .dtx = true});
  const Pcm silence(kFrame, 0);
  size_t small = 0;
  for (int i = 0; i < 100; ++i) small += Encode(encoder, silence).size() <= 2;
  CHECK(small > 50);
}

CASE("the bitrate follows setBitrate") {
  OpusFrameEncoder encoder({.bitrateBps = 64000, .use = OpusUse::kAudio});
  std::mt19937 random(7);
  const auto measure = [&] {
    size_t bytes = 0;
    for (int i = 0; i < 100; ++i) {
      Pcm noise(kFrame);
      for (int16_t& value : noise) value = static_cast<int16_t>(random() % 8000);
      bytes += Encode(encoder, noise).size();
    }
    return static_cast<double>(bytes) * 8 / 2;
  };
  const double before = measure();
  encoder.SetBitrate(16000);
  const double after = measure();
  CHECK(std::fabs(before - 64000) < 10000);
  CHECK(std::fabs(after - 16000) < 4000);
}

CASE("every frame length of RFC 6716 is taken, others are refused") {
  OpusFrameEncoder encoder({});
  Packet out(1500);
  for (const int samples : {120, 240, 480, 960, 1920, 2880}) {
    CHECK(encoder.Encode(Pcm(static_cast<size_t>(samples)), out) > 0);
  }
  for (const int samples : {0, 1, 441, 961, 5760}) {
    CHECK_EQUAL(CodeThrown([&] { encoder.Encode(Pcm(static_cast<size_t>(samples)), out); }), "OUT_OF_RANGE");
  }
}

CASE("too little room is an error, not an overrun") {
  OpusFrameEncoder encoder({});
  Packet tiny(1);
  Packet none;
  CHECK_EQUAL(CodeThrown([&] { encoder.Encode(Tone(0, 440), none); }), "BUFFER_TOO_SMALL");
  OpusFrameDecoder decoder(kRate, 2);
  const Packet packet = Encode(encoder, Tone(0, 440));
  Pcm half(kFrame);
  CHECK_EQUAL(CodeThrown([&] { decoder.Decode(packet, half); }), "BUFFER_TOO_SMALL");
  CHECK_EQUAL(CodeThrown([&] { decoder.Conceal(half, kFrame); }), "OUT_OF_RANGE");
  CHECK_EQUAL(CodeThrown([&] { decoder.Conceal(half, 7); }), "OUT_OF_RANGE");
}

CASE("random and cut packets are decoded or refused, nothing else") {
  std::mt19937 random(Seed(0x0905));
  OpusFrameEncoder encoder({.bitrateBps = 64000});
  OpusFrameDecoder decoder(kRate, 2);
  Pcm pcm(5760 * 2);
  CHECK_EQUAL(decoder.Decode({}, pcm), -1);
  for (int round = 0; round < 5000; ++round) {
    Packet packet = Encode(encoder, Tone(round, 300));
    if (round % 2) {
      packet.assign(1 + random() % 200, 0);
      for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random());
    } else {
      packet.resize(1 + random() % packet.size());
    }
    packet.shrink_to_fit();
    const int samples = decoder.Decode(packet, pcm);
    CHECK(samples >= -1 && samples <= 5760);
    const int recovered = decoder.DecodeFec(packet, pcm, kFrame);
    CHECK(recovered == -1 || recovered == kFrame);
  }
}

int main() { return RunAll(); }
