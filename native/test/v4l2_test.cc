// Camera negotiation and streaming against a made-up camera.
#include <errno.h>
#include <linux/videodev2.h>

#include <deque>

#include "check.h"
#include "jpeg_picture.h"
#include "picture.h"
#include "v4l2_capture.h"
#include "v4l2_enumerate.h"

using namespace roomrtc;
using namespace roomrtc::test;

namespace {

constexpr size_t kBufferBytes = 256 * 1024;

/// What the made-up camera is and did. Kept by the test; the device borrows it.
struct Camera {
  std::vector<V4l2Mode> modes;
  std::vector<uint32_t> foreignFormats;
  uint32_t capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  int streamOnError = 0;
  int dequeueError = 0;
  /// Formats S_FMT refuses although they are listed.
  std::vector<PixelFormat> refused;

  std::vector<std::vector<uint8_t>> buffers{4, std::vector<uint8_t>(kBufferBytes)};
  std::deque<uint32_t> queued;
  std::deque<v4l2_buffer> filled;
  bool streaming = false;
  int mapped = 0;

  void Shoot(std::span<const uint8_t> frame, int64_t timeUs) {
    v4l2_buffer buffer{};
    buffer.index = queued.front();
    queued.pop_front();
    std::ranges::copy(frame, buffers[buffer.index].begin());
    buffer.bytesused = static_cast<uint32_t>(frame.size());
    buffer.flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer.timestamp = {timeUs / 1'000'000, timeUs % 1'000'000};
    filled.push_back(buffer);
  }
};

class MadeUpDevice : public V4l2Device {
 public:
  explicit MadeUpDevice(Camera& camera) : camera_(camera) {}

  int Control(unsigned long request, void* argument) override {
    switch (request) {
      case VIDIOC_QUERYCAP:
        static_cast<v4l2_capability*>(argument)->capabilities = camera_.capabilities;
        return 0;
      case VIDIOC_ENUM_FMT:
        return EnumFormat(*static_cast<v4l2_fmtdesc*>(argument));
      case VIDIOC_ENUM_FRAMESIZES:
        return EnumSize(*static_cast<v4l2_frmsizeenum*>(argument));
      case VIDIOC_ENUM_FRAMEINTERVALS:
        return EnumInterval(*static_cast<v4l2_frmivalenum*>(argument));
      case VIDIOC_S_FMT:
        return SetFormat(static_cast<v4l2_format*>(argument)->fmt.pix);
      case VIDIOC_S_PARM:
        return 0;
      case VIDIOC_REQBUFS:
        static_cast<v4l2_requestbuffers*>(argument)->count = static_cast<uint32_t>(camera_.buffers.size());
        return 0;
      case VIDIOC_QUERYBUF:
        return QueryBuffer(*static_cast<v4l2_buffer*>(argument));
      case VIDIOC_QBUF:
        camera_.queued.push_back(static_cast<v4l2_buffer*>(argument)->index);
        return 0;
      case VIDIOC_DQBUF:
        return Dequeue(*static_cast<v4l2_buffer*>(argument));
      case VIDIOC_STREAMON:
        camera_.streaming = camera_.streamOnError == 0;
        return camera_.streamOnError;
      case VIDIOC_STREAMOFF:
        camera_.streaming = false;
        return 0;
      default:
        return ENOTTY;
    }
  }

  void* Map(size_t, int64_t offset) override {
    ++camera_.mapped;
    return camera_.buffers[static_cast<size_t>(offset)].data();
  }
  void Unmap(void*, size_t) override { --camera_.mapped; }
  bool WaitReadable(double) override { return !camera_.filled.empty() || camera_.dequeueError != 0; }

