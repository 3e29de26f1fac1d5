import { native } from "../../../native/addon.js";
import { isVideoFormat } from "../../media/codecs/codec_name.js";
import { isKeyframeOf, packetsOf, soundDurationUs } from "../../media/codecs/encoded_bytes.js";
import { EncodedPush, type SampleInput } from "../../media/inputs/encoded_input.js";
import type { MediaKind } from "../../media/transport_api.js";
import { eventTarget } from "../event_target.js";
import { createLocalTrack, type MediaStreamTrack } from "../media_stream_track.js";
import { defineInterface } from "../web_idl.js";
import { bytesOf } from "./bytes.js";
import { KeyframeAsker } from "./keyframe_asker.js";
import { type TrackCodec, type TrackFormat, trackFormat } from "./track_codec.js";

export interface SampleTrackSourceInit {
  readonly codec: TrackCodec;
  readonly label?: string;
}

/** One picture, as its encoder gave it out, or one packet of sound; of PCMU, PCMA and G.722 also a longer stretch. */
export interface EncodedSample {
  /** H.264, H.265: an access unit with start codes, keyframes with their parameter sets; AV1: a temporal unit of OBUs with sizes. */
  readonly data: ArrayBufferView | ArrayBufferLike;
  /** On a clock of the program's own, µs: only differences count. Absent: the samples before have told by their durations. */
  readonly timestampUs?: number;
  /** Absent: of sound what the packet itself says, of a picture not known: it was taken now. */
  readonly durationUs?: number;
  /** Absent: what the bytes say. */
  readonly keyframe?: boolean;
}

/** A program further off the clock than this has stopped in between, or started over: its clock is taken anew. */
const MAX_HOLE_US = 500_000;

/**
 * A source of what others have encoded, packetized here. Its tracks can be sent to any number of peers, each of which must have agreed on the
 * codec. Fires `keyframerequest` when some peer cannot go on without a keyframe.
 */
export class SampleTrackSource extends eventTarget<{ keyframerequest: Event }>() {
  readonly kind: MediaKind;
  readonly #format: TrackFormat;
  readonly #input: SampleInput;
  readonly #label: string;
  readonly #asker = new KeyframeAsker(() => this.dispatchEvent(new Event("keyframerequest")));
  /** The program's clock minus ours; NaN: not known yet. */
  #clockUs = Number.NaN;
  /** When the next sample is due by the durations of those before. */
  #nextUs = Number.NaN;
  #firstUs = Number.NaN;

  constructor(init: SampleTrackSourceInit) {
    super();
    this.#format = trackFormat(init?.codec);
    this.kind = this.#format.kind;
    this.#label = String(init.label ?? "SampleTrackSource");
    this.#input = new EncodedPush(this.kind, "sample", this.#format, () => this.#asker.ask());
  }

  /** Whether some connection sends it. */
  get connected(): boolean {
    return this.#input.connected;
  }

  createTrack(): MediaStreamTrack {
    return createLocalTrack({ kind: this.kind, label: this.#label, input: this.#input });
  }

  /** Sends one sample; its bytes are copied before this returns. Throws a TypeError for what is no sample. */
  writeSample(sample: EncodedSample): void {
    const data = bytesOf("data", sample.data);
    const timestampUs = timeOf("timestampUs", sample.timestampUs);
    const durationUs = timeOf("durationUs", sample.durationUs) ?? this.#durationOf(data);
    const captureTimeUs = this.#capturedAt(timestampUs, durationUs);
    if (Number.isNaN(this.#firstUs)) this.#firstUs = captureTimeUs;
    const keyframe = sample.keyframe ?? this.#isKeyframe(data);
    if (keyframe) this.#asker.answered();
    const packets = packetsOf(this.#format.codec, data);
    if (packets.length === 1) this.#push(data, captureTimeUs, durationUs, keyframe);
    else this.#pushInTurn(packets, captureTimeUs);
  }

  #pushInTurn(packets: readonly Uint8Array[], captureTimeUs: number): void {
    let timeUs = captureTimeUs;
    for (const packet of packets) {
      const durationUs = this.#durationOf(packet);
      this.#push(packet, timeUs, durationUs, false);
      timeUs += durationUs;
    }
  }

  #push(data: Uint8Array, captureTimeUs: number, durationUs: number, keyframe: boolean): void {
    const units = ((captureTimeUs - this.#firstUs) * this.#format.clockRate) / 1e6;
    const rtpTimestamp = Math.round(units) >>> 0;
    this.#input.push({ data, captureTimeUs, durationUs, rtpTimestamp, keyframe });
  }

  #capturedAt(timestampUs: number | undefined, durationUs: number): number {
    const nowUs = native.monotonicUs();
    if (timestampUs !== undefined) {
      const capturedUs = timestampUs - this.#clockUs;
      if (Math.abs(capturedUs - nowUs) <= MAX_HOLE_US) return capturedUs;
      this.#clockUs = timestampUs - nowUs;
      return nowUs;
    }
    if (durationUs === 0) return nowUs;
    const isDue = Math.abs(this.#nextUs - nowUs) <= MAX_HOLE_US;
    const capturedUs = isDue ? this.#nextUs : nowUs;
    this.#nextUs = capturedUs + durationUs;
    return capturedUs;
  }

  #durationOf(data: Uint8Array): number {
    const { codec } = this.#format;
    if (isVideoFormat(codec) || codec === "CN" || codec === "telephone-event") return 0;
    return soundDurationUs(codec, data);
  }

  #isKeyframe(data: Uint8Array): boolean {
    const { codec } = this.#format;
    return isVideoFormat(codec) && isKeyframeOf(codec, data);
  }
}
defineInterface(SampleTrackSource, { handlers: ["keyframerequest"], length: 1 });

function timeOf(what: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return value;
  throw new TypeError(`${what} is ${String(value)}, a number of microseconds is needed`);
}
