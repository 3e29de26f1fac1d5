import { native } from "../../../native/addon.js";
import { type PictureInput, PushedInput } from "../../media/inputs/media_input.js";
import { i420Bytes } from "../../protocol/primitives/i420.js";
import { createLocalTrack, type MediaStreamTrack } from "../media_stream_track.js";
import { bytesOf, checkLength, sizeOf } from "./bytes.js";

export interface RTCVideoSourceInit {
  /** What is shown is text and drawings rather than a camera's picture. */
  readonly isScreencast?: boolean;
  readonly needsDenoising?: boolean;
}

/** A tightly packed I420 picture: Y, U, V; chroma planes of (width+1)/2 by (height+1)/2. */
export interface RTCVideoFrame {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayBufferView | ArrayBufferLike;
  /** Degrees clockwise by which it is to be turned before it is shown: 0, 90, 180 or 270. Peers are told. */
  readonly rotation?: number;
}

/** A source of pictures that the program makes: every frame goes to all connections that send one of its tracks. */
export class RTCVideoSource {
  readonly isScreencast: boolean;
  /** null: the program did not say. */
  readonly needsDenoising: boolean | null;
  readonly #input: PictureInput = new PushedInput("video");

  constructor(init: RTCVideoSourceInit = {}) {
    this.isScreencast = Boolean(init.isScreencast);
    this.needsDenoising = init.needsDenoising === undefined ? null : Boolean(init.needsDenoising);
  }

  createTrack(): MediaStreamTrack {
    return createLocalTrack({ kind: "video", label: "RTCVideoSource", input: this.#input });
  }

  /**
   * Sends one picture, as taken now. Its bytes are copied before this returns; with the encoder behind, the picture is
   * dropped. Throws a TypeError when the data's length is not that of an I420 picture of this size, or the rotation none of a quarter.
   */
  onFrame(frame: RTCVideoFrame): void {
    const width = sizeOf("width", frame.width, 65_535);
    const height = sizeOf("height", frame.height, 65_535);
    const data = bytesOf("data", frame.data);
    checkLength("data", data, i420Bytes(width, height));
    const quarterTurns = quarterTurnsOf(frame.rotation ?? 0);
    this.#input.push({ width, height, data, quarterTurns, captureTimeUs: native.monotonicUs() });
  }
}

function quarterTurnsOf(rotation: number): number {
  if ([0, 90, 180, 270].includes(rotation)) return rotation / 90;
  throw new TypeError(`rotation is 0, 90, 180 or 270, not ${rotation}`);
}
