import assert from "node:assert/strict";
import type { LinkOptions } from "../../../src/protocol/netem/index.js";
import { Nat } from "../../../src/protocol/netem/index.js";
import { AgentNode, type AgentNodeOptions, address, connect, StunServerNode, World } from "./world.js";

const V4A = address("192.0.2.1", 5000);
const V4B = address("192.0.2.2", 6000);
const V6A = address("2001:db8::1", 5000);
const V6B = address("2001:db8::2", 6000);

function pairOfAgents(
  seed: number,
  link: LinkOptions = {},
  a: AgentNodeOptions = {},
  b: AgentNodeOptions = {},
  addressesA = [V4A],
  addressesB = [V4B],
): { world: World; a: AgentNode; b: AgentNode } {
  const world = new World(seed);
  return {
    world,
    a: world.add(new AgentNode(world, addressesA, { role: "controlling", ...a }), link),
    b: world.add(new AgentNode(world, addressesB, { role: "controlled", ...b }), link),
  };
}

function assertConnected(a: AgentNode, b: AgentNode): void {
  const [pa, pb] = [a.agent.selectedPair, b.agent.selectedPair];
  assert.ok(pa && pb);
  const hint = `seed ${a.world.seed}`;
  assert.deepEqual(
    [pa.local.address, pa.local.port],
    [pb.remoteAddress.address, pb.remoteAddress.port],
    hint,
  );
  assert.deepEqual(
    [pb.local.address, pb.local.port],
    [pa.remoteAddress.address, pa.remoteAddress.port],
    hint,
  );
}

