#include "v4l2_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "clock.h"
#include "coded_error.h"
#include "v4l2_enumerate.h"

namespace roomrtc {

namespace {

// Three in the driver's hands while one is converted.
constexpr uint32_t kBuffers = 4;

std::string DevicesHere() {
  glob_t found{};
  std::string list;
  if (glob("/dev/video*", 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) list += (i ? ", " : "") + std::string(found.gl_pathv[i]);
  }
  globfree(&found);
  return list.empty() ? "this machine has no /dev/video* device" : "devices here: " + list;
}

class KernelDevice : public V4l2Device {
 public:
  explicit KernelDevice(int fd) : fd_(fd) {}
  ~KernelDevice() override { close(fd_); }

  int Control(unsigned long request, void* argument) override {
    int status;
    do {
      status = ioctl(fd_, request, argument);
    } while (status == -1 && errno == EINTR);
    return status == -1 ? errno : 0;
  }

  void* Map(size_t length, int64_t offset) override {
    void* address = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, offset);
    return address == MAP_FAILED ? nullptr : address;
  }

  void Unmap(void* address, size_t length) override { munmap(address, length); }

  bool WaitReadable(double timeoutUs) override {
    pollfd watched{fd_, POLLIN, 0};
    const int timeoutMs = static_cast<int>(std::clamp(timeoutUs / 1000 + 0.999, 0.0, 1e6));
    return poll(&watched, 1, timeoutMs) > 0;
  }

 private:
  int fd_;
};

const char* CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENXIO:
      return "CAMERA_NOT_FOUND";
    case EACCES:
    case EPERM:
      return "CAMERA_DENIED";
    case EBUSY:
      return "CAMERA_BUSY";
    case ENODEV:
    case EIO:
      return "CAMERA_LOST";
    default:
      return "CAMERA_UNSUITABLE";
  }
}

std::string AdviceFor(int error) {
  switch (error) {
    case ENOENT:
    case ENXIO:
      return DevicesHere() + "; plug the camera in or name another device";
    case EACCES:
    case EPERM:
      return "let the user read and write it (group video: adduser USER video, then log in again)";
    case EBUSY:
      return "another program uses it: close that program or name another device";
    case ENODEV:
    case EIO:
      return "the camera was unplugged or stopped answering: plug it in again";
    default:
      return "name a camera that captures NV12, YUYV or MJPG; " + DevicesHere();
  }
}

double TimeOf(const v4l2_buffer& buffer) {
  const bool monotonic = (buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) == V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  if (!monotonic) return MonotonicUs();
  return static_cast<double>(buffer.timestamp.tv_sec) * 1e6 + static_cast<double>(buffer.timestamp.tv_usec);
}

v4l2_buffer CaptureBuffer(uint32_t index) {
  v4l2_buffer buffer{};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  return buffer;
}

}  // namespace

std::unique_ptr<V4l2Capture> V4l2Capture::Open(const std::string& path, const V4l2Request& request) {
  const int fd = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd == -1) {
    const int error = errno;
    throw CodedError(CodeOf(error), "camera " + path + ": tried to open it: " + std::strerror(error) + "; " +
                                        AdviceFor(error));
  }
  return std::make_unique<V4l2Capture>(std::make_unique<KernelDevice>(fd), path, request);
}

V4l2Capture::V4l2Capture(std::unique_ptr<V4l2Device> device, std::string path, const V4l2Request& request)
    : device_(std::move(device)), path_(std::move(path)) {
  RequireCapture();
  Negotiate(request);
  try {
    MapBuffers();
    Start();
  } catch (...) {
    for (const Mapping& mapping : mappings_) device_->Unmap(mapping.address, mapping.length);
    throw;
  }
}

V4l2Capture::~V4l2Capture() {
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  device_->Control(VIDIOC_STREAMOFF, &type);
  for (const Mapping& mapping : mappings_) device_->Unmap(mapping.address, mapping.length);
}

void V4l2Capture::Fail(int error, const std::string& tried) const {
  throw CodedError(CodeOf(error), "camera " + path_ + ": tried " + tried + ": " + std::strerror(error) +
                                      "; " + AdviceFor(error));
}

void V4l2Capture::RequireCapture() {
  v4l2_capability capability{};
  if (const int error = device_->Control(VIDIOC_QUERYCAP, &capability)) Fail(error, "to ask what it can do");
  const uint32_t can =
      capability.capabilities & V4L2_CAP_DEVICE_CAPS ? capability.device_caps : capability.capabilities;
  constexpr uint32_t kNeeded = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  if ((can & kNeeded) != kNeeded) Fail(ENOTSUP, "to stream from it, but it does not capture video");
}

