import assert from "node:assert/strict";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import { audioDecoders, audioEncoders } from "../../src/media/codecs/audio_codecs.js";
import type { AudioCodecName } from "../../src/media/codecs/codec_name.js";
import { ToneSource } from "../../src/media/sources/tone_source.js";
import { SoundDecoder } from "../../src/media/stages/sound_decoder.js";
import { newAudioJitterBufferStats } from "../../src/protocol/jitter/audio_jitter_buffer.js";
import { RtpHeader } from "../../src/protocol/rtp/rtp_header.js";

const FRAME_US = 20_000;
const START_US = 1_000_000;

/** A decoder of sound in virtual time; packets of 20 ms, each 5 ms on its way. */
class Line {
  readonly decoder: SoundDecoder;
  readonly detector = new ToneDetector();
  /** Root mean square of each frame played. */
  readonly levels: number[] = [];
  readonly #codec: AudioCodecName;
  readonly #header = new RtpHeader();
  readonly #pcm = new Int16Array(2 * 6000);
  #sequence = 0;
  #nextUs = START_US;
  #sentUs = START_US;

  constructor(
    codec: AudioCodecName,
    readonly channels: 1 | 2 = 2,
  ) {
    this.#codec = codec;
    this.decoder = new SoundDecoder(codec, channels, newAudioJitterBufferStats());
  }