describe("ICE: connecting", () => {
  it("takes no time at all on a path without delay", () => {
    const { world, a, b } = pairOfAgents(1);
    connect(a, b);
    assert.ok(world.run(1000, () => a.connected && b.connected));
    assert.equal(world.nowUs, 0);
    assertConnected(a, b);
    assert.equal(a.stateNames(), "checking connected completed");
    assert.equal(b.stateNames(), "checking connected completed");
    assert.equal(a.agent.selectedPair?.local.type, "host");
    assert.equal(a.agent.selectedPair?.remote.type, "host");
  });

  it("takes two round trips at most, with several addresses on each side", () => {
    const { world, a, b } = pairOfAgents(2, { delayUs: 10_000 }, {}, {}, [V4A, V6A], [V4B, V6B]);
    connect(a, b);
    assert.ok(world.run(1e6, () => a.connected && b.connected));
    assert.ok(world.nowUs <= 2 * 20_000, `${world.nowUs} µs`);
    assertConnected(a, b);
    // RFC 8421: IPv6 is preferred where both work.
    assert.equal(a.agent.selectedPair?.remoteAddress.family, 6);
    assert.equal(a.agent.selectedPair?.rttUs, 20_000);
  });

  it("does not let a broken IPv6 delay IPv4 by more than one Ta", () => {
    const { world, a, b } = pairOfAgents(3, { delayUs: 10_000 }, {}, {}, [V6A, V4A], [V6B, V4B]);
    const send = world.send.bind(world);
    world.send = (node, from, to, data) => {
      if (to.family === 4) send(node, from, to, data);
    };
    connect(a, b);
    assert.ok(world.run(1e6, () => a.connected && b.connected));
    assert.ok(world.nowUs <= 50_000 + 40_000 + 1, `${world.nowUs} µs`);
    assert.equal(a.agent.selectedPair?.remoteAddress.family, 4);
  });

  it("connects over IPv6 alone", () => {
    const { world, a, b } = pairOfAgents(4, {}, {}, {}, [V6A], [V6B]);
    connect(a, b);
    assert.ok(world.run(1000, () => a.connected && b.connected));
    assertConnected(a, b);
  });

  it("uses a check that comes before the answer", () => {
    const { world, a, b } = pairOfAgents(5, { delayUs: 1000 });
    connect(a, b, { answerUs: 300_000 });
    assert.ok(world.run(1e6, () => a.connected && b.connected));
    assert.ok(a.agent.stats().counters.earlyChecks > 0);
    // The answer brings the credentials; the check that was waiting makes the pair at once.
    assert.ok(world.nowUs < 300_000 + 5000, `${world.nowUs} µs`);
    assertConnected(a, b);
  });

  it("finds a peer whose candidates are never signaled", () => {
    const { world, a, b } = pairOfAgents(6, { delayUs: 1000 });
    connect(a, b);
    b.onCandidate = () => {};
    b.candidates.length = 0;
    const { world: w2, a: a2, b: b2 } = pairOfAgents(6, { delayUs: 1000 });
    a2.gather();
    b2.gather();
    a2.agent.setRemoteParameters(b2.agent.localCredentials);
    b2.agent.setRemoteParameters(a2.agent.localCredentials);
    for (const c of a2.candidates) b2.agent.addRemoteCandidate(c);
    assert.ok(w2.run(1e6, () => a2.connected && b2.connected));
    assert.equal(a2.agent.selectedPair?.remote.type, "prflx");
    // Signaled late, it becomes what it is.
    a2.agent.addRemoteCandidate(b2.candidates[0]);
    assert.equal(a2.agent.selectedPair?.remote.type, "host");
    assert.equal(a2.agent.stats().pairs.length, 1);
    assert.ok(world.run(1e6, () => a.connected));
  });

  for (const roles of [
    ["controlling", "controlling"],
    ["controlled", "controlled"],
  ] as const) {
    for (const [tieA, tieB] of [
      [1n, 2n],
      [2n, 1n],
      [7n, 7n],
    ]) {
      it(`settles the conflict of two ${roles[0]} agents with tie-breakers ${tieA} and ${tieB}`, () => {
        const { world, a, b } = pairOfAgents(
          7,
          { delayUs: 5000 },
          { role: roles[0], tieBreaker: tieA },
          { role: roles[1], tieBreaker: tieB },
        );
        connect(a, b);
        assert.ok(world.run(5e6, () => a.connected && b.connected && a.agent.role !== b.agent.role));
        assertConnected(a, b);
        if (tieA !== tieB) assert.equal(a.agent.role, tieA > tieB ? "controlling" : "controlled");
        assert.ok(a.agent.stats().counters.roleConflicts + b.agent.stats().counters.roleConflicts > 0);
      });
    }
  }

  it("connects whatever a bad network does, with every seed", function () {
    this.timeout(60_000);
    const bad = { delayUs: 40_000, jitterUs: 30_000, loss: 0.3, reorder: 0.1, duplicate: 0.1 };
    for (let seed = 100; seed < 200; seed++) {
      const { world, a, b } = pairOfAgents(seed, bad, {}, {}, [V4A, V6A], [V4B, V6B]);
      connect(a, b, { signalUs: 30_000, answerUs: 50_000 });
      assert.ok(
        world.run(30e6, () => a.connected && b.connected),
        `seed ${seed}: ${a.stateNames()} / ${b.stateNames()}`,
      );
      // Both must settle on the same pair.
      assert.ok(
        world.run(20e6, () => {
          const [pa, pb] = [a.agent.selectedPair, b.agent.selectedPair];
          return (
            pa?.local.address === pb?.remoteAddress.address && pb?.local.address === pa?.remoteAddress.address
          );
        }),
        `seed ${seed}: different pairs`,
      );
    }
  });

  it("gives the same result for the same seed", () => {
    const trace = () => {
      const { world, a, b } = pairOfAgents(77, { delayUs: 20_000, loss: 0.3, jitterUs: 10_000 });
      const seen: string[] = [];
      world.onSend = (d) => seen.push(`${world.nowUs} ${d.from.port} ${d.data.length}`);
      connect(a, b);
      world.run(10e6);
      return seen;
    };
    assert.deepEqual(trace(), trace());
  });
});