 private:
  // Each mode is listed as a format of its own; real drivers group them, which comes to the same.
  int EnumFormat(v4l2_fmtdesc& entry) const {
    const size_t foreign = camera_.foreignFormats.size();
    if (entry.index >= camera_.modes.size() + foreign) return EINVAL;
    entry.pixelformat = entry.index < foreign ? camera_.foreignFormats[entry.index]
                                              : ToFourcc(camera_.modes[entry.index - foreign].format);
    return 0;
  }
  std::vector<V4l2Mode> Of(uint32_t fourcc) const {
    std::vector<V4l2Mode> found;
    for (const V4l2Mode& mode : camera_.modes) {
      if (ToFourcc(mode.format) == fourcc) found.push_back(mode);
    }
    return found;
  }
  int EnumSize(v4l2_frmsizeenum& entry) const {
    const std::vector<V4l2Mode> found = Of(entry.pixel_format);
    if (entry.index >= found.size()) return EINVAL;
    entry.type = V4L2_FRMSIZE_TYPE_DISCRETE;
    entry.discrete = {static_cast<uint32_t>(found[entry.index].width),
                      static_cast<uint32_t>(found[entry.index].height)};
    return 0;
  }
  int EnumInterval(v4l2_frmivalenum& entry) const {
    std::vector<double> rates;
    for (const V4l2Mode& mode : Of(entry.pixel_format)) {
      if (mode.width == static_cast<int>(entry.width) && mode.height == static_cast<int>(entry.height)) {
        rates.push_back(mode.frameRate);
      }
    }
    if (entry.index >= rates.size()) return EINVAL;
    entry.type = V4L2_FRMIVAL_TYPE_DISCRETE;
    entry.discrete = {1000, static_cast<uint32_t>(rates[entry.index] * 1000)};
    return 0;
  }
  int SetFormat(v4l2_pix_format& pix) const {
    for (const PixelFormat format : camera_.refused) {
      if (ToFourcc(format) == pix.pixelformat) return EINVAL;
    }
    const int rowBytes = pix.pixelformat == V4L2_PIX_FMT_YUYV ? 2 : 1;
    pix.bytesperline = static_cast<uint32_t>((static_cast<int>(pix.width) * rowBytes + 63) / 64 * 64);
    return 0;
  }
  int QueryBuffer(v4l2_buffer& buffer) const {
    buffer.length = kBufferBytes;
    buffer.m.offset = buffer.index;
    return 0;
  }
  int Dequeue(v4l2_buffer& buffer) {
    if (camera_.dequeueError) return camera_.dequeueError;
    if (camera_.filled.empty()) return EAGAIN;
    buffer = camera_.filled.front();
    camera_.filled.pop_front();
    return 0;
  }

