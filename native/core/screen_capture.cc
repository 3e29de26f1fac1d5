#include "screen_capture.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#include <algorithm>
#include <utility>

#include "coded_error.h"
#include "cursor_overlay.h"
#include "image.h"
#include "yuv.h"

namespace roomrtc {

namespace {

constexpr int kBytesPerPixel = 4;
constexpr uint32_t kAllPlanes = ~0u;

/// XCB's replies are malloc's.
template <typename T>
using Reply = std::unique_ptr<T, decltype(&free)>;

template <typename T>
Reply<T> Own(T* reply) {
  return {reply, &free};
}

size_t BytesOf(const ScreenArea& area) {
  return static_cast<size_t>(area.width) * area.height * kBytesPerPixel;
}

/// The part of `area` inside of `bounds`, its sides made even as encoders want them.
ScreenArea ClipEven(const ScreenArea& area, const ScreenArea& bounds) {
  const int left = std::max(area.x, bounds.x);
  const int top = std::max(area.y, bounds.y);
  const int width = std::min(area.x + area.width, bounds.x + bounds.width) - left;
  const int height = std::min(area.y + area.height, bounds.y + bounds.height) - top;
  if (width < 2 || height < 2) return {left, top, 0, 0};
  return {left, top, width & ~1, height & ~1};
}

std::string Text(const ScreenArea& area) {
  return std::to_string(area.x) + "," + std::to_string(area.y) + "," + std::to_string(area.width) + "x" +
         std::to_string(area.height);
}

std::string HexText(uint32_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (; number != 0 || text.empty(); number >>= 4) text.insert(text.begin(), kDigits[number & 15]);
  return "0x" + text;
}

}  // namespace

/// System V shared memory that the server has mapped as well.
class ShmSegment {
 public:
  ShmSegment(const XcbLibrary& xcb, xcb_connection_t* connection, size_t bytes)
      : xcb_(xcb), connection_(connection), bytes_(bytes) {
    const int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600);
    if (id == -1) return;
    void* address = shmat(id, nullptr, 0);
    if (address != reinterpret_cast<void*>(-1)) {
      address_ = static_cast<uint8_t*>(address);
      Attach(id);
    }
    // Lives on while it is mapped, and ends with the last mapping even if this process is killed.
    shmctl(id, IPC_RMID, nullptr);
  }

  ~ShmSegment() {
    if (attached_) xcb_.shm_detach(connection_, segment_);
    if (address_) shmdt(address_);
  }

  ShmSegment(const ShmSegment&) = delete;
  ShmSegment& operator=(const ShmSegment&) = delete;

  bool attached() const { return attached_; }
  size_t bytes() const { return bytes_; }
  uint8_t* address() const { return address_; }
  xcb_shm_seg_t segment() const { return segment_; }

 private:
  void Attach(int id) {
    segment_ = xcb_.generate_id(connection_);
    const auto cookie = xcb_.shm_attach_checked(connection_, segment_, static_cast<uint32_t>(id), 0);
    attached_ = Own(xcb_.request_check(connection_, cookie)) == nullptr;
  }

  const XcbLibrary& xcb_;
  xcb_connection_t* connection_;
  size_t bytes_;
  uint8_t* address_ = nullptr;
  xcb_shm_seg_t segment_ = 0;
  bool attached_ = false;
};

ScreenCapture::ScreenCapture(ScreenRequest request)
    : request_(std::move(request)), xcb_(XcbLibrary::Load()), connection_(nullptr, {xcb_.disconnect}) {
  int number = 0;
  connection_.reset(xcb_.connect(request_.display.c_str(), &number));
  if (xcb_.connection_has_error(connection_.get())) {
    throw CodedError(
        "SCREEN_UNAVAILABLE",
        "display \"" + request_.display +
            "\": could not connect; is an X server running there, and may this user use it (xauth, "
            "XAUTHORITY)?");
  }
  FindScreen(number);
  RequirePixelFormat();
  RequireRegion();
  hasShm_ = Has(xcb_.shmId);
  if (Has(xcb_.xfixesId)) AskXfixes();
}

// The segment says goodbye on the connection.
ScreenCapture::~ScreenCapture() { segment_.reset(); }

void ScreenCapture::FindScreen(int number) {
  xcb_screen_iterator_t screens = xcb_.setup_roots_iterator(xcb_.get_setup(connection_.get()));
  for (; number > 0 && screens.rem > 1; --number) xcb_.screen_next(&screens);
  screen_ = screens.data;
}