describe("ICE: address translation", () => {
  const STUN = address("198.51.100.1", 3478);
  const INSIDE_A = address("10.1.0.2", 5000);
  const INSIDE_B = address("10.2.0.2", 6000);

  function behindNats(seed: number, natA: Nat | undefined, natB: Nat | undefined) {
    const world = new World(seed);
    const server = world.add(new StunServerNode(world, STUN), { delayUs: 5000 });
    const stunServers = [STUN];
    const a = world.add(
      new AgentNode(world, [natA ? INSIDE_A : V4A], {
        role: "controlling",
        stunServers,
        ...(natA && { nat: natA }),
      }),
      { delayUs: 5000 },
    );
    const b = world.add(
      new AgentNode(world, [natB ? INSIDE_B : V4B], {
        role: "controlled",
        stunServers,
        ...(natB && { nat: natB }),
      }),
      { delayUs: 5000 },
    );
    return { world, server, a, b };
  }
  const natA = (options = {}) => new Nat({ externalAddress: "203.0.113.1", ...options });
  const natB = (options = {}) => new Nat({ externalAddress: "203.0.113.2", ...options });

  it("gathers a server-reflexive candidate and says when it is done", () => {
    const { world, a, server } = behindNats(20, natA(), undefined);
    a.gather();
    assert.equal(a.agent.gatheringState, "gathering");
    world.run(1e6);
    assert.equal(a.agent.gatheringState, "complete");
    assert.equal(server.requests, 1);
    const [host, srflx] = a.candidates;
    assert.equal(host.type, "host");
    assert.equal(srflx.type, "srflx");
    assert.deepEqual([srflx.address, srflx.port], ["203.0.113.1", 40000]);
    assert.deepEqual([srflx.relatedAddress, srflx.relatedPort], ["10.1.0.2", 5000]);
    assert.notEqual(srflx.foundation, host.foundation);
    assert.ok(srflx.priority < host.priority);
  });

  it("makes no second candidate where nothing translates", () => {
    const { world, a } = behindNats(21, undefined, undefined);
    a.gather();
    world.run(1e6);
    assert.deepEqual(
      a.candidates.map((c) => c.type),
      ["host"],
    );
    assert.equal(a.agent.gatheringState, "complete");
  });

  it("goes on without a STUN server that is silent, and says so", () => {
    const { world, a, server } = behindNats(22, natA(), undefined);
    world.remove(server);
    a.gather();
    world.run(4.9e6);
    assert.equal(a.agent.gatheringState, "gathering");
    world.run(0.2e6);
    assert.equal(a.agent.gatheringState, "complete");
    const error = a.outputs.find((o) => o.type === "candidateerror");
    assert.ok(error?.type === "candidateerror" && error.code === 701);
    const host = a.outputs.find((o) => o.type === "candidate");
    assert.ok(host?.type === "candidate");
    assert.deepEqual(error.asker, { address: host.candidate.address, port: host.candidate.port });
  });

  it("connects two hosts behind NATs with endpoint-independent mapping", () => {
    const { world, a, b } = behindNats(23, natA(), natB());
    connect(a, b);
    assert.ok(
      world.run(10e6, () => a.connected && b.connected),
      `${a.stateNames()} / ${b.stateNames()}`,
    );
    assertConnected(a, b);
    assert.equal(a.agent.selectedPair?.local.type, "srflx");
    assert.equal(a.agent.selectedPair?.remote.type, "srflx");
  });

  it("connects a host behind a symmetric NAT with a public one, by a peer-reflexive candidate", () => {
    const symmetric = natA({ mapping: "address-and-port-dependent" });
    const { world, a, b } = behindNats(24, symmetric, undefined);
    connect(a, b);
    assert.ok(
      world.run(10e6, () => a.connected && b.connected),
      `${a.stateNames()} / ${b.stateNames()}`,
    );
    assertConnected(a, b);
    assert.equal(a.agent.selectedPair?.local.type, "prflx");
    assert.equal(b.agent.selectedPair?.remote.type, "prflx");
  });

  it("fails between two symmetric NATs, and not before patience has run out", () => {
    const symmetric = { mapping: "address-and-port-dependent" as const };
    const { world, a, b } = behindNats(25, natA(symmetric), natB(symmetric));
    connect(a, b);
    world.run(300e6);
    assert.equal(a.agent.state, "failed");
    assert.equal(b.agent.state, "failed");
    assert.ok(a.reachedUs("failed") >= 39_500_000);
    assert.equal(a.agent.nextDeadlineUs(), Infinity);
  });
});
