#include <array>

#include "addon.h"
#include "args.h"
#include "datagram_table.h"
#include "srtp_context.h"

namespace roomrtc::binding {

namespace {

constexpr std::string_view kProfiles[] = {"AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"};

struct PacketArgs {
  std::span<uint8_t> room;  // from the packet's start to its end and `overhead` more
  size_t length;
};

/// A whole number from 0 to `max`, without any message; -1 for anything else.
int64_t WholeNumber(const Napi::CallbackInfo& info, size_t index, size_t max) {
  double number = 0;
  if (napi_get_value_double(info.Env(), info[index], &number) != napi_ok) return -1;
  if (!(number >= 0 && number <= static_cast<double>(max))) return -1;
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? whole : -1;
}

/// (buffer, offset, length) with `overhead` bytes of room behind. Called for every packet, so the checks come
/// first and the words only when one fails.
PacketArgs ReadPacket(const Napi::CallbackInfo& info, const char* method, size_t overhead) {
  napi_typedarray_type type{};
  size_t size = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(info.Env(), info[0], &type, &size, &data, nullptr, nullptr) == napi_ok &&
      type == napi_uint8_array) {
    const int64_t offset = WholeNumber(info, 1, size);
    const int64_t length = WholeNumber(info, 2, size);
    if (offset >= 0 && length >= 0 && static_cast<size_t>(offset + length) + overhead <= size) {
      uint8_t* start = static_cast<uint8_t*>(data) + offset;
      return {{start, static_cast<size_t>(length) + overhead}, static_cast<size_t>(length)};
    }
  }
  const std::string name = std::string("SrtpContext.") + method;
  const std::span<uint8_t> buffer = ToBytes(info[0], name + ": buffer");
  const int64_t offset = ToInteger(info[1], name + ": offset", 0, INT32_MAX);
  const int64_t length = ToInteger(info[2], name + ": length", 0, INT32_MAX);
  const std::string what = overhead ? name + ": the packet and its overhead" : name + ": the packet";
  return {Subrange(info.Env(), buffer, what, static_cast<uint64_t>(offset),
                   static_cast<uint64_t>(length) + overhead),
          static_cast<size_t>(length)};
}

class SrtpContextJs : public Napi::ObjectWrap<SrtpContextJs> {
 public:
  explicit SrtpContextJs(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SrtpContextJs>(info) {
    Guard(info.Env(), [&] {
      const Options options(info[0], "SrtpContext");
      const auto profile = static_cast<SrtpProfile>(options.Choice("profile", kProfiles));
      const SrtpProfileSizes sizes = SizesOf(profile);
      const SrtpKeys keys{profile, Secret(options, "masterKey", sizes.key),
                          Secret(options, "masterSalt", sizes.salt),
                          static_cast<uint32_t>(options.Integer("replayWindow", SrtpContext::kMinReplayWindow,
                                                                SrtpContext::kMaxReplayWindow, 1024))};
      core_ = std::make_unique<SrtpContext>(keys);
    });
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "SrtpContext",
                       {InstanceAccessor<&SrtpContextJs::Profile>("profile"),
                        InstanceAccessor<&SrtpContextJs::RtpOverhead>("rtpOverhead"),
                        InstanceAccessor<&SrtpContextJs::RtcpOverhead>("rtcpOverhead"),
                        InstanceMethod<&SrtpContextJs::ProtectRtp>("protectRtp"),
                        InstanceMethod<&SrtpContextJs::ProtectRtcp>("protectRtcp"),
                        InstanceMethod<&SrtpContextJs::RecoverRtp>("recoverRtp"),
                        InstanceMethod<&SrtpContextJs::UnprotectRtp>("unprotectRtp"),
                        InstanceMethod<&SrtpContextJs::UnprotectRtcp>("unprotectRtcp"),
                        InstanceMethod<&SrtpContextJs::ProtectRtpBatch>("protectRtpBatch"),
                        InstanceMethod<&SrtpContextJs::UnprotectRtpBatch>("unprotectRtpBatch"),
                        InstanceMethod<&SrtpContextJs::Close>("close")});
  }

