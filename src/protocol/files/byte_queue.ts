/**
 * Bytes of a file or stream between the chunks they come in and the records they hold: appended at one end, taken from the other.
 * Memory is bounded by the largest record plus one chunk.
 */
export class ByteQueue {
  /** Offset in the file of the first byte held. */
  fileOffset = 0;
  /** No more bytes will come. */
  ended = false;
  private buf: Uint8Array = new Uint8Array(1 << 16);
  private from = 0;
  private to = 0;

  get length(): number {
    return this.to - this.from;
  }

  append(chunk: Uint8Array): void {
    if (this.to + chunk.length > this.buf.length) this.makeRoom(chunk.length);
    this.buf.set(chunk, this.to);
    this.to += chunk.length;
  }

  /** A view of `bytes` from `offset` on, valid until the next `append`. */
  peek(offset: number, bytes: number): Uint8Array {
    return this.buf.subarray(this.from + offset, this.from + offset + bytes);
  }

  byte(offset: number): number {
    return this.buf[this.from + offset];
  }

  /** Little-endian, as most file formats have it. */
  u16le(offset: number): number {
    return this.byte(offset) | (this.byte(offset + 1) << 8);
  }

  u32le(offset: number): number {
    return (this.u16le(offset) | (this.u16le(offset + 2) << 16)) >>> 0;
  }

  skip(bytes: number): void {
    this.from += bytes;
    this.fileOffset += bytes;
  }

  private makeRoom(bytes: number): void {
    const held = this.length;
    // Twice what is needed, so that the copying stays in proportion.
    const target = 2 * (held + bytes) > this.buf.length ? new Uint8Array(2 * (held + bytes)) : this.buf;
    target.set(this.buf.subarray(this.from, this.to));
    this.buf = target;
    this.from = 0;
    this.to = held;
  }
}
