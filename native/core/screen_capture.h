// What an X display shows, as I420: through MIT-SHM where server and client share memory, the pointer drawn
// in.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "image.h"
#include "xcb_library.h"

namespace roomrtc {

/// On the screen, in pixels.
struct ScreenArea {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

struct ScreenRequest {
  /// As X names it: ":0", ":0.1", "host:0".
  std::string display;
  /// The part of the screen to show; all of it by default.
  std::optional<ScreenArea> region;
  /// A larger picture is scaled down until it fits, its shape kept. 0: any size is taken.
  int largestWidth = 0;
  int largestHeight = 0;
  /// A window's id: shows the part of the screen where that window lies, and whatever covers it. 0: none.
  uint32_t window = 0;
};

class ShmSegment;

/// One thread's.
class ScreenCapture {
 public:
  /// Throws CodedError SCREEN_UNAVAILABLE (no X libraries, no such display or window) or SCREEN_UNSUITABLE
  /// (pixels of another form than 8 bits of blue, green and red in 32; a region outside of the screen).
  explicit ScreenCapture(ScreenRequest request);
  ~ScreenCapture();
  ScreenCapture(const ScreenCapture&) = delete;
  ScreenCapture& operator=(const ScreenCapture&) = delete;

  /// What the next picture will show: even sides. Empty while a window is hidden. Throws SCREEN_LOST when the
  /// window or the display is gone.
  ScreenArea Area();

  /// Writes what is shown now into `out`, tight I420, and its size into `shown`. Returns the bytes written, 0
  /// when there is nothing to see. Throws SCREEN_LOST, or OUT_OF_RANGE when `out` is too small.
  size_t Capture(std::span<uint8_t> out, ScreenArea& shown);

  /// The size of the picture that shows `area`.
  ScreenArea PictureOf(const ScreenArea& area) const;

  /// Whether the last picture came through shared memory.
  bool shared() const { return shared_; }

 private:
  struct Disconnect {
    decltype(&::xcb_disconnect) call;
    void operator()(xcb_connection_t* connection) const { call(connection); }
  };

  void FindScreen(int number);
  void RequirePixelFormat();
  bool IsBgrVisual(const xcb_visualtype_t& visual) const;
  void RequireRegion();
  bool Has(xcb_extension_t* extension);
  void AskXfixes();
  ScreenArea RootArea();
  ScreenArea WindowArea();
  uint8_t* FetchShared(const ScreenArea& area);
  uint8_t* FetchCopied(const ScreenArea& area);
  bool MakeSegment(size_t bytes);
  void Convert(uint8_t* pixels, const ScreenArea& area, const Image& target);
  void DrawCursor(uint8_t* pixels, const ScreenArea& area, xcb_xfixes_get_cursor_image_cookie_t cookie);
  void RequireConnection();
  [[noreturn]] void Lost(const std::string& what) const;

  ScreenRequest request_;
  XcbLibrary xcb_;
  std::unique_ptr<xcb_connection_t, Disconnect> connection_;
  xcb_screen_t* screen_ = nullptr;
  bool hasShm_ = false;
  bool hasXfixes_ = false;
  bool shared_ = false;
  std::unique_ptr<ShmSegment> segment_;
  /// A picture that is to be scaled, as I420.
  std::vector<uint8_t> whole_;
  /// The last picture that came by the connection.
  std::unique_ptr<xcb_get_image_reply_t, decltype(&free)> copied_{nullptr, &free};
};

}  // namespace roomrtc
