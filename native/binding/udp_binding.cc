#include "addon.h"
#include "args.h"
#include "stream_binding.h"
#include "udp_multicast.h"
#include "udp_poller.h"
#include "udp_socket.h"

namespace roomrtc::binding {

namespace {

constexpr napi_type_tag kSocketTag{0x1f0f3a5b6c2d4e71, 0x9a8b7c6d5e4f3021};
constexpr int64_t kMaxBufferBytes = 1 << 30;

Napi::Number ToJs(Napi::Env env, uint64_t count) {
  return Napi::Number::New(env, static_cast<double>(count));
}

class UdpSocketJs : public Napi::ObjectWrap<UdpSocketJs> {
 public:
  /// From `bind` with its options or from `attach` with a descriptor.
  explicit UdpSocketJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpSocketJs>(info) {
    Guard(info.Env(), [&] { core_ = info[0].IsNumber() ? FromDescriptor(info[0]) : FromOptions(info[0]); });
    info.This().As<Napi::Object>().TypeTag(&kSocketTag);
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "UdpSocket",
        {StaticMethod<&UdpSocketJs::Bind>("bind"), StaticMethod<&UdpSocketJs::Attach>("attach"),
         InstanceAccessor<&UdpSocketJs::Address>("address"), InstanceAccessor<&UdpSocketJs::Port>("port"),
         InstanceAccessor<&UdpSocketJs::Family>("family"), InstanceAccessor<&UdpSocketJs::Fd>("fd"),
         InstanceAccessor<&UdpSocketJs::Counters>("counters"),
         InstanceMethod<&UdpSocketJs::Receive>("receive"), InstanceMethod<&UdpSocketJs::Send>("send"),
         InstanceMethod<&UdpSocketJs::Join>("joinMulticast"),
         InstanceMethod<&UdpSocketJs::SendVia>("setMulticastInterface"),
         InstanceMethod<&UdpSocketJs::SendWhatFits>("sendWhatFits"),
         InstanceMethod<&UdpSocketJs::Close>("close")});
  }

  /// What a poller takes: the core of a JavaScript UdpSocket, StreamSocket or StreamListener.
  static Pollable& From(const Napi::Value& value, const char* name) {
    if (Pollable* stream = StreamPollable(value)) return *stream;
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kSocketTag)) {
      ThrowType(value, name, "a UdpSocket, StreamSocket or StreamListener");
    }
    return Alive(value.Env(), Unwrap(value.As<Napi::Object>())->core_, "UdpSocket");
  }

 private:
  static Napi::Value Bind(const Napi::CallbackInfo& info) {
    const Options options(info[0], "UdpSocket.bind");
    return info.This().As<Napi::Function>().New({info[0]});
  }
  static Napi::Value Attach(const Napi::CallbackInfo& info) {
    ToInteger(info[0], "UdpSocket.attach: fd", 0, INT32_MAX);
    return info.This().As<Napi::Function>().New({info[0]});
  }

  static std::unique_ptr<UdpSocket> FromDescriptor(const Napi::Value& fd) {
    return UdpSocket::Attach(static_cast<int>(ToInteger(fd, "UdpSocket.attach: fd", 0, INT32_MAX)));
  }
  static std::unique_ptr<UdpSocket> FromOptions(const Napi::Value& value) {
    const Options options(value, "UdpSocket.bind");
    UdpBinding binding;
    binding.address = options.Text("address");
    binding.port = static_cast<uint16_t>(options.Integer("port", 0, 65535));
    binding.receiveBufferBytes =
        static_cast<int>(options.Integer("receiveBufferBytes", 0, kMaxBufferBytes, 0));
    binding.sendBufferBytes = static_cast<int>(options.Integer("sendBufferBytes", 0, kMaxBufferBytes, 0));
    binding.shared = options.Boolean("shared", false);
    return UdpSocket::Bind(binding);
  }

  UdpSocket& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "UdpSocket"); }

  Napi::Value Address(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), Core(info).local().Text());
  }
  Napi::Value Port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).local().port());
  }
  Napi::Value Family(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).local().family());
  }
  Napi::Value Fd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Core(info).fd()); }

  Napi::Value Counters(const Napi::CallbackInfo& info) {
    const UdpCounters& counters = Core(info).counters();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("sent", ToJs(info.Env(), counters.sent));
    result.Set("received", ToJs(info.Env(), counters.received));
    result.Set("sendErrors", ToJs(info.Env(), counters.sendErrors));
    result.Set("truncated", ToJs(info.Env(), counters.truncated));
    result.Set("syscalls", ToJs(info.Env(), counters.syscalls));
    return result;
  }

  Napi::Value Receive(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      UdpSocket& core = Core(info);
      const std::span<uint8_t> slab = ToBytes(info[0], "UdpSocket.receive: slab");
      const std::span<int32_t> table = ToWords(info[1], "UdpSocket.receive: table", kDatagramWords);
      return ToJs(info.Env(), core.Receive(slab, DatagramEntries(table)));
    });
  }

  Napi::Value Send(const Napi::CallbackInfo& info) { return SendBy<&UdpSocket::Send>(info); }
  Napi::Value SendWhatFits(const Napi::CallbackInfo& info) { return SendBy<&UdpSocket::SendWhatFits>(info); }

  template <size_t (UdpSocket::*kSend)(std::span<const uint8_t>, std::span<const DatagramEntry>)>
  Napi::Value SendBy(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      UdpSocket& core = Core(info);
      const std::span<uint8_t> slab = ToBytes(info[0], "UdpSocket.send: slab");
      const std::span<DatagramEntry> entries = DatagramEntries(ToWords(info[1], "UdpSocket.send: table"));
      const auto size = static_cast<int64_t>(entries.size());
      const int64_t first = ToInteger(info[2], "UdpSocket.send: first", 0, size);
      const int64_t count = ToInteger(info[3], "UdpSocket.send: count", 0, size - first);
      const auto run = entries.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
      return ToJs(info.Env(), (core.*kSend)(slab, run));
    });
  }

  void Join(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const std::string group = ToText(info[0], "UdpSocket.joinMulticast: group");
      JoinMulticast(Core(info).fd(), group, ToText(info[1], "UdpSocket.joinMulticast: interfaceName"));
    });
  }

  void SendVia(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      const std::string name = ToText(info[0], "UdpSocket.setMulticastInterface: interfaceName");
      SetMulticastInterface(Core(info).fd(), name);
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<UdpSocket> core_;
};

