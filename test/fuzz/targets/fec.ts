/** Parity packets and the packets they protect, of any content and order: what is repaired fits, and memory is where it belongs. */
import assert from "node:assert/strict";
import { BandwidthEstimator } from "../../../src/protocol/bwe/bandwidth_estimator.js";
import { SendLog } from "../../../src/protocol/bwe/send_log.js";
import { FecDecoder } from "../../../src/protocol/fec/fec_decoder.js";
import { FecEncoder } from "../../../src/protocol/fec/fec_encoder.js";
import type { FecFormat } from "../../../src/protocol/fec/fec_format.js";
import { TransportFeedbackReader } from "../../../src/protocol/twcc/feedback_reader.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";
import { recordedPackets } from "./rtp.js";

const MAX_BYTES = 600;
const out = new Uint8Array(MAX_BYTES + 8);
const CANARY = 0xa5;

/** Each datagram begins with a byte: even, a packet; odd, a parity packet. */
function repair(format: FecFormat, input: Uint8Array): void {
  const decoder = new FecDecoder({ format, ssrc: 7, maxPacketBytes: MAX_BYTES, capacity: 64, maxParity: 4 });
  const encoder = new FecEncoder(format, MAX_BYTES);
  let given = 0;
  for (const datagram of datagramsOf(input, 48)) {
    given++;
    const isParity = (datagram[0] & 1) !== 0;
    if (isParity) decoder.handleParity(datagram, 1, Math.max(0, datagram.length - 1));
    else decoder.handlePacket(datagram, 1, Math.max(0, datagram.length - 1));
    out.fill(CANARY);
    for (
      let n = decoder.poll(out.subarray(0, MAX_BYTES));
      n > 0;
      n = decoder.poll(out.subarray(0, MAX_BYTES))
    ) {
      assert.ok(n >= 12 && n <= MAX_BYTES && out[0] >> 6 === 2);
      encoder.add(out, 0, n);
    }
    assert.ok(
      out.subarray(MAX_BYTES).every((byte) => byte === CANARY),
      "written beyond the room",
    );
  }
  const { parityReceived, recovered } = decoder.stats;
  assert.ok(recovered <= parityReceived && parityReceived <= given);
  assert.ok(encoder.finish(out, 0) <= out.length);
}

/** Feedback about packets that were sent or not: the estimate stays a rate. */
function estimate(input: Uint8Array): void {
  const log = new SendLog(0xff00);
  const reader = new TransportFeedbackReader();
  const estimator = new BandwidthEstimator();
  let nowUs = 1e9;
  for (const content of datagramsOf(input, 16)) {
    for (let i = 0; i < 40; i++) {
      // Trains of eight, one in five packets in none.
      log.train = i % 5 === 0 ? 0 : 1 + (i >> 3);
      log.add(1200, nowUs + 500 * i);
    }
    nowUs += 50_000;
    if (reader.read(content)) estimator.handleFeedback(reader, log, nowUs);
    assert.ok(estimator.estimateBps >= 100_000, `${estimator.estimateBps} bit/s`);
    assert.ok(estimator.receivedBps >= 0 && estimator.lossFraction >= 0 && estimator.lossFraction <= 1);
  }
}

/** A group of recorded packets without one, and its parity. */
function groupOf(format: FecFormat): Uint8Array {
  const packets = recordedPackets(20)
    .filter(({ length }) => length > 12 && length < 500)
    .slice(0, 6)
    .map((packet, i) => {
      const copy = packet.slice();
      copy.set([i >> 8, i], 2);
      return copy;
    });
  const encoder = new FecEncoder(format, MAX_BYTES);
  for (const packet of packets) encoder.add(packet, 0, packet.length);
  const parity = new Uint8Array(MAX_BYTES);
  const length = encoder.finish(parity, 0);
  const marked = (mark: number, bytes: Uint8Array) => Uint8Array.from([mark, ...bytes]);
  return joinDatagrams([
    ...packets.slice(1).map((packet) => marked(0, packet)),
    marked(1, parity.subarray(0, length)),
  ]);
}

export const target: FuzzTarget = {
  name: "fec",
  sources: ["src/protocol/fec/", "src/protocol/bwe/"],
  maxBytes: 6000,
  seeds: () => [
    groupOf("ulpfec"),
    groupOf("flexfec"),
    joinDatagrams([Uint8Array.of(0xff, 0, 0, 20, 0, 0, 1, 0, 0x20, 20, ...new Array(20).fill(8))]),
  ],
  run(input) {
    repair("ulpfec", input);
    repair("flexfec", input);
    estimate(input);
  },
};
