// Every *_binding.cc adds its classes and functions to the exports through one Init function.
// An addon instance belongs to one environment (the main thread or one worker): no static JS state anywhere,
// constructors are kept in the environment's own exports object.
#pragma once

#include <napi.h>

namespace roomrtc::binding {

void InitThread(Napi::Env env, Napi::Object exports);
void InitYuv(Napi::Env env, Napi::Object exports);
void InitH264(Napi::Env env, Napi::Object exports);
void InitVp8(Napi::Env env, Napi::Object exports);
void InitOpus(Napi::Env env, Napi::Object exports);
void InitV4l2Capture(Napi::Env env, Napi::Object exports);
void InitSrtpContext(Napi::Env env, Napi::Object exports);
void InitUdp(Napi::Env env, Napi::Object exports);
void InitStream(Napi::Env env, Napi::Object exports);
void InitCertificate(Napi::Env env, Napi::Object exports);
void InitDtlsTransport(Napi::Env env, Napi::Object exports);
void InitSctp(Napi::Env env, Napi::Object exports);
void InitWaker(Napi::Env env, Napi::Object exports);
void InitScreen(Napi::Env env, Napi::Object exports);

}  // namespace roomrtc::binding
