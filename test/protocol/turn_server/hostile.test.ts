import assert from "node:assert/strict";
import { type RandomSource, seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  encodeStun,
  readXorAddress,
  StunClass,
  StunMethod,
  StunAttributeType as Type,
  textAttribute,
} from "../../../src/protocol/stun/index.js";
import { encodeChannelData } from "../../../src/protocol/turn/index.js";
import { Bench, codeOf, only, PEER, UDP, udpFlow } from "./bench.js";

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));

function bare(method: number, attributes: { type: number; value: Uint8Array }[] = []): Uint8Array {
  return encodeStun({
    method,
    messageClass: StunClass.Request,
    transactionId: new Uint8Array(12).fill(3),
    attributes,
  });
}

const sum = (sizes: readonly Uint8Array[]) => sizes.reduce((total, each) => total + each.length, 0);

/** Something that looks like a message of the protocol, more or less. */
function anyMessage(random: RandomSource): Uint8Array {
  const methods = [...Object.values(StunMethod), 0x0f, 0xfff];
  const types = [...Object.values(Type), 0x7000, 0xf000];
  const pick = <T>(list: readonly T[]): T => list[random.uint32() % list.length];
  const attributes = Array.from({ length: random.uint32() % 5 }, () => ({
    type: pick(types.filter((type) => type !== Type.Fingerprint)),
    value: random.bytes(pick([0, 1, 4, 8, 20, 33])),
  }));
  const messageClass = pick(Object.values(StunClass));
  const transactionId = random.bytes(12);
  return encodeStun({ method: pick(methods), messageClass, transactionId, attributes });
}

describe("TURN server and those who mean no good", () => {
  it("sends an unproven source no more than it sent, and answers when that suffices", () => {
    const bench = new Bench();
    const flow = udpFlow(1);
    const binding = bare(StunMethod.Binding);
    assert.deepEqual(bench.handle(flow, binding), []);
    assert.equal(bench.server.counters.withheld, 1);
    const reply = only(bench.handle(flow, binding));
    assert.deepEqual(readXorAddress(reply, Type.XorMappedAddress), flow.remote);
    // The smallest Allocate: its challenge comes with the first retransmission.
    const other = udpFlow(1, "192.0.2.2");
    const allocate = bare(StunMethod.Allocate, [UDP]);
    assert.deepEqual(bench.handle(other, allocate), []);
    assert.equal(codeOf(only(bench.handle(other, allocate))), 401);
  });

  it(`never amplifies, whatever is sent from however many ports (SEED=${SEED})`, () => {
    const random = seededRandom(SEED);
    const bench = new Bench();
    let received = 0;
    let sent = 0;
    for (let i = 0; i < 10_000; i++) {
      const data = anyMessage(random);
      received += data.length;
      sent += sum(bench.handle(udpFlow(random.uint32() % 65536), data));
      assert.ok(sent <= received, `after ${i} messages`);
      bench.outputs.length = 0;
      if (i % 100 === 0) bench.wait(random.uint32() % 60);
    }
    assert.ok(sent > 0);
  });

  it("answers a connection at once: its handshake has proven the address", () => {
    const bench = new Bench();
    const flow = { ...udpFlow(1), door: 5, transport: "tls" as const };
    assert.equal(bench.handle(flow, bare(StunMethod.Binding)).length, 1);
  });

  it("keeps the credit of a bounded number of sources", () => {
    const bench = new Bench({ limits: { maxUnprovenSources: 100 } });
    const binding = bare(StunMethod.Binding);
    for (let i = 0; i < 1000; i++) bench.handle(udpFlow(1, `192.0.${i >> 8}.${i & 255}`), binding);
    assert.deepEqual(bench.handle(udpFlow(1, "192.0.0.0"), binding), [], "forgotten long ago");
    assert.equal(bench.handle(udpFlow(1, "192.0.3.231"), binding).length, 1, "remembered");
  });

  it("answers neither responses nor unknown methods nor indications", () => {
    const bench = new Bench();
    for (const messageClass of [1, 2, 3] as const) {
      for (const method of [...Object.values(StunMethod), 0x333]) {
        const attributes = [textAttribute(Type.Software, "x".repeat(400))];
        const transactionId = new Uint8Array(12);
        const data = encodeStun({ method, messageClass, transactionId, attributes });
        assert.deepEqual(bench.handle(udpFlow(2), data), []);
      }
    }
    assert.deepEqual(bench.handle(udpFlow(2), bare(0x333)), []);
  });

  it(`survives garbage and damaged requests, and serves on (SEED=${SEED})`, () => {
    const random = seededRandom(SEED);
    const bench = new Bench();
    const client = bench.client();
    client.allocate();
    client.bind(0x4000, PEER);
    const good = [
      client.encode(StunMethod.Refresh, () => []),
      client.encode(StunMethod.CreatePermission, () => []),
      client.encode(StunMethod.Allocate, () => [UDP]),
      encodeChannelData(0x4000, random.bytes(50), false),
    ];
    for (let i = 0; i < 10_000; i++) {
      const data = i % 3 === 0 ? random.bytes(random.uint32() % 100) : good[i % 4].slice();
      for (let n = random.uint32() % 4; n > 0 && data.length > 0; n--)
        data[random.uint32() % data.length] = random.uint32();
      const cut = i % 7 === 0 ? data.subarray(0, random.uint32() % (data.length + 1)) : data;
      bench.handle(i % 2 ? client.flow : udpFlow(random.uint32() % 65536), cut);
      bench.fromPeer(random.uint32() % 4, PEER, cut);
      bench.outputs.length = 0;
    }
    assert.equal(bench.server.allocationCount, 1);
    assert.equal(codeOf(client.refresh(600)), 0);
    bench.handle(client.flow, good[3]);
    assert.equal(bench.toPeers().length, 1);
  });

  it(`relays nothing that was not allowed, over random sequences (SEED=${SEED})`, () => {
    const random = seededRandom(SEED + 1);
    const bench = new Bench();
    const client = bench.client();
    client.allocate();
    const { relay } = client;
    const permitted = new Map<number, number>();
    const peer = (i: number) => ({ ...PEER, address: `198.51.100.${i}` });
    for (let step = 0; step < 5000; step++) {
      const i = random.uint32() % 8;
      const action = random.uint32() % 4;
      if (action === 0 && codeOf(client.permit(peer(i))) === 0) permitted.set(i, bench.nowUs + 300e6);
      if (action === 1) bench.wait(random.uint32() % 50);
      if (action === 1 && codeOf(client.refresh(3600)) === 438) client.nonce = undefined;
      const may = (permitted.get(i) ?? 0) > bench.nowUs;
      bench.outputs.length = 0;
      if (action === 2) client.send(peer(i), Uint8Array.of(1));
      if (action === 2) assert.equal(bench.toPeers().length, may ? 1 : 0, `step ${step}`);
      if (action === 3)
        assert.equal(bench.fromPeer(relay, peer(i), Uint8Array.of(1)).length, may ? 1 : 0, `step ${step}`);
    }
  });

  it("opens nothing for two thousand who cannot prove themselves", () => {
    const bench = new Bench();
    for (let port = 1; port <= 2000; port++) {
      const client = bench.client(port, { password: "guess" });
      client.nonce = new Uint8Array(12).fill(65);
      bench.handle(
        client.flow,
        client.encode(StunMethod.Allocate, () => [UDP]),
      );
    }
    assert.equal(bench.server.allocationCount, 0);
    assert.deepEqual(bench.ofType("openrelay"), []);
  });
});
