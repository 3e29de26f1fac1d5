/** Pictures as I420 without gaps: Y, then U, then V, whose sides are halves of the picture's, rounded up. */

export function i420Bytes(width: number, height: number): number {
  return width * height + 2 * half(width) * half(height);
}

/** Where the planes lie, as the addon's functions take it (ImageLayout). */
export interface I420Layout {
  readonly format: "I420";
  readonly width: number;
  readonly height: number;
  /** Bytes from the picture's start, and from one row to the next. */
  readonly planes: readonly { readonly offset: number; readonly stride: number }[];
}

export function i420Layout(width: number, height: number): I420Layout {
  const stride = half(width);
  const luma = width * height;
  return {
    format: "I420",
    width,
    height,
    planes: [
      { offset: 0, stride: width },
      { offset: luma, stride },
      { offset: luma + stride * half(height), stride },
    ],
  };
}

function half(side: number): number {
  return (side + 1) >> 1;
}
