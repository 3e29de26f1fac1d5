#include <array>
#include <cstring>

#include "addon.h"
#include "args.h"
#include "dtls_binding.h"
#include "sctp_association.h"
#include "sctp_over_dtls.h"

namespace roomrtc::binding {

namespace {

/// What takeEvent returns and how it fills its Int32Array: see SctpEventWords in native/addon.ts.
constexpr int kNoEvent = 0;
constexpr int kConnected = 1;
constexpr int kClosed = 2;
constexpr int kMessage = 3;
constexpr int kStreamsReset = 4;
constexpr int kTooSmall = -1;
constexpr size_t kEventWords = 3;

constexpr std::array<const char*, 4> kStates = {"new", "connecting", "connected", "closed"};

class SctpAssociationJs : public Napi::ObjectWrap<SctpAssociationJs> {
 public:
  explicit SctpAssociationJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SctpAssociationJs>(info) {
    Guard(info.Env(), [&] {
      const Options options = Options::Optional(info[0], "SctpAssociation");
      SctpSettings settings;
      settings.port = static_cast<uint16_t>(options.Integer("port", 1, 65535, settings.port));
      settings.remotePort = static_cast<uint16_t>(options.Integer("remotePort", 1, 65535, settings.port));
      settings.maxPacketBytes = static_cast<size_t>(
          options.Integer("maxPacketBytes", 576, 9000, static_cast<int64_t>(settings.maxPacketBytes)));
      settings.maxMessageBytes = static_cast<size_t>(
          options.Integer("maxMessageBytes", 1024, 1 << 28, static_cast<int64_t>(settings.maxMessageBytes)));
      settings.sendBufferBytes = static_cast<size_t>(options.Integer(
          "sendBufferBytes", 1 << 16, 1 << 28, static_cast<int64_t>(settings.sendBufferBytes)));
      settings.receiveWindowBytes = static_cast<size_t>(options.Integer(
          "receiveWindowBytes", 1 << 16, 1 << 28, static_cast<int64_t>(settings.receiveWindowBytes)));
      settings.streams = static_cast<uint16_t>(options.Integer("streams", 1, 65535, settings.streams));
      core_ = std::make_unique<SctpAssociation>(settings);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "SctpAssociation",
                       {InstanceAccessor<&SctpAssociationJs::State>("state"),
                        InstanceMethod<&SctpAssociationJs::Connect>("connect"),
                        InstanceMethod<&SctpAssociationJs::HandlePacket>("handlePacket"),
                        InstanceMethod<&SctpAssociationJs::TakePacket>("takePacket"),
                        InstanceMethod<&SctpAssociationJs::ReceiveRecords>("receiveRecords"),
                        InstanceMethod<&SctpAssociationJs::ProtectPackets>("protectPackets"),
                        InstanceAccessor<&SctpAssociationJs::PendingMessages>("pendingMessages"),
                        InstanceMethod<&SctpAssociationJs::Send>("send"),
                        InstanceMethod<&SctpAssociationJs::ResetStream>("resetStream"),
                        InstanceMethod<&SctpAssociationJs::TakeEvent>("takeEvent"),
                        InstanceMethod<&SctpAssociationJs::Abort>("abort"),
                        InstanceMethod<&SctpAssociationJs::Close>("close")});
  }

 private:
  SctpAssociation& Core(const Napi::CallbackInfo& info) {
    return Alive(info.Env(), core_, "SctpAssociation");
  }

  Napi::Value State(const Napi::CallbackInfo& info) {
    const auto state = core_ ? core_->state() : SctpState::kClosed;
    return Napi::String::New(info.Env(), kStates[static_cast<size_t>(state)]);
  }

  void Connect(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).Connect(); });
  }

  void HandlePacket(const Napi::CallbackInfo& info) {
    Guard(info.Env(),
          [&] { Core(info).HandlePacket(ToBytes(info[0], "SctpAssociation.handlePacket: packet")); });
  }

