// OpenH264, loaded at run time: the library is prebuilt (Debian's, or Cisco's binary by path), never linked.
#pragma once

#include <wels/codec_api.h>

#include <string>

namespace roomrtc {

/// The entry points of one loaded library. Cheap to copy; the library stays mapped for the life of the
/// process, so a codec object may outlive the thread that loaded it.
class OpenH264Library {
 public:
  /// `path` empty: Debian's libopenh264.so.7, then libopenh264.so. Throws CodedError OPENH264_UNAVAILABLE
  /// with what was tried, or OPENH264_VERSION for a library with another binary interface than the headers
  /// this was built with.
  static OpenH264Library Load(const std::string& path);

  /// Such as "2.3.1".
  std::string Version() const;

  int (*createEncoder)(ISVCEncoder**) = nullptr;
  void (*destroyEncoder)(ISVCEncoder*) = nullptr;
  long (*createDecoder)(ISVCDecoder**) = nullptr;
  void (*destroyDecoder)(ISVCDecoder*) = nullptr;

 private:
  void (*getVersion_)(OpenH264Version*) = nullptr;
};

}  // namespace roomrtc