  /** One packet, or its time without it; then what is due is played. */
  send(payload: Uint8Array | undefined, isNoise = false): void {
    if (payload !== undefined) {
      const header = this.#header;
      header.sequenceNumber = this.#sequence & 0xffff;
      header.timestamp = Math.round(((this.#sentUs - START_US) * this.decoder.clockRate) / 1e6);
      header.payloadOffset = 0;
      header.payloadLength = payload.length;
      this.decoder.jitter.insert(payload, header, this.#sentUs + 5000, isNoise);
    }
    this.#sequence++;
    this.#sentUs += FRAME_US;
    this.#play(this.#sentUs);
  }

  /** Time without a packet, as its sender meant it. */
  pause(frames: number): void {
    this.#sentUs += frames * FRAME_US;
    this.#play(this.#sentUs);
  }

  #play(untilUs: number): void {
    while (this.#nextUs < untilUs) {
      const pull = this.decoder.jitter.pull(this.#nextUs);
      const samples = this.decoder.render(pull, this.#pcm);
      assert.ok(samples > 0, `${this.#codec}: ${pull.kind}`);
      const sound = this.#pcm.subarray(0, samples * this.channels);
      this.detector.add(sound, this.channels, samples);
      this.levels.push(Math.sqrt(sound.reduce((sum, value) => sum + value ** 2, 0) / sound.length));
      if (this.channels === 2) for (let i = 0; i < sound.length; i += 2) assert.equal(sound[i], sound[i + 1]);
      this.#nextUs += (samples * 1e6) / 48_000;
    }
  }
}

/** Packets of 20 ms of a tone. */
function* tone(codec: "PCMU" | "PCMA" | "opus", hz: number): Generator<Uint8Array> {
  const sampleRate = codec === "opus" ? 48_000 : 8000;
  const request = { sampleRate, channels: 1, bitrateBps: 64_000, fec: false, dtx: false } as const;
  const encoder = audioEncoders.first(codec, (factory) => factory.create(request));
  // ToneSource gives 48 kHz.
  const source = new ToneSource((hz * 48_000) / sampleRate, 1);
  const pcm = new Int16Array(sampleRate / 50);
  for (;;) {
    source.read(pcm);
    const out = new Uint8Array(400);
    yield out.subarray(0, encoder.encode(pcm, out));
  }
}

describe("SoundDecoder", () => {
  for (const codec of ["PCMU", "PCMA"] as const) {
    it(`plays ${codec} at 48 kHz on all channels`, () => {
      const line = new Line(codec);
      const packets = tone(codec, 700);
      for (let i = 0; i < 50; i++) line.send(packets.next().value);
      assert.ok(Math.abs(line.detector.frequencyHz() - 700) < 2, `${line.detector.frequencyHz()} Hz`);
      // ToneSource's amplitude is a third of full scale.
      const level = line.levels.at(-1) ?? 0;
      assert.ok(Math.abs(level / ((0.33 * 32767) / Math.SQRT2) - 1) < 0.05, `level ${level}`);
      line.decoder.close();
    });
  }

  it("makes up for a lost packet by what was before it, fading, and is silent at last", () => {
    const line = new Line("PCMU", 1);
    const packets = tone("PCMU", 500);
    for (let i = 0; i < 20; i++) line.send(packets.next().value);
    const loud = line.levels.at(-1) ?? 0;
    const first = line.levels.length;
    for (let i = 0; i < 12; i++) line.send(undefined);
    const after = line.levels.slice(first);
    const faint = after.findIndex((level) => level < loud / 2);
    assert.ok(faint > 0, `${after}`);
    assert.equal(after.at(-1), 0);
    assert.ok(line.decoder.jitter.stats.concealmentEvents === 1);
    line.decoder.close();
  });

  it("gives a lost packet of one channel as one, and what is blended with it", () => {
    const line = new Line("opus", 2);
    const packets = tone("opus", 505);
    for (let i = 0; i < 60; i++) {
      const { value } = packets.next();
      line.send(i % 8 >= 6 ? undefined : value);
    }
    assert.ok(line.decoder.jitter.stats.concealedSamples > 0);
    line.decoder.close();
  });

  it("plays noise as loud as the peer says from a comfort noise packet on until sound comes again", () => {
    const line = new Line("PCMA", 1);
    const packets = tone("PCMA", 500);
    for (let i = 0; i < 10; i++) line.send(packets.next().value);
    const conceals = line.decoder.jitter.stats.concealedSamples;
    // -40 dBov, and two reflection coefficients that are passed over.
    line.send(Uint8Array.of(40, 100, 90), true);
    line.pause(30);
    const quiet = line.levels.slice(-20);
    const expected = 32768 * 10 ** (-40 / 20);
    for (const level of quiet)
      assert.ok(Math.abs(level / expected - 1) < 0.1, `level ${level}, not ${expected}`);
    assert.equal(line.decoder.jitter.stats.concealedSamples, conceals, "a pause is no loss");
    for (let i = 0; i < 10; i++) line.send(packets.next().value);
    assert.ok((line.levels.at(-1) ?? 0) > 10 * expected);
    line.pause(3);
    line.decoder.close();
  });

  it("takes no packet longer than 120 ms, and none that decodes to more than there is room for", () => {
    const line = new Line("PCMU", 2);
    for (let i = 0; i < 5; i++) line.send(new Uint8Array(1400).fill(0xff));
    assert.equal(line.decoder.jitter.stats.packetsInserted, 0);
    line.send(new Uint8Array(960).fill(0xff));
    assert.equal(line.decoder.jitter.stats.packetsInserted, 1);
    line.pause(20);
    line.decoder.close();
  });
});

describe("the codecs of sound", () => {
  it("are found by name, the last registered first", () => {
    const loud = {
      name: "loud",
      codec: "PCMU",
      sampleRate: 8000,
      clockRate: 8000,
      maxChannels: 1,
      step: 1,
      packetSamples: (_buf: Uint8Array, _offset: number, length: number) => length,
      isStereo: () => false,
      create: () => ({
        decode: (packet: Uint8Array, pcm: Int16Array) => pcm.fill(20_000, 0, packet.length) && packet.length,
        decodeFec: () => 0,
        conceal: () => 0,
        close: () => undefined,
      }),
    } as const;
    audioDecoders.register(loud);
    try {
      const line = new Line("PCMU", 1);
      for (let i = 0; i < 10; i++) line.send(new Uint8Array(160));
      assert.ok(Math.abs((line.levels.at(-1) ?? 0) - 20_000) < 200);
    } finally {
      audioDecoders.unregister("PCMU", "loud");
    }
    assert.equal(
      audioDecoders.first("PCMU", ({ name }) => name),
      "G.711 tables",
    );
  });
});
