import assert from "node:assert/strict";
import { readDiscarded } from "../../src/media/session/discard_counter.js";
import { ReceiveCounters, SendCounters, TransportCounters } from "../../src/media/session/stream_counters.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { VIDEO_STREAM, VirtualCall, type VirtualPeer } from "./virtual_call.js";

function both(call: VirtualCall): [receiver: VirtualPeer, sender: VirtualPeer][] {
  return [
    [call.b, call.a],
    [call.a, call.b],
  ];
}

const codes = (peer: VirtualPeer): string[] => peer.notice("failed").map(([{ code }]) => code);
const mediaFlows = (call: VirtualCall): boolean => call.a.units.length > 3 && call.b.units.length > 3;

/** Every unit that came out was made by the other side, in order, and none twice. */
function assertFaithful(receiver: VirtualPeer, sender: VirtualPeer): void {
  let at = -1;
  for (const unit of receiver.units) {
    const index = sender.made.indexOf(unit.digest);
    assert.ok(index >= 0, "an access unit came out that nobody made");
    assert.ok(index > at, "access units came out of order");
    // A gap may only be crossed by a keyframe: the decoder could not go on otherwise.
    if (index !== at + 1) assert.ok(unit.keyframe, `unit ${index} follows ${at} without a keyframe`);
    assert.equal(unit.keyframe, sender.madeKeyframes.has(unit.digest));
    at = index;
  }
}