void ScreenCapture::RequirePixelFormat() {
  const xcb_setup_t* setup = xcb_.get_setup(connection_.get());
  const xcb_format_t* formats = xcb_.setup_pixmap_formats(setup);
  const bool fits = setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST &&
                    std::any_of(formats, formats + xcb_.setup_pixmap_formats_length(setup),
                                [&](const xcb_format_t& format) {
                                  return format.depth == screen_->root_depth && format.bits_per_pixel == 32;
                                });
  bool bgr = false;
  for (auto depths = xcb_.screen_allowed_depths_iterator(screen_); depths.rem > 0; xcb_.depth_next(&depths)) {
    const xcb_visualtype_t* visuals = xcb_.depth_visuals(depths.data);
    bgr = bgr || std::any_of(visuals, visuals + xcb_.depth_visuals_length(depths.data),
                             [&](const xcb_visualtype_t& visual) { return IsBgrVisual(visual); });
  }
  if (fits && bgr) return;
  throw CodedError("SCREEN_UNSUITABLE", "display \"" + request_.display + "\" has a depth of " +
                                            std::to_string(screen_->root_depth) +
                                            "; screens of 24 or 32 bits a pixel are captured");
}

bool ScreenCapture::IsBgrVisual(const xcb_visualtype_t& visual) const {
  return visual.visual_id == screen_->root_visual && visual.red_mask == 0xff0000 &&
         visual.green_mask == 0xff00 && visual.blue_mask == 0xff;
}

void ScreenCapture::RequireRegion() {
  if (request_.window != 0) {
    const auto cookie = xcb_.get_geometry(connection_.get(), request_.window);
    if (Own(xcb_.get_geometry_reply(connection_.get(), cookie, nullptr))) return;
    throw CodedError("SCREEN_UNAVAILABLE", "display \"" + request_.display + "\" has no window " +
                                               HexText(request_.window) + "; xwininfo tells a window's id");
  }
  if (!request_.region) return;
  const ScreenArea whole = RootArea();
  const ScreenArea& region = *request_.region;
  const bool inside = region.x >= 0 && region.y >= 0 && region.width >= 2 && region.height >= 2 &&
                      region.x + region.width <= whole.width && region.y + region.height <= whole.height;
  if (inside) return;
  throw CodedError("SCREEN_UNSUITABLE", "region " + Text(region) + " is not inside of display \"" +
                                            request_.display + "\", which shows " + Text(whole));
}

bool ScreenCapture::Has(xcb_extension_t* extension) {
  const xcb_query_extension_reply_t* found = xcb_.get_extension_data(connection_.get(), extension);
  return found && found->present;
}

// The server answers no other request of XFIXES before this one; GetCursorImage came with version 1.
void ScreenCapture::AskXfixes() {
  const auto cookie = xcb_.xfixes_query_version(connection_.get(), 1, 0);
  hasXfixes_ = Own(xcb_.xfixes_query_version_reply(connection_.get(), cookie, nullptr)) != nullptr;
}

void ScreenCapture::Lost(const std::string& what) const {
  throw CodedError("SCREEN_LOST", "display \"" + request_.display + "\": " + what);
}

void ScreenCapture::RequireConnection() {
  if (xcb_.connection_has_error(connection_.get())) Lost("the X server closed the connection");
}

ScreenArea ScreenCapture::RootArea() {
  const auto cookie = xcb_.get_geometry(connection_.get(), screen_->root);
  const auto root = Own(xcb_.get_geometry_reply(connection_.get(), cookie, nullptr));
  if (!root) Lost("the X server closed the connection");
  return {0, 0, root->width, root->height};
}

ScreenArea ScreenCapture::WindowArea() {
  xcb_connection_t* connection = connection_.get();
  const auto geometryCookie = xcb_.get_geometry(connection, request_.window);
  const auto placeCookie = xcb_.translate_coordinates(connection, request_.window, screen_->root, 0, 0);
  const auto stateCookie = xcb_.get_window_attributes(connection, request_.window);
  const auto geometry = Own(xcb_.get_geometry_reply(connection, geometryCookie, nullptr));
  const auto place = Own(xcb_.translate_coordinates_reply(connection, placeCookie, nullptr));
  const auto state = Own(xcb_.get_window_attributes_reply(connection, stateCookie, nullptr));
  if (!geometry || !place || !state) {
    RequireConnection();
    Lost("window " + HexText(request_.window) + " was closed");
  }
  if (state->map_state != XCB_MAP_STATE_VIEWABLE) return {};
  return {place->dst_x, place->dst_y, geometry->width, geometry->height};
}

ScreenArea ScreenCapture::Area() {
  const ScreenArea root = RootArea();
  if (request_.window != 0) return ClipEven(WindowArea(), root);
  return ClipEven(request_.region.value_or(root), root);
}

