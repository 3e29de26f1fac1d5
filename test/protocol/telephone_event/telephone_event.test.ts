import assert from "node:assert/strict";
import {
  eventOfKey,
  keyOfEvent,
  readTelephoneEvent,
  writeTelephoneEvent,
} from "../../../src/protocol/telephone_event/telephone_event.js";
import { ToneSender } from "../../../src/protocol/telephone_event/tone_sender.js";

describe("telephone events (RFC 4733)", () => {
  it("knows the sixteen keys", () => {
    assert.deepEqual(
      [..."0123456789*#ABCD"].map(eventOfKey),
      Array.from({ length: 16 }, (_, i) => i),
    );
    assert.equal(eventOfKey("E"), -1);
    assert.equal(eventOfKey(""), -1);
    assert.equal(keyOfEvent(11), "#");
    assert.equal(keyOfEvent(16), undefined);
  });

  it("lays a payload out as §2.3 draws it, and reads it back", () => {
    const bytes = new Uint8Array(5);
    writeTelephoneEvent(bytes, 1, { event: 11, isEnd: true, duration: 0x1234 });
    assert.deepEqual([...bytes], [0, 11, 0x80 | 10, 0x12, 0x34]);
    const read = { event: 0, isEnd: false, duration: 0 };
    assert.ok(readTelephoneEvent(bytes, 1, 4, read));
    assert.deepEqual(read, { event: 11, isEnd: true, duration: 0x1234 });
    assert.equal(readTelephoneEvent(bytes, 1, 3, read), false);
  });

  it("tells of a tone every 20 ms and three times of its end (§2.5.1)", () => {
    const tones = new ToneSender();
    assert.equal(tones.isActive, false);
    tones.start(5, 100_000, 1_000_000);
    const sent: [atUs: number, first: boolean, end: boolean, duration: number][] = [];
    while (tones.isActive) {
      const nowUs = tones.nextDeadlineUs();
      assert.equal(tones.poll(nowUs - 1, 48_000), false);
      assert.ok(tones.poll(nowUs, 48_000));
      sent.push([nowUs - 1_000_000, tones.isFirst, tones.packet.isEnd, tones.packet.duration]);
      tones.sent();
    }
    assert.deepEqual(sent, [
      [20_000, true, false, 960],
      [40_000, false, false, 1920],
      [60_000, false, false, 2880],
      [80_000, false, false, 3840],
      [100_000, false, true, 4800],
      [120_000, false, true, 4800],
      [140_000, false, true, 4800],
    ]);
  });
});
