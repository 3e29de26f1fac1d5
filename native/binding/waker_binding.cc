// Wakes a thread that runs an event loop (the main one) from another: the other direction of the doorbell,
// which wakes threads that run none. What there is to say lies in shared memory; nothing is passed here.
#include <cstdint>
#include <map>
#include <mutex>

#include "addon.h"
#include "args.h"

namespace roomrtc::binding {

namespace {

/// The process's wakers by number, so that any thread can use one whose owner may go at any time.
class Wakers {
 public:
  static Wakers& Instance() {
    static Wakers wakers;
    return wakers;
  }

  uint32_t Add(napi_threadsafe_function function) {
    const std::lock_guard lock(mutex_);
    functions_.emplace(++last_, function);
    return last_;
  }

  /// The function when it was there: the caller lets it go.
  napi_threadsafe_function Remove(uint32_t id) {
    const std::lock_guard lock(mutex_);
    const auto found = functions_.find(id);
    if (found == functions_.end()) return nullptr;
    napi_threadsafe_function function = found->second;
    functions_.erase(found);
    return function;
  }

  void Wake(uint32_t id) {
    // Under the lock, so that the owner cannot let it go in the middle.
    const std::lock_guard lock(mutex_);
    const auto found = functions_.find(id);
    if (found == functions_.end()) return;
    // Fails only while the owner's environment ends: then nobody is left to be woken.
    if (napi_call_threadsafe_function(found->second, nullptr, napi_tsfn_nonblocking) == napi_closing) {
      functions_.erase(found);
    }
  }

 private:
  std::mutex mutex_;
  std::map<uint32_t, napi_threadsafe_function> functions_;
  uint32_t last_ = 0;
};

/// Called by Node in the owner's thread; no environment: it is ending.
void CallBack(napi_env env, napi_value callback, void*, void*) {
  if (!env || !callback) return;
  napi_value receiver = nullptr;
  if (napi_get_undefined(env, &receiver) != napi_ok) return;
  // What the callback throws is an uncaught exception of its thread, as that of any listener.
  napi_call_function(env, receiver, callback, 0, nullptr, nullptr);
}

class WakerJs : public Napi::ObjectWrap<WakerJs> {
 public:
  explicit WakerJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<WakerJs>(info) {
    Guard(info.Env(), [&] {
      if (!info[0].IsFunction()) ThrowType(info[0], "Waker: callback", "a function");
      napi_threadsafe_function function = nullptr;
      const napi_status status = napi_create_threadsafe_function(
          info.Env(), info[0], nullptr, Napi::String::New(info.Env(), "roomrtc"), 0, 1, nullptr, nullptr,
          nullptr, CallBack, &function);
      if (status != napi_ok)
        ThrowCoded(info.Env(), "WAKER_SETUP", "Waker: the environment takes no more calls");
      // What waits for a wake-up does not by itself keep the process alive.
      napi_unref_threadsafe_function(info.Env(), function);
      id_ = Wakers::Instance().Add(function);
    });
  }

  ~WakerJs() override { Release(); }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Waker",
                       {InstanceAccessor<&WakerJs::Id>("id"), InstanceMethod<&WakerJs::Close>("close")});
  }

 private:
  Napi::Value Id(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), id_); }
  void Close(const Napi::CallbackInfo&) { Release(); }

  void Release() {
    napi_threadsafe_function function = Wakers::Instance().Remove(id_);
    if (function) napi_release_threadsafe_function(function, napi_tsfn_abort);
  }

  uint32_t id_ = 0;
};

void WakeJs(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    Wakers::Instance().Wake(static_cast<uint32_t>(ToInteger(info[0], "wake: id", 0, UINT32_MAX)));
  });
}

}  // namespace

void InitWaker(Napi::Env env, Napi::Object exports) {
  exports.Set("Waker", WakerJs::Define(env));
  exports.Set("wake", Napi::Function::New(env, WakeJs));
}

}  // namespace roomrtc::binding
