import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import { codecNumber } from "../../src/media/codecs/codec_name.js";
import { PlayoutCounter } from "../../src/media/metrics_rows.js";
import { ControlBlock, ControlWord, StreamFloat } from "../../src/media/ring/control_block.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { MetricsTable } from "../../src/media/ring/metrics.js";
import { ToneSource } from "../../src/media/sources/tone_source.js";
import { SpeakerStream } from "../../src/media/stages/speaker_stream.js";

const WALL = 1.7e15;

/** A speaker's stream in virtual time, fed by a real Opus encoder. */
class Rig {
  readonly metrics = MetricsTable.allocate(2);
  readonly row = this.metrics.row(0);
  readonly control = ControlBlock.allocate();
  readonly played: { samples: number; playoutUs: number; captureWallUs: number }[] = [];
  /** All that was played, with what was made up. */
  readonly heard = new ToneDetector();
  /** What was told of the pitch, each figure once. */
  readonly tones = new Set<number>();
  firstSounds = 0;
  readonly stream = new SpeakerStream({
    streamId: 7,
    channels: 1,
    control: this.control,
    row: this.row,
    workerRow: this.metrics.row(1),
    syncWith: [],
    isWanted: true,
    onFirstSound: () => this.firstSounds++,
    onProblem: (code, message) => assert.fail(`${code}: ${message}`),
    onSound: ({ pcm, playoutUs, captureWallUs }) => {
      this.heard.add(pcm, 1, pcm.length);
      this.tones.add(this.row.get(PlayoutCounter.toneHz));
      this.played.push({ samples: pcm.length, playoutUs, captureWallUs });
    },
  });
  readonly #source = new ToneSource(523, 1);
  readonly #encoder = new native.OpusEncoder({
    sampleRate: 48_000,
    channels: 1,
    bitrateBps: 32_000,
    fec: true,
    packetLossPercent: 10,
  });
  readonly #pcm = new Int16Array(960);
  readonly #bytes = new Uint8Array(1500);
  readonly #packet = new Descriptor();
  #sequence = 0;
  #due = Number.POSITIVE_INFINITY;

  /** One packet every 20 ms from `fromUs`; `keep` says which arrive, `delayUs` how late. */
  run(fromUs: number, packets: number, keep = (_i: number) => true, delayUs = (_i: number) => 5_000): void {
    const arrivals: { atUs: number; bytes: Uint8Array; sequence: number; index: number }[] = [];
    for (let index = 0; index < packets; index++) {
      this.#source.read(this.#pcm);
      const bytes = this.#bytes.slice(0, this.#encoder.encode(this.#pcm, this.#bytes));
      const sequence = this.#sequence++;
      if (keep(index))
        arrivals.push({ atUs: fromUs + index * 20_000 + delayUs(index), bytes, sequence, index });
    }
    arrivals.sort((a, b) => a.atUs - b.atUs);
    for (const { atUs, bytes, sequence, index } of arrivals) {
      this.#playUntil(atUs);
      const packet = this.#packet;
      packet.byteLength = bytes.length;
      packet.codec = codecNumber("opus");
      packet.tag = (sequence + 65_500) & 0xffff;
      // Starts just below 2^32, to wrap early.
      packet.rtpTimestamp = ((fromUs + index * 20_000 - 1e9) * 0.048 - 48_000) >>> 0;
      packet.arrivalUs = atUs;
      packet.captureWallUs = WALL + fromUs + index * 20_000;
      this.stream.insert(packet, bytes);
      this.#due = this.stream.play(atUs);
    }
  }

  #playUntil(nowUs: number): void {
    while (this.#due <= nowUs) this.#due = this.stream.play(this.#due);
  }

  close(): void {
    this.stream.close();
    this.#encoder.close();
  }
}

