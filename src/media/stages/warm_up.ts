import { DecodedLayout, native } from "../../../native/addon.js";
import { i420Bytes, i420Layout } from "../../protocol/primitives/i420.js";
import type { CodecSettings } from "../engine_messages.js";

/** Small, but every code path of the codec runs. */
const WIDTH = 320;
const HEIGHT = 192;
const FRAMES = 4;

/** Encodes a few pictures, so that the library is loaded and its pages are there before the first call. */
export function warmUpEncoder(codec: CodecSettings): Uint8Array[] {
  const encoder = new native.H264Encoder({
    width: WIDTH,
    height: HEIGHT,
    frameRate: 30,
    bitrateBps: 500_000,
    idrInterval: 0,
    ...(codec.openH264Path === undefined ? {} : { libraryPath: codec.openH264Path }),
  });
  const picture = new Uint8Array(i420Bytes(WIDTH, HEIGHT));
  const layout = i420Layout(WIDTH, HEIGHT);
  const units: Uint8Array[] = [];
  for (let frame = 0; frame < FRAMES; frame++) {
    for (let i = 0; i < picture.length; i += 7) picture[i] = (i * (frame + 3)) >> 4;
    const out = new Uint8Array(200_000);
    const bytes = encoder.encode(picture, layout, frame * 33_333, frame === 0, out);
    if (bytes > 0) units.push(out.subarray(0, bytes));
  }
  encoder.close();
  return units;
}

/** Decodes what {@link warmUpEncoder} makes. */
export function warmUpDecoder(codec: CodecSettings): void {
  const decoder = new native.H264Decoder(
    codec.openH264Path === undefined ? {} : { libraryPath: codec.openH264Path },
  );
  const picture = new Uint8Array(WIDTH * HEIGHT * 2);
  const layout = new Int32Array(DecodedLayout.words);
  for (const unit of warmUpEncoder(codec)) decoder.decode(unit, picture, layout);
  decoder.close();
}
