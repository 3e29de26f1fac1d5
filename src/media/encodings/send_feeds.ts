import { isAudioCodec, isVideoCodec } from "../codecs/codec_name.js";
import type { Maker } from "../codecs/video_codecs.js";
import type { OrderOf } from "../engine_messages.js";
import type { EngineInputs } from "../inputs/engine_inputs.js";
import type { ControlBlock } from "../ring/control_block.js";
import { ControlWord } from "../ring/control_block.js";
import type { Doorbell } from "../ring/doorbell.js";
import type { SendLimits, SendStreamOptions } from "../transport_api.js";
import type { AudioWishes, VideoWishes } from "./encoding.js";
import { EncodingIds, EncodingTable } from "./encoding_table.js";

/** What a send stream is to carry. */
export interface FeedRequest {
  readonly stream: SendStreamOptions;
  readonly limits: SendLimits;
  /** Black or silence: the track is disabled. */
  readonly blank: boolean;
}

/** What it carries: an encoding, by its number. */
export interface Feed {
  readonly request: FeedRequest;
  readonly encoding: number;
}

export interface SendFeedsHost {
  readonly control: ControlBlock;
  readonly doorbells: { readonly camera: Doorbell; readonly microphone: Doorbell };
  readonly inputs: EngineInputs;
  /** SourceCounters blocks of the camera and the microphone. */
  readonly deviceCounters: Readonly<Record<"video" | "audio", Float64Array>>;
  post(name: "encoder", order: OrderOf<"encoder">): void;
  post(name: "microphone", order: OrderOf<"microphone">): void;
}

/** What an encoded input goes by, and how many streams carry it. */
interface Carried {
  readonly encoding: number;
  streams: number;
}

/** The encoding of a stream that gets nothing: no frame has this number. */
const NO_ENCODING = 0;

/** What the send streams of all transports take of the sources, and what the sources' threads are to make for them. */
export class SendFeeds {
  readonly #host: SendFeedsHost;
  readonly #video: EncodingTable<VideoWishes>;
  readonly #audio: EncodingTable<AudioWishes>;
  /** What makes the encodings that have begun. */
  readonly #makers = new Map<number, Maker>();

  readonly #ids = new EncodingIds();
  /** Encoded inputs, by source: an encoding without an encoder. */
  readonly #carried = new Map<number, Carried>();

