import assert from "node:assert/strict";
import {
  AudioJitterBuffer,
  type AudioJitterBufferOptions,
  type AudioKind,
} from "../../../src/protocol/jitter/audio_jitter_buffer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";

const FRAME_US = 20_000;
/** 20 ms CELT, mono. */
const TOC = 0xf8;

function packet(index: number, firstSeq: number, firstTimestamp: number, payload?: number[]): Uint8Array {
  const bytes = payload ?? [TOC, index >> 8, index & 255, 1];
  const out = new Uint8Array(12 + bytes.length);
  writeRtpHeader(out, 0, {
    marker: false,
    payloadType: 111,
    sequenceNumber: (firstSeq + index) & 0xffff,
    timestamp: (firstTimestamp + index * 960) % 2 ** 32,
    ssrc: 7,
  });
  out.set(bytes, 12);
  return out;
}

interface Pulled {
  kind: AudioKind;
  index: number;
}

class Line {
  readonly buffer: AudioJitterBuffer;
  readonly played: Pulled[] = [];
  private readonly header = new RtpHeader();

  constructor(
    options: AudioJitterBufferOptions = {},
    readonly firstSeq = 0,
    readonly firstTimestamp = 0,
  ) {
    this.buffer = new AudioJitterBuffer(options);
  }

  insert(index: number, nowUs: number, payload?: number[]): boolean {
    const p = packet(index, this.firstSeq, this.firstTimestamp, payload);
    assert.ok(parseRtp(p, 0, p.length, this.header));
    return this.buffer.insert(p, this.header, nowUs);
  }

  pull(nowUs: number): Pulled {
    const out = this.buffer.pull(nowUs);
    const payload = this.buffer.payload();
    assert.equal(out.samples, 960);
    const index = payload.length >= 3 ? (payload[1] << 8) | payload[2] : -1;
    const pulled = { kind: out.kind, index };
    this.played.push(pulled);
    return pulled;
  }

  kinds(from = 0): string {
    const letters: Record<AudioKind, string> = { packet: "p", fec: "f", lost: "l", empty: "e", noise: "n" };
    return this.played
      .slice(from)
      .map((p) => letters[p.kind])
      .join("");
  }
}

/** Sends one packet each 20 ms with the given transit (undefined: lost) and pulls each 20 ms. */
function run(
  line: Line,
  frames: number,
  transitUs: (i: number) => number | undefined,
  sourceDrift = 1,
): Line {
  const arrivals: { at: number; index: number }[] = [];
  for (let i = 0; i < frames; i++) {
    const transit = transitUs(i);
    if (transit !== undefined) arrivals.push({ at: i * FRAME_US * sourceDrift + transit, index: i });
  }
  arrivals.sort((a, b) => a.at - b.at);
  let next = 0;
  for (let tick = 0; tick < frames; tick++) {
    const nowUs = tick * FRAME_US + 7_000;
    while (next < arrivals.length && arrivals[next].at <= nowUs) {
      line.insert(arrivals[next].index, arrivals[next].at);
      next++;
    }
    line.pull(nowUs);
  }
  return line;
}

/** Every packet at most once, in order. */
function assertOrdered(line: Line, context: string): void {
  let previous = -1;
  for (const p of line.played) {
    if (p.kind !== "packet") continue;
    assert.ok(p.index > previous, `${context}: ${p.index} after ${previous}`);
    previous = p.index;
  }
}

