#include "stream_binding.h"

#include <array>

#include "addon.h"
#include "args.h"
#include "stream_socket.h"

namespace roomrtc::binding {

namespace {

constexpr napi_type_tag kStreamTag{0x6a1d0c5e7b3f4a29, 0x8c5e1f9d2b7a4630};
constexpr napi_type_tag kListenerTag{0x35c9e8f1a2764bd0, 0xb04d7e6f1c8a5923};
constexpr std::array<std::string_view, 2> kFramings{"turn", "rfc4571"};
constexpr std::array kStates{"connecting", "handshaking", "open", "closed", "failed"};

StreamFraming FramingOf(const Options& options) {
  return options.Choice("framing", kFramings) == 0 ? StreamFraming::kTurn : StreamFraming::kRfc4571;
}

uint16_t PortOf(const Options& options, int64_t min) {
  return static_cast<uint16_t>(options.Integer("port", min, 65535));
}

class StreamListenerJs : public Napi::ObjectWrap<StreamListenerJs> {
 public:
  explicit StreamListenerJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<StreamListenerJs>(info) {
    Guard(info.Env(), [&] {
      const Options options(info[0], "StreamListener.listen");
      const auto backlog = static_cast<int>(options.Integer("backlog", 1, 4096));
      core_ = std::make_unique<StreamListener>(options.Text("address"), PortOf(options, 0), backlog,
                                               FramingOf(options));
    });
    info.This().As<Napi::Object>().TypeTag(&kListenerTag);
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "StreamListener",
                       {StaticMethod<&StreamListenerJs::Listen>("listen"),
                        InstanceAccessor<&StreamListenerJs::Address>("address"),
                        InstanceAccessor<&StreamListenerJs::Port>("port"),
                        InstanceAccessor<&StreamListenerJs::Family>("family"),
                        InstanceMethod<&StreamListenerJs::Close>("close")});
  }

  static StreamListener& From(const Napi::Value& value) {
    return Alive(value.Env(), Unwrap(value.As<Napi::Object>())->core_, "StreamListener");
  }

 private:
  static Napi::Value Listen(const Napi::CallbackInfo& info) {
    const Options options(info[0], "StreamListener.listen");
    return info.This().As<Napi::Function>().New({info[0]});
  }

  StreamListener& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "StreamListener"); }
  Napi::Value Address(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), Core(info).local().Text());
  }
  Napi::Value Port(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).local().port());
  }
  Napi::Value Family(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).local().family());
  }
  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<StreamListener> core_;
};

bool IsListener(const Napi::Value& value) {
  return value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&kListenerTag);
}

