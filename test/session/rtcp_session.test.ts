import assert from "node:assert/strict";
import type { Arrival } from "../../src/media/session/arrival_log.js";
import { RtcpSession } from "../../src/media/session/rtcp_session.js";
import { ReceiveCounters, SendCounters } from "../../src/media/session/stream_counters.js";
import type { ReceiveStreamOptions, SendStreamOptions } from "../../src/media/transport_api.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";

const receiveOptions: ReceiveStreamOptions = {
  kind: "audio",
  mid: "0",
  payloadTypes: [{ payloadType: 111, codec: "opus", clockRate: 48_000 }],
  ssrcs: [],
  extensions: {},
  nack: false,
  localSsrc: 7,
  reducedSizeRtcp: false,
};

const sendOptions: SendStreamOptions = {
  kind: "audio",
  mid: "0",
  ssrc: 8,
  cname: "cname",
  payloadType: 111,
  codec: "opus",
  clockRate: 48_000,
  extensions: {},
  nack: false,
  reducedSizeRtcp: false,
};

const packet = {
  streamId: 1,
  flags: 0,
  ssrc: 9,
  sequenceNumber: 1,
  rtpTimestamp: 0,
  bytes: 100,
} as const;

/** One session on a clock of its own, and when it sent reports. */
class Timeline {
  nowUs = 1_000_000;
  readonly sentUs: number[] = [];
  readonly collisions: number[] = [];
  /** Deadlines that were met. */
  readonly wakeUpsUs: number[] = [];
  readonly session: RtcpSession;

  constructor(seed: number) {
    this.session = new RtcpSession({
      random: seededRandom(seed),
      wallOffsetUs: 0,
      sinks: {
        compound: () => this.sentUs.push(this.nowUs),
        resend: () => {},
        rateLimit: () => {},
        transportFeedback: () => {},
        keyframe: () => {},
        bye: () => {},
        collision: (ssrc) => this.collisions.push(ssrc),
      },
    });
    this.session.start(this.nowUs);
  }

  /** The mean time between reports while `seconds` pass. */
  meanGapUs(seconds: number): number {
    const before = this.sentUs.length;
    this.advance(seconds);
    return (1e6 * seconds) / (this.sentUs.length - before);
  }

  advance(seconds: number): void {
    const untilUs = this.nowUs + 1e6 * seconds;
    for (;;) {
      const dueUs = Math.max(this.nowUs, this.session.nextDeadlineUs());
      if (dueUs > untilUs) break;
      this.nowUs = dueUs;
      this.wakeUpsUs.push(dueUs);
      this.session.handleTimeout(dueUs);
    }
    this.nowUs = untilUs;
  }
}

describe("RtcpSession's regular reports", () => {
  it("waits for a first packet before it asks for the keyframe that is wanted, and asks then", () => {
    const timeline = new Timeline(3);
    const { session } = timeline;
    const video = { ...receiveOptions, kind: "video", reducedSizeRtcp: true } as const;
    session.addReceiveStream(1, video, new Float64Array(ReceiveCounters.words));
    session.requestKeyframe(1, timeline.nowUs);
    session.handleTimeout(timeline.nowUs);
    assert.ok(session.nextDeadlineUs() > timeline.nowUs, "a deadline that stays would keep the thread busy");
    timeline.sentUs.length = 0;
    session.handleArrival({ ...packet, transportSequence: -1, arrivalUs: timeline.nowUs });
    session.handleTimeout(timeline.nowUs);
    assert.deepEqual(timeline.sentUs, [timeline.nowUs]);
  });

  it("come every 5 s or later while nothing is sent and nothing arrives (RFC 3550 §6.2), and share wake-ups", () => {
    const timeline = new Timeline(1);
    timeline.session.addReceiveStream(1, receiveOptions, new Float64Array(ReceiveCounters.words));
    const meanUs = timeline.meanGapUs(1000);
    // §6.3.1's compensation shortens the mean of 5 s; waiting for a shared wake-up prolongs it by up to half a second.
    assert.ok(meanUs > 4_000_000 && meanUs < 5_500_000, `${meanUs}`);
    assert.ok(timeline.wakeUpsUs.every((us) => us % 500_000 === 0));
  });

  it("come every second from the first packet on", () => {
    const timeline = new Timeline(2);
    timeline.session.addReceiveStream(1, receiveOptions, new Float64Array(ReceiveCounters.words));
    timeline.advance(60);
    const firstUs = timeline.nowUs;
    timeline.session.handleArrival({ ...packet, arrivalUs: firstUs } as Arrival);
    timeline.session.handleTimeout(firstUs);
    timeline.advance(1.5);
    assert.ok(
      timeline.sentUs.some((us) => us > firstUs && us < firstUs + 1_500_000),
      "soon after it",
    );
    const meanUs = timeline.meanGapUs(300);
    assert.ok(meanUs > 700_000 && meanUs < 1_100_000, `${meanUs}`);
  });

  it("come every second while there is something to send", () => {
    const timeline = new Timeline(3);
    const counters = new Float64Array(SendCounters.words);
    timeline.session.addSendStream(1, sendOptions, counters);
    timeline.session.handleTimeout(timeline.nowUs);
    const meanUs = timeline.meanGapUs(300);
    assert.ok(meanUs > 700_000 && meanUs < 1_100_000, `${meanUs}`);
  });

  it("do not come, nor wake the thread, where there is no stream that could report", () => {
    const timeline = new Timeline(4);
    assert.equal(timeline.session.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    timeline.session.addReceiveStream(1, receiveOptions, new Float64Array(ReceiveCounters.words));
    timeline.advance(20);
    assert.ok(timeline.sentUs.length > 0);
    timeline.session.removeReceiveStream(1);
    assert.equal(timeline.session.nextDeadlineUs(), Number.POSITIVE_INFINITY);
  });
});
