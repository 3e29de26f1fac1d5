import {
  type CodecName,
  codecOfNumber,
  isAudioFormat,
  isVideoFormat,
} from "../../media/codecs/codec_name.js";
import { assemblerOf } from "../../media/session/payload_formats.js";
import { type AccessUnitAssembler, PayloadTraits } from "../../protocol/rtp/payload_format.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { PacketAssembler, type Sample, SampleBuilder } from "../../protocol/samples/sample_builder.js";
import { capabilitiesOf } from "../../protocol/sdp/codec_capabilities.js";
import { eventTarget } from "../event_target.js";
import { MediaStreamTrack } from "../media_stream_track.js";
import { askRemoteKeyframe, watchRemotePackets } from "../track_output.js";
import { defineInterface } from "../web_idl.js";

export interface SampleTrackSinkOptions {
  /** Packets that may overtake a missing one before it is given up, 1 to 512; 50 by default. */
  readonly maxLatePackets?: number;
}

export interface ReceivedSample {
  /** An access unit, a frame or a packet of sound, in memory of its own. */
  readonly data: Uint8Array;
  /** The format's mime type, "video/VP8". */
  readonly mimeType: string;
  /** On the sender's clock, from the first sample's packets on; only differences count. */
  readonly timestampUs: number;
  /** To the next sample. */
  readonly durationUs: number;
  readonly keyframe: boolean;
  /** Packets missing since the sample before: a decoder may lack a reference. */
  readonly lostBefore: number;
}

export class SampleEvent extends Event {
  constructor(readonly sample: ReceivedSample) {
    super("sample");
  }
}

const MAX_LATE_PACKETS = 512;
/** Larger samples are dropped. */
const MAX_SAMPLE_BYTES = 4 * 1024 * 1024;

/** Fires `sample` for every access unit or packet of sound of a peer's track: in order, whole, not decoded. */
export class SampleTrackSink extends eventTarget<{ sample: SampleEvent }>() {
  readonly #track: MediaStreamTrack;
  readonly #maxLatePackets: number;
  readonly #header = new RtpHeader();
  #room: Uint8Array | undefined;
  #codec: CodecName | undefined;
  #builder: SampleBuilder | undefined;
  /** Of pictures. */
  #assembler: AccessUnitAssembler | undefined;
  /** Of the first packet; -1: none came. */
  #firstTimestamp = -1;
  #beganTorn = false;
  #clockRate = 1;
  #stop: (() => void) | undefined;

  constructor(track: MediaStreamTrack, options: SampleTrackSinkOptions = {}) {
    super();
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("SampleTrackSink takes a MediaStreamTrack");
    this.#track = track;
    this.#maxLatePackets = latePackets(options.maxLatePackets ?? 50);
    this.#stop = watchRemotePackets(track, (packet, codec) => this.#take(packet, codecOfNumber(codec)));
  }

  /** Asks the peer for a keyframe. */
  requestKeyframe(): void {
    askRemoteKeyframe(this.#track);
  }

  get stopped(): boolean {
    return this.#stop === undefined;
  }

  /** No event follows. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#room = undefined;
  }

  #take(packet: Uint8Array, codec: CodecName): void {
    if (!isVideoFormat(codec) && !isAudioFormat(codec)) return;
    if (codec !== this.#codec) this.#begin(codec);
    if (!parseRtp(packet, 0, packet.length, this.#header)) return;
    if (this.#isTorn(packet)) return;
    this.#builder?.insert(packet, this.#header);
    this.#room ??= new Uint8Array(MAX_SAMPLE_BYTES);
    for (let sample = this.#next(this.#room); sample !== undefined; sample = this.#next(this.#room)) {
      this.#fire(sample, this.#room, codec);
      if (this.stopped) return;
    }
  }

  /** A sink that comes in the midst of a picture leaves what is left of it out, unless it is a keyframe's beginning. */
  #isTorn(packet: Uint8Array): boolean {
    const { timestamp, payloadOffset, payloadLength } = this.#header;
    if (this.#assembler !== undefined && this.#firstTimestamp < 0) {
      const traits = this.#assembler.inspect(packet, payloadOffset, payloadLength);
      this.#firstTimestamp = timestamp;
      this.#beganTorn = (traits & PayloadTraits.randomAccess) === 0;
    }
    return this.#beganTorn && timestamp === this.#firstTimestamp;
  }

  #next(room: Uint8Array): Sample | undefined {
    return this.#builder?.pop(room);
  }

  #begin(codec: CodecName): void {
    if (codec === "CN" || codec === "telephone-event") return;
    const [{ clockRate }] = capabilitiesOf(codec);
    this.#codec = codec;
    this.#clockRate = clockRate;
    this.#assembler = isVideoFormat(codec) ? assemblerOf(codec) : undefined;
    this.#firstTimestamp = -1;
    this.#beganTorn = false;
    this.#builder = new SampleBuilder({
      assembler: this.#assembler ?? new PacketAssembler(),
      packetPerSample: this.#assembler === undefined,
      clockRate,
      maxLatePackets: this.#maxLatePackets,
    });
  }

  #fire(
    { length, extTimestamp, durationUs, keyframe, lostBefore }: Sample,
    room: Uint8Array,
    codec: CodecName,
  ): void {
    const timestampUs = (extTimestamp * 1e6) / this.#clockRate;
    const mimeType = `${this.#track.kind}/${codec}`;
    const data = room.slice(0, length);
    this.dispatchEvent(new SampleEvent({ data, mimeType, timestampUs, durationUs, keyframe, lostBefore }));
  }
}
defineInterface(SampleTrackSink, { handlers: ["sample"], length: 1 });

function latePackets(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= MAX_LATE_PACKETS) return value;
  throw new TypeError(
    `maxLatePackets is ${String(value)}, an integer from 1 to ${MAX_LATE_PACKETS} is needed`,
  );
}