describe("AudioJitterBuffer", function () {
  it("does not miss packets of the stream that were no sound", () => {
    const line = new Line();
    for (let i = 0; i < 3; i++) line.insert(i, i * FRAME_US);
    for (let i = 0; i < 3; i++) line.buffer.noteForeign(3 + i);
    for (let i = 6; i < 9; i++) line.insert(i, i * FRAME_US);
    for (let i = 0; i < 9; i++) line.pull(100_000 + i * FRAME_US);
    assert.equal(line.kinds(), "pppeeeppp");
    assert.equal(line.buffer.stats.concealmentEvents, 0);
  });

  this.timeout(60_000);

  it("plays every packet of a steady stream once, after its least delay", () => {
    const line = run(new Line({}, 65530, 2 ** 32 - 5000), 200, () => 3_000);
    assert.match(line.kinds(), /^e{1,3}p+$/);
    assertOrdered(line, "steady");
    assert.equal(line.buffer.stats.packetsLate, 0);
    assert.ok(line.buffer.bufferedUs <= 40_000);
  });

  it("puts reordered and duplicated packets right", () => {
    const line = new Line({ minDelayUs: 100_000 });
    for (const i of [2, 0, 1, 1, 4, 3, 2]) line.insert(i, 0);
    assert.equal(line.buffer.stats.packetsDuplicated, 2);
    line.pull(0);
    for (let t = 0; t < 5; t++)
      assert.deepEqual(line.pull(100_000 + t * FRAME_US), { kind: "packet", index: t });
  });

  it("answers a lost packet with its successor's FEC, then with the successor", () => {
    const line = new Line();
    for (const i of [0, 2, 3]) line.insert(i, i * FRAME_US);
    const at = (n: number) => 20_000 + n * FRAME_US;
    assert.deepEqual(line.pull(at(0)), { kind: "packet", index: 0 });
    assert.deepEqual(line.pull(at(1)), { kind: "fec", index: 2 });
    assert.deepEqual(line.pull(at(2)), { kind: "packet", index: 2 });
    assert.equal(line.insert(1, at(2)), false);
    assert.equal(line.buffer.stats.packetsLate, 1);
    assert.equal(line.buffer.stats.framesRecovered, 1);
    assert.equal(line.buffer.stats.concealedSamples, 0);
  });

  it("conceals all of a longer loss but its last frame, which FEC recovers", () => {
    const line = new Line();
    for (const i of [0, 4]) line.insert(i, i * FRAME_US);
    for (let t = 0; t < 5; t++) line.pull(20_000 + t * FRAME_US);
    assert.equal(line.kinds(), "pllfp");
    assert.equal(line.buffer.stats.concealedSamples, 2 * 960);
  });

  it("conceals an underrun for 100 ms, then falls silent, then starts over", () => {
    const line = new Line();
    for (let i = 0; i < 3; i++) line.insert(i, i * FRAME_US);
    for (let t = 0; t < 12; t++) line.pull(20_000 + t * FRAME_US);
    assert.equal(line.kinds(), "ppplllll".padEnd(12, "e"));
    line.insert(50, 2_000_000);
    line.pull(2_000_000);
    for (let t = 0; t < 60; t++) line.pull(2_020_000 + t * FRAME_US);
    assert.ok(line.played.some((p) => p.kind === "packet" && p.index === 50));
  });

  it("is silent, not lossy, while the sender sends nothing (DTX)", () => {
    const line = new Line();
    line.insert(0, 0);
    line.insert(1, FRAME_US, [TOC]);
    // Next number, ten frames later.
    const later = packet(2, 0, 9600, [TOC, 0, 11, 1]);
    const header = new RtpHeader();
    for (let t = 0; t < 14; t++) {
      if (t === 10) {
        assert.ok(parseRtp(later, 0, later.length, header));
        line.buffer.insert(later, header, 12 * FRAME_US);
      }
      line.pull(20_000 + t * FRAME_US);
    }
    assert.equal(line.kinds(), "ppeeeeeeeeeepl");
    assert.equal(line.buffer.stats.framesConcealed, 1, "only after the last packet");
  });

  it("drops what comes too late and takes the lesson", () => {
    const line = run(new Line(), 500, (i) => (i % 10 === 9 ? 90_000 : 2_000));
    assertOrdered(line, "late");
    assert.ok(line.buffer.stats.packetsLate > 0);
    assert.ok(line.buffer.clock.delayUs > 40_000, `${line.buffer.clock.delayUs}`);
    assert.ok(line.kinds(400).split("p").length - 1 >= 97, line.kinds(400));
  });

  it("brings its delay up and down by single frames", () => {
    const line = run(
      new Line({ maxDelayUs: 300_000 }),
      4000,
      (i) => 2_000 + (i >= 200 && i < 600 ? (i % 4) * 40_000 : 0),
    );
    assertOrdered(line, "adaptive");
    const s = line.buffer.stats;
    assert.ok(s.framesStretched > 0 && s.packetsSkipped > 0, JSON.stringify(s));
    assert.ok(line.buffer.clock.delayUs < 30_000, `${line.buffer.clock.delayUs}`);
    assert.match(line.kinds(3500), /^p+$/);
    assert.ok(line.buffer.bufferedUs <= 60_000, `${line.buffer.bufferedUs}`);
  });

  it("absorbs clock drift both ways", () => {
    for (const drift of [1 - 500e-6, 1 + 500e-6]) {
      const line = run(new Line(), 20_000, () => 2_000, drift);
      assertOrdered(line, `${drift}`);
      const others = line.kinds(10).replaceAll("p", "").length;
      assert.ok(others < 40, `${others}`);
      assert.ok(line.buffer.bufferedUs <= 80_000, `${line.buffer.bufferedUs}`);
    }
  });

  it("waits for lip-sync and gives the delay back", () => {
    const line = new Line();
    run(line, 100, () => 2_000);
    const before = line.buffer.clock.delayUs;
    line.buffer.clock.extraDelayUs = 100_000;
    assert.equal(line.buffer.clock.delayUs, before + 100_000);
    for (let i = 100; i < 300; i++) {
      line.insert(i, i * FRAME_US + 2_000);
      line.pull(i * FRAME_US + 7_000);
    }
    assert.ok(line.buffer.bufferedUs > 80_000, `${line.buffer.bufferedUs}`);
  });

  it("refuses what is malformed or too long, ignores padding, follows a restart", () => {
    const line = new Line({ maxPayloadBytes: 20 });
    assert.equal(line.insert(0, 0, [TOC | 3, 0]), false);
    assert.equal(line.insert(1, 0, new Array(21).fill(TOC)), false);
    assert.equal(line.insert(2, 0, []), false);
    assert.equal(line.buffer.stats.packetsRefused, 2);
    line.insert(3, 0);
    assert.equal(line.insert(20_000, 0), false);
    assert.equal(line.insert(20_001, 1_000), true);
    assert.equal(line.buffer.stats.resets, 1);
    assert.equal(line.pull(30_000).index, 20_001);
  });

  it("keeps order and bounds over seeded bad networks", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const loss = (seed % 5) * 0.05;
      const jitter = 1 + seed * 5_000;
      const line = new Line({}, 65_536 - seed * 10, 2 ** 32 - seed * 9_000);
      run(line, 2000, () => (random.uint32() / 2 ** 32 < loss ? undefined : random.uint32() % jitter));
      assertOrdered(line, `seed ${seed}`);
      const played = line.kinds().split("p").length - 1;
      assert.ok(played > 2000 * (1 - loss) * 0.8, `seed ${seed}: ${played} played`);
      assert.ok(line.buffer.bufferedUs < 600_000, `seed ${seed}`);
    }
  });
});