class UdpPollerJs : public Napi::ObjectWrap<UdpPollerJs> {
 public:
  explicit UdpPollerJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpPollerJs>(info) {
    Guard(info.Env(), [&] { core_ = std::make_unique<UdpPoller>(); });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "UdpPoller",
        {InstanceAccessor<&UdpPollerJs::DoorbellFd>("doorbellFd"), InstanceMethod<&UdpPollerJs::Add>("add"),
         InstanceMethod<&UdpPollerJs::Remove>("remove"), InstanceMethod<&UdpPollerJs::Wait>("wait"),
         InstanceMethod<&UdpPollerJs::IsReadable>("isReadable"),
         InstanceMethod<&UdpPollerJs::Close>("close")});
  }

 private:
  UdpPoller& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "UdpPoller"); }

  Napi::Value DoorbellFd(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).doorbellFd());
  }
  void Add(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).Add(UdpSocketJs::From(info[0], "UdpPoller.add: socket")); });
  }
  void Remove(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).Remove(UdpSocketJs::From(info[0], "UdpPoller.remove: socket")); });
  }
  Napi::Value Wait(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      constexpr double kInfinity = std::numeric_limits<double>::infinity();
      const double timeoutUs = ToNumber(info[0], "UdpPoller.wait: timeoutUs", -kInfinity, kInfinity);
      return ToJs(info.Env(), Core(info).Wait(timeoutUs));
    });
  }
  Napi::Value IsReadable(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const Pollable& socket = UdpSocketJs::From(info[0], "UdpPoller.isReadable: socket");
      return Napi::Boolean::New(info.Env(), Core(info).IsReadable(socket));
    });
  }
  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<UdpPoller> core_;
};

void RingDoorbellJs(const Napi::CallbackInfo& info) {
  UdpPoller::RingDoorbell(static_cast<int>(ToInteger(info[0], "ringDoorbell: fd", 0, INT32_MAX)));
}

}  // namespace

void InitUdp(Napi::Env env, Napi::Object exports) {
  exports.Set("UdpSocket", UdpSocketJs::Define(env));
  exports.Set("UdpPoller", UdpPollerJs::Define(env));
  exports.Set("ringDoorbell", Napi::Function::New(env, RingDoorbellJs, "ringDoorbell"));
}

}  // namespace roomrtc::binding
