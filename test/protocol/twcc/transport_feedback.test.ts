import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { parseCompound } from "../../../src/protocol/rtcp/parser.js";
import { RtcpWriter } from "../../../src/protocol/rtcp/writer.js";
import { ArrivalRecorder } from "../../../src/protocol/twcc/arrival_recorder.js";
import { TransportFeedbackReader } from "../../../src/protocol/twcc/feedback_reader.js";

function content(
  base: number,
  count: number,
  reference: number,
  chunks: number[],
  deltas: number[],
): Uint8Array {
  const bytes = [base >> 8, base & 255, count >> 8, count & 255];
  bytes.push((reference >> 16) & 255, (reference >> 8) & 255, reference & 255, 5);
  for (const chunk of chunks) bytes.push(chunk >> 8, chunk & 255);
  return Uint8Array.from([...bytes, ...deltas]);
}

function arrivals(reader: TransportFeedbackReader): (number | undefined)[] {
  return [...reader.arrivalUs.subarray(0, reader.count)].map((us) => (Number.isNaN(us) ? undefined : us));
}

describe("TransportFeedbackReader", () => {
  it("reads the chunk examples of the draft (§3.1.3, §3.1.4)", () => {
    const reader = new TransportFeedbackReader();
    // 221 packets not received, then one that was.
    assert.ok(reader.read(content(10, 222, 1, [0x00dd, 0x2001], [4])));
    assert.deepEqual(arrivals(reader), [...new Array(221).fill(undefined), 65_000]);
    // One-bit vector: no, five yes, three no, three yes, two no.
    assert.ok(reader.read(content(232, 14, 1, [0x9f1c], [0, 0, 0, 0, 0, 0, 0, 0])));
    assert.equal(
      arrivals(reader)
        .map((us) => (us === undefined ? "-" : "x"))
        .join(""),
      "-xxxxx---xxx--",
    );
    // Two-bit vector: no, reserved, three small, two no.
    assert.ok(reader.read(content(246, 7, 1, [0xcd50], [1, 1, 1])));
    assert.deepEqual(arrivals(reader), [undefined, undefined, 64_250, 64_500, 64_750, undefined, undefined]);
    assert.equal(reader.baseSequence, 246);
    assert.equal(reader.feedbackCount, 5);
  });

  it("reads what Chromium sends, filled up by one, two or three bytes", () => {
    const messages = {
      afcd0005260113d712dd9503002e0001063b940420016201: 1,
      afcd0006260113d75380c75c004b0004063b98082004326c3c020002: 4,
      afcd0007260113d712dd950300140007063b910120075f01df04020207000003: 7,
    };
    const reader = new TransportFeedbackReader();
    for (const [hex, received] of Object.entries(messages)) {
      const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
      const [packet] = parseCompound(bytes, 0, bytes.length);
      assert.ok(packet?.type === "transport-cc" && reader.read(packet.content));
      assert.deepEqual([reader.count, reader.received], [received, received]);
    }
  });

  it("reads large and negative deltas", () => {
    const reader = new TransportFeedbackReader();
    assert.ok(reader.read(content(0, 3, 2, [0x4003], [0x7f, 0xff, 0xff, 0xff, 0x80, 0x00])));
    assert.deepEqual(arrivals(reader), [
      128_000 + 32767 * 250,
      128_000 + 32766 * 250,
      128_000 + (32766 - 32768) * 250,
    ]);
  });

  it("unwraps sequence numbers and the reference time across packets", () => {
    const reader = new TransportFeedbackReader();
    assert.ok(reader.read(content(65535, 1, 0x7fffff, [0x2001], [0])));
    const first = reader.arrivalUs[0];
    assert.ok(reader.read(content(0, 1, 0x800000, [0x2001], [0])));
    assert.equal(reader.baseSequence, 65536);
    assert.equal(reader.arrivalUs[0] - first, 64_000);
  });

  it("refuses what is cut short, empty, or claims too much, and stays where it was", () => {
    const reader = new TransportFeedbackReader();
    assert.ok(reader.read(content(5, 1, 1, [0x2001], [0])));
    const good = content(9, 20, 1, [0x2007, 0xd555, 0x2006], new Array(20).fill(1));
    for (let n = 0; n < good.length; n++) assert.equal(reader.read(good.subarray(0, n)), false, `${n}`);
    assert.ok(reader.read(good));
    assert.equal(reader.received, 20);
    assert.equal(reader.read(content(9, 0, 1, [], [])), false);
    assert.equal(reader.read(content(9, 65535, 1, new Array(8).fill(0x1fff), [])), false);
    assert.equal(
      reader.read(content(9, 10, 1, [0x2000, 0x2000], [])),
      false,
      "runs of length 0 lead nowhere",
    );
  });

  it("survives random content", () => {
    const random = seededRandom(13);
    const reader = new TransportFeedbackReader();
    for (let i = 0; i < 8_000; i++) {
      const bytes = random.bytes(random.uint32() % 60);
      if (bytes.length > 3) bytes[2] &= 1;
      reader.read(bytes);
    }
  });
});

/** Writes feedback until nothing is left, reads it, and notes what was reported. */
class Loop {
  readonly recorder: ArrivalRecorder;
  readonly reader = new TransportFeedbackReader();
  readonly reported = new Map<number, number>();
  packets = 0;

  constructor(
    readonly room = 1200,
    intervalUs = 50_000,
  ) {
    this.recorder = new ArrivalRecorder({ intervalUs });
  }

