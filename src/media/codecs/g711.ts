import {
  aLawTables,
  decodeG711,
  encodeG711,
  type G711Tables,
  muLawTables,
} from "../../protocol/g711/g711.js";
import type { AudioDecoder, AudioDecoderFactory, AudioEncoder, AudioEncoderFactory } from "./audio_codec.js";

const CLOCK_RATE = 8000;
/** How much of the last packet is kept to go on from when one is lost: 20 ms. */
const MEMORY_SAMPLES = 160;
/** What is made up fades by this with each sample: to nothing within about 60 ms. */
const FADE = 0.992;

class G711Encoder implements AudioEncoder {
  constructor(private readonly tables: G711Tables) {}

  encode(pcm: Int16Array, out: Uint8Array): number {
    encodeG711(this.tables, pcm, out);
    return pcm.length;
  }

  setBitrate(): void {}
  setPacketLoss(): void {}
  close(): void {}
}

class G711Decoder implements AudioDecoder {
  readonly #last = new Int16Array(MEMORY_SAMPLES);
  #gain = 1;
  #at = 0;

  constructor(private readonly tables: G711Tables) {}

  decode(packet: Uint8Array, pcm: Int16Array): number {
    const count = Math.min(packet.length, pcm.length);
    decodeG711(this.tables, packet.subarray(0, count), pcm);
    const kept = Math.min(count, MEMORY_SAMPLES);
    this.#last.copyWithin(0, kept);
    this.#last.set(pcm.subarray(count - kept, count), MEMORY_SAMPLES - kept);
    this.#gain = 1;
    this.#at = 0;
    return count;
  }

  /** G.711 has none. */
  decodeFec(): number {
    return 0;
  }

  /** The last 20 ms over and over, fading. */
  conceal(pcm: Int16Array, samples: number): number {
    for (let i = 0; i < samples; i++) {
      this.#gain *= FADE;
      pcm[i] = this.#last[this.#at] * this.#gain;
      this.#at = (this.#at + 1) % MEMORY_SAMPLES;
    }
    return samples;
  }

  close(): void {}
}

function encoderOf(codec: "PCMU" | "PCMA", tables: () => G711Tables): AudioEncoderFactory {
  return {
    name: "G.711 tables",
    codec,
    sampleRates: [CLOCK_RATE],
    maxChannels: 1,
    clockRate: CLOCK_RATE,
    create: () => new G711Encoder(tables()),
  };
}

function decoderOf(codec: "PCMU" | "PCMA", tables: () => G711Tables): AudioDecoderFactory {
  return {
    name: "G.711 tables",
    codec,
    sampleRate: CLOCK_RATE,
    clockRate: CLOCK_RATE,
    maxChannels: 1,
    step: 1,
    packetSamples: (_buf, _offset, length) => length,
    isStereo: () => false,
    create: () => new G711Decoder(tables()),
  };
}

export const pcmuEncoder = encoderOf("PCMU", muLawTables);
export const pcmaEncoder = encoderOf("PCMA", aLawTables);
export const pcmuDecoder = decoderOf("PCMU", muLawTables);
export const pcmaDecoder = decoderOf("PCMA", aLawTables);
