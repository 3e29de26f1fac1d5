import { native } from "../../../native/addon.js";
import { PushedInput, type SoundInput } from "../../media/inputs/media_input.js";
import { createLocalTrack, type MediaStreamTrack } from "../media_stream_track.js";
import { bytesOf, checkLength, sizeOf } from "./bytes.js";

/** Interleaved signed 16-bit samples, 10 ms of them as a rule. */
export interface RTCAudioData {
  readonly samples: ArrayBufferView | ArrayBufferLike;
  /** 8000 to 96000. */
  readonly sampleRate: number;
  /** 16, also when absent. */
  readonly bitsPerSample?: number;
  /** 1 when absent. */
  readonly channelCount?: number;
  /** Samples of each channel; by the samples' length when absent. */
  readonly numberOfFrames?: number;
}

const MIN_RATE = 8_000;
const MAX_RATE = 96_000;
/** A second of 96 kHz stereo. */
const MAX_FRAMES = 96_000;

/** A source of sound that the program makes. Its clock is the pushing: 10 ms of sound every 10 ms. */
export class RTCAudioSource {
  readonly #input: SoundInput = new PushedInput("audio");

  createTrack(): MediaStreamTrack {
    return createLocalTrack({ kind: "audio", label: "RTCAudioSource", input: this.#input });
  }

  /** Sends samples, the last of them taken now. They are copied before this returns. Throws a TypeError as its options say. */
  onData(data: RTCAudioData): void {
    const bitsPerSample = data.bitsPerSample ?? 16;
    if (bitsPerSample !== 16) throw new TypeError(`bitsPerSample is ${bitsPerSample}, 16 is needed`);
    const channels = sizeOf("channelCount", data.channelCount ?? 1, 2) === 2 ? 2 : 1;
    const sampleRate = sizeOf("sampleRate", data.sampleRate, MAX_RATE);
    if (sampleRate < MIN_RATE)
      throw new TypeError(`sampleRate is ${sampleRate}, at least ${MIN_RATE} is needed`);
    const bytes = bytesOf("samples", data.samples);
    const frames = sizeOf(
      "numberOfFrames",
      data.numberOfFrames ?? bytes.byteLength / 2 / channels,
      MAX_FRAMES,
    );
    checkLength("samples", bytes, 2 * frames * channels);
    const captureTimeUs = native.monotonicUs() - (frames / sampleRate) * 1e6;
    this.#input.push({ samples: asSamples(bytes), sampleRate, channels, captureTimeUs });
  }
}

/** An Int16Array must begin at an even byte. */
function asSamples(bytes: Uint8Array): Int16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}