describe("SpeakerStream", () => {
  it("plays every packet, hears the tone, and knows when each sound was captured", () => {
    const rig = new Rig();
    rig.run(1e9, 100);
    assert.equal(rig.firstSounds, 1);
    assert.ok(rig.row.get(PlayoutCounter.framesDecoded) >= 97);
    assert.equal(rig.row.get(PlayoutCounter.concealedSamples), 0);
    assert.ok(
      Math.abs(rig.row.get(PlayoutCounter.toneHz) - 523) < 2,
      `${rig.row.get(PlayoutCounter.toneHz)}`,
    );
    const stamped = rig.played.filter(({ captureWallUs }) => captureWallUs > 0);
    assert.ok(stamped.length >= 97);
    // Every sound is played the same time after its capture, across the wrap of RTP time.
    const delays = stamped.map(({ playoutUs, captureWallUs }) => playoutUs - (captureWallUs - WALL));
    for (const delay of delays) assert.ok(Math.abs(delay - delays[0]) <= 20_000, `${delay} and ${delays[0]}`);
    assert.ok(delays[0] >= 5_000 && delays[0] < 80_000, `${delays[0]}`);
    rig.close();
  });

  it("bridges lost packets by FEC and concealment and keeps the tone", () => {
    const rig = new Rig();
    rig.run(1e9, 200, (index) => index % 10 !== 5 && index % 50 !== 20 && index % 50 !== 21);
    const recovered = rig.row.get(PlayoutCounter.fecPackets);
    assert.ok(recovered >= 15, `${recovered} recovered`);
    assert.ok(Math.abs(rig.heard.frequencyHz() - 523) < 3, `${rig.heard.frequencyHz()} Hz`);
    // As much sound comes out as went in.
    const total = rig.played.reduce((sum, { samples }) => sum + samples, 0);
    assert.ok(Math.abs(total - 200 * 960) < 10 * 960, `${total / 960} frames`);
    rig.close();
  });

  it("tells the pitch of sound as it was sent, not of what it made up or left out", () => {
    const rig = new Rig();
    // Five packets of every fifty come late, of which the first are made up; a tone of 523 Hz does not go into 20 ms.
    const isHeld = (index: number) => index % 50 >= 20 && index % 50 < 25;
    rig.run(1e9, 1000, undefined, (index) => 5_000 + (isHeld(index) ? (25 - (index % 50)) * 20_000 : 0));
    const [, ...told] = rig.tones;
    const off = [...told].filter((hz) => Math.abs(hz - 523) > 0.3);
    assert.deepEqual(off, [], `of ${told.length} different ones`);
    assert.ok(rig.row.get(PlayoutCounter.concealmentEvents) > 5);
    rig.close();
  });

  it("sleeps when nothing comes, and wakes with the next packet", () => {
    const rig = new Rig();
    rig.run(1e9, 50);
    let due = rig.stream.play(1e9 + 1_000_000);
    for (let i = 0; i < 200 && due < Number.POSITIVE_INFINITY; i++) due = rig.stream.play(due);
    assert.equal(due, Number.POSITIVE_INFINITY);
    assert.equal(rig.row.get(PlayoutCounter.toneHz), 0);
    const before = rig.row.get(PlayoutCounter.framesDecoded);
    rig.run(1e9 + 10_000_000, 50);
    assert.ok(rig.row.get(PlayoutCounter.framesDecoded) >= before + 40);
    rig.close();
  });

  it("decodes nothing while nobody wants it, and begins anew when somebody does", () => {
    const rig = new Rig();
    const decoded = () => rig.row.get(PlayoutCounter.framesDecoded);
    const offsetUs = () => rig.control.getStreamFloat(7, StreamFloat.playoutOffsetUs);
    rig.stream.isWanted = false;
    rig.run(1e9, 50);
    assert.deepEqual([decoded(), rig.played.length, offsetUs()], [0, 0, 0]);
    rig.stream.isWanted = true;
    rig.run(1e9 + 1_000_000, 50);
    assert.ok(decoded() >= 45, `${decoded()} decoded`);
    assert.notEqual(offsetUs(), 0);
    rig.stream.isWanted = false;
    // What was due before this packet came is still played.
    rig.run(1e9 + 2_000_000, 1);
    const before = decoded();
    rig.run(1e9 + 2_020_000, 49);
    assert.deepEqual([decoded() - before, offsetUs()], [0, 0]);
    rig.control.set(ControlWord.allSoundWanted, 1);
    rig.run(1e9 + 3_000_000, 50);
    assert.ok(decoded() >= before + 45, `${decoded() - before} more decoded`);
    assert.equal(rig.row.get(PlayoutCounter.concealedSamples), 0);
    assert.equal(rig.row.get(PlayoutCounter.playoutGlitches), 0);
    rig.close();
  });

  it("puts out of order packets in order", () => {
    const rig = new Rig();
    rig.run(1e9, 100, undefined, (index) => (index % 4 === 1 ? 26_000 : 5_000));
    assert.ok(rig.row.get(PlayoutCounter.framesDecoded) >= 90);
    assert.ok(Math.abs(rig.row.get(PlayoutCounter.toneHz) - 523) < 3);
    rig.close();
  });
});