class StreamSocketJs : public Napi::ObjectWrap<StreamSocketJs> {
 public:
  /// From `connect` with its options, from `attach` with a number, from `accept` with the socket itself.
  explicit StreamSocketJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<StreamSocketJs>(info) {
    Guard(info.Env(), [&] {
      if (info[0].IsExternal()) {
        core_ = std::move(*info[0].As<Napi::External<std::unique_ptr<StreamSocket>>>().Data());
      } else if (info[0].IsNumber()) {
        core_ = StreamSocket::Attach(Handle(info[0]));
      } else {
        core_ = Connected(info[0]);
      }
    });
    info.This().As<Napi::Object>().TypeTag(&kStreamTag);
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "StreamSocket",
        {StaticMethod<&StreamSocketJs::Connect>("connect"), StaticMethod<&StreamSocketJs::Attach>("attach"),
         StaticMethod<&StreamSocketJs::Accept>("accept"),
         InstanceAccessor<&StreamSocketJs::GetHandle>("handle"),
         InstanceAccessor<&StreamSocketJs::Family>("family"),
         InstanceAccessor<&StreamSocketJs::LocalAddress>("localAddress"),
         InstanceAccessor<&StreamSocketJs::LocalPort>("localPort"),
         InstanceAccessor<&StreamSocketJs::RemoteAddress>("remoteAddress"),
         InstanceAccessor<&StreamSocketJs::RemotePort>("remotePort"),
         InstanceAccessor<&StreamSocketJs::State>("state"),
         InstanceAccessor<&StreamSocketJs::Failure>("failure"),
         InstanceAccessor<&StreamSocketJs::Counters>("counters"),
         InstanceMethod<&StreamSocketJs::Receive>("receive"), InstanceMethod<&StreamSocketJs::Send>("send"),
         InstanceMethod<&StreamSocketJs::Close>("close")});
  }

  static StreamSocket& From(const Napi::Value& value) {
    return Alive(value.Env(), Unwrap(value.As<Napi::Object>())->core_, "StreamSocket");
  }

 private:
  static uint32_t Handle(const Napi::Value& value) {
    return static_cast<uint32_t>(ToInteger(value, "StreamSocket.attach: handle", 1, UINT32_MAX));
  }

  static Napi::Value Connect(const Napi::CallbackInfo& info) {
    const Options options(info[0], "StreamSocket.connect");
    return info.This().As<Napi::Function>().New({info[0]});
  }
  static Napi::Value Attach(const Napi::CallbackInfo& info) {
    Handle(info[0]);
    return info.This().As<Napi::Function>().New({info[0]});
  }
  static Napi::Value Accept(const Napi::CallbackInfo& info) {
    if (!IsListener(info[0])) ThrowType(info[0], "StreamSocket.accept: listener", "a StreamListener");
    std::unique_ptr<StreamSocket> accepted = StreamListenerJs::From(info[0]).Accept();
    if (!accepted) return info.Env().Null();
    return info.This().As<Napi::Function>().New(
        {Napi::External<std::unique_ptr<StreamSocket>>::New(info.Env(), &accepted)});
  }

  static std::unique_ptr<StreamSocket> Connected(const Napi::Value& value) {
    const Options options(value, "StreamSocket.connect");
    StreamTarget target;
    target.localAddress = options.Text("localAddress", "");
    target.address = options.Text("address");
    target.port = PortOf(options, 1);
    target.framing = FramingOf(options);
    if (options.Has("tls")) {
      const Options tls(options.Get("tls"), "StreamSocket.connect: option tls");
      target.tls = TlsOptions{tls.Text("serverName"), tls.Text("extraCaPem", "")};
    }
    return std::make_unique<StreamSocket>(StreamConnection::Connect(target), true);
  }

  StreamConnection& Core(const Napi::CallbackInfo& info) {
    return Alive(info.Env(), core_, "StreamSocket").connection();
  }

  Napi::Value GetHandle(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).handle());
  }
  Napi::Value Family(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).remote().family());
  }
  Napi::Value LocalAddress(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] { return Napi::String::New(info.Env(), Core(info).local().Text()); });
  }
  Napi::Value LocalPort(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] { return Napi::Number::New(info.Env(), Core(info).local().port()); });
  }
  Napi::Value RemoteAddress(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), Core(info).remote().Text());
  }
  Napi::Value RemotePort(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), Core(info).remote().port());
  }
  Napi::Value State(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), kStates[static_cast<size_t>(Core(info).state())]);
  }
  Napi::Value Failure(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), Core(info).failure());
  }
  Napi::Value Counters(const Napi::CallbackInfo& info) {
    const StreamCounters counters = Core(info).counters();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("sent", static_cast<double>(counters.sent));
    result.Set("refused", static_cast<double>(counters.refused));
    result.Set("received", static_cast<double>(counters.received));
    result.Set("bytesReceived", static_cast<double>(counters.bytesReceived));
    return result;
  }

  Napi::Value Receive(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      StreamConnection& core = Core(info);
      const std::span<uint8_t> slab = ToBytes(info[0], "StreamSocket.receive: slab");
      const std::span<int32_t> table = ToWords(info[1], "StreamSocket.receive: table", kDatagramWords);
      return Napi::Number::New(info.Env(), static_cast<double>(core.Receive(slab, DatagramEntries(table))));
    });
  }

  Napi::Value Send(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      StreamConnection& core = Core(info);
      const std::span<uint8_t> slab = ToBytes(info[0], "StreamSocket.send: slab");
      const std::span<DatagramEntry> entries = DatagramEntries(ToWords(info[1], "StreamSocket.send: table"));
      const auto size = static_cast<int64_t>(entries.size());
      const int64_t first = ToInteger(info[2], "StreamSocket.send: first", 0, size);
      const int64_t count = ToInteger(info[3], "StreamSocket.send: count", 0, size - first);
      const auto part = entries.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
      return Napi::Number::New(info.Env(), static_cast<double>(core.Send(slab, part)));
    });
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<StreamSocket> core_;
};

}  // namespace

Pollable* StreamPollable(const Napi::Value& value) {
  if (IsListener(value)) return &StreamListenerJs::From(value);
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kStreamTag)) return nullptr;
  return &StreamSocketJs::From(value);
}

void InitStream(Napi::Env env, Napi::Object exports) {
  exports.Set("StreamSocket", StreamSocketJs::Define(env));
  exports.Set("StreamListener", StreamListenerJs::Define(env));
}

}  // namespace roomrtc::binding
