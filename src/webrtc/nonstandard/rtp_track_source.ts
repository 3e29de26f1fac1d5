import { EncodedPush, type PacketInput } from "../../media/inputs/encoded_input.js";
import type { MediaKind } from "../../media/transport_api.js";
import { eventTarget } from "../event_target.js";
import { createLocalTrack, type MediaStreamTrack } from "../media_stream_track.js";
import { defineInterface } from "../web_idl.js";
import { bytesOf } from "./bytes.js";
import { KeyframeAsker } from "./keyframe_asker.js";
import { type TrackCodec, trackFormat } from "./track_codec.js";

export interface RTPTrackSourceInit {
  readonly codec: TrackCodec;
  readonly label?: string;
}

/**
 * A source of RTP packets that come from elsewhere: another call, FFmpeg, a camera. Every peer gets them under its own payload type,
 * SSRC, header extensions, sequence numbers and timestamps, which go on when the packets come from another source from now on; holes
 * stay. Fires `keyframerequest` when some peer cannot go on without a keyframe.
 */
export class RTPTrackSource extends eventTarget<{ keyframerequest: Event }>() {
  readonly kind: MediaKind;
  readonly #input: PacketInput;
  readonly #label: string;
  readonly #asker = new KeyframeAsker(() => this.dispatchEvent(new Event("keyframerequest")));

  constructor(init: RTPTrackSourceInit) {
    super();
    const format = trackFormat(init?.codec);
    this.kind = format.kind;
    this.#label = String(init.label ?? "RTPTrackSource");
    this.#input = new EncodedPush(this.kind, "packet", format, () => this.#asker.ask());
  }

  /** Whether some connection sends it. */
  get connected(): boolean {
    return this.#input.connected;
  }

  createTrack(): MediaStreamTrack {
    return createLocalTrack({ kind: this.kind, label: this.#label, input: this.#input });
  }

  /**
   * Sends one whole packet, the moment it came; its bytes are copied before this returns. What is no RTP is dropped, as
   * anything from a network is; a TypeError is thrown only for what is no bytes.
   */
  writeRtp(packet: ArrayBufferView | ArrayBufferLike): void {
    this.#input.push({ data: bytesOf("packet", packet) });
  }
}
defineInterface(RTPTrackSource, { handlers: ["keyframerequest"], length: 1 });
