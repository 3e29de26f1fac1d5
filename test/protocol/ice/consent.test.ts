import assert from "node:assert/strict";
import { decodeStun, StunClass, StunMessage } from "../../../src/protocol/stun/index.js";
import { AgentNode, type AgentNodeOptions, address, connect, World } from "./world.js";

const V4A = address("192.0.2.1", 5000);
const V4B = address("192.0.2.2", 6000);

function connected(seed: number, a: AgentNodeOptions = {}, b: AgentNodeOptions = {}, loss = 0) {
  const world = new World(seed);
  const nodeA = world.add(new AgentNode(world, [V4A], { role: "controlling", ...a }), {
    delayUs: 20_000,
    loss,
  });
  const nodeB = world.add(new AgentNode(world, [V4B], { role: "controlled", ...b }), {
    delayUs: 20_000,
    loss,
  });
  connect(nodeA, nodeB);
  assert.ok(world.run(20e6, () => nodeA.connected && nodeB.connected));
  return { world, a: nodeA, b: nodeB };
}

describe("ICE: consent (RFC 7675)", () => {
  it("is asked every 4 to 6 s, with a new transaction each time", () => {
    const { world, a } = connected(1);
    const times: number[] = [];
    const ids = new Set<string>();
    world.onSend = (d) => {
      const m = decodeStun(d.data);
      if (d.from.port !== 5000 || !(m instanceof StunMessage) || m.messageClass !== StunClass.Request) return;
      times.push(world.nowUs);
      ids.add(Buffer.from(m.transactionId).toString("hex"));
    };
    world.run(600e6);
    assert.ok(times.length > 90 && times.length < 160, `${times.length}`);
    assert.equal(ids.size, times.length);
    const gaps = times.slice(1).map((t, i) => t - times[i]);
    assert.ok(Math.min(...gaps) >= 4e6 && Math.max(...gaps) <= 6e6);
    // Twenty steps of 100 ms lie between 4 and 6 s: nearly all of them are met in 600 s.
    assert.ok(new Set(gaps.map((g) => Math.round(g / 1000))).size > 15);
    assert.ok(a.connected);
  });

  it("lasts for hours, over a path that loses one datagram in ten", function () {
    this.timeout(60_000);
    const seed = 2;
    const { world, a, b } = connected(seed, {}, {}, 0.1);
    world.run(2 * 3600e6);
    assert.ok(a.connected && b.connected, `seed ${seed}: ${a.stateNames()} / ${b.stateNames()}`);
    assert.equal(
      a.states.some((s) => s.state === "failed"),
      false,
    );
    assert.ok(a.agent.stats().counters.consentChecksSent > 1200);
  });

  it("goes from disconnected to failed when the peer vanishes, and sends no more", () => {
    const { world, a, b } = connected(3);
    const goneUs = world.nowUs;
    world.remove(b);
    world.run(60e6);
    assert.deepEqual(
      a.states.slice(-2).map((s) => s.state),
      ["disconnected", "failed"],
    );
    assert.ok(a.reachedUs("disconnected") - goneUs <= 11e6);
    const failedUs = a.reachedUs("failed") - goneUs;
    assert.ok(failedUs > 24e6 && failedUs <= 31e6, `${failedUs}`);
    assert.equal(a.agent.selectedPair, undefined);
    assert.equal(a.agent.stats().counters.consentExpired, 1);
    let sent = 0;
    world.onSend = () => sent++;
    world.run(600e6);
    assert.equal(sent, 0);
  });

  it("comes back when the path does before it has expired", () => {
    const { world, a, b } = connected(4);
    world.setLink(a, { down: true });
    world.setLink(b, { down: true });
    assert.ok(world.run(15e6, () => a.agent.state === "disconnected" && b.agent.state === "disconnected"));
    world.setLink(a, { down: false });
    world.setLink(b, { down: false });
    assert.ok(world.run(15e6, () => a.connected && b.connected));
    world.run(600e6);
    assert.ok(a.connected && b.connected);
    assert.ok(a.agent.selectedPair);
  });

  it("is not given by mere traffic: the peer that answers no check is left after 30 s", () => {
    const { world, a, b } = connected(5);
    world.setLink(b, { down: true });
    for (let i = 0; i < 60; i++) {
      world.run(1e6);
      a.agent.noteTraffic(world.nowUs);
    }
    assert.equal(a.agent.state, "failed");
    assert.ok(!a.states.some((s) => s.state === "disconnected"));
  });

  it("fails on a wrong password once patience has run out, without ever connecting", () => {
    const world = new World(6);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }));
    const b = world.add(new AgentNode(world, [V4B], { role: "controlled" }));
    connect(a, b);
    const honest = a.agent.localCredentials;
    // b is told a password that is not a's.
    const setRemote = b.agent.setRemoteParameters.bind(b.agent);
    b.agent.setRemoteParameters = () => setRemote({ ...honest, password: "y".repeat(24) });
    const setRemoteA = a.agent.setRemoteParameters.bind(a.agent);
    a.agent.setRemoteParameters = (r) => setRemoteA({ ...r, password: "z".repeat(24) });
    world.run(120e6);
    assert.equal(a.stateNames(), "checking failed");
    assert.equal(b.stateNames(), "checking failed");
    assert.ok(a.agent.stats().counters.unauthenticatedRequests > 0);
    assert.ok(a.reachedUs("failed") >= 39_500_000);
  });
});

describe("ICE: keeping and changing the pair", () => {
  it("moves to another pair when the selected one dies", () => {
    const second = (n: number) => address(`198.51.100.${n}`, 7000 + n);
    const world = new World(10);
    const a = world.add(new AgentNode(world, [V4A, second(1)], { role: "controlling" }), { delayUs: 5000 });
    const b = world.add(new AgentNode(world, [V4B, second(2)], { role: "controlled" }), { delayUs: 5000 });
    connect(a, b);
    assert.ok(world.run(10e6, () => a.connected && b.connected));
    assert.equal(a.agent.selectedPair?.remoteAddress.address, "192.0.2.2");
    const send = world.send.bind(world);
    world.send = (node, from, to, data) => {
      if (!to.address.startsWith("192.0.2.") && !from.address.startsWith("192.0.2."))
        send(node, from, to, data);
    };
    const moved = () =>
      [a, b].every((n) => n.connected && n.agent.selectedPair?.remoteAddress.address.startsWith("198."));
    assert.ok(world.run(25e6, moved), `${a.stateNames()} / ${b.stateNames()}`);
    world.run(120e6);
    assert.ok(a.connected && b.connected);
    assert.ok(![...a.states, ...b.states].some((s) => s.state === "failed"));
  });

  it("follows a controlling peer that starts over from another port", () => {
    const world = new World(11);
    const a = world.add(new AgentNode(world, [V4A], { role: "controlling" }), { delayUs: 5000 });
    const b = world.add(new AgentNode(world, [V4B], { role: "controlled" }), { delayUs: 5000 });
    connect(a, b);
    assert.ok(world.run(10e6, () => a.connected && b.connected));
    world.run(5e6);
    world.remove(a);
    const again = world.add(
      new AgentNode(world, [address("192.0.2.1", 5999)], {
        role: "controlling",
        local: a.agent.localCredentials,
      }),
      { delayUs: 5000 },
    );
    again.gather();
    again.agent.setRemoteParameters(b.agent.localCredentials);
    for (const c of b.candidates) again.agent.addRemoteCandidate(c);
    assert.ok(world.run(1e6, () => again.connected && b.agent.selectedPair?.remoteAddress.port === 5999));
    world.run(60e6);
    assert.ok(again.connected && b.connected);
  });
});
