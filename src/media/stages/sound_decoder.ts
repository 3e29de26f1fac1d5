import {
  AudioJitterBuffer,
  type AudioJitterBufferStats,
  type AudioPull,
} from "../../protocol/jitter/audio_jitter_buffer.js";
import type { AudioDecoder, AudioDecoderFactory } from "../codecs/audio_codec.js";
import { audioDecoders } from "../codecs/audio_codecs.js";
import type { AudioCodecName } from "../codecs/codec_name.js";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { StreamResampler } from "../sources/stream_resampler.js";
import { ComfortNoise } from "./comfort_noise.js";

/** The longest packet that is taken, in time. */
export const MAX_PACKET_MS = 120;
/** Least delay over the fastest path. */
export const MIN_DELAY_US = 20_000;
/** The longest delay that may be asked for, 4 s (WebRTC 1.0 §5.3), in packets of 20 ms. */
const CAPACITY_PACKETS = 256;

/** One codec's packets of a stream become sound of 48 kHz: jitter buffer on the codec's RTP clock, decoder, conversion. */
export class SoundDecoder {
  readonly jitter: AudioJitterBuffer;
  /** The RTP clock's. */
  readonly clockRate: number;
  /** Whether the last packet that was due could not be decoded. */
  wasDamaged = false;
  readonly #factory: AudioDecoderFactory;
  readonly #decoder: AudioDecoder;
  /** Of the codec, and of what is played. */
  readonly #channels: 1 | 2;
  readonly #played: 1 | 2;
  readonly #resampler: StreamResampler | undefined;
  readonly #scratch: Int16Array;
  /** Whether the last packet held two channels. */
  #isStereo = false;
  readonly #noise = new ComfortNoise();

  /** @param stats counters to go on with */
  constructor(codec: AudioCodecName, channels: 1 | 2, stats: AudioJitterBufferStats) {
    this.#factory = audioDecoders.first(codec, (factory) => factory);
    const { clockRate, sampleRate, maxChannels } = this.#factory;
    const maxSamples = (clockRate * MAX_PACKET_MS) / 1000;
    this.clockRate = clockRate;
    this.#played = channels;
    this.#channels = channels === 2 && maxChannels === 2 ? 2 : 1;
    this.#decoder = this.#factory.create(this.#channels);
    this.#resampler =
      sampleRate === SAMPLE_RATE ? undefined : new StreamResampler(sampleRate, this.#channels);
    this.#scratch = new Int16Array((sampleRate * MAX_PACKET_MS * this.#channels) / 1000);
    this.jitter = new AudioJitterBuffer({
      clockRate,
      minDelayUs: MIN_DELAY_US,
      capacityPackets: CAPACITY_PACKETS,
      packetSamples: (buf, offset, length) => {
        const samples = this.#factory.packetSamples(buf, offset, length);
        return samples > maxSamples ? 0 : samples;
      },
      stats,
    });
  }

  /** Fills `pcm`, interleaved, with what the jitter buffer says; returns samples per channel. */
  render(pull: AudioPull, pcm: Int16Array): number {
    this.wasDamaged = false;
    const { step, sampleRate } = this.#factory;
    const wanted = (pull.samples * sampleRate) / this.clockRate;
    const samples = Math.max(step, wanted - (wanted % step));
    if (pull.kind === "packet") this.#noise.stop();
    if (pull.kind === "noise") this.#noise.set(this.jitter.payload());
    if (pull.kind === "noise" || pull.kind === "empty") return this.#quiet(samples, pcm);
    const target = this.#resampler === undefined && this.#channels === this.#played ? pcm : this.#scratch;
    const decoded = this.#decode(pull, target, samples);
    if (this.#channels === 2 && !this.#isStereo) joinChannels(target, decoded);
    return decoded > 0 ? this.#convert(target, decoded, pcm) : this.#quiet(samples, pcm);
  }

  close(): void {
    this.#decoder.close();
  }

  #decode({ kind }: AudioPull, target: Int16Array, samples: number): number {
    if (kind === "fec") return this.#decoder.decodeFec(this.jitter.payload(), target, samples);
    if (kind === "lost") return this.#decoder.conceal(target, samples);
    const payload = this.jitter.payload();
    this.#isStereo = this.#factory.isStereo(payload, 0);
    const decoded = this.#decoder.decode(payload, target);
    this.wasDamaged = decoded <= 0;
    return this.wasDamaged ? this.#decoder.conceal(target, samples) : decoded;
  }

  /** To 48 kHz and the channels that are played. */
  #convert(decoded: Int16Array, samples: number, pcm: Int16Array): number {
    if (decoded === pcm) return samples;
    const ready = decoded.subarray(0, samples * this.#channels);
    const sound = this.#resampler?.process(ready) ?? ready;
    if (this.#channels === this.#played) pcm.set(sound);
    else for (let i = 0; i < sound.length; i++) pcm[2 * i] = pcm[2 * i + 1] = sound[i];
    return sound.length / this.#channels;
  }

  /** Nothing, or the noise that the peer described. */
  #quiet(samples: number, pcm: Int16Array): number {
    const played = (samples * SAMPLE_RATE) / this.#factory.sampleRate;
    if (this.#noise.isWanted) this.#noise.fill(pcm, played * this.#played);
    else pcm.fill(0, 0, played * this.#played);
    return played;
  }
}

/** What libopus makes up for a lost frame differs by a little between two channels that were one. */
function joinChannels(pcm: Int16Array, samples: number): void {
  for (let i = 0; i < samples; i++) pcm[2 * i + 1] = pcm[2 * i];
}
