import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  RtpDumpError,
  RtpDumpReader,
  rtpDumpHeader,
  rtpDumpRecord,
} from "../../../src/protocol/rtpdump/rtpdump.js";

const HEADER = rtpDumpHeader(1_790_000_000_123_456, { address: [192, 0, 2, 1], port: 5004 });

function file(...records: Uint8Array[]): Uint8Array {
  return Uint8Array.from([HEADER, ...records].flatMap((part) => [...part]));
}

describe("rtpdump", () => {
  it("writes the layout of rtptools", () => {
    assert.equal(new TextDecoder().decode(HEADER.subarray(0, -16)), "#!rtpplay1.0 192.0.2.1/5004\n");
    assert.deepEqual([...HEADER.subarray(-16)].slice(8), [192, 0, 2, 1, 0x13, 0x8c, 0, 0]);
    assert.deepEqual([...rtpDumpRecord(Uint8Array.of(7, 8), 258, false)], [0, 10, 0, 2, 0, 0, 1, 2, 7, 8]);
    assert.deepEqual([...rtpDumpRecord(Uint8Array.of(7, 8), 258, true)].slice(0, 4), [0, 10, 0, 0]);
  });

  it("reads back what was written", () => {
    const random = seededRandom(3);
    const packets = Array.from({ length: 50 }, (_, i) => ({
      data: random.bytes(i * 20),
      rtcp: i % 7 === 3,
      offsetMs: i * 33,
    }));
    const reader = new RtpDumpReader(file(...packets.map((p) => rtpDumpRecord(p.data, p.offsetMs, p.rtcp))));
    assert.equal(reader.startUnixUs, 1_790_000_000_123_456);
    const records = [...reader];
    packets.forEach((p, i) => {
      assert.deepEqual(records[i].data, p.data);
      assert.equal(records[i].offsetMs, p.offsetMs);
      // An empty RTP packet cannot be told from RTCP in this format.
      assert.equal(records[i].rtcp, p.rtcp || p.data.length === 0);
    });
    assert.equal(reader.truncated, false);
  });

  it("ends before a record that was cut off", () => {
    const whole = file(
      rtpDumpRecord(Uint8Array.of(1, 2, 3), 0, false),
      rtpDumpRecord(Uint8Array.of(4, 5), 1, false),
    );
    for (let cut = 1; cut < 10; cut++) {
      const reader = new RtpDumpReader(whole.subarray(0, whole.length - cut));
      assert.equal([...reader].length, 1);
      assert.equal(reader.truncated, true);
    }
  });

  it("knows packets of which only a part was kept", () => {
    const record = rtpDumpRecord(Uint8Array.of(1, 2, 3), 0, false);
    record[3] = 200;
    const [read] = new RtpDumpReader(file(record));
    assert.deepEqual([read.data.length, read.originalLength], [3, 200]);
  });

  it("refuses other files, cut headers and records that lie, by code", () => {
    const code = (expected: string) => (error: unknown) =>
      error instanceof RtpDumpError && error.code === expected;
    for (const bytes of ["", "#!rtpplay", "#!rtpplay2.0 1.2.3.4/5\n", "x".repeat(300)])
      assert.throws(() => new RtpDumpReader(new TextEncoder().encode(bytes)), code("ERR_RTPDUMP_MAGIC"));
    assert.throws(() => new RtpDumpReader(HEADER.subarray(0, -1)), code("ERR_RTPDUMP_TRUNCATED"));
    const lie = rtpDumpRecord(new Uint8Array(0), 0, false);
    lie[1] = 7;
    assert.throws(() => [...new RtpDumpReader(file(lie))], code("ERR_RTPDUMP_RECORD"));
    assert.throws(() => rtpDumpRecord(new Uint8Array(65528), 0, false), RangeError);
  });
});
