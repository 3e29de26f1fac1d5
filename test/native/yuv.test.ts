import assert from "node:assert/strict";
import { type ImageLayout, native, type PixelFormat } from "../../native/addon.js";
import { drawMoving, i420Bytes, i420Layout, packedLayout, psnr, sharedBytes } from "./pictures.js";

/** BT.601 video range (ITU-R BT.601-7 §2.5.3) of R, G, B in 0..255. */
function bt601([red, green, blue]: readonly number[]): number[] {
  return [
    16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255,
    128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255,
    128 + (112 * red - 93.786 * green - 18.214 * blue) / 255,
  ];
}

const byteOrders: readonly [PixelFormat, readonly number[]][] = [
  ["RGB24", [2, 1, 0]],
  ["RAW", [0, 1, 2]],
  ["ARGB", [2, 1, 0, 3]],
  ["ABGR", [0, 1, 2, 3]],
];

function assertNear(found: number, wanted: number, what: string): void {
  assert.ok(Math.abs(found - wanted) <= 2, `${what}: found ${found}, wanted ${wanted}`);
}

function assertFlat(picture: Uint8Array, width: number, height: number, wanted: readonly number[]): void {
  const planes = i420Layout(width, height).planes;
  for (const [index, { offset }] of planes.entries()) {
    const end = planes[index + 1]?.offset ?? i420Bytes(width, height);
    for (let i = offset; i < end; i++) assertNear(picture[i], wanted[index], `plane ${index}, sample ${i}`);
  }
}

describe("native convertImage", () => {
  for (const [format, order] of byteOrders) {
    for (const [width, height] of [
      [64, 16],
      [33, 17],
      [1, 1],
    ]) {
      it(`turns ${format} of ${width}x${height} into BT.601 video range, padded rows and shared memory included`, () => {
        const colour = [200, 60, 20, 255];
        const stride = width * order.length + 13;
        const source = sharedBytes(7 + stride * height);
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            for (const [i, channel] of order.entries())
              source[7 + y * stride + x * order.length + i] = colour[channel];
          }
        }
        const target = sharedBytes(i420Bytes(width, height));
        const layout = packedLayout(format, width, height, stride, 7);
        native.convertImage(source, layout, target, i420Layout(width, height));
        assertFlat(target, width, height, bt601(colour));
      });
    }
  }

  it("gives NV12 its chroma interleaved, U first, and takes it apart again", () => {
    const [width, height] = [6, 4];
    const planar = new Uint8Array(i420Bytes(width, height));
    planar.fill(50, 0, 24).fill(60, 24, 30).fill(70, 30, 36);
    const nv12: ImageLayout = {
      format: "NV12",
      width,
      height,
      planes: [
        { offset: 0, stride: width },
        { offset: 24, stride: width },
      ],
    };
    const semi = new Uint8Array(36);
    native.convertImage(planar, i420Layout(width, height), semi, nv12);
    assert.deepEqual([...semi.subarray(22, 28)], [50, 50, 60, 70, 60, 70]);
    const back = new Uint8Array(planar.length);
    native.convertImage(semi, nv12, back, i420Layout(width, height));
    assert.deepEqual(back, planar);
  });

  it("reads YUY2 as Y U Y V", () => {
    const source = new Uint8Array(4 * 2 * 2).map((_, i) => [10, 20, 30, 40][i % 4]);
    const target = new Uint8Array(i420Bytes(4, 2));
    native.convertImage(source, packedLayout("YUY2", 4, 2, 8), target, i420Layout(4, 2));
    assert.deepEqual([...target], [10, 30, 10, 30, 10, 30, 10, 30, 20, 20, 40, 40]);
  });

  it("leaves the bytes around its target alone", () => {
    const target = new Uint8Array(2000).fill(0xee);
    const layout: ImageLayout = {
      format: "I420",
      width: 5,
      height: 3,
      planes: [
        { offset: 100, stride: 32 },
        { offset: 400, stride: 32 },
        { offset: 700, stride: 32 },
      ],
    };
    const touched = new Set<number>();
    for (const [plane, [width, height]] of [
      [5, 3],
      [3, 2],
      [3, 2],
    ].entries()) {
      const { offset, stride } = layout.planes[plane];
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) touched.add(offset + y * stride + x);
    }
    native.convertImage(new Uint8Array(5 * 3 * 3), packedLayout("RAW", 5, 3, 15), target, layout);
    for (const [i, value] of target.entries()) assert.equal(value === 0xee, !touched.has(i), `byte ${i}`);
  });

  it("refuses planes outside their buffers, naming plane, need and buffer", () => {
    const small = new Uint8Array(i420Bytes(64, 48) - 1);
    const source = new Uint8Array(64 * 48 * 4);
    assert.throws(
      () => native.convertImage(source, packedLayout("ARGB", 64, 48, 256), small, i420Layout(64, 48)),
      {
        name: "Error",
        code: "OUT_OF_RANGE",
        message: /target: I420 plane 2 needs 768 bytes at offset 3840, the buffer has 4607/,
      },
    );
    assert.throws(
      () => native.convertImage(source, packedLayout("ARGB", 64, 48, 255), small, i420Layout(64, 48)),
      { code: "OUT_OF_RANGE", message: /source: ARGB plane 0 needs a stride of at least 256, found 255/ },
    );
  });

  it("refuses other sizes, conversions that do not exist and JPEGs that are none", () => {
    const bytes = new Uint8Array(100_000);
    const argb = packedLayout("ARGB", 16, 16, 64);
    assert.throws(() => native.convertImage(bytes, argb, bytes, i420Layout(16, 18)), {
      code: "SIZE_MISMATCH",
    });
    assert.throws(() => native.convertImage(bytes, argb, bytes, packedLayout("RAW", 16, 16, 48)), {
      code: "UNSUPPORTED_CONVERSION",
      message: /ARGB to RAW/,
    });
    assert.throws(
      () => native.convertImage(bytes, packedLayout("MJPG", 16, 16, 0), bytes.slice(), i420Layout(16, 16)),
      { code: "DAMAGED_IMAGE" },
    );
  });

  it("names the bad part of a layout", () => {
    const bytes = new Uint8Array(1000);
    const good = i420Layout(16, 16);
    const convert = (layout: unknown): void =>
      native.convertImage(bytes, layout as ImageLayout, bytes.slice(), good);
    const refused: [unknown, RegExp][] = [
      [undefined, /sourceLayout must be an object .*found undefined/],
      [{ ...good, format: "YV12" }, /sourceLayout\.format must be one of "I420" .*found "YV12"/],
      [{ ...good, width: 0 }, /sourceLayout\.width must be an integer from 1 to 16384, found 0/],
      [{ ...good, height: 2.5 }, /sourceLayout\.height must be an integer .*found 2\.5/],
      [{ ...good, planes: [] }, /sourceLayout\.planes must be an array of 3 planes for I420/],
      [
        { ...good, planes: [{ offset: -1, stride: 16 }, good.planes[1], good.planes[2]] },
        /planes\[0\]\.offset/,
      ],
    ];
    for (const [layout, message] of refused) assert.throws(() => convert(layout), { message });
    assert.throws(() => native.convertImage([1] as unknown as Uint8Array, good, bytes, good), {
      code: "INVALID_ARGUMENT",
      message: "convertImage: source must be a Uint8Array, found an array",
    });
  });
});

