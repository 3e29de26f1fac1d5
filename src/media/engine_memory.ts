import type {
  AudioSettings,
  CodecSettings,
  CommonWiring,
  Wiring,
  WiringOf,
  WorkerName,
} from "./engine_messages.js";
import { WORKER_NAMES } from "./engine_messages.js";
import { METRICS_ROWS } from "./metrics_rows.js";
import { ControlBlock } from "./ring/control_block.js";
import { Doorbell } from "./ring/doorbell.js";
import { MessageLane } from "./ring/message_lane.js";
import { MetricsTable } from "./ring/metrics.js";
import { releaseShared } from "./ring/shared_memory.js";
import { SlotChannel, type SlotChannelBuffers } from "./ring/slot_channel.js";
import { allocateCounters, SourceCounters } from "./session/stream_counters.js";
import type { AudioSourceSpec, VideoSourceSpec } from "./source_spec.js";

/** What decides how much memory there is. */
export interface MemoryOptions {
  /** Largest picture captured or received. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  readonly codec: CodecSettings;
  readonly audio: AudioSettings;
  readonly videoSource: VideoSourceSpec;
  readonly audioSource: AudioSourceSpec;
  readonly warmUp: boolean;
  readonly interceptors?: readonly string[];
}

/** One being captured, one queued, one being encoded, one to spare. */
const RAW_SLOTS = 4;
/** Pictures waiting for their time, and those the user looks at. */
const PICTURE_SLOTS = 8;
const ENCODED_SLOTS = 8;
const ACCESS_UNIT_SLOTS = 16;
const AUDIO_SLOTS = 64;
/** Opus at its highest rate: 1275 bytes a frame (RFC 6716 §3.4), a packet of 60 ms three of them. */
const AUDIO_SLOT_BYTES = 4096;
const RTCP_SLOTS = 64;
const RTCP_SLOT_BYTES = 4096;
/** 120 ms of 48 kHz stereo, 16 bits: the longest Opus packet (RFC 6716 §3.2.5). */
const SAMPLE_SLOT_BYTES = 5760 * 2 * 2;
/** Rows of a source may be padded by this much. */
const ROW_PADDING = 64;

/** Everything the threads share, allocated once; pages cost nothing before they are used. */
export class EngineMemory {
  readonly control = ControlBlock.allocate();
  readonly metrics = MetricsTable.allocate(METRICS_ROWS);
  readonly doorbells: Readonly<Record<WorkerName, Doorbell>>;
  readonly #common: Omit<CommonWiring, "name">;
  readonly #wiring: Wiring;

  constructor(options: MemoryOptions) {
    const bells = WORKER_NAMES.map((name) => [name, Doorbell.allocate()] as const);
    this.doorbells = Object.fromEntries(bells) as Record<WorkerName, Doorbell>;
    this.#common = {
      doorbells: Object.fromEntries(bells.map(([name, bell]) => [name, bell.buffer])) as Record<
        WorkerName,
        SharedArrayBuffer
      >,
      control: this.control.buffer,
      metrics: this.metrics.buffers,
      warmUp: options.warmUp,
      interceptors: options.interceptors ?? [],
    };
    this.#wiring = allocateChannels(options);
  }

  /** Hands the memory on to the next engine; every thread that had it must have ended. */
  release(): void {
    const blocks = new Set([this.control.buffer, this.metrics.buffers.buffer]);
    for (const bell of Object.values(this.doorbells)) blocks.add(bell.buffer);
    for (const channel of channelsOf(this.#wiring)) {
      for (const block of [channel.pool.bytes, channel.pool.states, channel.descriptors, channel.free]) {
        blocks.add(block);
      }
    }
    for (const block of blocks) releaseShared(block);
    MessageLane.release(this.#wiring.receiver.lane);
  }

  /** A worker's workerData. */
  wiringOf<N extends WorkerName>(name: N): WiringOf<N> & { name: N } {
    const common: CommonWiring & { name: N } = { ...this.#common, name };
    return { ...common, ...this.#wiring[name] };
  }
}

function channelsOf(wiring: Wiring): SlotChannelBuffers[] {
  const { encoder, sender, receiver, decoder, speaker } = wiring;
  return [
    encoder.rawVideo,
    sender.encodedVideo,
    sender.encodedAudio,
    sender.rtcpOut,
    receiver.accessUnits,
    receiver.audioPackets,
    receiver.rtcpIn,
    decoder.pictures,
    speaker.samples,
  ];
}

function allocateChannels(options: MemoryOptions): Wiring {
  const { codec, audio, videoSource, audioSource } = options;
  const pictureBytes = 1.5 * (options.maxWidth + ROW_PADDING) * (options.maxHeight + 16);
  const unitBytes = Math.max(256 * 1024, Math.ceil((options.maxWidth * options.maxHeight) / 2));
  const channel = (name: string, slots: number, slotBytes: number) =>
    SlotChannel.allocate({ name, slots, slotBytes: Math.ceil(slotBytes) });
  const rawVideo = channel("rawVideo", RAW_SLOTS, pictureBytes);
  const encodedVideo = channel("encodedVideo", ENCODED_SLOTS, unitBytes);
  const encodedAudio = channel("encodedAudio", AUDIO_SLOTS, AUDIO_SLOT_BYTES);
  const accessUnits = channel("accessUnits", ACCESS_UNIT_SLOTS, unitBytes);
  const audioPackets = channel("audioPackets", AUDIO_SLOTS, AUDIO_SLOT_BYTES);
  const rtcpIn = channel("rtcpIn", RTCP_SLOTS, RTCP_SLOT_BYTES);
  const rtcpOut = channel("rtcpOut", RTCP_SLOTS, RTCP_SLOT_BYTES);
  const pictures = channel("pictures", PICTURE_SLOTS, pictureBytes);
  const samples = channel("samples", AUDIO_SLOTS, SAMPLE_SLOT_BYTES);
  return {
    camera: {
      rawVideo,
      source: videoSource,
      largest: { width: options.maxWidth, height: options.maxHeight },
    },
    encoder: { rawVideo, encodedVideo, codec, counters: allocateCounters(SourceCounters.words) },
    microphone: {
      encodedAudio,
      source: audioSource,
      audio,
      counters: allocateCounters(SourceCounters.words),
    },
    sender: { encodedVideo, encodedAudio, rtcpOut },
    receiver: { accessUnits, audioPackets, rtcpIn, lane: MessageLane.allocate() },
    rtcp: { rtcpIn, rtcpOut },
    decoder: { accessUnits, pictures, codec },
    speaker: { audioPackets, samples },
  };
}
