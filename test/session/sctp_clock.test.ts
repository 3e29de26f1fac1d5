import assert from "node:assert/strict";
import { SctpClock } from "../../src/media/session/sctp_clock.js";

describe("SCTP clock", () => {
  function clock() {
    const ticks: number[] = [];
    return { ticks, sctp: new SctpClock((elapsedMs) => ticks.push(elapsedMs)) };
  }

  it("counts steps of ten milliseconds, and keeps what is over", () => {
    const { ticks, sctp } = clock();
    for (const nowUs of [1_000_000, 1_006_000, 1_012_500, 1_023_000]) sctp.advance(1, nowUs);
    assert.deepEqual(ticks, [12, 11]);
    assert.equal(sctp.nextDeadlineUs(), 1_033_000);
  });

  it("lets a late step expire no timer that packets not read yet would have stopped", () => {
    const { ticks, sctp } = clock();
    sctp.advance(1, 0);
    sctp.advance(1, 3_000_000);
    assert.deepEqual(ticks, [20]);
  });

  it("stands still while there is no association", () => {
    const { ticks, sctp } = clock();
    sctp.advance(1, 0);
    sctp.advance(0, 50_000);
    sctp.advance(1, 90_000);
    assert.deepEqual(ticks, []);
  });
});
