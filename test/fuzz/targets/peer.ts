/**
 * A peer that has the call's keys and sends what it likes: RTP of every stream and RTCP of every kind, protected as they must be, into a
 * whole transport (SRTP, demultiplexing, statistics, RTX, RED, ULPFEC, jitter buffers, feedback, congestion control). What comes back is bounded, and
 * the other direction goes on.
 */
import assert from "node:assert/strict";
import { FecEncoder } from "../../../src/protocol/fec/fec_encoder.js";
import { isRtcp, parseRtp, RtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { sequenceDifference } from "../../../src/protocol/rtp/unwrap.js";
import {
  PARITY,
  RED_PAYLOAD_TYPE,
  RTX_PAYLOAD_TYPE,
  rtxSsrcOf,
  ssrcOf,
  VirtualCall,
} from "../../session/virtual_call.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";
import { writtenCompounds } from "./rtcp.js";
import { recordedPackets } from "./rtp.js";

/** One call serves many inputs, as a long one would. */
const HEARD_PER_CALL = 1500;
const OVERHEAD = 64;
const STRANGE_SSRC = 0x5555;
const EXTENSIONS = {
  absSendTime: 3,
  transportCc: 4,
  audioLevel: 5,
  videoOrientation: 6,
  playoutDelay: 7,
  rid: 8,
  repairedRid: 9,
};
const SSRCS = [ssrcOf("a", "video"), ssrcOf("a", "audio"), rtxSsrcOf("a"), STRANGE_SSRC];
/** What the engine sends us is RTP that it would send anyway, RTCP, and repetitions within a budget. */
const MOST_ANSWERS = 400;

let call: VirtualCall | undefined;
let heard = 0;
let answers = 0;
const header = new RtpHeader();
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
  const both = { rtx: true, ulpfec: true, red: true, extensions: EXTENSIONS };
  const next = new VirtualCall({ seed: 9, a: both, b: both });
  for (const ssrc of SSRCS) numbers.set(ssrc, 0);
  next.a.onTransmit = noteNumber;
  assert.ok(next.run(2, () => next.a.units.length > 2 && next.b.units.length > 2));
  next.a.muted = next.b.muted = true;
  forget(next);
  next.b.onTransmit = () => {
    answers++;
    return true;
  };
  heard = 0;
  return next;
}

/** What the peer itself has sent: repetitions go on where its own numbers were, which may be behind ours. */
function noteNumber(_index: number, data: Uint8Array): true {
  const isRtp = data.length > 12 && data[0] >> 6 === 2 && !isRtcp(data, 0, data.length);
  if (!isRtp || !parseRtp(data, 0, data.length, header)) return true;
  const { ssrc, sequenceNumber } = header;
  const before = numbers.get(ssrc) ?? 0;
  if (before === 0 || sequenceDifference(sequenceNumber, before) > 0) numbers.set(ssrc, sequenceNumber);
  return true;
}

function stepOf(jump: number): number {
  if (jump === SKIPS_ONE) return 2;
  return jump < 28 ? 1 : 10 ** (jump - 28);
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
  const ssrc = SSRCS[(choice >> 1) & 3];
  const next = number(buf, ssrc, choice >> 3);
  const isPacket = aim(buf, length);
  const protectedBytes = protection.protectRtp(buf, 0, length);
  assert.ok(protectedBytes >= 0 || !isPacket, "a packet that would not be sent tries nothing");
  if (protectedBytes < 0) return undefined;
  // Only now: numbers that run ahead of those that SRTP has seen would look like old ones to it at last.
  numbers.set(ssrc, next);
  return buf.subarray(0, protectedBytes);
}

/** The jump that leaves one number out. */
const SKIPS_ONE = 27;

/** Numbers go on by one as a rule, by two or by much now and then; returns the packet's. */
function number(buf: Uint8Array, ssrc: number, jump: number): number {
  const next = ((numbers.get(ssrc) ?? 0) + stepOf(jump)) & 0xffff;
  const view = new DataView(buf.buffer);
  view.setUint16(2, next);
  view.setUint32(8, ssrc);
  return next;
}

/** False: this is no packet. What repeats or mends one names one of the last sixteen numbers of the picture: by chance it would hit none. */
function aim(buf: Uint8Array, length: number): boolean {
  if (!parseRtp(buf, 0, length, header)) return false;
  if (header.payloadLength < 5) return true;
  const { payloadType, payloadOffset: at } = header;
  const isParity = payloadType === PARITY.payloadType && (buf[at] & 0x7f) === PARITY.ulpfec;
  // RFC 5109 §7.3: the base is behind RED's byte and two of the header; RFC 4588 §4: the original number comes first.
  const numberAt = isParity ? at + 3 : payloadType === RTX_PAYLOAD_TYPE ? at : -1;
  if (numberAt < 0) return true;
  const base = ((numbers.get(ssrcOf("a", "video")) ?? 0) - (buf[numberAt + 1] & 15)) & 0xffff;
  buf.set([base >> 8, base & 255], numberAt);
  return true;
}

/** Packets in RED of which one is missing, their parity, and a repetition. */
function mended(rtp: readonly Uint8Array[]): Uint8Array[] {
  const encoder = new FecEncoder("ulpfec", 600);
  const packets = rtp.slice(0, 4);
  packets.forEach((packet, i) => {
    const numbered = packet.slice();
    numbered.set([0, i], 2);
    encoder.add(numbered, 0, numbered.length);
  });
  const parity = new Uint8Array(700);
  const parityBytes = parity.slice(0, encoder.finish(parity, 0));
  // The group begins four numbers before the packet that carries the parity.
  parityBytes[3] = 4;
  const packet = (choice: number, payloadType: number, ...payload: number[]) =>
    Uint8Array.of(choice, 0x80, payloadType, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, ...payload);
  const sound = [0x80 | 111, 0x0f, 0x00, 4, 111, 0x78, 1, 2, 3, 0x78, 1, 2, 3];
  return [
    packet(0, PARITY.payloadType, 96, ...packets[0].slice(12)),
    packet(SKIPS_ONE << 3, PARITY.payloadType, 96, ...packets[2].slice(12)),
    packet(0, PARITY.payloadType, 96, ...packets[3].slice(12)),
    packet(0, PARITY.payloadType, PARITY.ulpfec, ...parityBytes),
    packet(4, RTX_PAYLOAD_TYPE, 0, 2, ...packets[0].slice(12)),
    packet(2, RED_PAYLOAD_TYPE, ...sound),
  ];
}

export const target: FuzzTarget = {
  name: "peer",
  sources: [
    "src/media/session/",
    "src/protocol/rtcp/",
    "src/protocol/jitter/",
    "src/protocol/rtp/",
    "src/protocol/rtx/",
    "src/protocol/red/",
    "src/protocol/fec/",
    "src/protocol/nack/",
    "src/protocol/twcc/",
    "src/protocol/bwe/",
  ],
  isNative: true,
  maxBytes: 4000,
  seeds: () => {
    const packets = recordedPackets(6).map((packet) => packet.slice(0, 400));
    const rtp = packets.map((packet, i) => Uint8Array.of((i & 3) << 1, ...packet));
    const parity = mended(packets);
    const rtcp = writtenCompounds().map((compound) => Uint8Array.of(1, ...compound));
    return [...rtcp, ...rtp]
      .map((each) => joinDatagrams([each]))
      .concat(joinDatagrams(rtp), joinDatagrams(rtcp), joinDatagrams(parity));
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
