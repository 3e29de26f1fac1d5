#include "addon.h"
#include "args.h"
#include "clock.h"

namespace roomrtc::binding {

namespace {

Napi::Value MonotonicUsJs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), MonotonicUs());
}

Napi::Value ThreadCpuUsJs(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), ThreadCpuUs());
}

void SetThreadNameJs(const Napi::CallbackInfo& info) {
  SetThreadName(ToText(info[0], "setThreadName: name"));
}

}  // namespace

void InitThread(Napi::Env env, Napi::Object exports) {
  exports.Set("monotonicUs", Napi::Function::New(env, MonotonicUsJs));
  exports.Set("threadCpuUs", Napi::Function::New(env, ThreadCpuUsJs));
  exports.Set("setThreadName", Napi::Function::New(env, SetThreadNameJs));
}

}  // namespace roomrtc::binding
