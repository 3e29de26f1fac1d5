import assert from "node:assert/strict";
import { IceError, parseCandidate } from "../../../src/protocol/ice/index.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  decodeStun,
  encodeStun,
  flagAttribute,
  newTransactionId,
  readErrorCode,
  type StunAttribute,
  StunClass,
  StunMessage,
  StunMethod,
  shortTermKey,
  StunAttributeType as Type,
  textAttribute,
  uint32Attribute,
  uint64Attribute,
  xorAddressAttribute,
} from "../../../src/protocol/stun/index.js";
import { hmacSha1 } from "../stun/crypto.js";
import { AgentNode, address, connect, credentials, World } from "./world.js";

const V4A = address("192.0.2.1", 5000);
const V4B = address("192.0.2.2", 6000);
const STRANGER = address("198.51.100.66", 666);

function connected(seed: number) {
  const world = new World(seed);
  const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }), { delayUs: 1000 });
  const b = world.add(new AgentNode(world, [V4B], { role: "controlled" }), { delayUs: 1000 });
  connect(a, b);
  assert.ok(world.run(1e6, () => a.connected && b.connected));
  world.run(100_000);
  return { world, a, b };
}

/** A check as somebody would send it to `to`, with any lie built in. */
function check(
  to: AgentNode,
  options: { password?: string; username?: string; attributes?: StunAttribute[]; integrity?: boolean } = {},
): Uint8Array {
  const { usernameFragment, password } = to.agent.localCredentials;
  return encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.Request,
    transactionId: newTransactionId(to.world.random),
    attributes: [
      textAttribute(Type.Username, options.username ?? `${usernameFragment}:them`),
      uint32Attribute(Type.Priority, 1000),
      ...(options.attributes ?? [uint64Attribute(Type.IceControlling, 99n)]),
    ],
    ...(options.integrity !== false && {
      integrity: { key: shortTermKey(options.password ?? password), hmac: hmacSha1 },
    }),
    fingerprint: true,
  });
}

/** Hands a datagram to the agent and gives what it sends back at once. */
function exchange(node: AgentNode, data: Uint8Array, from = STRANGER): { data: Uint8Array }[] {
  const sent: { data: Uint8Array }[] = [];
  assert.equal(node.agent.handleDatagram(0, from, data, node.world.nowUs), true);
  for (let o = node.agent.pollOutput(); o; o = node.agent.pollOutput())
    if (o.type === "transmit") sent.push(o);
  return sent;
}

function errorOf(sent: { data: Uint8Array }[]): number | undefined {
  const m = decodeStun(sent[0].data);
  return m instanceof StunMessage ? readErrorCode(m)?.code : undefined;
}

