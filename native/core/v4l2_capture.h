// Video4Linux2 capture with memory-mapped buffers: negotiation, streaming, conversion to I420.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "v4l2_mode.h"

namespace roomrtc {

/// The system calls a capture makes, so that a made-up camera can stand in for a real one.
class V4l2Device {
 public:
  virtual ~V4l2Device() = default;
  /// 0 or an errno.
  virtual int Control(unsigned long request, void* argument) = 0;
  /// Null on failure.
  virtual void* Map(size_t length, int64_t offset) = 0;
  virtual void Unmap(void* address, size_t length) = 0;
  /// Whether a frame is there within `timeoutUs`.
  virtual bool WaitReadable(double timeoutUs) = 0;
};

class V4l2Capture {
 public:
  /// Opens `path`. Throws CodedError CAMERA_NOT_FOUND, CAMERA_DENIED, CAMERA_BUSY or CAMERA_UNSUITABLE; the
  /// message names the device, what was tried and what to do.
  static std::unique_ptr<V4l2Capture> Open(const std::string& path, const V4l2Request& request);

  V4l2Capture(std::unique_ptr<V4l2Device> device, std::string path, const V4l2Request& request);
  ~V4l2Capture();
  V4l2Capture(const V4l2Capture&) = delete;
  V4l2Capture& operator=(const V4l2Capture&) = delete;

  /// What the driver agreed to, which may differ from the request.
  const V4l2Mode& mode() const { return mode_; }

  /// Waits up to `timeoutUs`, takes the newest frame there is (older ones go back unseen) and converts it
  /// into `target`. Returns its capture time (CLOCK_MONOTONIC, µs), 0 on time-out or when the frame was
  /// damaged. Throws CodedError CAMERA_LOST when the device is gone, SIZE_MISMATCH when `target` has another
  /// size.
  double Capture(const Image& target, double timeoutUs);

 private:
  struct Mapping {
    void* address;
    size_t length;
  };
  struct Frame {
    uint32_t index;
    uint32_t bytesUsed;
    double captureTimeUs;
  };

  void RequireCapture();
  void Negotiate(const V4l2Request& request);
  int TrySet(const V4l2Mode& wanted);
  void AskFrameRate(double frameRate);
  void MapBuffers();
  void Start();
  bool Dequeue(Frame& frame);
  void Queue(uint32_t index);
  [[noreturn]] void Fail(int error, const std::string& tried) const;

  std::unique_ptr<V4l2Device> device_;
  std::string path_;
  V4l2Mode mode_;
  int bytesPerLine_ = 0;
  std::vector<Mapping> mappings_;
};

}  // namespace roomrtc
