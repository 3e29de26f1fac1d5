#include "image_args.h"

namespace roomrtc::binding {

namespace {

constexpr std::string_view kFormats[] = {"I420", "NV12", "YUY2", "RGB24", "RAW", "ARGB", "ABGR", "MJPG"};

PlaneLayout ToPlaneLayout(const Napi::Value& value, const std::string& name) {
  constexpr int64_t kMaxOffset = int64_t{1} << 40;
  if (!value.IsObject()) ThrowType(value, name, "an object {offset, stride}");
  const Napi::Object object = value.As<Napi::Object>();
  PlaneLayout plane;
  plane.offset = static_cast<uint64_t>(ToInteger(object.Get("offset"), name + ".offset", 0, kMaxOffset));
  plane.stride = static_cast<int>(ToInteger(object.Get("stride"), name + ".stride", 0, 1 << 28));
  return plane;
}

}  // namespace

ImageLayout ToImageLayout(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) ThrowType(value, name, "an object {format, width, height, planes}");
  const Napi::Object object = value.As<Napi::Object>();
  ImageLayout layout;
  layout.format = static_cast<PixelFormat>(ToChoice(object.Get("format"), name + ".format", kFormats));
  layout.width = static_cast<int>(ToInteger(object.Get("width"), name + ".width", 1, kMaxImageSide));
  layout.height = static_cast<int>(ToInteger(object.Get("height"), name + ".height", 1, kMaxImageSide));
  const Napi::Value planes = object.Get("planes");
  const size_t wanted = PlaneCount(layout.format);
  if (!planes.IsArray() || planes.As<Napi::Array>().Length() != wanted) {
    ThrowType(planes, name + ".planes",
              "an array of " + std::to_string(wanted) + " planes for " + PixelFormatName(layout.format));
  }
  layout.planeCount = wanted;
  for (size_t i = 0; i < wanted; ++i) {
    const auto index = static_cast<uint32_t>(i);
    layout.planes[i] =
        ToPlaneLayout(planes.As<Napi::Array>().Get(index), name + ".planes[" + std::to_string(i) + "]");
  }
  return layout;
}

Image ToImage(const Napi::CallbackInfo& info, size_t index, const std::string& function,
              const std::string& argument) {
  const std::string name = function + ": " + argument;
  const std::span<uint8_t> buffer = ToBytes(info[index], name);
  return BindImage(ToImageLayout(info[index + 1], name + "Layout"), buffer, name);
}

}  // namespace roomrtc::binding
