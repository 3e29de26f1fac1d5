import assert from "node:assert/strict";
import { parseCandidate } from "../../../src/protocol/ice/index.js";
import type { TransportAddress } from "../../../src/protocol/primitives/address.js";
import {
  decodeStun,
  encodeStun,
  flagAttribute,
  newTransactionId,
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
import { AgentNode, address, credentials, type Node, World } from "./world.js";

const V4A = address("192.0.2.1", 5000);

/** A peer written independently of the agent: answers checks, and sends those it is told to. */
class ScriptedPeer implements Node {
  readonly local: { usernameFragment: string; password: string };
  readonly received: StunMessage[] = [];
  answers = true;

  constructor(
    readonly world: World,
    readonly addresses: readonly TransportAddress[],
    readonly target: AgentNode,
  ) {
    this.local = credentials(world.random);
  }

  receive(at: TransportAddress, from: TransportAddress, data: Uint8Array): void {
    const m = decodeStun(data);
    assert.ok(m instanceof StunMessage);
    this.received.push(m);
    if (m.messageClass !== StunClass.Request || !this.answers) return;
    assert.ok(m.verifyIntegrity(shortTermKey(this.local.password), hmacSha1));
    const answer = encodeStun({
      method: StunMethod.Binding,
      messageClass: StunClass.SuccessResponse,
      transactionId: m.transactionId,
      attributes: [xorAddressAttribute(Type.XorMappedAddress, from, m.transactionId)],
      integrity: { key: shortTermKey(this.local.password), hmac: hmacSha1 },
      fingerprint: true,
    });
    this.world.send(this, at, from, answer);
  }

  check(from: TransportAddress, useCandidate: boolean): void {
    const remote = this.target.agent.localCredentials;
    const request = encodeStun({
      method: StunMethod.Binding,
      messageClass: StunClass.Request,
      transactionId: newTransactionId(this.world.random),
      attributes: [
        textAttribute(Type.Username, `${remote.usernameFragment}:${this.local.usernameFragment}`),
        uint32Attribute(Type.Priority, 1845501695),
        uint64Attribute(Type.IceControlling, 5n),
        ...(useCandidate ? [flagAttribute(Type.UseCandidate)] : []),
      ],
      integrity: { key: shortTermKey(remote.password), hmac: hmacSha1 },
      fingerprint: true,
    });
    this.world.send(this, from, V4A, request);
  }
}

const [LOW, HIGH] = [address("192.0.2.8", 8000), address("192.0.2.9", 9000)];
const HIGH_CANDIDATE = parseCandidate("candidate:1 1 udp 2130706431 192.0.2.9 9000 typ host");
const LOW_CANDIDATE = parseCandidate("candidate:2 1 udp 1130706431 192.0.2.8 8000 typ host");

/** Our agent, controlled by a peer with a better and a worse address. */
function controlledBy(seed: number) {
  const world = new World(seed);
  const a = world.add(new AgentNode(world, [V4A], { role: "controlled" }));
  const peer = world.add(new ScriptedPeer(world, [LOW, HIGH], a), { delayUs: 1000 });
  a.gather();
  a.agent.setRemoteParameters(peer.local);
  return { world, a, peer };
}

describe("ICE: peers of other kinds", () => {
  it("an ICE-lite peer, which only answers, is nominated by us", () => {
    const world = new World(1);
    // Told the wrong role: a lite peer cannot control.
    const a = world.add(new AgentNode(world, [V4A], { role: "controlled" }));
    const lite = world.add(new ScriptedPeer(world, [address("192.0.2.9", 9000)], a));
    a.gather();
    a.agent.setRemoteParameters(lite.local, { lite: true });
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    a.agent.endOfRemoteCandidates();
    assert.ok(world.run(1e6, () => a.agent.state === "completed"));
    assert.equal(a.agent.role, "controlling");
    const [first, second] = lite.received;
    assert.ok(!first.has(Type.UseCandidate) && first.has(Type.IceControlling));
    assert.ok(second.has(Type.UseCandidate));
    assert.equal(lite.received.length, 2);
    world.run(3600e6);
    assert.ok(a.connected);
  });

  it("aggressive nomination of several pairs ends on the best of them", () => {
    const { world, a, peer } = controlledBy(2);
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    a.agent.addRemoteCandidate(LOW_CANDIDATE);
    peer.check(LOW, true);
    world.run(10_000);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 8000);
    peer.check(HIGH, true);
    world.run(10_000);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 9000);
    peer.check(LOW, true);
    world.run(10_000);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 9000);
    assert.equal(a.agent.stats().selectedPairChanges, 2);
  });

  it("a better pair that the peer nominates later is taken, however long the first was good", () => {
    const { world, a, peer } = controlledBy(21);
    a.agent.addRemoteCandidate(LOW_CANDIDATE);
    peer.check(LOW, true);
    world.run(10_000);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 8000);
    for (let i = 0; i < 12; i++) {
      peer.check(LOW, false);
      world.run(5e6);
    }
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    peer.check(HIGH, true);
    world.run(10_000);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 9000);
    assert.ok(a.connected);
  });

  it("a worse pair that the peer nominates later is a change of mind, unless it was checked with the better one", () => {
    const { world, a, peer } = controlledBy(22);
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    a.agent.addRemoteCandidate(LOW_CANDIDATE);
    peer.check(HIGH, true);
    world.run(1e6);
    peer.check(LOW, true);
    world.run(1e6);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 9000);
    world.run(2e6);
    peer.check(LOW, true);
    world.run(1e6);
    assert.equal(a.agent.selectedPair?.remoteAddress.port, 8000);
  });

  it("a pair is not used before our own check on it has succeeded", () => {
    const world = new World(3);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlled" }));
    const at = address("192.0.2.9", 9000);
    const peer = world.add(new ScriptedPeer(world, [at], a));
    peer.answers = false;
    a.gather();
    a.agent.setRemoteParameters(peer.local);
    peer.check(at, true);
    world.run(5e6);
    assert.equal(a.agent.selectedPair, undefined);
    assert.equal(a.agent.state, "checking");
    assert.ok(!a.agent.isVerifiedPeer(0, at));
    peer.answers = true;
    assert.ok(world.run(10e6, () => a.connected));
    assert.ok(a.agent.isVerifiedPeer(0, at));
    assert.ok(!a.agent.isVerifiedPeer(0, address("192.0.2.9", 9001)));
  });

  it("checks carry what RFC 8445 §7.1 asks for", () => {
    const world = new World(4);
    const a = world.add(
      new AgentNode(world, [V4A], { role: "controlling", tieBreaker: 0x0123456789abcdefn }),
    );
    const peer = world.add(new ScriptedPeer(world, [address("192.0.2.9", 9000)], a));
    a.gather();
    a.agent.setRemoteParameters(peer.local);
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    world.run(1000);
    const [m] = peer.received;
    const local = a.agent.localCredentials.usernameFragment;
    assert.equal(
      Buffer.from(m.value(Type.Username) ?? []).toString(),
      `${peer.local.usernameFragment}:${local}`,
    );
    assert.equal(Buffer.from(m.value(Type.IceControlling) ?? []).toString("hex"), "0123456789abcdef");
    // The priority a peer-reflexive candidate would have: type preference 110.
    assert.equal(m.value(Type.Priority)?.[0], 110);
    assert.ok(m.hasFingerprint);
  });

  it("repeats an unanswered check after 0.5, 1, 2, 4, 8 and 16 s, and gives it up after 39.5 s", () => {
    const world = new World(5);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }));
    a.gather();
    a.agent.setRemoteParameters(credentials(world.random));
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    const times: number[] = [];
    world.onSend = () => times.push(world.nowUs);
    world.run(39.4e6);
    // Doubled up to 2 s, and every 2 s from then on.
    const steady = Array.from({ length: 17 }, (_, i) => 5.5e6 + i * 2e6);
    assert.deepEqual(times, [0, 0.5e6, 1.5e6, 3.5e6, ...steady]);
    assert.equal(a.agent.state, "checking");
    world.run(0.2e6);
    assert.equal(a.agent.state, "failed");
  });

  it("close() is the end of all output", () => {
    const world = new World(6);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }));
    const peer = world.add(new ScriptedPeer(world, [address("192.0.2.9", 9000)], a));
    a.gather();
    a.agent.setRemoteParameters(peer.local);
    a.agent.addRemoteCandidate(HIGH_CANDIDATE);
    assert.ok(world.run(1e6, () => a.connected));
    a.agent.close();
    a.drain();
    assert.equal(a.agent.state, "closed");
    let sent = 0;
    world.onSend = () => sent++;
    a.agent.handleTimeout(world.nowUs + 1e9);
    a.agent.handleDatagram(0, V4A, peer.received[0].bytes, world.nowUs);
    a.agent.endOfRemoteCandidates();
    a.agent.addRemoteCandidate(parseCandidate("candidate:1 1 udp 2130706431 192.0.2.10 9000 typ host"));
    assert.equal(a.agent.pollOutput(), undefined);
    assert.equal(a.agent.nextDeadlineUs(), Infinity);
    assert.equal(sent, 0);
  });
});