  Camera& camera_;
};

constexpr V4l2Request k720p{1280, 720, 30};
constexpr V4l2Request kSmall{98, 50, 30};

std::unique_ptr<V4l2Capture> Open(Camera& camera, const V4l2Request& request) {
  return std::make_unique<V4l2Capture>(std::make_unique<MadeUpDevice>(camera), "/dev/video7", request);
}

std::string MessageOf(Camera& camera, const V4l2Request& request) {
  try {
    Open(camera, request);
    return "";
  } catch (const CodedError& error) {
    return std::string(error.code()) + " " + error.what();
  }
}

std::string Best(std::vector<V4l2Mode> modes, const V4l2Request& request = k720p) {
  return ModeText(RankModes(std::move(modes), request).front());
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

CASE("of formats that do the job the cheapest is taken: NV12, YUY2, MJPG") {
  const V4l2Mode mjpg{PixelFormat::kMjpg, 1280, 720, 30};
  const V4l2Mode yuy2{PixelFormat::kYuy2, 1280, 720, 30};
  const V4l2Mode nv12{PixelFormat::kNv12, 1280, 720, 30};
  CHECK_EQUAL(Best({mjpg, yuy2, nv12}), "NV12 1280x720 at 30");
  CHECK_EQUAL(Best({mjpg, yuy2}), "YUY2 1280x720 at 30");
  CHECK_EQUAL(Best({mjpg}), "MJPG 1280x720 at 30");
}

CASE("a slow raw format loses against MJPG at the full rate, 29.97 counts as 30") {
  CHECK_EQUAL(Best({{PixelFormat::kYuy2, 1280, 720, 10}, {PixelFormat::kMjpg, 1280, 720, 29.97}}),
              "MJPG 1280x720 at 30");
  CHECK_EQUAL(Best({{PixelFormat::kYuy2, 1280, 720, 29.97}, {PixelFormat::kMjpg, 1280, 720, 30}}),
              "YUY2 1280x720 at 30");
}

CASE("the size counts before format and rate; without it the nearest of the same shape") {
  CHECK_EQUAL(Best({{PixelFormat::kNv12, 640, 480, 30}, {PixelFormat::kMjpg, 1280, 720, 15}}),
              "MJPG 1280x720 at 15");
  CHECK_EQUAL(Best({{PixelFormat::kYuy2, 640, 480, 30}, {PixelFormat::kYuy2, 960, 540, 30}}),
              "YUY2 960x540 at 30");
}

CASE("a YUYV camera with padded rows streams, converts and is put back as it was") {
  Camera camera{.modes = {{PixelFormat::kYuy2, 98, 50, 30}}};
  {
    const auto capture = Open(camera, kSmall);
    CHECK_EQUAL(ModeText(capture->mode()), "YUY2 98x50 at 30");
    CHECK_EQUAL(camera.queued.size(), size_t{4});
    Picture target(PixelFormat::kI420, 98, 50);
    CHECK_EQUAL(capture->Capture(target.image, 1000), 0.0);
    std::vector<uint8_t> frame(256 * 50, 0xaa);
    for (size_t y = 0; y < 50; ++y) {
      for (size_t x = 0; x < 196; ++x) frame[y * 256 + x] = x % 2 ? 90 : 77;
    }
    camera.Shoot(frame, 5'000'123);
    CHECK_EQUAL(capture->Capture(target.image, 1000), 5'000'123.0);
    for (const uint8_t luma : target.bytes.span().first(98 * 50)) CHECK_EQUAL(int{luma}, 77);
    CHECK_EQUAL(camera.queued.size(), size_t{4});
  }
  CHECK(!camera.streaming);
  CHECK_EQUAL(camera.mapped, 0);
}

CASE("of several waiting frames the newest is taken and every buffer goes back") {
  Camera camera{.modes = {{PixelFormat::kNv12, 64, 32, 30}}};
  const auto capture = Open(camera, {64, 32, 30});
  Picture target(PixelFormat::kI420, 64, 32);
  for (int i = 1; i <= 3; ++i)
    camera.Shoot(std::vector<uint8_t>(64 * 48, static_cast<uint8_t>(50 * i)), i * 1000);
  CHECK_EQUAL(capture->Capture(target.image, 0), 3000.0);
  CHECK_EQUAL(int{target.bytes[0]}, 150);
  CHECK_EQUAL(camera.queued.size(), size_t{4});
}

CASE("an MJPG camera's damaged first frame is skipped, the good one shown") {
  Camera camera{.modes = {{PixelFormat::kMjpg, 98, 50, 30}}};
  const auto capture = Open(camera, kSmall);
  Picture target(PixelFormat::kI420, 98, 50);
  std::vector<uint8_t> jpeg = MakeJpeg(98, 50, {128, 128, 128}, 1);
  camera.Shoot(std::span(jpeg).first(20), 1000);
  CHECK_EQUAL(capture->Capture(target.image, 0), 0.0);
  camera.Shoot(std::vector<uint8_t>{}, 1500);
  CHECK_EQUAL(capture->Capture(target.image, 0), 0.0);
  camera.Shoot(jpeg, 2000);
  CHECK_EQUAL(capture->Capture(target.image, 0), 2000.0);
  CHECK_EQUAL(int{target.bytes[0]}, 126);  // 16 + 128 * 219 / 255
  CHECK_EQUAL(camera.queued.size(), size_t{4});
}

CASE("a frame shorter than its format is skipped") {
  Camera camera{.modes = {{PixelFormat::kNv12, 64, 32, 30}}};
  const auto capture = Open(camera, {64, 32, 30});
  Picture target(PixelFormat::kI420, 64, 32);
  camera.Shoot(std::vector<uint8_t>(64 * 32), 1000);
  CHECK_EQUAL(capture->Capture(target.image, 0), 0.0);
}

CASE("a format the driver lists but refuses gives way to the next") {
  Camera camera{.modes = {{PixelFormat::kNv12, 1280, 720, 30}, {PixelFormat::kMjpg, 1280, 720, 30}},
                .refused = {PixelFormat::kNv12}};
  CHECK_EQUAL(ModeText(Open(camera, k720p)->mode()), "MJPG 1280x720 at 30");
}

CASE("errors name the device, what was tried and what to do") {
  Camera odd{.foreignFormats = {V4L2_PIX_FMT_H264, V4L2_PIX_FMT_GREY}};
  const std::string none = MessageOf(odd, k720p);
  CHECK(Contains(none, "CAMERA_UNSUITABLE camera /dev/video7"));
  CHECK(Contains(none, "it offers H264 GREY"));
  CHECK(Contains(none, "NV12, YUYV or MJPG"));

  Camera busy{.modes = {{PixelFormat::kYuy2, 98, 50, 30}}, .streamOnError = EBUSY};
  CHECK(Contains(MessageOf(busy, kSmall), "CAMERA_BUSY camera /dev/video7: tried to start YUY2 98x50 at 30"));
  CHECK_EQUAL(busy.mapped, 0);

  Camera output{.capabilities = V4L2_CAP_VIDEO_OUTPUT};
  CHECK(Contains(MessageOf(output, k720p), "CAMERA_UNSUITABLE"));

  CHECK_EQUAL(CodeThrown([] { V4l2Capture::Open("/dev/no-such-camera", k720p); }), "CAMERA_NOT_FOUND");
  CHECK_EQUAL(CodeThrown([] { V4l2Capture::Open("/dev/null", k720p); }), "CAMERA_UNSUITABLE");
}

CASE("an unplugged camera and a picture of the wrong size are errors") {
  Camera camera{.modes = {{PixelFormat::kYuy2, 98, 50, 30}}};
  const auto capture = Open(camera, kSmall);
  Picture other(PixelFormat::kI420, 98, 48);
  CHECK_EQUAL(CodeThrown([&] { capture->Capture(other.image, 0); }), "SIZE_MISMATCH");
  camera.dequeueError = ENODEV;
  Picture target(PixelFormat::kI420, 98, 50);
  CHECK_EQUAL(CodeThrown([&] { capture->Capture(target.image, 0); }), "CAMERA_LOST");
}

int main() { return RunAll(); }
