/**
 * A peer that has the call's keys and sends what it likes: RTP of every stream and RTCP of every kind, protected as they must be, into a
 * whole transport (SRTP, demultiplexing, statistics, RTX, jitter buffers, feedback, congestion control). What comes back is bounded, and
 * the other direction goes on.
 */
import assert from "node:assert/strict";
import { rtxSsrcOf, ssrcOf, VirtualCall } from "../../session/virtual_call.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";
import { writtenCompounds } from "./rtcp.js";
import { recordedPackets } from "./rtp.js";

/** One call serves many inputs, as a long one would. */
const HEARD_PER_CALL = 1500;
const OVERHEAD = 64;
const STRANGE_SSRC = 0x5555;
const EXTENSIONS = { absSendTime: 3, transportCc: 4, audioLevel: 5, videoOrientation: 6, playoutDelay: 7 };
const SSRCS = [ssrcOf("a", "video"), ssrcOf("a", "audio"), rtxSsrcOf("a"), STRANGE_SSRC];
/** What the engine sends us is RTP that it would send anyway, RTCP, and repetitions within a budget. */
const MOST_ANSWERS = 400;

let call: VirtualCall | undefined;
let heard = 0;
let answers = 0;
/** The next number of each source: SRTP takes none twice. */
const numbers = new Map<number, number>();

/** Ends the call before, whose other direction must still carry media, and begins another. */
function nextCall(): VirtualCall {
  if (call !== undefined) {
    const before = call;
    before.b.muted = false;
    assert.ok(
      before.run(5, () => before.a.units.length > 2),
      "the transport that heard all this sends no media any more",
    );
    before.close();
  }
  const both = { rtx: true, extensions: EXTENSIONS };
  const next = new VirtualCall({ seed: 9, a: both, b: both });
  assert.ok(next.run(2, () => next.a.units.length > 2 && next.b.units.length > 2));
  next.a.muted = next.b.muted = true;
  forget(next);
  next.b.onTransmit = () => {
    answers++;
    return true;
  };
  for (const ssrc of SSRCS) numbers.set(ssrc, 40_000);
  heard = 0;
  return next;
}

/** What only grows in a test. */
function forget({ a, b }: VirtualCall): void {
  for (const peer of [a, b]) {
    for (const list of [peer.units, peer.audio, peer.made, peer.madeAudio, peer.notices, peer.discarded])
      list.length = 0;
    peer.madeKeyframes.clear();
  }
}

/** The first byte says what the rest is: RTCP, or RTP of which source and how far on its number is. */
function protect({ a }: VirtualCall, datagram: Uint8Array): Uint8Array | undefined {
  const { protection } = a;
  const length = datagram.length - 1;
  if (protection === undefined || length < 8) return undefined;
  const buf = new Uint8Array(length + OVERHEAD);
  buf.set(datagram.subarray(1));
  buf[0] = 0x80 | (buf[0] & 0x3f);
  const choice = datagram[0];
  if ((choice & 1) !== 0) {
    // RFC 5761 §4: what marks it as RTCP.
    if (buf[1] < 192 || buf[1] > 223) buf[1] = 192 + (buf[1] & 31);
    return buf.subarray(0, protection.protectRtcp(buf, 0, length));
  }
  if (length < 12 || (buf[1] >= 192 && buf[1] <= 223)) return undefined;
  number(buf, SSRCS[(choice >> 1) & 3], choice >> 3);
  const protectedBytes = protection.protectRtp(buf, 0, length);
  return protectedBytes < 0 ? undefined : buf.subarray(0, protectedBytes);
}

/** Numbers go on by one as a rule, and now and then by much. */
function number(buf: Uint8Array, ssrc: number, jump: number): void {
  const next = ((numbers.get(ssrc) ?? 0) + (jump < 28 ? 1 : 10 ** (jump - 28))) & 0xffff;
  numbers.set(ssrc, next);
  const view = new DataView(buf.buffer);
  view.setUint16(2, next);
  view.setUint32(8, ssrc);
}

export const target: FuzzTarget = {
  name: "peer",
  sources: [
    "src/media/session/",
    "src/protocol/rtcp/",
    "src/protocol/jitter/",
    "src/protocol/rtp/",
    "src/protocol/rtx/",
    "src/protocol/nack/",
    "src/protocol/twcc/",
    "src/protocol/bwe/",
  ],
  isNative: true,
  maxBytes: 4000,
  seeds: () => {
    const rtp = recordedPackets(6).map((packet, i) => Uint8Array.of((i & 3) << 1, ...packet.slice(0, 400)));
    const rtcp = writtenCompounds().map((compound) => Uint8Array.of(1, ...compound));
    return [...rtcp, ...rtp]
      .map((each) => joinDatagrams([each]))
      .concat(joinDatagrams(rtp), joinDatagrams(rtcp));
  },
  run(input) {
    if (call === undefined || heard > HEARD_PER_CALL) call = nextCall();
    const { a, b } = call;
    answers = 0;
    for (const datagram of datagramsOf(input, 16)) {
      const data = protect(call, datagram);
      if (data === undefined) continue;
      heard++;
      b.receive({ data, from: a.address });
    }
    call.run(0.05);
    assert.deepEqual([b.notice("failed"), b.notice("dtlsstate")], [[], []]);
    assert.ok(answers <= MOST_ANSWERS, `${answers} datagrams in answer`);
    forget(call);
  },
};