  flush(nowUs: number): void {
    for (;;) {
      const writer = new RtcpWriter(new Uint8Array(this.room));
      if (!this.recorder.write(writer, 1, 2, nowUs)) return;
      this.packets++;
      const [packet] = parseCompound(writer.buffer, 0, writer.length);
      assert.ok(packet?.type === "transport-cc");
      assert.ok(this.reader.read(packet.content), "what we write we can read");
      for (let i = 0; i < this.reader.count; i++)
        if (!Number.isNaN(this.reader.arrivalUs[i]))
          this.reported.set(this.reader.baseSequence + i, this.reader.arrivalUs[i]);
    }
  }
}

describe("ArrivalRecorder", () => {
  it("writes the message of the draft's figure: base, count, reference time, chunk, deltas", () => {
    const recorder = new ArrivalRecorder();
    for (let i = 0; i < 3; i++) recorder.handlePacket(100 + i, 640_000 + i * 1_000);
    const writer = new RtcpWriter();
    assert.equal(recorder.nextDeadlineUs(), 690_000);
    assert.ok(recorder.write(writer, 1, 2, 690_000));
    assert.deepEqual(
      [...writer.bytes],
      [
        ...[0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2],
        ...[0, 100, 0, 3, 0, 0, 10, 0, 0x20, 0x03, 0, 4, 4, 0, 0, 0],
      ],
    );
    assert.equal(recorder.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    assert.equal(recorder.write(writer, 1, 2, 700_000), false, "nothing new");
  });

  it("goes on behind a gap that no message has room for", () => {
    const recorder = new ArrivalRecorder();
    const reader = new TransportFeedbackReader();
    const flush = (nowUs: number) => {
      const told: number[] = [];
      for (let more = true, i = 0; more; i++) {
        assert.ok(i < 10, "no end");
        const writer = new RtcpWriter(new Uint8Array(600));
        more = recorder.write(writer, 1, 2, nowUs);
        const [packet] = parseCompound(writer.buffer, 0, writer.length);
        if (packet?.type === "transport-cc" && reader.read(packet.content))
          told.push(reader.baseSequence + reader.count - 1);
      }
      assert.ok(recorder.nextDeadlineUs() > nowUs, "a deadline that has passed would keep its thread busy");
      return told;
    };
    recorder.handlePacket(0, 1_000_000);
    assert.deepEqual(flush(1_050_000), [0]);
    recorder.handlePacket(4_050, 2_000_000);
    assert.deepEqual(flush(2_050_000), [4_050]);
    recorder.handlePacket(4_051, 3_000_000);
    assert.deepEqual(flush(3_050_000), [4_051]);
  });

  it("reports every arrival to within a quarter of a millisecond over seeded networks", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const loop = new Loop(seed % 3 === 0 ? 60 : 1200);
      const expected = new Map<number, number>();
      let nowUs = 1e9 * seed;
      const base = 65_000;
      const flight: { at: number; seq: number }[] = [];
      for (let i = 0; i < 3000; i++) {
        nowUs += seed % 4 === 0 && i % 500 === 499 ? 9_000_000 : 700;
        if (random.uint32() % 100 >= seed * 3)
          flight.push({ at: nowUs + (random.uint32() % (1 + seed * 2_000)), seq: base + i });
        flight.sort((a, b) => a.at - b.at);
        while (flight.length > 0 && flight[0].at <= nowUs) {
          const packet = flight.shift();
          if (!packet) break;
          loop.recorder.handlePacket(packet.seq & 0xffff, packet.at);
          expected.set(packet.seq, packet.at);
        }
        if (loop.recorder.nextDeadlineUs() <= nowUs) loop.flush(nowUs);
      }
      loop.flush(nowUs);
      const offset = Math.min(...loop.reported.keys()) - Math.min(...expected.keys());
      let reference = Number.NaN;
      assert.equal(loop.reported.size, expected.size, `seed ${seed}`);
      for (const [seq, at] of expected) {
        const reported = loop.reported.get(seq + offset);
        assert.ok(reported !== undefined, `seed ${seed}: ${seq}`);
        // The 24-bit reference may stand whole cycles off; differences count.
        if (Number.isNaN(reference))
          reference = Math.round((reported - at) / (2 ** 24 * 64_000)) * 2 ** 24 * 64_000;
        assert.ok(Math.abs(reported - at - reference) <= 126, `seed ${seed}: ${seq} off by ${reported - at}`);
      }
    }
  });

  it("reports a packet that came after it had been reported missing", () => {
    const loop = new Loop();
    for (const seq of [1, 2, 4]) loop.recorder.handlePacket(seq, seq * 1_000);
    loop.flush(50_000);
    assert.deepEqual([...loop.reported.keys()], [1, 2, 4]);
    loop.recorder.handlePacket(3, 60_000);
    loop.flush(110_000);
    assert.ok(loop.reported.has(3));
  });

  it("splits where a pause does not fit a delta", () => {
    const loop = new Loop();
    loop.recorder.handlePacket(1, 0);
    loop.recorder.handlePacket(2, 20_000_000);
    loop.flush(20_050_000);
    assert.equal(loop.packets, 2);
    assert.deepEqual([...loop.reported.values()], [0, 20_000_000]);
  });

  it("stays bounded when numbers jump or nobody asks for feedback", () => {
    const loop = new Loop();
    for (let i = 0; i < 100_000; i++) loop.recorder.handlePacket(i & 0xffff, i * 100);
    loop.recorder.handlePacket(5, 1e7);
    loop.flush(1e8);
    assert.ok(loop.reported.size <= 4096);
    assert.ok(loop.packets < 20, `${loop.packets}`);
  });

  it("says so when there is no room for a single status", () => {
    const recorder = new ArrivalRecorder();
    recorder.handlePacket(1, 0);
    assert.equal(recorder.write(new RtcpWriter(new Uint8Array(20)), 1, 2, 0), false);
  });
});
