/** Samples a second inside the engine and on the wire (RFC 7587 §4.1). */
export const SAMPLE_RATE = 48_000;

/** Something that gives sound at 48 kHz. */
export interface AudioSource {
  readonly channels: 1 | 2;
  /** Fills `pcm` with interleaved samples. */
  read(pcm: Int16Array): void;
}
