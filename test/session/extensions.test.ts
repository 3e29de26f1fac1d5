import assert from "node:assert/strict";
import type { Arrival } from "../../src/media/session/arrival_log.js";
import { ArrivalFlag } from "../../src/media/session/arrival_log.js";
import { MediaReceiver, type MediaSinks } from "../../src/media/session/media_receiver.js";
import { ReceiveCounters } from "../../src/media/session/stream_counters.js";
import { HeaderExtensionWriter } from "../../src/protocol/rtp/extension_writer.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";

const IDS = { videoOrientation: 3, playoutDelay: 4, transportCc: 5 };

/** A VP8 keyframe or interframe of one packet: what its first bytes say is enough for the jitter buffer. */
function vp8(keyframe: boolean): Uint8Array {
  // RFC 7741 §4.2: the beginning of partition 0; RFC 6386 §9.1: the lowest bit of the frame is 0 for a keyframe.
  const frame = keyframe ? [0x30, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xf0, 0] : [0x31, 0, 0];
  return Uint8Array.from([0x10, ...frame, 1, 2, 3, 4]);
}

describe("header extensions of received pictures", () => {
  let receiver: MediaReceiver;
  let turns: number[];
  let playoutUs: number[];
  let arrivals: Arrival[];
  let sequenceNumber: number;
  let nowUs: number;
  const counters = new Float64Array(ReceiveCounters.words);
  const room = new Uint8Array(4096);

  beforeEach(() => {
    turns = [];
    playoutUs = [];
    arrivals = [];
    sequenceNumber = 65_530;
    nowUs = 1e9;
    const sinks: MediaSinks = {
      videoRoom: () => room,
      publishVideo: (_stream, unit) => {
        turns.push(unit.quarterTurns);
        playoutUs.push(unit.playoutUs - nowUs);
      },
      tone: () => assert.fail("there is no sound"),
      audio: () => assert.fail("there is no sound"),
      arrival: (arrival) => void arrivals.push({ ...arrival }),
      rtcp: () => undefined,
    };
    receiver = new MediaReceiver(sinks);
    receiver.add(
      1,
      {
        kind: "video",
        mid: "0",
        payloadTypes: [{ payloadType: 96, codec: "VP8", clockRate: 90_000 }],
        rtx: [{ payloadType: 97, repeats: 96 }],
        ssrcs: [],
        extensions: IDS,
        nack: true,
        localSsrc: 1,
        reducedSizeRtcp: true,
      },
      counters,
    );
  });

  function receive(
    add: (extensions: HeaderExtensionWriter) => void,
    { payloadType = 96, ssrc = 7, payload = vp8(turns.length === 0) } = {},
  ): void {
    const extensions = new HeaderExtensionWriter();
    add(extensions);
    const bytes = new Uint8Array(300);
    nowUs += 33_333;
    const timestamp = Math.round((nowUs * 90_000) / 1e6) % 2 ** 32;
    const fields = { marker: true, payloadType, sequenceNumber: sequenceNumber++ & 0xffff, timestamp, ssrc };
    const at = writeRtpHeader(bytes, 0, fields, extensions);
    bytes.set(payload, at);
    const header = new RtpHeader();
    assert.ok(parseRtp(bytes, 0, at + payload.length, header));
    receiver.handlePacket(bytes, header, at + payload.length, nowUs);
    receiver.deliver(nowUs);
  }

  it("turn them as the sender says, until it says otherwise (3GPP TS 26.114 §7.4.5)", () => {
    receive(() => {});
    receive((extensions) => extensions.addU8(IDS.videoOrientation, 1));
    receive(() => {});
    receive((extensions) => extensions.addU8(IDS.videoOrientation, 0x0b));
    receive((extensions) => extensions.addU8(IDS.videoOrientation, 0));
    receive(() => {});
    assert.deepEqual(turns, [0, 1, 1, 3, 0, 0]);
  });

  it("bound the delay before they are shown", () => {
    for (let i = 0; i < 20; i++)
      receive((extensions) => extensions.addU24(IDS.playoutDelay, (30 << 12) | 50));
    assert.ok(Math.abs((playoutUs.at(-1) ?? 0) - 300_000) < 100, `${playoutUs.at(-1)} µs`);
    for (let i = 0; i < 20; i++) receive((extensions) => extensions.addU24(IDS.playoutDelay, 0));
    assert.ok(Math.abs(playoutUs.at(-1) ?? 1e9) < 100, `${playoutUs.at(-1)} µs`);
  });

  it("count probing padding in the RTX stream for the path's feedback alone", () => {
    const number = (value: number) => (extensions: HeaderExtensionWriter) =>
      void extensions.addU16(IDS.transportCc, value);
    receive(number(0xffff));
    receive(number(0), { payloadType: 97, ssrc: 8, payload: new Uint8Array(0) });
    receive(number(1), { payloadType: 97, ssrc: 8, payload: new Uint8Array(1) });
    const told = arrivals
      .filter(({ transportSequence }) => transportSequence >= 0)
      .map(({ transportSequence, flags }) => [transportSequence, flags]);
    assert.deepEqual(told, [
      [0xffff, 0],
      [0, ArrivalFlag.pathOnly],
      [1, ArrivalFlag.pathOnly],
    ]);
    assert.equal(counters[ReceiveCounters.retransmittedPackets], 0);
    assert.equal(turns.length, 1);
  });
});
