import assert from "node:assert/strict";
import { PacketMapper } from "../../src/media/session/packet_mapper.js";
import { writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";

const CLOCK = 90_000;

/** Feeds packets and notes where they went. */
class Feed {
  readonly mapper = new PacketMapper({
    clockRate: CLOCK,
    timestampAt: (nowUs) => 1000 + (nowUs * CLOCK) / 1e6,
  });
  next = 500;

  packet(ssrc: number, sequenceNumber: number, timestamp: number, payload = 4): Uint8Array {
    const bytes = new Uint8Array(12 + payload);
    writeRtpHeader(bytes, 0, { marker: true, payloadType: 96, sequenceNumber, timestamp, ssrc });
    return bytes;
  }

  /** Where it goes; undefined: it is not passed on. */
  put(
    nowUs: number,
    ...packet: Parameters<Feed["packet"]>
  ): [sequence: number, timestamp: number] | undefined {
    const bytes = this.packet(...packet);
    if (!this.mapper.read(bytes, bytes.length)) return undefined;
    this.mapper.map(this.next, nowUs);
    const { sequenceNumber, timestamp } = this.mapper;
    this.next = Math.max(this.next, sequenceNumber + 1) & 0xffff;
    return [sequenceNumber, timestamp];
  }
}

describe("PacketMapper", () => {
  it("keeps the distances of numbers and times, also over the wrap and out of order", () => {
    const feed = new Feed();
    assert.deepEqual(feed.put(0, 7, 65_535, 4_294_967_290), [500, 1000]);
    assert.deepEqual(feed.put(100_000, 7, 2, 8994), [503, 1000 + 9000]);
    assert.deepEqual(feed.put(100_100, 7, 0, 2994), [501, 1000 + 3000]);
  });

  it("joins another source where the first ended, as long after it as it came", () => {
    const feed = new Feed();
    feed.put(0, 7, 10, 0);
    feed.put(40_000, 7, 11, 3600);
    assert.deepEqual(feed.put(100_000, 8, 60_000, 99), [502, 1000 + 9000]);
    // Its clock ran ahead of ours: time does not go back.
    feed.put(100_000, 8, 60_001, 99 + 90_000);
    const [, timestamp] = feed.put(110_000, 9, 1, 1) ?? [];
    assert.equal(timestamp, 1000 + 9000 + 90_000 + 900);
  });

  it("takes a far jump for a new beginning, and a late packet of before for none", () => {
    const feed = new Feed();
    feed.put(0, 7, 1000, 0);
    assert.equal(feed.put(20_000, 7, 20_000, 1_000_000)?.[0], 501);
    assert.equal(feed.put(21_000, 7, 19_990, 999_000)?.[0], 491);
  });

  it("closes up where padding alone was left out", () => {
    const feed = new Feed();
    feed.put(0, 7, 1, 0);
    assert.equal(feed.put(1000, 7, 2, 0, 0), undefined);
    assert.equal(feed.put(2000, 7, 3, 3000)?.[0], 501);
  });

  it("takes no packet for captured later than it came, and follows a slow clock slowly", () => {
    const feed = new Feed();
    for (let i = 0; i < 100; i++) {
      const cameUs = i * 33_000 + (i % 3 === 0 ? 0 : 4000);
      feed.put(cameUs, 7, i, i * 2970);
      assert.ok(feed.mapper.captureTimeUs <= cameUs);
      assert.ok(cameUs - feed.mapper.captureTimeUs < 4200);
    }
  });
});
