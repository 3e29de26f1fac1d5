import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AnnexBFileReader, framesOf, IvfReader } from "../../../src/media/files/index.js";
import { H264QuantizerReader } from "../../../src/protocol/h264/quantizer.js";
import { vp8QuantizerOf } from "../../../src/protocol/vp8/quantizer.js";
import { ffmpeg } from "../../support/ffmpeg.js";

/** The quantizer of each picture's first slice, as FFmpeg reads the headers. */
function traced(path: string): number[] {
  const args = ["-v", "trace", "-i", path, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"];
  const { stderr } = spawnSync("ffmpeg", args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  // The demuxer's own look at the stream's head comes first, with other names before its lines.
  const fields = stderr.matchAll(
    /^\[trace_headers.*?\] \d+\s+(pic_init_qp_minus26|first_mb_in_slice|slice_qp_delta)\s.*= (-?\d+)$/gm,
  );
  const found: number[] = [];
  let initial = 0;
  let isFirst = false;
  for (const [, name, value] of fields) {
    if (name === "pic_init_qp_minus26") initial = 26 + Number(value);
    else if (name === "first_mb_in_slice") isFirst = Number(value) === 0;
    else if (isFirst) found.push(initial + Number(value));
  }
  return found;
}

describe("the quantizer of encoded pictures", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-quantizer-"));
  });

  after(() => rmSync(folder, { recursive: true }));

  const pictures = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15:duration=2,fade=out:8:20"];
  const settings: Readonly<Record<string, readonly string[]>> = {
    "Constrained Baseline": ["-profile:v", "baseline", "-b:v", "200k", "-x264-params", "keyint=15"],
    "High: CABAC, B frames, weights": ["-crf", "25", "-x264-params", "keyint=20:bframes=3:weightp=2:ref=4"],
    "open GOPs and long reference lists": ["-crf", "30", "-x264-params", "open-gop=1:b-pyramid=normal:ref=6"],
    "slices, interlaced": ["-crf", "23", "-flags", "+ildct", "-x264-params", "slices=4:tff=1"],
    "4:4:4": ["-pix_fmt", "yuv444p", "-crf", "28"],
  };

  for (const [title, args] of Object.entries(settings)) {
    it(`H.264, ${title}: is what FFmpeg reads from the same headers`, async () => {
      const path = join(folder, "pictures.h264");
      ffmpeg(...pictures, "-c:v", "libx264", "-preset", "veryfast", ...args, path);
      const reader = new H264QuantizerReader();
      const found: number[] = [];
      for await (const { data } of framesOf(path, new AnnexBFileReader({ codec: "H264" })))
        found.push(reader.read(data));
      assert.ok(found.length >= 29);
      assert.deepEqual(found, traced(path));
    });
  }

  // libvpx's table of quantizers: what its options count from 0 to 63 is y_ac_qi 0 to 127.
  for (const [option, index] of [
    [4, 4],
    [10, 12],
    [40, 59],
    [63, 127],
  ]) {
    it(`VP8, held at ${option} of libvpx's: is ${index} in every frame`, async () => {
      const path = join(folder, "pictures.ivf");
      const held = ["-qmin", `${option}`, "-qmax", `${option}`, "-b:v", "300k", "-deadline", "realtime"];
      ffmpeg(...pictures, "-c:v", "libvpx", ...held, path);
      const found = new Set<number>();
      for await (const { data } of framesOf(path, new IvfReader())) found.add(vp8QuantizerOf(data));
      assert.deepEqual([...found], [index]);
    });
  }

  it("is not known where parameter sets are missing, or bytes", () => {
    assert.equal(new H264QuantizerReader().read(Uint8Array.of(0, 0, 1, 0x41, 0x9a, 0x02, 0x04)), -1);
    assert.equal(new H264QuantizerReader().read(new Uint8Array(0)), -1);
    assert.equal(vp8QuantizerOf(Uint8Array.of(0x11, 0xff)), -1);
  });
});
