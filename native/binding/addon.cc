// The addon's entry: called once for every environment that loads it (Node-API's context-aware contract).
#include "addon.h"

namespace roomrtc::binding {

namespace {

using Init = void (*)(Napi::Env, Napi::Object);

constexpr Init kInits[] = {
    InitThread, InitYuv,         InitH264,          InitVp8,  InitOpus,   InitV4l2Capture, InitSrtpContext,
    InitUdp,    InitCertificate, InitDtlsTransport, InitSctp, InitStream, InitWaker,       InitScreen,
};

Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  for (Init init : kInits) init(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(roomrtc, InitAddon)

}  // namespace roomrtc::binding
