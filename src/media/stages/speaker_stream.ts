import { native, type OpusDecoder } from "../../../native/addon.js";
import {
  AudioJitterBuffer,
  type AudioKind,
  type AudioPull,
} from "../../protocol/jitter/audio_jitter_buffer.js";
import { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { AudioLevelMeter } from "../analysis/audio_level.js";
import { ToneDetector } from "../analysis/tone_detector.js";
import { PlayoutCounter, PlayoutHistogram, WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import type { ControlBlock } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { DescriptorFlag } from "../ring/layout.js";
import type { MetricsRow } from "../ring/metrics.js";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { LipSync } from "./lip_sync.js";

/** The longest Opus packet: 120 ms (RFC 6716 §3.2.5). */
const MAX_PACKET_SAMPLES = 5760;
/** A stream without packets for this long is not looked at until one comes. */
const IDLE_AFTER_US = 1_000_000;
/** The longest delay that may be asked for, 4 s (WebRTC 1.0 §5.3), in packets of 20 ms. */
const CAPACITY_PACKETS = 256;
/** How often the tone is measured. */
const TONE_EVERY_US = 250_000;
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
  onFirstSound(streamId: number): void;
  onSound(sound: PlayedSound): void;
}

/**
 * Least delay over the fastest path. A hole (a packet late by a hair, or lost with nothing after it to recover it from)
 * raises it, quiet times lower it again: one more frame of delay turns a loss into a recovery by FEC.
 */
const MIN_DELAY_US = 20_000;
const MAX_GUARD_US = 80_000;
const GUARD_STEP_US = 10_000;
const GUARD_FALL_PER_FRAME_US = 50;
/** Lip-sync follows changes larger than this; smaller ones nobody notices. */
const SYNC_STEP_US = 10_000;
/** Opus works in steps of 2.5 ms. */
const OPUS_STEP_SAMPLES = 120;

/** One receive stream of sound: jitter buffer, Opus decoder, playout clock, tone detector, counters. */
export class SpeakerStream {
  readonly sync: LipSync;
  readonly #options: SpeakerStreamOptions;
  readonly #jitter = new AudioJitterBuffer({
    clockRate: SAMPLE_RATE,
    minDelayUs: MIN_DELAY_US,
    capacityPackets: CAPACITY_PACKETS,
  });
  readonly #header = new RtpHeader();
  readonly #decoder: OpusDecoder;
  readonly #pcm: Int16Array;
  readonly #detector = new ToneDetector();
  readonly #level = new AudioLevelMeter();
  #nextUs = Number.POSITIVE_INFINITY;
  #lastPacketUs = 0;
  #toneDueUs = 0;
  #sounded = false;
  /** The last packet whose capture time was known: its RTP time and the sender's wall clock then. */
  #captureRtp = 0;
  #captureWallUs = 0;

  constructor(options: SpeakerStreamOptions) {
    this.#options = options;
    this.sync = new LipSync(options.control, options.streamId, options.syncWith);
    const { channels } = options;
    this.#decoder = new native.OpusDecoder({ sampleRate: SAMPLE_RATE, channels });
    this.#pcm = new Int16Array(MAX_PACKET_SAMPLES * channels);
  }

  /** Least delay over the fastest path; 0: as the path needs it. */
  setTarget(targetUs: number): void {
    this.#jitter.clock.targetUs = targetUs;
  }

  /** Takes one packet: its Opus payload at the start of `bytes`, `tag` its RTP sequence number. */
  insert(packet: Descriptor, bytes: Uint8Array): void {
    this.#options.row.add(PlayoutCounter.packetsReceived);
    this.#lastPacketUs = packet.arrivalUs;
    const header = this.#header;
    header.marker = (packet.flags & DescriptorFlag.marker) !== 0;
    header.sequenceNumber = packet.tag & 0xffff;
    header.timestamp = packet.rtpTimestamp;
    header.payloadOffset = 0;
    header.payloadLength = packet.byteLength;
    this.#jitter.insert(bytes, header, packet.arrivalUs);
    if (packet.captureWallUs > 0) {
      this.#captureRtp = packet.rtpTimestamp;
      this.#captureWallUs = packet.captureWallUs;
    }
    if (this.#nextUs === Number.POSITIVE_INFINITY) this.#nextUs = packet.arrivalUs;
  }

  /** Plays all that is due; returns when to come back. */
  play(nowUs: number): number {
    if (nowUs - this.#nextUs > MAX_LATE_US) this.#startAnew(nowUs);
    while (this.#nextUs <= nowUs) this.#nextUs += (this.#playNext(this.#nextUs) * 1e6) / SAMPLE_RATE;
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
    this.#decoder.close();
  }

  /** Nothing has come for long: sleep until something does. */
  #rest(): void {
    this.#nextUs = Number.POSITIVE_INFINITY;
    this.#options.row.set(PlayoutCounter.toneHz, 0);
  }

  /** Plays the frame that begins at `dueUs`; returns its samples per channel. */
  #playNext(dueUs: number): number {
    const { channels, streamId, onSound } = this.#options;
    const pull = this.#jitter.pull(dueUs);
    const captureWallUs = pull.kind === "packet" ? this.#capturedAt(pull.extTimestamp) : 0;
    if (captureWallUs > 0) this.#synchronize(pull.extTimestamp, captureWallUs);
    this.#guard(pull.kind);
    const samples = this.#render(pull);
    if (pull.kind === "packet") this.#countEmitted(pull, samples, dueUs, captureWallUs);
    this.#publishStats(samples);
    this.#detector.add(this.#pcm, channels, samples);
    this.#measureTone(dueUs);
    if (this.#sounded) {
      const pcm = this.#pcm.subarray(0, samples * channels);
      onSound({ streamId, pcm, channels, playoutUs: dueUs, captureWallUs });
    }
    return samples;
  }

  /** Of sound, every sample counts for itself (webrtc-stats, jitterBufferDelay). */
  #countEmitted({ arrivalUs }: AudioPull, samples: number, dueUs: number, captureWallUs: number): void {
    const { row } = this.#options;
    const { clock } = this.#jitter;
    row.add(PlayoutCounter.emitted, samples);
    row.add(PlayoutCounter.bufferedUs, samples * Math.max(0, dueUs - arrivalUs));
    row.add(PlayoutCounter.targetUs, samples * clock.delayUs);
    row.add(PlayoutCounter.minimumUs, samples * (clock.delayUs - clock.extraDelayUs));
    row.set(PlayoutCounter.presentedUs, dueUs);
    row.set(PlayoutCounter.presentedWallUs, captureWallUs);
  }

  #publishStats(samples: number): void {
    const { row, channels } = this.#options;
    const { stats, clock } = this.#jitter;
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

  #guard(kind: AudioKind): void {
    const { clock } = this.#jitter;
    if (kind === "lost") {
      const delayUs = clock.delayUs - clock.extraDelayUs;
      clock.minDelayUs = Math.max(clock.minDelayUs, Math.min(delayUs + GUARD_STEP_US, MAX_GUARD_US));
    } else clock.minDelayUs = Math.max(MIN_DELAY_US, clock.minDelayUs - GUARD_FALL_PER_FRAME_US);
  }

  /** Fills the PCM buffer as the jitter buffer says; returns samples per channel. */
  #render(pull: AudioPull): number {
    const samples = Math.max(OPUS_STEP_SAMPLES, pull.samples - (pull.samples % OPUS_STEP_SAMPLES));
    switch (pull.kind) {
      case "packet":
        return this.#decode(samples);
      case "fec":
        return this.#orSilence(this.#decoder.decodeFec(this.#jitter.payload(), this.#pcm, samples), samples);
      case "lost":
        return this.#orSilence(this.#decoder.conceal(this.#pcm, samples), samples);
      case "empty":
        return this.#orSilence(0, samples);
    }
  }

  #decode(samples: number): number {
    const { row, workerRow, streamId, onFirstSound } = this.#options;
    const startUs = native.monotonicUs();
    const decoded = this.#decoder.decode(this.#jitter.payload(), this.#pcm);
    if (decoded <= 0) {
      row.add(PlayoutCounter.decodeErrors);
      return this.#orSilence(this.#decoder.conceal(this.#pcm, samples), samples);
    }
    workerRow.add(WorkerCounter.frames);
    workerRow.record(WorkerHistogram.work, native.monotonicUs() - startUs);
    row.add(PlayoutCounter.framesDecoded);
    if (!this.#sounded) {
      this.#sounded = true;
      onFirstSound(streamId);
    }
    return decoded;
  }

  #orSilence(decoded: number, samples: number): number {
    if (decoded > 0) return decoded;
    this.#pcm.fill(0, 0, samples * this.#options.channels);
    return samples;
  }

  /** The sender's wall clock at an RTP time near the last known one (the difference wraps as RTP time does). */
  #capturedAt(extTimestamp: number): number {
    if (this.#captureWallUs === 0) return 0;
    const samples = ((extTimestamp % 2 ** 32) - this.#captureRtp) | 0;
    return this.#captureWallUs + (samples * 1e6) / SAMPLE_RATE;
  }

  #synchronize(extTimestamp: number, captureWallUs: number): void {
    const { clock } = this.#jitter;
    const { row, control } = this.#options;
    this.sync.observe(clock.playoutUs(extTimestamp) - clock.extraDelayUs, captureWallUs);
    const extraUs = this.sync.extraDelayUs();
    if (Math.abs(extraUs - clock.extraDelayUs) > SYNC_STEP_US) clock.extraDelayUs = extraUs;
    const latencyUs = native.monotonicUs() + control.wallOffsetUs - captureWallUs;
    row.record(PlayoutHistogram.captureToDecoded, latencyUs);
  }

  #measureTone(nowUs: number): void {
    if (nowUs < this.#toneDueUs) return;
    this.#toneDueUs = nowUs + TONE_EVERY_US;
    this.#options.row.set(PlayoutCounter.toneHz, this.#detector.frequencyHz());
  }
}