describe("a call in virtual time", function () {
  // Bounded by virtual time; how long a busy machine takes for it says nothing.
  this.timeout(120_000);
  let call: VirtualCall | undefined;
  afterEach(() => {
    call?.close();
    call = undefined;
  });

  it("carries every access unit and packet of sound over a perfect network, bit for bit, both ways", () => {
    call = new VirtualCall({ seed: 1 });
    call.run(2);
    for (const [receiver, sender] of [
      [call.b, call.a],
      [call.a, call.b],
    ]) {
      assertFaithful(receiver, sender);
      const sent = sender.sendCounters[SendCounters.framesSent];
      assert.ok(sent > 50, `${sent} frames sent`);
      assert.ok(receiver.units.length >= sent - 1);
      assert.deepEqual(
        receiver.audio.map(({ digest }) => digest),
        sender.madeAudio.slice(sender.madeAudio.length - receiver.audio.length),
      );
      assert.ok(receiver.audio.length > 90);
      assert.equal(receiver.receiveCounters[ReceiveCounters.packetsLost], 0);
      assert.deepEqual(readDiscarded(receiver.transportCounters), {});
    }
  });

  it("tells the capture time of every access unit on the sender's clock", () => {
    call = new VirtualCall({ seed: 2, link: { delayUs: 30_000 } });
    call.run(1);
    for (const unit of call.b.units) {
      const latencyUs = unit.atUs + 1.7e15 - unit.captureWallUs;
      assert.ok(Math.abs(latencyUs - 30_000) < 2, `captured ${latencyUs} µs before it came out`);
    }
  });

  for (const [name, link] of [
    ["5 % of packets lost", { loss: 0.05, delayUs: 20_000 }],
    [
      "10 % lost in bursts",
      { loss: { toBad: 0.03, toGood: 0.25, lossInGood: 0.005, lossInBad: 0.8 }, delayUs: 25_000 },
    ],
    ["reordering and jitter", { reorder: 0.1, reorderUs: 8_000, jitterUs: 4_000, delayUs: 15_000 }],
    ["duplicates", { duplicate: 0.2, delayUs: 5_000 }],
    [
      "all of it at once",
      { loss: 0.05, reorder: 0.05, duplicate: 0.05, jitterUs: 10_000, delayUs: 40_000, rateBps: 8_000_000 },
    ],
  ] as const) {
    for (const seed of [11, 12]) {
      it(`repairs ${name} (seed ${seed})`, () => {
        call = new VirtualCall({ seed, link });
        call.run(6);
        for (const [receiver, sender] of both(call)) {
          assertFaithful(receiver, sender);
          const made = sender.made.length;
          assert.ok(receiver.units.length > 0.9 * made, `${receiver.units.length} of ${made} access units`);
          const last = sender.made.indexOf(receiver.units.at(-1)?.digest ?? "");
          assert.ok(last > made - 20, `stuck at ${last} of ${made}`);
        }
      });
    }
  }

  it("sends again exactly what was lost, and no keyframe is needed, while the path forgets single packets", () => {
    call = new VirtualCall({ seed: 21, link: { loss: 0.01, delayUs: 10_000 } });
    call.run(10);
    for (const [receiver, sender] of both(call)) {
      assert.ok(receiver.receiveCounters[ReceiveCounters.nackCount] > 0);
      assert.ok(sender.sendCounters[SendCounters.retransmitted] > 0);
      assert.equal(sender.sendCounters[SendCounters.retransmitMisses], 0);
      assert.ok(sender.madeKeyframes.size <= 2, `${sender.madeKeyframes.size} keyframes`);
      assertFaithful(receiver, sender);
    }
  });

  for (const rtx of [false, true]) {
    it(`repeats no packet that is on its way, and within a budget, whatever is asked ${rtx ? "in" : "without"} RTX`, () => {
      call = new VirtualCall({ seed: 24, link: { delayUs: 50_000 }, a: { rtx }, b: { rtx } });
      assert.ok(call.run(3, () => call !== undefined && call.a.sendCounters[SendCounters.rttUs] > 0));
      const { a } = call;
      const names = new Uint8Array(2 * 0x10000);
      for (let i = 0; i < 0x10000; i++) names.set([i >> 8, i & 255], 2 * i);
      const { retransmitted, retransmittedBytes, retransmitRefusals } = SendCounters;
      assert.equal(a.sendCounters[retransmitted], 0);
      for (let round = 0; round < 20; round++) a.sender.resend(0x1001, names, 0x10000, call.nowUs);
      // A flood of requests gets the burst, and beyond it half of what is sent anyway.
      assert.ok(a.sendCounters[retransmitted] > 20, `${a.sendCounters[retransmitted]} repeated`);
      assert.ok(a.sendCounters[retransmittedBytes] <= 65_536);
      assert.ok(a.sendCounters[retransmitRefusals] > 1000);
      const sentBefore = a.sendCounters[SendCounters.bytesSent];
      for (let i = 0; i < 300; i++) {
        call.run(0.01);
        a.sender.resend(0x1001, names, 0x10000, call.nowUs);
      }
      const repeated = a.sendCounters[retransmittedBytes] - 65_536;
      const first = a.sendCounters[SendCounters.bytesSent] - sentBefore - repeated;
      assert.ok(repeated <= 0.5 * first + 1200, `${repeated} repeated of ${first}`);
      assertFaithful(call.b, a);
    });
  }

  for (const [name, link] of [
    ["5 % of packets lost", { loss: 0.05, delayUs: 20_000 }],
    [
      "10 % lost in bursts, reordering, jitter and duplicates",
      {
        loss: { toBad: 0.03, toGood: 0.25, lossInGood: 0.005, lossInBad: 0.8 },
        reorder: 0.05,
        duplicate: 0.05,
        jitterUs: 10_000,
        delayUs: 25_000,
      },
    ],
  ] as const) {
    it(`repairs ${name} by RTX (RFC 4588), and reports what the path lost`, () => {
      call = new VirtualCall({ seed: 25, link, a: { rtx: true }, b: { rtx: true } });
      call.run(6);
      for (const [receiver, sender] of both(call)) {
        assertFaithful(receiver, sender);
        const made = sender.made.length - sender.made.indexOf(receiver.units[0].digest);
        assert.ok(receiver.units.length > 0.9 * made, `${receiver.units.length} of ${made} access units`);
        const came = receiver.receiveCounters[ReceiveCounters.retransmittedPackets];
        const sent = sender.sendCounters[SendCounters.retransmitted];
        assert.ok(came > 20 && came <= 1.1 * sent, `${came} of ${sent} repeated packets came`);
        // Repairs are no part of the report: it is about the path (RFC 4588 §7.1).
        assert.ok(receiver.receiveCounters[ReceiveCounters.packetsLost] > 20);
        assert.equal(readDiscarded(receiver.transportCounters)["rtp-unknown-stream"], undefined);
      }
    });
  }

  const extensions = { transportCc: 3, absSendTime: 4, audioLevel: 5 };

  it("hears of every packet by transport-wide feedback, repeated ones too, and finds no limit where there is none", () => {
    const options = { extensions, rtx: true };
    call = new VirtualCall({ seed: 31, link: { delayUs: 20_000, loss: 0.02 }, a: options, b: options });
    call.run(10);
    for (const [receiver, sender] of both(call)) {
      assertFaithful(receiver, sender);
      assert.equal(sender.sender.availableBps, Number.POSITIVE_INFINITY);
      assert.equal(receiver.audioReceiveCounters[ReceiveCounters.audioLevel], 33);
      assert.ok(sender.sendCounters[SendCounters.retransmitted] > 5);
    }
  });

  it("finds what a narrow path carries", () => {
    const link = { delayUs: 20_000, rateBps: 1_500_000, queueBytes: 60_000 };
    const found = (adapts: boolean) => {
      call = new VirtualCall({ seed: 32, link, a: { extensions, adapts }, b: { extensions, sends: false } });
      call.run(10);
      const { availableBps } = call.a.sender;
      assert.equal(call.a.transportCounters[TransportCounters.estimatedBps], availableBps);
      call.close();
      return availableBps;
    };
    const bps = found(true);
    assert.ok(bps > 900_000 && bps < 1_500_000, `${bps} bit/s`);
    // Where pictures don't get smaller the loss does not end, and the estimate falls to the least.
    assert.ok(found(false) < 500_000);
    call = undefined;
  });

  it("finds within seconds what a path has room for again, by trains of packets", () => {
    const wide = { delayUs: 20_000, rateBps: 3_000_000, queueBytes: 50_000 };
    const both = { extensions, rtx: true };
    call = new VirtualCall({
      seed: 32,
      link: wide,
      a: { ...both, adapts: true },
      b: { ...both, sends: false },
    });
    call.run(3);
    call.setLink({ delayUs: 20_000, rateBps: 300_000, queueBytes: 6_000 });
    call.run(6);
    const narrowBps = call.a.sender.availableBps;
    assert.ok(narrowBps < 350_000, `${narrowBps} bit/s`);
    call.setLink(wide);
    // Growth by 8 % a second would take half a minute.
    call.run(12);
    assert.ok(call.a.sender.availableBps > 2_000_000, `${call.a.sender.availableBps} bit/s`);
    const repeats = call.a.sendCounters[SendCounters.unaskedRepeats];
    assert.ok(repeats > 0 && repeats < 60, `${repeats} packets were sent once more to lengthen trains`);
    assertFaithful(call.b, call.a);
  });

  it("loses next to nothing of a keyframe where a queue on the way is shorter than it, since it leaves in bursts", () => {
    const link = { delayUs: 20_000, rateBps: 1_500_000, queueBytes: 15_000 };
    const lost = (paceAhead: number | undefined) => {
      const a = { extensions, rtx: true, adapts: true, ...(paceAhead !== undefined && { paceAhead }) };
      call = new VirtualCall({ seed: 3, link, a, b: { extensions, rtx: true, sends: false } });
      call.run(8);
      const before = call.b.receiveCounters[ReceiveCounters.packetsLost];
      for (let i = 0; i < 3; i++) {
        call.a.keyframeEpoch++;
        call.run(2);
      }
      const after = call.b.receiveCounters[ReceiveCounters.packetsLost];
      call.close();
      return after - before;
    };
    const [atOnce, inBursts] = [lost(Number.POSITIVE_INFINITY), lost(undefined)];
    assert.ok(atOnce >= 10 && inBursts <= atOnce / 4, `${atOnce} lost at once, ${inBursts} in bursts`);
    call = undefined;
  });

  it("asks for a keyframe after a hole too long to mend, and goes on from it", () => {
    call = new VirtualCall({ seed: 22, link: { delayUs: 10_000 } });
    call.run(2);
    const before = call.a.madeKeyframes.size;
    call.setLink({ delayUs: 10_000, down: true });
    // Longer than the history of packets to send again.
    call.run(8);
    call.setLink({ delayUs: 10_000, down: false });
    call.run(2);
    for (const [receiver, sender] of both(call)) {
      assertFaithful(receiver, sender);
      assert.ok(receiver.receiveCounters[ReceiveCounters.pliCount] > 0);
      const last = sender.made.indexOf(receiver.units.at(-1)?.digest ?? "");
      assert.ok(last > sender.made.length - 5, `stuck at ${last} of ${sender.made.length}`);
    }
    assert.ok(call.a.madeKeyframes.size > before);
  });

  for (const asker of ["the application", "the decoder"] as const) {
    it(`asks for a keyframe that ${asker} wants until it has come, and not on`, () => {
      call = new VirtualCall({ seed: 25, link: { delayUs: 10_000 } });
      call.run(2);
      const { a, b } = call;
      const plis = b.receiveCounters[ReceiveCounters.pliCount];
      const made = a.madeKeyframes.size;
      if (asker === "the decoder") b.receiveCounters[ReceiveCounters.keyframeEpoch]++;
      else b.rtcp.requestKeyframe(VIDEO_STREAM, call.nowUs);
      call.run(3);
      assert.equal(b.receiveCounters[ReceiveCounters.pliCount], plis + 1);
      assert.equal(a.madeKeyframes.size, made + 1);
    });
  }

  it("learns loss, jitter and round-trip time from the peer's reports", () => {
    call = new VirtualCall({ seed: 23, link: { delayUs: 30_000, loss: 0.05 } });
    call.run(10);
    for (const peer of [call.a, call.b]) {
      const rttUs = peer.sendCounters[SendCounters.rttUs];
      assert.ok(Math.abs(rttUs - 60_000) < 2_000, `round trip ${rttUs} µs`);
      // Sound is not sent again, so what was lost stays lost.
      assert.ok(peer.audioSendCounters[SendCounters.remoteLost] > 0);
      assert.ok(peer.sendCounters[SendCounters.remoteJitterUs] >= 0);
    }
  });

  for (const [a, b] of [
    ["server", "client"],
    ["client", "server"],
  ] as const) {
    it(`connects with the controlling side as DTLS ${a}`, () => {
      call = new VirtualCall({ seed: 31, a: { dtlsRole: a }, b: { dtlsRole: b } });
      assert.ok(call.run(1, () => mediaFlows(call as VirtualCall)));
    });
  }

  it("learns the round trip by extended reports where it sends nothing, and asks only where that is agreed (RFC 3611)", () => {
    const link = { delayUs: 40_000 };
    const measured = (mode: "all" | "sender" | undefined) => {
      const b = { sends: false, ...(mode !== undefined && { receiverRtt: mode }) };
      call = new VirtualCall({ seed: 12, link, b });
      call.run(10);
      const { receiveCounters } = call.b;
      const rtts = [ReceiveCounters.remoteRttUs, ReceiveCounters.rttUs].map((word) => receiveCounters[word]);
      const result = { rtts, measurements: receiveCounters[ReceiveCounters.remoteRttMeasurements] };
      call.close();
      return result;
    };
    const { rtts, measurements } = measured("all");
    for (const rtt of rtts) assert.ok(Math.abs(rtt - 80_000) < 1_000, `${rtt} µs`);
    assert.ok(measurements > 3 && measurements < 15, `${measurements}`);
    for (const mode of ["sender", undefined] as const) {
      assert.deepEqual(measured(mode), { rtts: [0, 0], measurements: 0 });
    }
  });

  it("connects whichever datagram of the set-up is lost", () => {
    for (const loser of ["a", "b"] as const) {
      for (let lost = 0; lost < 16; lost++) {
        call = new VirtualCall({ seed: 40 + lost, link: { delayUs: 2_000 } });
        call[loser].onTransmit = (index) => index !== lost;
        const connected = call.run(8, () => mediaFlows(call as VirtualCall));
        assert.ok(connected, `without datagram ${lost} of ${loser} there is no media`);
        call.close();
      }
    }
    call = undefined;
  });

  it("gives no keys and no media to a peer whose certificate is not the announced one", () => {
    const wrong = [{ algorithm: "sha-256", value: Array(32).fill("AA").join(":") }];
    call = new VirtualCall({ seed: 51, a: { fingerprints: () => wrong } });
    call.run(3);
    assert.deepEqual(codes(call.a), ["ERR_DTLS_FINGERPRINT"]);
    assert.equal(call.a.sender.ready, false);
    assert.equal(call.a.units.length + call.b.units.length + call.b.audio.length, 0);
    assert.deepEqual(call.a.notice("dtlsstate").at(-1)?.[0], "failed");
  });

  it("accepts a peer when one of several announced fingerprints matches, and never one by MD5", () => {
    const wrong = { algorithm: "sha-256", value: Array(32).fill("AA").join(":") };
    call = new VirtualCall({ seed: 52, a: { fingerprints: (own) => [wrong, ...own] } });
    assert.ok(call.run(1, () => mediaFlows(call as VirtualCall)));
    call.close();
    const md5 = { algorithm: "md5", value: Array(16).fill("AA").join(":") };
    call = new VirtualCall({ seed: 53, a: { fingerprints: () => [md5] } });
    call.run(3);
    assert.deepEqual(codes(call.a), ["ERR_DTLS_FINGERPRINT"]);
  });

  it("survives garbage of every kind, counts it, and reports the first of each", () => {
    call = new VirtualCall({ seed: 61 });
    call.run(1);
    const random = seededRandom(61);
    for (let i = 0; i < 3000; i++) {
      const data = random.bytes(random.uint32() % 200);
      if (data.length > 1 && i % 3 === 0) data[0] = 0x80;
      if (data.length > 1 && i % 6 === 0) data[1] = 200;
      if (data.length > 1 && i % 3 === 1) data[0] = 22;
      call.b.receive({ data, from: { family: 4, address: "10.9.9.9", port: 9 } });
    }
    const units = call.b.units.length;
    call.run(1);
    assertFaithful(call.b, call.a);
    assert.ok(call.b.units.length > units + 25, "the call went on");
    const discarded = readDiscarded(call.b.transportCounters);
    for (const kind of ["malformed", "unknown-protocol", "rtp-authentication", "rtcp-authentication"]) {
      assert.ok(discarded[kind] > 0, `no ${kind} counted`);
    }
    assert.deepEqual(new Set(call.b.discarded).size, call.b.discarded.length, "each kind is reported once");
  });

  it("does not take a replayed packet twice", () => {
    call = new VirtualCall({ seed: 62, link: { duplicate: 1 } });
    call.run(1);
    assertFaithful(call.b, call.a);
    const discarded = readDiscarded(call.b.transportCounters);
    assert.ok(
      discarded["rtp-replay"] > 100 && Object.keys(discarded).every((kind) => /replay|dtls/.test(kind)),
    );
  });

  it("says unstable after 2 s of silence, stable when packets flow again, failed after 20 s", () => {
    call = new VirtualCall({ seed: 71 });
    call.run(1);
    call.setLink({ down: true });
    call.run(2.2);
    assert.deepEqual(call.b.notice("unstable"), [[true]]);
    call.setLink({ down: false });
    call.run(0.5);
    assert.deepEqual(call.b.notice("unstable"), [[true], [false]]);
    assert.deepEqual(codes(call.b), []);
    call.a.dead = true;
    call.run(19);
    assert.deepEqual(codes(call.b), []);
    call.run(2);
    assert.deepEqual(codes(call.b), ["ERR_TRANSPORT_SILENT"]);
  });

  it("says BYE and closes the association", () => {
    call = new VirtualCall({ seed: 81, link: { delayUs: 1_000 } });
    call.run(1);
    call.a.rtcp.close(call.nowUs);
    call.a.sender.close();
    call.a.session.close();
    call.a.drain();
    call.a.dead = true;
    call.run(0.5);
    assert.deepEqual(
      call.b.notice("bye").map(([{ mid }]) => mid),
      ["0", "1"],
    );
    assert.deepEqual(call.b.notice("dtlsstate").at(-1)?.[0], "closed");
    assert.deepEqual(codes(call.b), ["ERR_DTLS_CLOSED"]);
  });
});
