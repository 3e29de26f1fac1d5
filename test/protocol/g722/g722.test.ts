import assert from "node:assert/strict";
import {
  G722_CLOCK_RATE,
  G722_SAMPLE_RATE,
  G722_SAMPLES_PER_OCTET,
  G722Packetizer,
  g722DurationUs,
  g722TimestampUnits,
} from "../../../src/protocol/g722/g722.js";

describe("G.722 payloads (RFC 3551 §4.5.2)", () => {
  it("last half as many clock steps as they hold samples", () => {
    const octets = 160;
    assert.equal(g722DurationUs(octets), 20_000);
    assert.equal(g722TimestampUnits(octets) / G722_CLOCK_RATE, 0.02);
    assert.equal((octets * G722_SAMPLES_PER_OCTET) / G722_SAMPLE_RATE, 0.02);
  });

  it("are cut at the packet time from octets that come in any portions", () => {
    const packetizer = new G722Packetizer(30);
    const octets = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
    const target = new Uint8Array(300);
    const out: number[] = [];
    const timestamps: number[] = [];
    for (let at = 0; at < octets.length; at += 77) {
      assert.ok(packetizer.push(octets, at, Math.min(77, octets.length - at)));
      for (let n = packetizer.next(target, 2); n > 0; n = packetizer.next(target, 2)) {
        assert.equal(n, 240);
        timestamps.push(packetizer.timestamp);
        out.push(...target.subarray(2, 2 + n));
      }
    }
    assert.deepEqual(timestamps, [0, 240, 480, 720]);
    assert.deepEqual(out, [...octets.subarray(0, 960)]);
  });

  it("refuse what there is no room for, and a packet time that is none", () => {
    assert.ok(!new G722Packetizer().push(new Uint8Array(2000)));
    assert.throws(() => new G722Packetizer(0), RangeError);
    assert.throws(() => new G722Packetizer(2.5), RangeError);
  });
});
