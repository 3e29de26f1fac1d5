import { native } from "../../../native/addon.js";
import {
  type AudioKind,
  type AudioPull,
  newAudioJitterBufferStats,
} from "../../protocol/jitter/audio_jitter_buffer.js";
import type { PlayoutClock } from "../../protocol/jitter/playout_clock.js";
import { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { AudioLevelMeter } from "../analysis/audio_level.js";
import { ToneDetector } from "../analysis/tone_detector.js";
import { type AudioCodecName, codecOfNumber, isAudioCodec } from "../codecs/codec_name.js";
import { PlayoutCounter, PlayoutHistogram, WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { type ControlBlock, ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { DescriptorFlag } from "../ring/layout.js";
import type { MetricsRow } from "../ring/metrics.js";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { LipSync } from "./lip_sync.js";
import { asError } from "./problem.js";
import { MAX_PACKET_MS, MIN_DELAY_US, SoundDecoder } from "./sound_decoder.js";

const MAX_PACKET_SAMPLES = (SAMPLE_RATE * MAX_PACKET_MS) / 1000;
/** A stream without packets for this long is not looked at until one comes. */
const IDLE_AFTER_US = 1_000_000;
/** A stream changes its codec this often at most: each change costs a decoder and a buffer. */
const CODEC_CHANGE_US = 500_000;
/** A conversion between rates gives a little more now, a little less then. */
const RESAMPLER_SLACK = 64;
/** How often the tone is measured, and how long a measured one holds where the sound has holes too often. */
const TONE_EVERY_US = 250_000;
const TONE_KEPT_US = 2_000_000;
/** Further behind than this, the playout clock starts anew. */
const MAX_LATE_US = 200_000;

/** One stretch of sound at the moment it is played. Reused after the call. */
export interface PlayedSound {
  readonly streamId: number;
  readonly pcm: Int16Array;
  readonly channels: 1 | 2;
  readonly playoutUs: number;
  /** The sender's wall clock at its capture; 0: unknown, or made up by concealment. */
  readonly captureWallUs: number;
}

export interface SpeakerStreamOptions {
  readonly streamId: number;
  readonly channels: 1 | 2;
  readonly control: ControlBlock;
  readonly row: MetricsRow;
  readonly workerRow: MetricsRow;
  readonly syncWith: readonly number[];
  readonly isWanted: boolean;
  onFirstSound(streamId: number): void;
  onSound(sound: PlayedSound): void;
  onProblem(code: string, message: string): void;
}

/**
 * A hole (a packet late by a hair, or lost with nothing after it to recover it from)
 * raises it, quiet times lower it again: one more frame of delay turns a loss into a recovery by FEC.
 */
const MAX_GUARD_US = 80_000;
const GUARD_STEP_US = 10_000;
const GUARD_FALL_PER_FRAME_US = 50;
/** Lip-sync follows changes larger than this; smaller ones nobody notices. */
const SYNC_STEP_US = 10_000;

/** One receive stream of sound: its decoder with the jitter buffer, playout clock, tone detector, counters. */
export class SpeakerStream {
  readonly sync: LipSync;
  /** Whether somebody takes this stream's sound. */
  isWanted: boolean;
  readonly #options: SpeakerStreamOptions;
  readonly #header = new RtpHeader();
  /** Made when the first packet comes: it says what the stream is in. */
  #decoder: SoundDecoder | undefined;
  #codec: AudioCodecName | undefined;
  readonly #jitterStats = newAudioJitterBufferStats();
  #changedUs = Number.NEGATIVE_INFINITY;
  #targetUs = 0;
  readonly #pcm: Int16Array;
  readonly #detector = new ToneDetector();
  readonly #level = new AudioLevelMeter();
  #nextUs = Number.POSITIVE_INFINITY;
  #lastPacketUs = 0;
  #toneDueUs = 0;
  /** RTP time at which the sound that the detector has goes on. */
  #heardUntil = 0;
  #sounded = false;
  /** The last packet whose capture time was known: its RTP time and the sender's wall clock then. */
  #captureRtp = 0;
  #captureWallUs = 0;

  constructor(options: SpeakerStreamOptions) {
    this.#options = options;
    this.isWanted = options.isWanted;
    this.sync = new LipSync(options.control, options.streamId, options.syncWith);
    this.#pcm = new Int16Array((MAX_PACKET_SAMPLES + RESAMPLER_SLACK) * options.channels);
  }

  /** Least delay over the fastest path; 0: as the path needs it. */
  setTarget(targetUs: number): void {
    this.#targetUs = targetUs;
    if (this.#decoder !== undefined) this.#decoder.jitter.clock.targetUs = targetUs;
  }

  /** Takes one packet: its payload at the start of `bytes`, `tag` its RTP sequence number, `codec` what it is in. */
  insert(packet: Descriptor, bytes: Uint8Array): void {
    this.#options.row.add(PlayoutCounter.packetsReceived);
    this.#lastPacketUs = packet.arrivalUs;
    if (!this.isWanted && this.#options.control.get(ControlWord.allSoundWanted) === 0) {
      if (this.#codec !== undefined) this.#fallSilent();
      return;
    }
    const codec = codecOfNumber(packet.codec);
    if (codec === "telephone-event") this.#decoder?.jitter.noteForeign(packet.tag & 0xffff);
    if (isAudioCodec(codec) && codec !== this.#codec) this.#changeCodec(codec, packet.arrivalUs);
    const decoder = this.#decoder;
    if (decoder === undefined || (codec !== this.#codec && codec !== "CN")) return;
    const header = this.#header;
    header.marker = (packet.flags & DescriptorFlag.marker) !== 0;
    header.sequenceNumber = packet.tag & 0xffff;
    header.timestamp = packet.rtpTimestamp;
    header.payloadOffset = 0;
    header.payloadLength = packet.byteLength;
    decoder.jitter.insert(bytes, header, packet.arrivalUs, codec === "CN");
    if (packet.captureWallUs > 0) {
      this.#captureRtp = packet.rtpTimestamp;
      this.#captureWallUs = packet.captureWallUs;
    }
    if (this.#nextUs === Number.POSITIVE_INFINITY) this.#nextUs = packet.arrivalUs;
  }

  /** The stream goes on in another codec (RFC 3550 §5.1: the payload type may change between packets). */
  #changeCodec(codec: AudioCodecName, nowUs: number): void {
    if (nowUs - this.#changedUs < CODEC_CHANGE_US) return;
    this.#changedUs = nowUs;
    const before = this.#decoder;
    before?.close();
    this.#decoder = undefined;
    this.#codec = codec;
    this.#captureWallUs = 0;
    try {
      this.#decoder = new SoundDecoder(codec, this.#options.channels, this.#jitterStats);
    } catch (error) {
      const { code, message } = asError(error, "CODEC_FAILED");
      this.#options.onProblem(code, message);
      return;
    }
    const { clock } = this.#decoder.jitter;
    clock.targetUs = this.#targetUs;
    clock.minDelayUs = before?.jitter.clock.minDelayUs ?? clock.minDelayUs;
    clock.extraDelayUs = before?.jitter.clock.extraDelayUs ?? 0;
  }

  /** Nobody listens any more: what comes next is decoded anew. */
  #fallSilent(): void {
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#codec = undefined;
    this.#changedUs = Number.NEGATIVE_INFINITY;
    this.#captureWallUs = 0;
    this.sync.leave();
    const { row } = this.#options;
    row.set(PlayoutCounter.audioLevel, 0);
    row.set(PlayoutCounter.presentedWallUs, 0);
    this.#rest();
  }

  /** Plays all that is due; returns when to come back. */
  play(nowUs: number): number {
    if (nowUs - this.#nextUs > MAX_LATE_US) this.#startAnew(nowUs);
    const decoder = this.#decoder;
    while (decoder !== undefined && this.#nextUs <= nowUs) {
      this.#nextUs += (this.#playNext(decoder, this.#nextUs) * 1e6) / SAMPLE_RATE;
    }
    if (nowUs - this.#lastPacketUs > IDLE_AFTER_US) this.#rest();
    return this.#nextUs;
  }

  /** The thread was away for long: what should have been played meanwhile is passed over. */
  #startAnew(nowUs: number): void {
    const { row } = this.#options;
    row.add(PlayoutCounter.playoutGlitches);
    row.add(PlayoutCounter.playoutGlitchUs, nowUs - this.#nextUs);
    this.#nextUs = nowUs;
  }

  close(): void {
    this.#decoder?.close();
  }

  /** Nothing has come for long: sleep until something does. */
  #rest(): void {
    this.#nextUs = Number.POSITIVE_INFINITY;
    this.#options.row.set(PlayoutCounter.toneHz, 0);
  }

  /** Plays the frame that begins at `dueUs`; returns its samples per channel. */
  #playNext(decoder: SoundDecoder, dueUs: number): number {
    const { channels, streamId, onSound } = this.#options;
    const { clock } = decoder.jitter;
    const pull = decoder.jitter.pull(dueUs);
    const isPacket = pull.kind === "packet";
    const captureWallUs = isPacket ? this.#capturedAt(pull.extTimestamp, decoder.clockRate) : 0;
    if (captureWallUs > 0) this.#synchronize(clock, pull.extTimestamp, captureWallUs);
    guard(clock, pull.kind);
    const samples = this.#render(decoder, pull);
    if (isPacket) this.#countEmitted(clock, pull, samples, dueUs, captureWallUs);
    this.#publishStats(clock, samples);
    this.#listen(pull, samples);
    this.#measureTone(dueUs);
    if (this.#sounded) {
      const pcm = this.#pcm.subarray(0, samples * channels);
      onSound({ streamId, pcm, channels, playoutUs: dueUs, captureWallUs });
    }
    return samples;
  }

  /** Of sound, every sample counts for itself (webrtc-stats, jitterBufferDelay). */
  #countEmitted(
    clock: PlayoutClock,
    { arrivalUs }: AudioPull,
    samples: number,
    dueUs: number,
    captureWallUs: number,
  ): void {
    const { row } = this.#options;
    row.add(PlayoutCounter.emitted, samples);
    row.add(PlayoutCounter.bufferedUs, samples * Math.max(0, dueUs - arrivalUs));
    row.add(PlayoutCounter.targetUs, samples * clock.delayUs);
    row.add(PlayoutCounter.minimumUs, samples * (clock.delayUs - clock.extraDelayUs));
    row.set(PlayoutCounter.presentedUs, dueUs);
    row.set(PlayoutCounter.presentedWallUs, captureWallUs);
  }

  #publishStats(clock: PlayoutClock, samples: number): void {
    const { row, channels } = this.#options;
    const stats = this.#jitterStats;
    row.set(PlayoutCounter.concealedSamples, stats.concealedSamples + stats.silentSamples);
    row.set(PlayoutCounter.silentConcealedSamples, stats.silentSamples);
    row.set(PlayoutCounter.concealmentEvents, stats.concealmentEvents);
    row.set(PlayoutCounter.insertedSamples, stats.insertedSamples);
    row.set(PlayoutCounter.removedSamples, stats.removedSamples);
    row.set(PlayoutCounter.fecPackets, stats.framesRecovered);
    row.set(PlayoutCounter.packetsLate, stats.packetsLate);
    row.set(PlayoutCounter.targetDelayUs, clock.delayUs);
    if (!this.#sounded) return;
    this.#level.add(this.#pcm, samples * channels, samples / SAMPLE_RATE);
    row.add(PlayoutCounter.samples, samples);
    row.set(PlayoutCounter.audioLevel, this.#level.level);
    row.set(PlayoutCounter.audioEnergy, this.#level.energy);
  }

  #render(decoder: SoundDecoder, pull: AudioPull): number {
    const startUs = native.monotonicUs();
    const samples = decoder.render(pull, this.#pcm);
    if (pull.kind === "packet") this.#countDecoded(decoder, startUs);
    return samples;
  }

  #countDecoded(decoder: SoundDecoder, startUs: number): void {
    const { row, workerRow, streamId, onFirstSound } = this.#options;
    if (decoder.wasDamaged) {
      row.add(PlayoutCounter.decodeErrors);
      return;
    }
    workerRow.add(WorkerCounter.frames);
    workerRow.record(WorkerHistogram.work, native.monotonicUs() - startUs);
    row.add(PlayoutCounter.framesDecoded);
    if (this.#sounded) return;
    this.#sounded = true;
    onFirstSound(streamId);
  }

  /** The sender's wall clock at an RTP time near the last known one (the difference wraps as RTP time does). */
  #capturedAt(extTimestamp: number, clockRate: number): number {
    if (this.#captureWallUs === 0) return 0;
    const samples = ((extTimestamp % 2 ** 32) - this.#captureRtp) | 0;
    return this.#captureWallUs + (samples * 1e6) / clockRate;
  }

  #synchronize(clock: PlayoutClock, extTimestamp: number, captureWallUs: number): void {
    const { row, control } = this.#options;
    this.sync.observe(clock.playoutUs(extTimestamp) - clock.extraDelayUs, captureWallUs);
    const extraUs = this.sync.extraDelayUs();
    if (Math.abs(extraUs - clock.extraDelayUs) > SYNC_STEP_US) clock.extraDelayUs = extraUs;
    const latencyUs = native.monotonicUs() + control.wallOffsetUs - captureWallUs;
    row.record(PlayoutHistogram.captureToDecoded, latencyUs);
  }

  /** A pitch is told by sound as it was sent: where some was made up or left out, its phase jumps. */
  #listen({ kind, extTimestamp, samples }: AudioPull, rendered: number): void {
    if (kind === "lost" || (kind !== "empty" && extTimestamp !== this.#heardUntil)) this.#detector.restart();
    if (kind !== "lost") this.#detector.add(this.#pcm, this.#options.channels, rendered);
    this.#heardUntil = extTimestamp + samples;
  }

  #measureTone(nowUs: number): void {
    if (nowUs < this.#toneDueUs) return;
    if (this.#detector.isFull) this.#toneDueUs = nowUs + TONE_EVERY_US;
    else if (nowUs < this.#toneDueUs + TONE_KEPT_US) return;
    this.#options.row.set(PlayoutCounter.toneHz, this.#detector.frequencyHz());
  }
}

/** A hole lengthens the wait, quiet times shorten it. */
function guard(clock: PlayoutClock, kind: AudioKind): void {
  if (kind === "lost") {
    const delayUs = clock.delayUs - clock.extraDelayUs;
    clock.minDelayUs = Math.max(clock.minDelayUs, Math.min(delayUs + GUARD_STEP_US, MAX_GUARD_US));
  } else clock.minDelayUs = Math.max(MIN_DELAY_US, clock.minDelayUs - GUARD_FALL_PER_FRAME_US);
}
