import assert from "node:assert/strict";
import type { InterceptedStream, RtpInterceptorFactory } from "../../src/media/interceptors/interceptor.js";
import { InterceptorChain } from "../../src/media/interceptors/interceptor_chain.js";
import { ReceiveCounters, SendCounters } from "../../src/media/session/stream_counters.js";
import { FecDecoder } from "../../src/protocol/fec/fec_decoder.js";
import { FecEncoder } from "../../src/protocol/fec/fec_encoder.js";
import { readU16, readU32, writeU16, writeU32 } from "../../src/protocol/primitives/bytes.js";
import { parseRtp, RtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { VirtualCall, type VirtualPeer } from "./virtual_call.js";

const STREAM: Omit<InterceptedStream, "emit"> = {
  direction: "out",
  kind: "video",
  mid: "0",
  streamId: 1,
  ssrc: 7,
  extensions: {},
};

function chainOf(...factories: RtpInterceptorFactory[]): InterceptorChain {
  const chain = InterceptorChain.make({ factories, stream: STREAM, maxPacketBytes: 100 });
  assert.ok(chain);
  return chain;
}

function made(chain: InterceptorChain): number[][] {
  const out: number[][] = [];
  for (let at = chain.nextMade(0); at >= 0; at = chain.nextMade(0)) {
    out.push([...chain.made.subarray(at, at + chain.madeLength)]);
  }
  return out;
}

describe("a chain of interceptors", () => {
  const adds =
    (value: number): RtpInterceptorFactory =>
    () => ({
      packet: (packet) => {
        packet.bytes[packet.offset + packet.length] = value;
        packet.length++;
        return true;
      },
    });

  it("calls the stages in their order, and none for streams that no module wants", () => {
    const bytes = new Uint8Array(20);
    assert.equal(chainOf(adds(1), () => undefined, adds(2)).pass(bytes, 3, 4, 10, 0), 6);
    assert.deepEqual([...bytes.subarray(0, 10)], [0, 0, 0, 0, 0, 0, 0, 1, 2, 0]);
    const none = InterceptorChain.make({ factories: [() => undefined], stream: STREAM, maxPacketBytes: 100 });
    assert.equal(none, undefined);
  });

  it("sends what a stage makes through the stages behind it alone", () => {
    const chain = chainOf(
      adds(1),
      ({ emit }) => ({ packet: ({ bytes, offset, length }) => emit(bytes, offset, length) }),
      adds(2),
      ({ emit }) => ({
        packet: ({ bytes, offset }) => {
          if (bytes[offset] === 9) emit(Uint8Array.of(8), 0, 1);
          return true;
        },
      }),
    );
    const bytes = Uint8Array.of(9, 0, 0, 0, 0);
    assert.equal(chain.pass(bytes, 0, 1, 5, 0), 3);
    assert.deepEqual([...bytes], [9, 1, 2, 0, 0]);
    assert.deepEqual(made(chain), [[9, 1, 2], [8], [8]]);
  });

  it("stops at a stage that keeps the packet, counts what stages throw, and bounds what they make", () => {
    let emitted = 0;
    const chain = chainOf(
      () => ({
        packet: () => {
          throw new Error("a mistake");
        },
      }),
      ({ emit }) => ({
        packet: (packet) => {
          assert.throws(() => {
            packet.length = packet.maxLength + 1;
          }, RangeError);
          while (emit(packet.bytes, 0, 1)) emitted++;
          assert.ok(!emit(new Uint8Array(101), 0, 101));
          return false;
        },
      }),
      () => assert.fail("made, but never called") as never,
    );
    assert.equal(chain.pass(new Uint8Array(5), 0, 5, 5, 0), -1);
    assert.equal(emitted, 32);
    assert.equal(made(chain).length, 32);
    // The factory that threw, and the packet.
    assert.equal(chain.errors, 2);
  });
});

const FEC_PAYLOAD_TYPE = 120;
const GROUP = 5;

/** FlexFEC made by a stage on the way out: one parity packet in a stream of its own for every few packets of video. */
function fecSender(): RtpInterceptorFactory {
  return ({ direction, kind, ssrc, emit }) => {
    if (direction === "in" || kind === "audio") return undefined;
    const encoder = new FecEncoder("flexfec", 1200);
    const header = new RtpHeader();
    const parity = new Uint8Array(1200);
    let sequence = 100;
    return {
      packet({ bytes, offset, length }) {
        if (!encoder.add(bytes, offset, length) || encoder.count < GROUP) return true;
        assert.ok(parseRtp(bytes, offset, length, header));
        // The packet's header with its mid, under another source, payload type and number.
        parity.set(bytes.subarray(offset, offset + header.headerBytes));
        parity[1] = FEC_PAYLOAD_TYPE;
        writeU16(parity, 2, sequence++ & 0xffff);
        writeU32(parity, 8, ssrc + 0x1000);
        const payload = encoder.finish(parity, header.headerBytes);
        if (payload > 0) emit(parity, 0, header.headerBytes + payload);
        return true;
      },
    };
  };
}

/** And the stage on the way in that repairs with it. */
function fecReceiver(decoders: FecDecoder[]): RtpInterceptorFactory {
  return ({ direction, kind, emit }) => {
    if (direction === "out" || kind === "audio") return undefined;
    const header = new RtpHeader();
    const repaired = new Uint8Array(1500);
    let decoder: FecDecoder | undefined;
    return {
      packet({ bytes, offset, length }) {
        assert.ok(parseRtp(bytes, offset, length, header));
        const isParity = header.payloadType === FEC_PAYLOAD_TYPE;
        if (decoder === undefined && !isParity) {
          decoder = new FecDecoder({ format: "flexfec", ssrc: readU32(bytes, offset + 8) });
          decoders.push(decoder);
        }
        if (isParity) decoder?.handleParity(bytes, header.payloadOffset, header.payloadLength);
        else decoder?.handlePacket(bytes, offset, length);
        for (let n = decoder?.poll(repaired) ?? 0; n > 0; n = decoder?.poll(repaired) ?? 0)
          emit(repaired, 0, n);
        return !isParity;
      },
    };
  };
}

describe("interceptors in a call in virtual time", function () {
  this.timeout(120_000);
  let call: VirtualCall | undefined;
  afterEach(() => {
    call?.close();
    call = undefined;
  });

  const faithful = (receiver: VirtualPeer, sender: VirtualPeer) =>
    receiver.units.every(({ digest }) => sender.made.includes(digest));

  it("make and take FlexFEC: what is lost is repaired without being asked for", () => {
    const decoders: FecDecoder[] = [];
    const link = { delayUs: 60_000, loss: 0.02 };
    const factories = [fecSender(), fecReceiver(decoders)];
    call = new VirtualCall({
      seed: 41,
      link,
      a: { interceptors: factories },
      b: { interceptors: factories },
    });
    call.run(8);
    for (const [receiver, sender] of [
      [call.a, call.b],
      [call.b, call.a],
    ]) {
      assert.ok(faithful(receiver, sender));
      assert.ok(receiver.units.length > 200);
      // Requests for what parity repairs at once become rare.
      const lost = sender.sendCounters[SendCounters.retransmitted];
      assert.ok(lost < 0.6 * 0.02 * sender.sendCounters[SendCounters.packetsSent], `${lost} asked for`);
    }
    assert.equal(decoders.length, 2);
    for (const { stats } of decoders) assert.ok(stats.recovered > 20, JSON.stringify(stats));
  });

  it("change packets on the way out and back on the way in", () => {
    const scramble: RtpInterceptorFactory = () => {
      const header = new RtpHeader();
      return {
        packet({ bytes, offset, length }) {
          assert.ok(parseRtp(bytes, offset, length, header));
          for (let i = header.payloadOffset; i < offset + length; i++) bytes[i] ^= 0x5a;
          return true;
        },
      };
    };
    const both = { interceptors: [scramble] };
    call = new VirtualCall({ seed: 42, a: both, b: both });
    call.run(2);
    assert.ok(faithful(call.b, call.a) && call.b.units.length > 50);
    call.close();
    call = new VirtualCall({ seed: 42, a: both });
    call.run(2);
    assert.ok(!faithful(call.b, call.a) || call.b.units.length === 0, "without the other end it is noise");
  });

  it("keep packets: they are not sent, not sent again, and the stream goes on by a keyframe", () => {
    let kept = 0;
    const hole: RtpInterceptorFactory = ({ direction, kind }) =>
      direction === "in" || kind === "audio"
        ? undefined
        : {
            packet: ({ bytes, offset }) => {
              const keep = readU16(bytes, offset + 2) % 200 === 50;
              if (keep) kept++;
              return !keep;
            },
          };
    call = new VirtualCall({ seed: 43, link: { delayUs: 10_000 }, a: { interceptors: [hole] } });
    call.run(6);
    assert.ok(kept > 3);
    assert.ok(faithful(call.b, call.a));
    assert.ok(call.a.sendCounters[SendCounters.retransmitMisses] > 0);
    assert.ok(call.b.receiveCounters[ReceiveCounters.pliCount] > 0);
    assert.ok(call.b.units.length > 50);
  });
});
