import { Descriptor } from "../ring/descriptor.js";

/** One a second (WebRTC 1.0 §5.2, a sender whose track gives nothing). */
const INTERVAL_US = 1_000_000;

/** The black picture that a disabled track sends, of the source's size, and when it is due. */
export class BlankPicture {
  readonly picture = new Descriptor();
  bytes = new Uint8Array(0);
  /** When the next one is to be encoded; Infinity: nobody wants black. */
  dueUs = Number.POSITIVE_INFINITY;

  /** Begins at once, or goes on. */
  begin(): void {
    if (this.dueUs === Number.POSITIVE_INFINITY) this.dueUs = 0;
  }

  end(): void {
    this.dueUs = Number.POSITIVE_INFINITY;
  }

  /** Makes the next picture. */
  advance(width: number, height: number, nowUs: number, wallOffsetUs: number): void {
    const { picture } = this;
    if (picture.width !== width || picture.height !== height) this.#paint(width, height);
    picture.frameNumber++;
    picture.captureTimeUs = nowUs;
    picture.enqueuedUs = nowUs;
    picture.captureWallUs = nowUs + wallOffsetUs;
    this.dueUs = nowUs + INTERVAL_US;
  }

  #paint(width: number, height: number): void {
    this.picture.setI420(width, height);
    this.bytes = new Uint8Array(this.picture.byteLength);
    this.bytes.fill(16, 0, this.picture.offsetU);
    this.bytes.fill(128, this.picture.offsetU);
  }
}