  constructor(host: SendFeedsHost) {
    this.#host = host;
    const ids = this.#ids;
    this.#video = new EncodingTable(ids, (inputId, encodings) =>
      host.post("encoder", { type: "setPictureEncodings", inputId, encodings }),
    );
    this.#audio = new EncodingTable(ids, (inputId, encodings) =>
      host.post("microphone", { type: "setSoundEncodings", inputId, encodings }),
    );
  }

  open(request: FeedRequest): Feed {
    const encoding = this.#take(request);
    this.#count(request, 1);
    return { request, encoding };
  }

  change(feed: Feed, request: FeedRequest): Feed {
    // The new source first, so that one that both use is not let go for a moment.
    this.#count(request, 1);
    const encoding =
      sourceOf(feed.request) === sourceOf(request) ? this.#adjust(feed, request) : this.#move(feed, request);
    this.#count(feed.request, -1);
    return { request, encoding };
  }

  close({ request, encoding }: Feed): void {
    this.#release(request, encoding);
    this.#count(request, -1);
  }

  /** An encoder began to make that encoding. */
  noteMaker(encoding: number, maker: Maker): void {
    this.#makers.set(encoding, maker);
  }

  /** What the feed comes from: the source's counters, what encodes it, and at which rate. */
  statsOf({ request, encoding }: Feed): {
    readonly source: Float64Array | undefined;
    readonly maker: Maker | undefined;
    readonly targetBps: number;
  } {
    const { inputs, deviceCounters, control } = this.#host;
    const number = sourceOf(request);
    if (this.#carried.has(number)) return { source: undefined, maker: undefined, targetBps: 0 };
    const source = number === 0 ? deviceCounters[request.stream.kind] : inputs.countersOf(number);
    return { source, maker: this.#makers.get(encoding), targetBps: control.targetBps(encoding) };
  }

  /** A peer wants a keyframe that no encoder of ours can make. */
  askKeyframe(encoding: number): void {
    this.#host.inputs.askKeyframe(encoding);
  }

  /** That worker was started anew. */
  restore(worker: "encoder" | "microphone"): void {
    if (worker === "encoder") this.#video.restore();
    else this.#audio.restore();
  }

  #take(request: FeedRequest): number {
    const source = sourceOf(request);
    if (this.#host.inputs.encodedInput(source) !== undefined) return this.#carry(source, request);
    const wishes = wishesOf(request);
    return wishes.kind === "video" ? this.#video.take(source, wishes) : this.#audio.take(source, wishes);
  }

  /** As it comes, to every stream alike; of a disabled track nothing. */
  #carry(source: number, { blank }: FeedRequest): number {
    const carried = this.#carried.get(source) ?? { encoding: this.#ids.take(), streams: 0 };
    this.#carried.set(source, carried);
    this.#host.inputs.carryAs(source, carried.encoding);
    carried.streams++;
    return blank ? NO_ENCODING : carried.encoding;
  }

  #letGo(source: number, carried: Carried): void {
    if (--carried.streams > 0) return;
    this.#carried.delete(source);
    this.#host.inputs.carryAs(source, undefined);
    this.#ids.release(carried.encoding);
  }

  #release(request: FeedRequest, encoding: number): void {
    const source = sourceOf(request);
    const carried = this.#carried.get(source);
    if (carried !== undefined) {
      this.#letGo(source, carried);
      return;
    }
    const table = request.stream.kind === "video" ? this.#video : this.#audio;
    table.release(source, encoding);
  }

  #adjust({ encoding }: Feed, request: FeedRequest): number {
    const source = sourceOf(request);
    const carried = this.#carried.get(source);
    if (carried !== undefined) return request.blank ? NO_ENCODING : carried.encoding;
    const wishes = wishesOf(request);
    return wishes.kind === "video"
      ? this.#video.change(source, encoding, wishes)
      : this.#audio.change(source, encoding, wishes);
  }

  #move(feed: Feed, request: FeedRequest): number {
    const encoding = this.#take(request);
    this.#release(feed.request, feed.encoding);
    return encoding;
  }

  /** A source that nobody takes sleeps: nobody needs a camera for a black picture. */
  #count(request: FeedRequest, by: 1 | -1): void {
    const { control, doorbells, inputs } = this.#host;
    const { stream, blank } = request;
    const source = sourceOf(request);
    const isEncoded = stream.encoded ?? false;
    if (stream.codec === "H264" && (stream.packetizationMode ?? 0) === 0 && !isEncoded)
      control.add(ControlWord.smallNalConsumers, by);
    if (source !== 0) {
      inputs.changeConsumers(source, by);
      return;
    }
    // The microphone's thread is the clock of silence; a source that is not there gives none.
    const video = stream.kind === "video";
    if (video && blank) return;
    control.add(video ? ControlWord.videoConsumers : ControlWord.audioConsumers, by);
    doorbells[video ? "camera" : "microphone"].ring();
  }
}

function sourceOf({ stream }: FeedRequest): number {
  return stream.source ?? 0;
}

function wishesOf({ stream, limits, blank }: FeedRequest): VideoWishes | AudioWishes {
  const { codec } = stream;
  const { maxBitrateBps, maxFrameRate, maxMacroblocks, scaleResolutionDownBy = 1, below } = limits;
  const rate = maxBitrateBps === undefined ? {} : { maxBitrateBps };
  if (!isVideoCodec(codec)) return audioWishes(stream, blank, maxBitrateBps);
  return {
    kind: "video",
    codec,
    blank,
    scaleResolutionDownBy,
    ...rate,
    ...(maxFrameRate === undefined ? {} : { maxFrameRate }),
    ...(maxMacroblocks === undefined ? {} : { maxMacroblocks }),
    ...(below === undefined ? {} : { below }),
  };
}

function audioWishes(
  { codec, sound = {} }: SendStreamOptions,
  blank: boolean,
  limitBps?: number,
): AudioWishes {
  const { channels = 1, maxBitrateBps, ...rest } = sound;
  const bound = Math.min(limitBps ?? Number.POSITIVE_INFINITY, maxBitrateBps ?? Number.POSITIVE_INFINITY);
  return {
    kind: "audio",
    codec: isAudioCodec(codec) ? codec : "opus",
    blank,
    channels,
    ...rest,
    ...(Number.isFinite(bound) && { maxBitrateBps: bound }),
  };
}