bool ScreenCapture::MakeSegment(size_t bytes) {
  if (segment_ && segment_->bytes() >= bytes) return true;
  segment_.reset();
  segment_ = std::make_unique<ShmSegment>(xcb_, connection_.get(), bytes);
  if (segment_->attached()) return true;
  segment_.reset();
  // A server on another machine, or in another container: by the connection from now on.
  hasShm_ = false;
  return false;
}

uint8_t* ScreenCapture::FetchShared(const ScreenArea& area) {
  if (!hasShm_ || !MakeSegment(BytesOf(area))) return nullptr;
  xcb_connection_t* connection = connection_.get();
  const auto cookie = xcb_.shm_get_image(connection, screen_->root, static_cast<int16_t>(area.x),
                                         static_cast<int16_t>(area.y), static_cast<uint16_t>(area.width),
                                         static_cast<uint16_t>(area.height), kAllPlanes,
                                         XCB_IMAGE_FORMAT_Z_PIXMAP, segment_->segment(), 0);
  const auto reply = Own(xcb_.shm_get_image_reply(connection, cookie, nullptr));
  return reply ? segment_->address() : nullptr;
}

uint8_t* ScreenCapture::FetchCopied(const ScreenArea& area) {
  xcb_connection_t* connection = connection_.get();
  const auto cookie =
      xcb_.get_image(connection, XCB_IMAGE_FORMAT_Z_PIXMAP, screen_->root, static_cast<int16_t>(area.x),
                     static_cast<int16_t>(area.y), static_cast<uint16_t>(area.width),
                     static_cast<uint16_t>(area.height), kAllPlanes);
  copied_ = Own(xcb_.get_image_reply(connection, cookie, nullptr));
  if (!copied_) return nullptr;
  const auto length = static_cast<size_t>(xcb_.get_image_data_length(copied_.get()));
  return length >= BytesOf(area) ? xcb_.get_image_data(copied_.get()) : nullptr;
}

void ScreenCapture::DrawCursor(uint8_t* pixels, const ScreenArea& area,
                               xcb_xfixes_get_cursor_image_cookie_t cookie) {
  const auto cursor = Own(xcb_.xfixes_get_cursor_image_reply(connection_.get(), cookie, nullptr));
  if (!cursor) return;
  const size_t count = static_cast<size_t>(cursor->width) * cursor->height;
  const PixelView target{pixels, area.width, area.height, area.width * kBytesPerPixel};
  OverlayCursor(target, {xcb_.xfixes_get_cursor_image_cursor_image(cursor.get()), count}, cursor->width,
                cursor->x - cursor->xhot - area.x, cursor->y - cursor->yhot - area.y);
}

ScreenArea ScreenCapture::PictureOf(const ScreenArea& area) const {
  if (request_.largestWidth == 0 || area.width == 0) return area;
  const double across = static_cast<double>(request_.largestWidth) / area.width;
  const double down = static_cast<double>(request_.largestHeight) / area.height;
  const double scale = std::min({1.0, across, down});
  const auto side = [&](int length) { return std::max(2, static_cast<int>(length * scale) & ~1); };
  return {area.x, area.y, side(area.width), side(area.height)};
}

void ScreenCapture::Convert(uint8_t* pixels, const ScreenArea& area, const Image& target) {
  Image source;
  source.format = PixelFormat::kArgb;
  source.width = area.width;
  source.height = area.height;
  source.planes[0] = pixels;
  source.strides[0] = area.width * kBytesPerPixel;
  if (target.width == area.width && target.height == area.height) return ConvertImage(source, target);
  whole_.resize(TightI420Bytes(area.width, area.height));
  const Image whole = BindImage(TightI420(area.width, area.height), whole_, "ScreenCapture: whole picture");
  ConvertImage(source, whole);
  ScaleImage(whole, target, ScaleFilter::kBox);
}

size_t ScreenCapture::Capture(std::span<uint8_t> out, ScreenArea& shown) {
  const ScreenArea area = Area();
  shown = PictureOf(area);
  if (shown.width == 0) return 0;
  const Image target = BindImage(TightI420(shown.width, shown.height), out, "ScreenCapture.capture: out");
  // Asked for before the picture is waited for: both answers come together.
  xcb_xfixes_get_cursor_image_cookie_t cursor{};
  if (hasXfixes_) cursor = xcb_.xfixes_get_cursor_image(connection_.get());
  uint8_t* pixels = FetchShared(area);
  shared_ = pixels != nullptr;
  if (!pixels) pixels = FetchCopied(area);
  if (!pixels) {
    if (hasXfixes_) xcb_.discard_reply(connection_.get(), cursor.sequence);
    RequireConnection();
    // The screen became smaller in between: the next picture fits.
    return 0;
  }
  if (hasXfixes_) DrawCursor(pixels, area, cursor);
  Convert(pixels, area, target);
  return TightI420Bytes(shown.width, shown.height);
}

}  // namespace roomrtc