 private:
  static std::span<const uint8_t> Secret(const Options& options, const char* key, size_t size) {
    const std::span<const uint8_t> bytes = options.Bytes(key);
    if (bytes.size() == size) return bytes;
    ThrowRange(options.Env(), options.Name(key), std::to_string(size) + " bytes for this profile",
               std::to_string(bytes.size()));
  }

  SrtpContext& Core(const Napi::CallbackInfo& info) { return Alive(info.Env(), core_, "SrtpContext"); }

  Napi::Value Profile(const Napi::CallbackInfo& info) {
    return Napi::String::New(info.Env(), std::string(SizesOf(Core(info).profile()).name));
  }
  Napi::Value RtpOverhead(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(Core(info).rtpOverhead()));
  }
  Napi::Value RtcpOverhead(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(Core(info).rtcpOverhead()));
  }

  Napi::Value ProtectRtp(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      const PacketArgs packet = ReadPacket(info, "protectRtp", core.rtpOverhead());
      return Napi::Number::New(info.Env(), core.ProtectRtp(packet.room, packet.length));
    });
  }
  Napi::Value ProtectRtcp(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      const PacketArgs packet = ReadPacket(info, "protectRtcp", core.rtcpOverhead());
      return Napi::Number::New(info.Env(), core.ProtectRtcp(packet.room, packet.length));
    });
  }
  Napi::Value RecoverRtp(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      return Napi::Number::New(info.Env(), core.RecoverRtp(ReadPacket(info, "recoverRtp", 0).room));
    });
  }
  Napi::Value UnprotectRtp(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      return Napi::Number::New(info.Env(), core.UnprotectRtp(ReadPacket(info, "unprotectRtp", 0).room));
    });
  }
  Napi::Value UnprotectRtcp(const Napi::CallbackInfo& info) {
    return Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      return Napi::Number::New(info.Env(), core.UnprotectRtcp(ReadPacket(info, "unprotectRtcp", 0).room));
    });
  }

  void ProtectRtpBatch(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      ForEachEntry(info, "SrtpContext.protectRtpBatch", core.rtpOverhead(),
                   [&](std::span<uint8_t> room, size_t length) { return core.ProtectRtp(room, length); });
    });
  }
  void UnprotectRtpBatch(const Napi::CallbackInfo& info) {
    Guard(info.Env(), [&] {
      SrtpContext& core = Core(info);
      ForEachEntry(info, "SrtpContext.unprotectRtpBatch", 0,
                   [&](std::span<uint8_t> room, size_t) { return core.UnprotectRtp(room); });
    });
  }

  /// (slab, table, first, count): each entry's length becomes the result, which is negative for a refused
  /// packet.
  template <typename Process>
  static void ForEachEntry(const Napi::CallbackInfo& info, const std::string& name, size_t overhead,
                           Process&& process) {
    const std::span<uint8_t> slab = ToBytes(info[0], name + ": slab");
    const std::span<DatagramEntry> entries = DatagramEntries(ToWords(info[1], name + ": table"));
    const auto size = static_cast<int64_t>(entries.size());
    const int64_t first = ToInteger(info[2], name + ": first", 0, size);
    const int64_t count = ToInteger(info[3], name + ": count", 0, size - first);
    for (DatagramEntry& entry : entries.subspan(static_cast<size_t>(first), static_cast<size_t>(count))) {
      const auto offset = static_cast<uint32_t>(entry.offset);
      const auto length = static_cast<uint32_t>(entry.length);
      if (uint64_t{offset} + length + overhead > slab.size()) {
        ThrowRange(info.Env(), name + ": an entry and its overhead",
                   "within the slab's " + std::to_string(slab.size()) + " bytes",
                   "offset " + std::to_string(entry.offset) + " and length " + std::to_string(entry.length));
      }
      entry.length = process(slab.subspan(offset, length + overhead), length);
    }
  }

  void Close(const Napi::CallbackInfo&) { core_.reset(); }

  std::unique_ptr<SrtpContext> core_;
};

}  // namespace

void InitSrtpContext(Napi::Env env, Napi::Object exports) {
  exports.Set("SrtpContext", SrtpContextJs::Define(env));
}

}  // namespace roomrtc::binding
