// libxcb with its MIT-SHM and XFIXES parts, loaded at run time: a machine without X loads the addon all the
// same. XCB and not Xlib, since Xlib's handler of a lost connection ends the process.
#pragma once

#include <xcb/shm.h>
#include <xcb/xcb.h>
#include <xcb/xfixes.h>

namespace roomrtc {

/// The entry points, under their own names without "xcb_". The libraries stay mapped for the life of the
/// process.
struct XcbLibrary {
  /// Throws CodedError SCREEN_UNAVAILABLE with what was tried and what installs it.
  static XcbLibrary Load();

#define ROOMRTC_XCB_FUNCTIONS(X)    \
  X(connect)                        \
  X(connection_has_error)           \
  X(disconnect)                     \
  X(generate_id)                    \
  X(get_extension_data)             \
  X(get_setup)                      \
  X(setup_pixmap_formats)           \
  X(setup_pixmap_formats_length)    \
  X(setup_roots_iterator)           \
  X(screen_next)                    \
  X(screen_allowed_depths_iterator) \
  X(depth_next)                     \
  X(depth_visuals)                  \
  X(depth_visuals_length)           \
  X(get_geometry)                   \
  X(get_geometry_reply)             \
  X(get_window_attributes)          \
  X(get_window_attributes_reply)    \
  X(translate_coordinates)          \
  X(translate_coordinates_reply)    \
  X(get_image)                      \
  X(get_image_reply)                \
  X(get_image_data)                 \
  X(get_image_data_length)          \
  X(request_check)                  \
  X(discard_reply)

#define ROOMRTC_XCB_SHM_FUNCTIONS(X) \
  X(shm_attach_checked)              \
  X(shm_detach)                      \
  X(shm_get_image)                   \
  X(shm_get_image_reply)

#define ROOMRTC_XCB_XFIXES_FUNCTIONS(X) \
  X(xfixes_query_version)               \
  X(xfixes_query_version_reply)         \
  X(xfixes_get_cursor_image)            \
  X(xfixes_get_cursor_image_reply)      \
  X(xfixes_get_cursor_image_cursor_image)

#define ROOMRTC_XCB_MEMBER(name) decltype(&::xcb_##name) name = nullptr;
  ROOMRTC_XCB_FUNCTIONS(ROOMRTC_XCB_MEMBER)
  ROOMRTC_XCB_SHM_FUNCTIONS(ROOMRTC_XCB_MEMBER)
  ROOMRTC_XCB_XFIXES_FUNCTIONS(ROOMRTC_XCB_MEMBER)
#undef ROOMRTC_XCB_MEMBER

  xcb_extension_t* shmId = nullptr;
  xcb_extension_t* xfixesId = nullptr;
};

}  // namespace roomrtc
