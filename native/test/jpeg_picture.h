// Flat-coloured JPEG files, as a camera in MJPG mode sends them.
#pragma once

// clang-format off: jpeglib.h needs FILE before it
#include <jpeglib.h>
#include <stdio.h>
// clang-format on

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace roomrtc::test {

struct Rgb {
  uint8_t red, green, blue;
};

/// `verticalSampling` 1: 4:2:2, 2: 4:2:0.
inline std::vector<uint8_t> MakeJpeg(int width, int height, Rgb colour, int verticalSampling) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&jpeg, &bytes, &length);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 95, TRUE);
  jpeg.comp_info[0].h_samp_factor = 2;
  jpeg.comp_info[0].v_samp_factor = verticalSampling;
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<uint8_t> row;
  for (int x = 0; x < width; ++x) row.insert(row.end(), {colour.red, colour.green, colour.blue});
  for (int y = 0; y < height; ++y) {
    JSAMPROW rows[1] = {row.data()};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::vector<uint8_t> result(bytes, bytes + length);
  std::free(bytes);
  return result;
}

}  // namespace roomrtc::test
