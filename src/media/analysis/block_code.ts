/**
 * A frame number, a capture time and a tag written into the luma as black and white blocks: 40 columns by 4 rows
 * below the picture's top edge, cells of 32x16 pixels at 1280x720. It survives H.264 at low bitrates, scaling to a
 * quarter and a browser's colour conversion, so both ends of a call can prove which picture arrived and when it was
 * taken.
 *
 * Bits, most significant first: sync 0xB10C, frame number (32), capture time in µs modulo 2⁴⁸ (48), tag (16), CRC-32
 * of those 12 bytes, sync 0x4E3B.
 */

const COLUMNS = 40;
const ROWS = 4;
/** The picture's height in cells; the code lies in cell rows 1 to 4. */
const CELLS_HIGH = 45;
const SYNC_FIRST = 0xb10c;
const SYNC_LAST = 0x4e3b;
const DARK = 36;
const LIGHT = 216;
const NEUTRAL = 128;

/** What a block code carries. */
export interface BlockCode {
  readonly frameNumber: number;
  /** µs modulo 2⁴⁸. */
  readonly captureTimeUs: number;
  readonly tag: number;
}

/** Smallest picture that carries the code. */
export const BLOCK_CODE_MIN = { width: 160, height: 90 } as const;

/** Writes codes into I420 pictures of one size; allocates once. */
export class BlockCodeWriter {
  readonly #width: number;
  readonly #height: number;
  readonly #bits = new Uint8Array(COLUMNS * ROWS);
  readonly #payload = new Uint8Array(12);
  readonly #row: Uint8Array;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#row = new Uint8Array(width);
  }

  /** Overwrites the strip's luma and makes its chroma grey. */
  write(
    image: Uint8Array,
    layout: {
      readonly strideY: number;
      readonly strideU: number;
      readonly strideV: number;
      readonly offsetY: number;
      readonly offsetU: number;
      readonly offsetV: number;
    },
    frameNumber: number,
    captureTimeUs: number,
    tag: number,
  ): void {
    this.#fillBits(frameNumber, captureTimeUs, tag);
    for (let row = 0; row < ROWS; row++) {
      this.#drawRow(row);
      const bottom = cellTop(row + 2, this.#height);
      for (let y = cellTop(row + 1, this.#height); y < bottom; y++) {
        image.set(this.#row, layout.offsetY + y * layout.strideY);
      }
    }
    const chromaTop = cellTop(1, this.#height) >> 1;
    const chromaRows = ((cellTop(ROWS + 1, this.#height) + 1) >> 1) - chromaTop;
    const { offsetU, offsetV, strideU, strideV } = layout;
    image.fill(NEUTRAL, offsetU + chromaTop * strideU, offsetU + (chromaTop + chromaRows) * strideU);
    image.fill(NEUTRAL, offsetV + chromaTop * strideV, offsetV + (chromaTop + chromaRows) * strideV);
  }

  #fillBits(frameNumber: number, captureTimeUs: number, tag: number): void {
    const payload = this.#payload;
    const time = Math.floor(captureTimeUs);
    const view = new DataView(payload.buffer);
    view.setUint32(0, frameNumber);
    view.setUint16(4, Math.floor(time / 2 ** 32) & 0xffff);
    view.setUint32(6, time % 2 ** 32);
    view.setUint16(10, tag);
    let at = this.#put(0, SYNC_FIRST, 16);
    for (const byte of payload) at = this.#put(at, byte, 8);
    at = this.#put(at, crc32(payload), 32);
    this.#put(at, SYNC_LAST, 16);
  }

  #put(at: number, value: number, bits: number): number {
    for (let i = 0; i < bits; i++) this.#bits[at + i] = (value >>> (bits - 1 - i)) & 1;
    return at + bits;
  }

  #drawRow(row: number): void {
    for (let column = 0; column < COLUMNS; column++) {
      const left = Math.floor((column * this.#width) / COLUMNS);
      const right = Math.floor(((column + 1) * this.#width) / COLUMNS);
      this.#row.fill(this.#bits[row * COLUMNS + column] === 1 ? LIGHT : DARK, left, right);
    }
  }
}

function cellTop(cellRow: number, height: number): number {
  return Math.floor((cellRow * height) / CELLS_HIGH);
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/**
 * Reads the block code of a picture, null when there is none that holds together. `samples` are luma values, or any
 * interleaved format with `pixelStep` bytes a pixel (RGBA: step 4, first 1 for green, which equals luma in the grey
 * strip); `stride` in bytes.
 *
 * Uses nothing outside itself, so that `readBlockCode.toString()` runs in a browser page as it is.
 */
export function readBlockCode(
  samples: ArrayLike<number>,
  width: number,
  height: number,
  stride: number = width,
  pixelStep = 1,
  first = 0,
): BlockCode | null {
  const columns = 40;
  const rows = 4;
  const cellsHigh = 45;
  const cellWidth = width / columns;
  const cellHeight = height / cellsHigh;
  /** Mean of the middle half of a cell: its edges are blurred by scaling and deblocking. */
  const cellMean = (column: number, row: number): number => {
    const left = Math.floor((column + 0.25) * cellWidth);
    const right = Math.max(left + 1, Math.ceil((column + 0.75) * cellWidth));
    const top = Math.floor((row + 1.25) * cellHeight);
    const bottom = Math.max(top + 1, Math.ceil((row + 1.75) * cellHeight));
    let sum = 0;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) sum += samples[first + y * stride + x * pixelStep];
    }
    return sum / ((right - left) * (bottom - top));
  };
  const means: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) means.push(cellMean(column, row));
  }
  const darkest = Math.min(...means);
  const lightest = Math.max(...means);
  if (!(lightest - darkest > 60)) return null;
  const threshold = (darkest + lightest) / 2;
  const number = (from: number, bits: number): number => {
    let value = 0;
    for (let i = 0; i < bits; i++) value = value * 2 + (means[from + i] > threshold ? 1 : 0);
    return value;
  };
  if (number(0, 16) !== 0xb10c || number(144, 16) !== 0x4e3b) return null;
  let crc = -1;
  for (let byte = 0; byte < 12; byte++) {
    crc ^= number(16 + byte * 8, 8);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  if (~crc >>> 0 !== number(112, 32)) return null;
  return { frameNumber: number(16, 32), captureTimeUs: number(48, 48), tag: number(96, 16) };
}
