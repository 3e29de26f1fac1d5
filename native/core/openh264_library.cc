#include "openh264_library.h"

#include <dlfcn.h>
#include <wels/codec_ver.h>

#include <vector>

#include "coded_error.h"

namespace roomrtc {

namespace {

void* OpenFirst(const std::vector<std::string>& paths) {
  std::string tried;
  for (const std::string& path : paths) {
    // RTLD_NODELETE: another thread's codec may be inside when this thread's environment goes away.
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) return handle;
    tried += std::string(tried.empty() ? "" : "; ") + dlerror();
  }
  throw CodedError("OPENH264_UNAVAILABLE",
                   "OpenH264 could not be loaded (" + tried +
                       "); install it (apt-get install libopenh264-7) or name its file in libraryPath");
}

template <typename Function>
void Resolve(void* handle, const char* symbol, Function*& into) {
  into = reinterpret_cast<Function*>(dlsym(handle, symbol));
  if (!into) {
    throw CodedError("OPENH264_UNAVAILABLE", std::string("OpenH264's library has no ") + symbol +
                                                 "; is libraryPath really an OpenH264 library?");
  }
}

// Structures cross this border by layout. 2.3 to 2.5 share one (their file is libopenh264.so.7); 2.6 changed
// it.
bool SameInterface(const OpenH264Version& version) {
  return version.uMajor == OPENH264_MAJOR && version.uMinor >= 3 && version.uMinor <= 5;
}

}  // namespace

OpenH264Library OpenH264Library::Load(const std::string& path) {
  const std::vector<std::string> paths =
      path.empty() ? std::vector<std::string>{"libopenh264.so.7", "libopenh264.so"} : std::vector{path};
  void* handle = OpenFirst(paths);
  OpenH264Library library;
  Resolve(handle, "WelsCreateSVCEncoder", library.createEncoder);
  Resolve(handle, "WelsDestroySVCEncoder", library.destroyEncoder);
  Resolve(handle, "WelsCreateDecoder", library.createDecoder);
  Resolve(handle, "WelsDestroyDecoder", library.destroyDecoder);
  Resolve(handle, "WelsGetCodecVersionEx", library.getVersion_);
  OpenH264Version version{};
  library.getVersion_(&version);
  if (!SameInterface(version)) {
    throw CodedError("OPENH264_VERSION",
                     "OpenH264 must be version 2.3 to 2.5 (libopenh264.so.7), found " + library.Version());
  }
  return library;
}

std::string OpenH264Library::Version() const {
  OpenH264Version version{};
  getVersion_(&version);
  return std::to_string(version.uMajor) + "." + std::to_string(version.uMinor) + "." +
         std::to_string(version.uRevision);
}

}  // namespace roomrtc