void V4l2Capture::Negotiate(const V4l2Request& request) {
  const V4l2Offer offer = EnumerateModes(*device_, request);
  std::string tried;
  int lastError = ENOTSUP;
  for (const V4l2Mode& mode : RankModes(offer.modes, request)) {
    lastError = TrySet(mode);
    if (lastError == 0) return;
    if (lastError == EBUSY) break;
    tried += (tried.empty() ? "" : ", ") + ModeText(mode);
  }
  Fail(lastError, tried.empty()
                      ? "to set a format; it offers " + (offer.formats.empty() ? "none" : offer.formats)
                      : tried);
}

// 0 when the driver took the mode's format (it may adjust the size), else an errno.
int V4l2Capture::TrySet(const V4l2Mode& wanted) {
  v4l2_format format{};
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = static_cast<uint32_t>(wanted.width);
  format.fmt.pix.height = static_cast<uint32_t>(wanted.height);
  format.fmt.pix.pixelformat = ToFourcc(wanted.format);
  format.fmt.pix.field = V4L2_FIELD_NONE;
  if (const int error = device_->Control(VIDIOC_S_FMT, &format)) return error;
  const std::optional<PixelFormat> agreed = FromFourcc(format.fmt.pix.pixelformat);
  if (!agreed || *agreed != wanted.format) return EINVAL;
  mode_ = {*agreed, static_cast<int>(format.fmt.pix.width), static_cast<int>(format.fmt.pix.height),
           wanted.frameRate};
  bytesPerLine_ = static_cast<int>(format.fmt.pix.bytesperline);
  AskFrameRate(wanted.frameRate);
  return 0;
}

// Cameras without a settable rate keep theirs.
void V4l2Capture::AskFrameRate(double frameRate) {
  v4l2_streamparm parameters{};
  parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  parameters.parm.capture.timeperframe = {1000, static_cast<uint32_t>(frameRate * 1000 + 0.5)};
  if (device_->Control(VIDIOC_S_PARM, &parameters) != 0) return;
  const v4l2_fract& agreed = parameters.parm.capture.timeperframe;
  if (agreed.numerator && agreed.denominator) {
    mode_.frameRate = static_cast<double>(agreed.denominator) / agreed.numerator;
  }
}

void V4l2Capture::MapBuffers() {
  v4l2_requestbuffers request{};
  request.count = kBuffers;
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_MMAP;
  if (const int error = device_->Control(VIDIOC_REQBUFS, &request))
    Fail(error, "to get memory-mapped buffers");
  if (request.count < 2) Fail(ENOMEM, "to get at least 2 buffers");
  for (uint32_t index = 0; index < request.count; ++index) {
    v4l2_buffer buffer = CaptureBuffer(index);
    if (const int error = device_->Control(VIDIOC_QUERYBUF, &buffer)) Fail(error, "to find a buffer");
    void* address = device_->Map(buffer.length, buffer.m.offset);
    if (!address) Fail(ENOMEM, "to map a buffer");
    mappings_.push_back({address, buffer.length});
  }
}

void V4l2Capture::Start() {
  for (uint32_t index = 0; index < mappings_.size(); ++index) Queue(index);
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  if (const int error = device_->Control(VIDIOC_STREAMON, &type)) Fail(error, "to start " + ModeText(mode_));
}

void V4l2Capture::Queue(uint32_t index) {
  v4l2_buffer buffer = CaptureBuffer(index);
  if (const int error = device_->Control(VIDIOC_QBUF, &buffer)) Fail(error, "to hand a buffer back");
}

bool V4l2Capture::Dequeue(Frame& frame) {
  v4l2_buffer buffer = CaptureBuffer(0);
  const int error = device_->Control(VIDIOC_DQBUF, &buffer);
  if (error == EAGAIN) return false;
  if (error) Fail(error, "to take a frame");
  if (buffer.index >= mappings_.size()) Fail(EIO, "to take a frame, got a buffer that is not ours");
  const uint32_t usable = buffer.flags & V4L2_BUF_FLAG_ERROR ? 0 : buffer.bytesused;
  frame = {buffer.index, usable, TimeOf(buffer)};
  return true;
}

double V4l2Capture::Capture(const Image& target, double timeoutUs) {
  if (target.width != mode_.width || target.height != mode_.height) {
    throw CodedError("SIZE_MISMATCH", "V4l2Capture: layout must be " + std::to_string(mode_.width) + "x" +
                                          std::to_string(mode_.height) + ", found " +
                                          std::to_string(target.width) + "x" + std::to_string(target.height));
  }
  if (!device_->WaitReadable(timeoutUs)) return 0;
  Frame newest{};
  if (!Dequeue(newest)) return 0;
  for (Frame next{}; Dequeue(next); newest = next) Queue(newest.index);
  const Mapping& mapping = mappings_[newest.index];
  const size_t bytes = std::min<size_t>(newest.bytesUsed, mapping.length);
  const bool good =
      ConvertFrame(mode_, bytesPerLine_, {static_cast<uint8_t*>(mapping.address), bytes}, target);
  Queue(newest.index);
  return good ? newest.captureTimeUs : 0;
}

}  // namespace roomrtc
