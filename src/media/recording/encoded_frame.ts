import type { CodecName } from "../codecs/codec_name.js";
import type { MediaKind } from "../transport_api.js";

/** What a thread that receives media hands to a recording: a copy of one access unit or packet as it came, before it is decoded. */
export interface EncodedFrame {
  readonly kind: MediaKind;
  readonly codec: CodecName;
  readonly data: Uint8Array;
  readonly keyframe: boolean;
  readonly rtpTimestamp: number;
  /** The sender's wall clock at capture, µs since 1970; 0: not known yet. */
  readonly captureWallUs: number;
  /** Of its first packet, monotonic. */
  readonly arrivalUs: number;
}
