import { type ImageLayout, native } from "../../../native/addon.js";
import { macroblocksOf } from "../../protocol/h264/level_limits.js";
import { Descriptor } from "../ring/descriptor.js";
import { ImageLayoutCache } from "./image_layout.js";

/** What the encoders take at least. */
const MIN_SIDE = 16;
const UNLIMITED = Number.POSITIVE_INFINITY;

/** What decides on a size. */
interface SizeWishes {
  readonly scaleResolutionDownBy: number;
  readonly maxMacroblocks?: number;
}

/** One size of the source's pictures, in memory of its own. */
interface Size {
  readonly by: number;
  readonly maxMacroblocks: number;
  readonly picture: Descriptor;
  bytes: Uint8Array;
  layout: ImageLayout;
  /** Whether {@link bytes} hold the present picture. */
  current: boolean;
}

/** The present picture of a source in the sizes that encodings want: each is made once a picture, at its first use. */
export class PictureScaler {
  /** What the last {@link select} chose. */
  picture = new Descriptor();
  bytes: Uint8Array = new Uint8Array(0);
  readonly #layouts = new ImageLayoutCache();
  #sizes: Size[] = [];
  #source = this.picture;
  #image = this.bytes;

  /** Lets go of the memory of sizes that nobody wants any more. */
  keep(wishes: readonly SizeWishes[]): void {
    this.#sizes = this.#sizes.filter(({ by, maxMacroblocks }) =>
      wishes.some(
        (wish) => wish.scaleResolutionDownBy === by && (wish.maxMacroblocks ?? UNLIMITED) === maxMacroblocks,
      ),
    );
  }

  /** The next picture; its bytes must stay until the last {@link select}. */
  set(picture: Descriptor, image: Uint8Array): void {
    this.#source = picture;
    this.#image = image;
    for (let i = 0; i < this.#sizes.length; i++) this.#sizes[i].current = false;
  }

  /** Chooses the picture with its sides divided by `by`, 1 or more, and by more until it has at most so many macroblocks. */
  select(by: number, maxMacroblocks = UNLIMITED): void {
    const source = this.#source;
    // The shorter side reaches the encoders' least, and the shape stays.
    const most = Math.max(1, Math.min(source.width, source.height) / MIN_SIDE);
    const factor = Math.min(most, fittingFactor(source, Math.max(1, by), maxMacroblocks));
    if (factor === 1) {
      this.picture = source;
      this.bytes = this.#image;
      return;
    }
    const size = this.#sizeFor(by, maxMacroblocks);
    if (!size.current) this.#scale(size, factor);
    this.picture = size.picture;
    this.bytes = size.bytes;
  }

  #sizeFor(by: number, maxMacroblocks: number): Size {
    for (let i = 0; i < this.#sizes.length; i++) {
      const size = this.#sizes[i];
      if (size.by === by && size.maxMacroblocks === maxMacroblocks) return size;
    }
    const picture = new Descriptor();
    const layout = this.#layouts.of(picture);
    const size = { by, maxMacroblocks, picture, bytes: new Uint8Array(0), layout, current: false };
    this.#sizes.push(size);
    return size;
  }

  #scale(size: Size, factor: number): void {
    const source = this.#source;
    const width = even(source.width / factor);
    const height = even(source.height / factor);
    if (size.picture.width !== width || size.picture.height !== height) resize(size, width, height);
    const { picture } = size;
    picture.flags = source.flags;
    picture.frameNumber = source.frameNumber;
    picture.captureTimeUs = source.captureTimeUs;
    picture.captureWallUs = source.captureWallUs;
    picture.enqueuedUs = source.enqueuedUs;
    native.scaleImage(this.#image, this.#layouts.of(source), size.bytes, size.layout, "box");
    size.current = true;
  }
}

/** Steps of a fiftieth: the sides round to even numbers and to macroblocks. */
const FACTOR_STEP = 1.02;

function fittingFactor({ width, height }: Descriptor, by: number, maxMacroblocks: number): number {
  if (maxMacroblocks === UNLIMITED) return by;
  let factor = Math.max(by, Math.sqrt((width * height) / (256 * maxMacroblocks)));
  while (macroblocksOf(even(width / factor), even(height / factor)) > maxMacroblocks) factor *= FACTOR_STEP;
  return factor;
}

function resize(size: Size, width: number, height: number): void {
  size.picture.setI420(width, height);
  size.bytes = new Uint8Array(size.picture.byteLength);
  size.layout = new ImageLayoutCache().of(size.picture);
}

function even(side: number): number {
  return Math.max(MIN_SIDE, Math.floor(side) & ~1);
}