describe("ICE: hostile peers", () => {
  it("refuses a wrong password with 401 and keeps no state", () => {
    const { a } = connected(1);
    const before = a.agent.stats();
    const sent = exchange(a, check(a, { password: "x".repeat(24) }));
    assert.equal(errorOf(sent), 401);
    const after = a.agent.stats();
    assert.equal(after.counters.unauthenticatedRequests, 1);
    assert.deepEqual(after.pairs, before.pairs);
    assert.equal(after.remoteCandidates, before.remoteCandidates);
  });

  it("refuses an unknown user with 401 and a request without credentials with 400 or silence", () => {
    const { a } = connected(2);
    assert.equal(errorOf(exchange(a, check(a, { username: "nobody:them" }))), 401);
    assert.equal(errorOf(exchange(a, check(a, { integrity: false }))), 400);
    assert.equal(a.agent.stats().counters.unauthenticatedRequests, 2);
  });

  it("never answers a stranger with more bytes than came", () => {
    const { a } = connected(3);
    const random = seededRandom(3);
    let received = 0;
    let sent = 0;
    for (let i = 0; i < 2000; i++) {
      const n = random.uint32() % 4;
      const attributes = Array.from({ length: n }, () => flagAttribute(0x8100 + (random.uint32() % 100)));
      const data = encodeStun({
        method: StunMethod.Binding,
        messageClass: StunClass.Request,
        transactionId: newTransactionId(random),
        attributes,
        fingerprint: random.uint32() % 2 === 0,
      });
      const answers = exchange(a, data);
      const bytes = answers.reduce((sum, x) => sum + x.data.length, 0);
      assert.ok(bytes <= data.length, `${bytes} for ${data.length}`);
      received += data.length;
      sent += bytes;
    }
    assert.ok(sent < received);
    assert.ok(a.agent.stats().counters.refusalsSuppressed > 0);
    assert.equal(a.agent.stats().pairs.length, 1);
  });

  it("counts and drops a wrong fingerprint and lying lengths", () => {
    const { a } = connected(4);
    const wrong = check(a);
    wrong[wrong.length - 1] ^= 1;
    assert.deepEqual(exchange(a, wrong), []);
    const lie = check(a);
    lie[3] -= 4;
    assert.deepEqual(exchange(a, lie), []);
    const { counters } = a.agent.stats();
    assert.deepEqual([counters.badFingerprint, counters.malformed], [1, 1]);
  });

  it("answers unknown comprehension-required attributes with 420", () => {
    const { a } = connected(5);
    assert.equal(errorOf(exchange(a, check(a, { attributes: [flagAttribute(0x7abc)] }))), 420);
  });

  it("leaves what is not STUN to others", () => {
    const { a } = connected(6);
    for (const first of [22, 64, 128, 255]) {
      const data = new Uint8Array(60).fill(first);
      assert.equal(a.agent.handleDatagram(0, V4B, data, a.world.nowUs), false);
    }
    assert.equal(a.agent.handleDatagram(0, V4B, new Uint8Array(0), a.world.nowUs), false);
  });

  it("believes no answer without the right integrity, id and way", () => {
    const world = new World(7);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }));
    const remote = credentials(world.random);
    const requests: Uint8Array[] = [];
    world.onSend = (d) => requests.push(d.data);
    a.gather();
    a.agent.setRemoteParameters(remote);
    a.agent.addRemoteCandidate(parseCandidate("candidate:1 1 udp 1000 192.0.2.2 6000 typ host"));
    world.run(1000);
    const id = requests[0].slice(8, 20);
    const answer = (transactionId: Uint8Array, password: string) =>
      encodeStun({
        method: StunMethod.Binding,
        messageClass: StunClass.SuccessResponse,
        transactionId,
        attributes: [xorAddressAttribute(Type.XorMappedAddress, V4A, transactionId)],
        integrity: { key: shortTermKey(password), hmac: hmacSha1 },
      });
    exchange(a, answer(id, "w".repeat(24)), V4B);
    exchange(a, answer(new Uint8Array(12), remote.password), V4B);
    let stats = a.agent.stats();
    assert.equal(stats.counters.unauthenticatedResponses, 1);
    assert.equal(stats.counters.unexpectedResponses, 1);
    assert.equal(stats.pairs[0].state, "in-progress");
    exchange(a, answer(id, remote.password), STRANGER);
    stats = a.agent.stats();
    assert.equal(stats.counters.asymmetricResponses, 1);
    assert.equal(stats.pairs[0].state, "failed");
  });

  it("bounds 10 000 signaled candidates and still finds the peer", () => {
    const world = new World(8);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }));
    const b = world.add(new AgentNode(world, [V4B], { role: "controlled" }));
    a.gather();
    b.gather();
    a.agent.setRemoteParameters(b.agent.localCredentials);
    for (let i = 0; i < 10_000; i++) {
      const line = `candidate:${i} 1 udp ${2130706431 - i} 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} 1234 typ host`;
      a.agent.addRemoteCandidate(parseCandidate(line));
    }
    let reported = 0;
    for (let o = a.agent.pollOutput(); o; o = a.agent.pollOutput())
      if (o.type === "candidateignored") reported++;
    assert.ok(reported <= 100);
    let stats = a.agent.stats();
    assert.equal(stats.remoteCandidates, 100);
    assert.ok(stats.pairs.length <= 100);
    assert.equal(stats.counters.candidatesIgnored, 9900);
    // b knows where a is and checks it: that pair gets in although the list is full.
    b.agent.setRemoteParameters(a.agent.localCredentials);
    for (const c of a.candidates) b.agent.addRemoteCandidate(c);
    assert.ok(world.run(5e6, () => a.connected && b.connected));
    stats = a.agent.stats();
    assert.ok(stats.pairs.length <= 100);
  });

  it("paces: checks to junk never exceed one per Ta", () => {
    const world = new World(9);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }));
    a.gather();
    a.agent.setRemoteParameters(credentials(world.random));
    for (let i = 0; i < 100; i++) {
      a.agent.addRemoteCandidate(
        parseCandidate(`candidate:${i} 1 udp ${1000 + i} 10.0.0.${i + 1} 1234 typ host`),
      );
    }
    const first = new Map<string, number>();
    world.onSend = (d) => {
      if (!first.has(d.to.address)) first.set(d.to.address, world.nowUs);
    };
    world.run(20e6);
    const times = [...first.values()].sort((x, y) => x - y);
    assert.equal(times.length, 100);
    assert.equal(times[0], 0);
    for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] >= 50_000 - 1);
  });

  it("bounds what an authenticated peer can make it learn", function () {
    this.timeout(60_000);
    const { a, world } = connected(10);
    let sentChecks = 0;
    for (let i = 0; i < 5000; i++) {
      const from = address(`10.9.${i >> 8}.${i & 255}`, 1000);
      const sent = exchange(a, check(a, { attributes: [uint64Attribute(Type.IceControlled, 1n)] }), from);
      // One answer each; checks of its own only within the pacing.
      sentChecks += sent.length - 1;
    }
    assert.ok(sentChecks <= 5, `${sentChecks}`);
    const stats = a.agent.stats();
    assert.ok(stats.pairs.length <= 100 && stats.remoteCandidates <= 150);
    assert.ok(a.agent.selectedPair);
    world.run(60e6);
    assert.ok(a.connected, a.agent.state);
  });

  it("bounds the checks remembered before the answer", () => {
    const world = new World(11);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlled" }));
    a.gather();
    for (let i = 0; i < 500; i++) exchange(a, check(a), address(`10.9.${i >> 8}.${i & 255}`, 1000));
    a.agent.setRemoteParameters(credentials(world.random));
    assert.ok(a.agent.stats().pairs.length <= 16);
  });

  it("keeps a call through random and damaged datagrams", function () {
    this.timeout(60_000);
    const seed = 12;
    const { a, b, world } = connected(seed);
    const random = seededRandom(seed);
    const template = check(a);
    for (let i = 0; i < 20_000; i++) {
      const data = i % 2 ? template.slice() : random.bytes(20 + (random.uint32() % 100));
      if (i % 2 === 0) data.set([0, 1, 0, data.length - 20, 0x21, 0x12, 0xa4, 0x42]);
      for (let n = random.uint32() % 4; n >= 0; n--)
        data[random.uint32() % data.length] ^= 1 << (random.uint32() % 8);
      a.agent.handleDatagram(0, random.uint32() % 2 ? STRANGER : V4B, data, world.nowUs);
      a.drain();
    }
    world.run(60e6);
    assert.ok(a.connected && b.connected, `seed ${seed}`);
    assert.equal(a.agent.stats().selectedPairChanges, 1);
  });

  it("keeps a call through a flood of role conflicts, whichever way each is settled", () => {
    const { a, b, world } = connected(14);
    let answers = 0;
    for (let i = 0; i < 4000; i++) {
      const victim = i % 2 === 0 ? a : b;
      const peer = victim === a ? V4B : V4A;
      const claims = i % 4 < 2 ? Type.IceControlling : Type.IceControlled;
      const attributes = [uint64Attribute(claims, i % 3 === 0 ? 2n ** 64n - 1n : 0n)];
      answers += exchange(victim, check(victim, { attributes }), i % 5 === 0 ? STRANGER : peer).length;
    }
    // One for each, and few checks of their own.
    assert.ok(answers >= 4000 && answers <= 4100, `${answers} datagrams sent`);
    world.run(60e6);
    assert.ok(a.connected && b.connected);
    assert.ok(a.agent.selectedPair && b.agent.selectedPair);
    assert.notEqual(a.agent.stats().role, b.agent.stats().role);
  });

  it("reports candidates it cannot use and carries on", () => {
    const world = new World(13);
    const a = world.add(new AgentNode(world, [V4A]));
    a.gather();
    a.agent.setRemoteParameters({ usernameFragment: "abcd", password: "p".repeat(22) });
    for (const line of [
      "candidate:1 1 tcp 1 192.0.2.9 9 typ host tcptype so",
      "candidate:1 1 udp 1 someone.local 1234 typ host",
      "candidate:1 1 udp 1 0.0.0.0 1234 typ host",
      "candidate:1 1 udp 1 224.0.0.1 1234 typ host",
      "candidate:1 1 udp 1 192.0.2.9 0 typ host",
      "candidate:1 1 udp 1 192.0.2.9 1234 typ host ufrag other",
    ]) {
      a.agent.addRemoteCandidate(parseCandidate(line));
    }
    a.drain();
    assert.deepEqual(
      a.outputs.flatMap((o) => (o.type === "candidateignored" ? [o.reason] : [])),
      ["tcp", "name", "unusable-address", "unusable-address", "unusable-address", "other-generation"],
    );
    assert.equal(a.agent.stats().pairs.length, 0);
  });

  it("refuses its caller's mistakes with stable codes", () => {
    const world = new World(14);
    const a = new AgentNode(world, [V4A]);
    const throws = (code: string, run: () => void) =>
      assert.throws(run, (e: unknown) => e instanceof IceError && e.code === code);
    throws("ERR_ICE_CREDENTIALS", () =>
      a.agent.setRemoteParameters({ usernameFragment: "ab", password: "p".repeat(22) }),
    );
    throws("ERR_ICE_CREDENTIALS", () =>
      a.agent.setRemoteParameters({ usernameFragment: "abcd", password: "short" }),
    );
    throws("ERR_ICE_CREDENTIALS", () =>
      a.agent.setRemoteParameters({ usernameFragment: "ab\r\nc", password: "p".repeat(22) }),
    );
    throws("ERR_ICE_ADDRESS", () => a.agent.addLocalHost(0, address("0.0.0.0", 5)));
    throws("ERR_ICE_ADDRESS", () => a.agent.addLocalHost(0, { family: 4, address: "1.2.3", port: 5 }));
    a.agent.close();
    throws("ERR_ICE_CLOSED", () => a.agent.addLocalHost(0, V4A));
    assert.equal(a.agent.state, "closed");
    assert.equal(a.agent.nextDeadlineUs(), Infinity);
  });
});
