import assert from "node:assert/strict";
import { BandwidthEstimator } from "../../../src/protocol/bwe/bandwidth_estimator.js";
import { SendLog } from "../../../src/protocol/bwe/send_log.js";
import type { LinkOptions } from "../../../src/protocol/netem/link.js";
import { NetworkEmulator } from "../../../src/protocol/netem/network_emulator.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { parseCompound } from "../../../src/protocol/rtcp/parser.js";
import { RtcpWriter } from "../../../src/protocol/rtcp/writer.js";
import { ArrivalRecorder } from "../../../src/protocol/twcc/arrival_recorder.js";
import { TransportFeedbackReader } from "../../../src/protocol/twcc/feedback_reader.js";

const FRAME_US = 33_333;
const PACKET_BYTES = 1200;
const TARGET_BPS = 2_500_000;
const RETURN_US = 20_000;
/** The peer's clock is another one. */
const CLOCK_US = 7e9;

const PACKET = new Uint8Array(PACKET_BYTES);

interface Sent {
  readonly data: Uint8Array;
  readonly sequence: number;
  readonly atUs: number;
}

/** Pictures at the estimate over an emulated path, with the feedback that a peer would write, in virtual time. */
class Path {
  nowUs = 1e9;
  readonly estimator = new BandwidthEstimator();
  readonly log = new SendLog(0xfff0);
  readonly queueUs: number[] = [];
  arrivedBytes = 0;
  sentBytes = 0;
  readonly #recorder = new ArrivalRecorder();
  readonly #reader = new TransportFeedbackReader();
  readonly #network = new NetworkEmulator<Sent>(seededRandom(3));
  readonly #link: number;
  readonly #feedback: { readonly atUs: number; readonly content: Uint8Array }[] = [];
  #frameUs = this.nowUs;
  #debt = 0;

  constructor(link: LinkOptions) {
    this.#link = this.#network.addLink(link);
  }

  change(link: LinkOptions): void {
    this.#network.updateLink(this.#link, link);
  }

  /** Runs for so long; forgets before that what is measured. */
  run(seconds: number): void {
    this.queueUs.length = 0;
    this.arrivedBytes = this.sentBytes = 0;
    const endUs = this.nowUs + seconds * 1e6;
    for (; this.nowUs < endUs; this.nowUs += 1000) this.#step();
  }

  #step(): void {
    if (this.nowUs >= this.#frameUs) this.#picture();
    for (let d = this.#network.pollDelivery(this.nowUs); d; d = this.#network.pollDelivery(this.nowUs)) {
      this.queueUs.push(this.nowUs - d.datagram.atUs);
      this.arrivedBytes += PACKET_BYTES;
      this.#recorder.handlePacket(d.datagram.sequence, this.nowUs + CLOCK_US);
    }
    if (this.nowUs + CLOCK_US >= this.#recorder.nextDeadlineUs()) this.#report();
    while (this.#feedback.length > 0 && this.#feedback[0].atUs <= this.nowUs) {
      assert.ok(this.#reader.read(this.#feedback.shift()?.content ?? new Uint8Array(0)));
      this.estimator.handleFeedback(this.#reader, this.log, this.nowUs);
    }
  }

  #picture(): void {
    this.#frameUs += FRAME_US;
    const rateBps = Math.min(TARGET_BPS, this.estimator.estimateBps);
    this.#debt += (rateBps * FRAME_US) / 8e6;
    for (; this.#debt > 0; this.#debt -= PACKET_BYTES) {
      const sequence = this.log.add(PACKET_BYTES, this.nowUs);
      this.sentBytes += PACKET_BYTES;
      this.#network.send(this.#link, { sequence, atUs: this.nowUs, data: PACKET }, this.nowUs);
    }
  }

  #report(): void {
    for (let more = true; more; ) {
      const writer = new RtcpWriter();
      more = this.#recorder.write(writer, 1, 2, this.nowUs + CLOCK_US);
      const [packet] = parseCompound(writer.buffer, 0, writer.length);
      if (packet?.type === "transport-cc")
        this.#feedback.push({ atUs: this.nowUs + RETURN_US, content: packet.content.slice() });
    }
  }

  get arrivedBps(): number {
    return this.arrivedBytes * 8;
  }

  percentile(share: number): number {
    return [...this.queueUs].sort((a, b) => a - b)[Math.floor(share * (this.queueUs.length - 1))];
  }
}

describe("BandwidthEstimator (draft-ietf-rmcat-gcc-02)", () => {
  it("finds no limit on a path that carries all, with jitter and a little loss", () => {
    for (const link of [
      { delayUs: 20_000 },
      { delayUs: 30_000, jitterUs: 15_000, loss: 0.015 },
      { delayUs: 5_000, rateBps: 20_000_000 },
    ]) {
      const path = new Path(link);
      path.run(30);
      assert.ok(path.estimator.estimateBps >= 0.9 * TARGET_BPS, `${path.estimator.estimateBps} bit/s`);
    }
  });

  for (const rateBps of [400_000, 1_000_000, 1_800_000]) {
    it(`finds ${rateBps / 1000} kbit/s, and keeps the queue short`, () => {
      const path = new Path({ delayUs: 20_000, rateBps, queueBytes: 200_000 });
      path.run(10);
      path.run(30);
      const used = path.arrivedBps / 30 / rateBps;
      assert.ok(used > 0.5 && used <= 1, `${used} of the path used`);
      assert.ok(path.percentile(0.5) < 120_000, `median delay ${path.percentile(0.5)} µs`);
      assert.ok(path.percentile(0.95) < 300_000, `95th percentile ${path.percentile(0.95)} µs`);
    });
  }

  it("follows a path that becomes narrow and wide again", () => {
    const path = new Path({ delayUs: 20_000 });
    path.run(5);
    path.change({ rateBps: 600_000, queueBytes: 200_000 });
    path.run(15);
    const narrow = path.estimator.estimateBps;
    assert.ok(narrow < 700_000, `${narrow} bit/s`);
    path.change({ rateBps: 50_000_000 });
    path.run(40);
    assert.ok(path.estimator.estimateBps > 2 * narrow, `${path.estimator.estimateBps} bit/s`);
  });

  it("lowers the rate where a tenth and more is lost, and not below the least", () => {
    const path = new Path({ delayUs: 20_000, loss: 0.25 });
    path.run(20);
    assert.ok(path.estimator.estimateBps < 1_000_000, `${path.estimator.estimateBps} bit/s`);
    assert.ok(path.estimator.estimateBps >= 100_000);
    assert.ok(Math.abs(path.estimator.lossFraction - 0.25) < 0.2);
    path.change({ loss: 0 });
    path.run(40);
    assert.ok(path.estimator.estimateBps > 500_000);
  });

  it("measures the round trip and the rate that came through, and ignores numbers it never sent", () => {
    const path = new Path({ delayUs: 20_000 });
    path.run(5);
    const { roundTripUs, receivedBps } = path.estimator;
    assert.ok(roundTripUs >= 40_000 && roundTripUs < 60_000 + 50_000, `${roundTripUs}`);
    assert.ok(Math.abs(receivedBps - TARGET_BPS) < 0.2 * TARGET_BPS, `${receivedBps}`);
    const strange = new TransportFeedbackReader();
    const content = Uint8Array.of(0x40, 0, 0x10, 0, 0, 0, 1, 0, 0x1f, 0xff);
    assert.ok(!strange.read(content) || strange.count > 0);
    path.estimator.handleFeedback(strange, path.log, path.nowUs);
    assert.equal(path.estimator.roundTripUs, roundTripUs);
  });
});
