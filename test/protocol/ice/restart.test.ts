import assert from "node:assert/strict";
import { Nat } from "../../../src/protocol/netem/index.js";
import {
  AgentNode,
  type AgentNodeOptions,
  address,
  connect,
  credentials,
  StunServerNode,
  World,
} from "./world.js";

const V4A = address("192.0.2.1", 5000);
const V4B = address("192.0.2.2", 6000);
const STUN = address("198.51.100.1", 3478);

function connected(seed: number, a: AgentNodeOptions = {}, b: AgentNodeOptions = {}, delayUs = 10_000) {
  const world = new World(seed);
  world.add(new StunServerNode(world, STUN));
  const nodeA = world.add(
    new AgentNode(world, [a.nat ? address("10.1.0.2", 5000) : V4A], { role: "controlling", ...a }),
    { delayUs },
  );
  const nodeB = world.add(new AgentNode(world, [V4B], { role: "controlled", ...b }), { delayUs });
  connect(nodeA, nodeB);
  assert.ok(world.run(20e6, () => nodeA.connected && nodeB.connected));
  return { world, a: nodeA, b: nodeB };
}

/** Both sides restart, with the offer and the answer taking `signalUs` each. */
function restartBoth(a: AgentNode, b: AgentNode, signalUs: number): void {
  const { world } = a;
  a.candidates.length = 0;
  b.candidates.length = 0;
  a.onCandidate = () => {};
  b.onCandidate = () => {};
  a.agent.restart(credentials(world.random));
  a.drain();
  world.after(signalUs, () => {
    b.agent.restart(credentials(world.random));
    b.agent.setRemoteParameters(a.agent.localCredentials);
    b.drain();
    for (const c of a.candidates) b.agent.addRemoteCandidate(c);
    b.agent.endOfRemoteCandidates();
    b.drain();
    world.after(signalUs, () => {
      a.agent.setRemoteParameters(b.agent.localCredentials);
      for (const c of b.candidates) a.agent.addRemoteCandidate(c);
      a.agent.endOfRemoteCandidates();
      a.drain();
    });
  });
}

describe("ICE: restart (RFC 8445 §9)", () => {
  it("keeps the old pair carrying until the new one is selected", () => {
    const { world, a, b } = connected(1);
    const changes = a.agent.stats().selectedPairChanges;
    a.states.length = 0;
    b.states.length = 0;
    restartBoth(a, b, 2e6);
    // Long signaling: at every moment both have a pair, and consent goes on.
    let gaps = 0;
    const done = () => {
      if (!a.agent.selectedPair || !b.agent.selectedPair || !a.connected || !b.connected) gaps++;
      return a.agent.stats().selectedPairChanges > changes && b.agent.stats().selectedPairChanges > changes;
    };
    assert.ok(world.run(30e6, done));
    assert.equal(gaps, 0);
    assert.equal(a.stateNames().includes("checking"), false);
    world.run(60e6);
    assert.ok(a.connected && b.connected);
  });

  it("keeps consent on the old pair while the answer is minutes away", () => {
    const { world, a, b } = connected(2);
    restartBoth(a, b, 120e6);
    let down = 0;
    world.run(230e6, () => {
      if (!a.agent.selectedPair || !b.agent.selectedPair) down++;
      return false;
    });
    assert.equal(down, 0);
    world.run(30e6);
    assert.ok(a.connected && b.connected);
    assert.equal(a.agent.stats().selectedPairChanges, 2);
  });

  it("gives candidates again, with the new fragment, and gathers again", () => {
    const nat = new Nat({ externalAddress: "203.0.113.1" });
    const { world, a, b } = connected(3, { nat, stunServers: [STUN] });
    restartBoth(a, b, 1e6);
    assert.equal(a.agent.gatheringState, "gathering");
    world.run(10e6);
    assert.equal(a.agent.gatheringState, "complete");
    const fragment = a.agent.localCredentials.usernameFragment;
    assert.deepEqual(
      a.candidates.map((c) => [c.type, c.usernameFragment]),
      [
        ["host", fragment],
        ["srflx", fragment],
      ],
    );
    assert.ok(a.connected && b.connected);
  });

  it("brings a failed connection back", () => {
    const { world, a, b } = connected(4);
    world.setLink(a, { down: true });
    world.setLink(b, { down: true });
    world.run(60e6);
    assert.deepEqual([a.agent.state, b.agent.state], ["failed", "failed"]);
    world.setLink(a, { down: false });
    world.setLink(b, { down: false });
    restartBoth(a, b, 50_000);
    assert.equal(a.agent.state, "checking");
    assert.ok(world.run(10e6, () => a.connected && b.connected));
  });

  it("moves to a network that came up meanwhile", () => {
    const { world, a, b } = connected(5);
    const next = address("192.0.2.77", 5001);
    (a.addresses as (typeof next)[]).push(next);
    restartBoth(a, b, 10_000);
    a.agent.addLocalHost(1, next);
    a.drain();
    const send = world.send.bind(world);
    world.send = (node, from, to, data) => {
      if (from.address !== V4A.address && to.address !== V4A.address) send(node, from, to, data);
    };
    assert.ok(
      world.run(
        10e6,
        () => a.agent.selectedPair?.socketId === 1 && b.agent.selectedPair?.remoteAddress.port === 5001,
      ),
    );
  });

  it("is refused with the old fragment; new remote credentials without it are, too", () => {
    const { a, b } = connected(6);
    assert.throws(() => a.agent.restart(a.agent.localCredentials), { code: "ERR_ICE_CREDENTIALS" });
    assert.throws(() => a.agent.setRemoteParameters(credentials(a.world.random)), {
      code: "ERR_ICE_CREDENTIALS",
    });
    a.agent.setRemoteParameters(b.agent.localCredentials);
  });
});