  Napi::Value TakePacket(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::span<uint8_t> out = ToBytes(info[0], "SctpAssociation.takePacket: out");
      return Napi::Number::New(info.Env(), static_cast<double>(Core(info).TakePacket(out)));
    });
  }

  Napi::Value ReceiveRecords(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SctpAssociation& core = Core(info);
      DtlsTransport& dtls = ToDtlsTransport(info[0], "SctpAssociation.receiveRecords: dtls");
      const std::span<uint8_t> slab = ToBytes(info[1], "SctpAssociation.receiveRecords: slab");
      const std::span<DatagramEntry> entries =
          DatagramEntries(ToWords(info[2], "SctpAssociation.receiveRecords: table"));
      const auto size = static_cast<int64_t>(entries.size());
      const int64_t first = ToInteger(info[3], "SctpAssociation.receiveRecords: first", 0, size);
      const int64_t count = ToInteger(info[4], "SctpAssociation.receiveRecords: count", 0, size - first);
      const double nowUs = ToNumber(info[5], "SctpAssociation.receiveRecords: nowUs", 0, 1e18);
      const auto run = entries.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
      return Napi::Number::New(info.Env(),
                               static_cast<double>(roomrtc::ReceiveRecords(core, dtls, slab, run, nowUs)));
    });
  }

  Napi::Value ProtectPackets(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SctpAssociation& core = Core(info);
      DtlsTransport& dtls = ToDtlsTransport(info[0], "SctpAssociation.protectPackets: dtls");
      const std::span<uint8_t> slab = ToBytes(info[1], "SctpAssociation.protectPackets: slab");
      const std::span<DatagramEntry> entries =
          DatagramEntries(ToWords(info[2], "SctpAssociation.protectPackets: table"));
      return Napi::Number::New(info.Env(),
                               static_cast<double>(roomrtc::ProtectPackets(core, dtls, slab, entries)));
    });
  }

  Napi::Value PendingMessages(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      return Napi::Number::New(info.Env(), static_cast<double>(Core(info).PendingMessages()));
    });
  }

  void Abort(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] { Core(info).Abort(); });
  }

  Napi::Value Send(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const auto streamId = ToInteger(info[0], "SctpAssociation.send: streamId", 0, 65534);
      const auto protocol = ToInteger(info[1], "SctpAssociation.send: payloadProtocol", 0, 0xffffffffLL);
      const std::span<uint8_t> bytes = ToBytes(info[2], "SctpAssociation.send: bytes");
      const Options options = Options::Optional(info[3], "SctpAssociation.send");
      SctpReliability reliability;
      reliability.unordered = !options.Boolean("ordered", true);
      const int64_t retransmits = options.Integer("maxRetransmits", -1, 0xffffffffLL, -1);
      const int64_t lifetime = options.Integer("maxLifetimeMs", -1, 0xffffffffLL, -1);
      reliability.limited = retransmits >= 0 || lifetime >= 0;
      reliability.byTime = lifetime >= 0;
      reliability.limit = static_cast<uint32_t>(lifetime >= 0 ? lifetime : std::max<int64_t>(retransmits, 0));
      const bool sent = Core(info).Send(static_cast<uint16_t>(streamId), static_cast<uint32_t>(protocol),
                                        bytes, reliability);
      return Napi::Boolean::New(info.Env(), sent);
    });
  }

  void ResetStream(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      Core(info).ResetStream(
          static_cast<uint16_t>(ToInteger(info[0], "SctpAssociation.resetStream: streamId", 0, 65534)));
    });
  }

  Napi::Value TakeEvent(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      const std::span<uint8_t> out = ToBytes(info[0], "SctpAssociation.takeEvent: out");
      const std::span<int32_t> words = ToWords(info[1], "SctpAssociation.takeEvent: words", kEventWords);
      return Napi::Number::New(info.Env(), NextEvent(Core(info), out, words));
    });
  }

  static int NextEvent(SctpAssociation& core, std::span<uint8_t> out, std::span<int32_t> words) {
    const SctpEvent* next = core.PeekEvent();
    if (!next) return kNoEvent;
    if (next->kind == SctpEvent::Kind::kMessage && next->message.bytes.size() > out.size()) {
      words[0] = static_cast<int32_t>(next->message.bytes.size());
      return kTooSmall;
    }
    SctpEvent event;
    core.TakeEvent(event);
    const int kind = Fill(event, out, words);
    core.Recycle(std::move(event.message.bytes));
    return kind;
  }

  static int Fill(const SctpEvent& event, std::span<uint8_t> out, std::span<int32_t> words) {
    switch (event.kind) {
      case SctpEvent::Kind::kConnected:
        return kConnected;
      case SctpEvent::Kind::kClosed:
        words[0] = static_cast<int32_t>(std::min(event.reason.size(), out.size()));
        words[1] = event.causeCode;
        std::memcpy(out.data(), event.reason.data(), static_cast<size_t>(words[0]));
        return kClosed;
      case SctpEvent::Kind::kStreamsReset: {
        const size_t fits = std::min(event.streams.size(), out.size() / sizeof(uint16_t));
        words[0] = static_cast<int32_t>(fits);
        std::memcpy(out.data(), event.streams.data(), fits * sizeof(uint16_t));
        return kStreamsReset;
      }
      case SctpEvent::Kind::kMessage:
        words[0] = static_cast<int32_t>(event.message.bytes.size());
        words[1] = event.message.streamId;
        words[2] = static_cast<int32_t>(event.message.payloadProtocol);
        if (!event.message.bytes.empty()) {
          std::memcpy(out.data(), event.message.bytes.data(), event.message.bytes.size());
        }
        return kMessage;
    }
    return kNoEvent;
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<SctpAssociation> core_;
};

void HandleTimers(const Napi::CallbackInfo& info) {
  Guard(info.Env(), [&] {
    SctpAssociation::HandleTimers(
        static_cast<uint32_t>(ToInteger(info[0], "sctpHandleTimers: elapsedMs", 0, 3'600'000)));
  });
}

}  // namespace

void InitSctp(Napi::Env env, Napi::Object exports) {
  exports.Set("SctpAssociation", SctpAssociationJs::Define(env));
  exports.Set("sctpHandleTimers", Napi::Function::New(env, HandleTimers));
}

}  // namespace roomrtc::binding
