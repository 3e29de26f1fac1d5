#include "xcb_library.h"

#include <dlfcn.h>

#include <string>

#include "coded_error.h"

namespace roomrtc {

namespace {

[[noreturn]] void Unavailable(const std::string& reason) {
  throw CodedError("SCREEN_UNAVAILABLE",
                   "the X client libraries could not be loaded (" + reason +
                       "); install them (apt-get install libxcb1 libxcb-shm0 libxcb-xfixes0)");
}

void* Open(const char* file) {
  // RTLD_NODELETE: as for OpenH264, other threads may be inside when this one's environment goes away.
  void* handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) Unavailable(dlerror());
  return handle;
}

template <typename Symbol>
void Resolve(void* handle, const char* name, Symbol*& into) {
  into = reinterpret_cast<Symbol*>(dlsym(handle, name));
  if (!into) Unavailable(std::string("there is no ") + name + " in them");
}

}  // namespace

XcbLibrary XcbLibrary::Load() {
  XcbLibrary library;
  void* core = Open("libxcb.so.1");
  void* shm = Open("libxcb-shm.so.0");
  void* xfixes = Open("libxcb-xfixes.so.0");
#define ROOMRTC_FROM_CORE(name) Resolve(core, "xcb_" #name, library.name);
#define ROOMRTC_FROM_SHM(name) Resolve(shm, "xcb_" #name, library.name);
#define ROOMRTC_FROM_XFIXES(name) Resolve(xfixes, "xcb_" #name, library.name);
  ROOMRTC_XCB_FUNCTIONS(ROOMRTC_FROM_CORE)
  ROOMRTC_XCB_SHM_FUNCTIONS(ROOMRTC_FROM_SHM)
  ROOMRTC_XCB_XFIXES_FUNCTIONS(ROOMRTC_FROM_XFIXES)
  Resolve(shm, "xcb_shm_id", library.shmId);
  Resolve(xfixes, "xcb_xfixes_id", library.xfixesId);
  return library;
}

}  // namespace roomrtc
