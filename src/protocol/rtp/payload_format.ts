/** What a video payload format must do for the sender, and answer so that the jitter buffer can order, check and assemble. */

/** Cuts frames into RTP payloads. */
export interface FramePacketizer {
  /** Begins the frame in the first `length` bytes; payloads will be at most `maxPayload` bytes. False: it cannot be sent. */
  begin(frame: Uint8Array, length: number, maxPayload: number): boolean;
  /** Writes the next payload at `target[offset…]`; returns its bytes, 0 when the frame is done. */
  next(target: Uint8Array, offset: number): number;
  /** Whether the payload just written ends the frame: its packet carries the marker. */
  readonly isLast: boolean;
}

/** What one payload shows of its access unit, before anything is put together; an OR of these. */
export const PayloadTraits = {
  /** Belongs to the coded picture of a keyframe. */
  keyframe: 1,
  /** Decoding may begin with this packet: H.264, a sequence parameter set; VP8, a keyframe's first partition. */
  randomAccess: 2,
  /** Holds a picture parameter set. */
  parameterSet: 4,
  /** Begins a keyframe's picture, to be decoded with parameter sets that came before. */
  keyframeStart: 8,
  /** Part of a picture that others may refer to. */
  reference: 16,
} as const;

/** Puts the payloads of one access unit together in a caller's buffer; `H264Depacketizer` is one. */
export interface AccessUnitAssembler {
  /** Looks into one payload: an OR of {@link PayloadTraits}, 0 for what does not parse. */
  inspect(buf: Uint8Array, offset: number, length: number): number;
  start(out: Uint8Array, offset: number): void;
  /** Adds a payload in sequence order; false: it does not fit in. */
  push(buf: Uint8Array, offset: number, length: number): boolean;
  /**
   * Whether the payload begins the access unit right behind the last one, whatever packets went between: VP8 numbers its pictures. Absent:
   * the format does not show it.
   */
  follows?(buf: Uint8Array, offset: number, length: number): boolean;
  /** Bytes written; 0 when the access unit must not reach a decoder. */
  finish(): number;
  /** Of what was pushed since `start`: */
  readonly keyframe: boolean;
  readonly hasPicture: boolean;
  readonly hasParameterSets: boolean;
  readonly overflow: boolean;
}