describe("native scaleImage", () => {
  it("halves and doubles a smooth picture without losing it", () => {
    const [width, height] = [160, 90];
    const large = new Uint8Array(i420Bytes(width, height));
    for (let i = 0; i < large.length; i++) large[i] = 100 + 50 * Math.sin((i % width) / 20);
    const small = new Uint8Array(i420Bytes(80, 45));
    const again = new Uint8Array(large.length);
    native.scaleImage(large, i420Layout(width, height), small, i420Layout(80, 45), "box");
    native.scaleImage(small, i420Layout(80, 45), again, i420Layout(width, height), "bilinear");
    assert.ok(psnr(large, again, width * height) > 35);
  });

  it("takes odd sizes with every filter", () => {
    const source = new Uint8Array(i420Bytes(101, 57));
    drawMoving(source, 101, 57, 0);
    for (const filter of ["none", "linear", "bilinear", "box"] as const) {
      const target = new Uint8Array(i420Bytes(33, 19));
      native.scaleImage(source, i420Layout(101, 57), target, i420Layout(33, 19), filter);
      assert.ok(target.some((value) => value > 0));
    }
  });

  it("names an unknown filter and what it may be", () => {
    const bytes = new Uint8Array(1000);
    assert.throws(
      () => native.scaleImage(bytes, i420Layout(8, 8), bytes, i420Layout(4, 4), "lanczos" as "box"),
      { message: 'scaleImage: filter must be one of "none" "linear" "bilinear" "box", found "lanczos"' },
    );
  });
});
