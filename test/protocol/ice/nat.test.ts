import assert from "node:assert/strict";
import { Nat, type NatDependence } from "../../../src/protocol/netem/index.js";
import { AgentNode, address, connect, StunServerNode, World } from "./world.js";

const STUN = address("198.51.100.1", 3478);
const EIM: NatDependence = "endpoint-independent";
const ADM: NatDependence = "address-dependent";
const APDM: NatDependence = "address-and-port-dependent";

function peers(seed: number, natA: Nat, natB: Nat, insideB = "10.2.0.2") {
  const world = new World(seed);
  world.add(new StunServerNode(world, STUN), { delayUs: 5000 });
  const stunServers = [STUN];
  const a = world.add(
    new AgentNode(world, [address("10.1.0.2", 5000)], { role: "controlling", stunServers, nat: natA }),
    {
      delayUs: 5000,
    },
  );
  const b = world.add(
    new AgentNode(world, [address(insideB, 6000)], { role: "controlled", stunServers, nat: natB }),
    {
      delayUs: 5000,
    },
  );
  return { world, a, b };
}

describe("ICE through every pair of NAT types", () => {
  // Hole punching works unless both mappings change, or one changes and the other side's filter looks at ports.
  const kinds: [string, NatDependence, NatDependence][] = [
    ["full cone", EIM, EIM],
    ["restricted cone", EIM, ADM],
    ["port-restricted cone", EIM, APDM],
    ["address-dependent", ADM, ADM],
    ["symmetric", APDM, APDM],
  ];
  const works = (a: [string, NatDependence, NatDependence], b: [string, NatDependence, NatDependence]) => {
    const hard = [a, b].filter(([, mapping]) => mapping !== EIM);
    if (hard.length === 0) return true;
    if (hard.length === 2) return false;
    const easy = a[1] === EIM ? a : b;
    return easy[2] !== APDM;
  };
  for (const [i, ka] of kinds.entries()) {
    for (const [j, kb] of kinds.entries()) {
      const expected = works(ka, kb);
      it(`${ka[0]} and ${kb[0]}: ${expected ? "connects" : "fails cleanly"}`, () => {
        const natA = new Nat({ externalAddress: "203.0.113.1", mapping: ka[1], filtering: ka[2] });
        const natB = new Nat({ externalAddress: "203.0.113.2", mapping: kb[1], filtering: kb[2] });
        const { world, a, b } = peers(1000 + i * 10 + j, natA, natB);
        connect(a, b, { signalUs: 20_000 });
        world.run(expected ? 15e6 : 200e6, () => expected && a.connected && b.connected);
        const got = `${a.stateNames()} / ${b.stateNames()}`;
        if (!expected) assert.deepEqual([a.agent.state, b.agent.state], ["failed", "failed"], got);
        else {
          assert.ok(a.connected && b.connected, got);
          world.run(300e6);
          assert.ok(a.connected && b.connected, `keeps its mapping alive: ${got}`);
        }
      });
    }
  }

  it("two hosts behind one NAT connect directly", () => {
    const nat = new Nat({ externalAddress: "203.0.113.1" });
    const { world, a, b } = peers(2000, nat, nat, "10.1.0.3");
    connect(a, b);
    assert.ok(world.run(5e6, () => a.connected && b.connected));
    assert.equal(a.agent.selectedPair?.remote.type, "host");
  });

  for (const hairpinning of [true, false]) {
    it(`two hosts behind one NAT who cannot see each other ${hairpinning ? "use its hairpin" : "fail without a hairpin"}`, () => {
      const nat = new Nat({ externalAddress: "203.0.113.1", hairpinning, filtering: EIM });
      const { world, a, b } = peers(2001, nat, nat, "10.1.0.3");
      const send = world.send.bind(world);
      world.send = (node, from, to, data) => {
        if (!to.address.startsWith("10.")) send(node, from, to, data);
      };
      connect(a, b);
      world.run(hairpinning ? 5e6 : 200e6, () => a.connected && b.connected);
      assert.equal(a.connected && b.connected, hairpinning, `${a.stateNames()} / ${b.stateNames()}`);
      if (hairpinning) assert.equal(a.agent.selectedPair?.remoteAddress.address, "203.0.113.1");
      else assert.equal(a.agent.state, "failed");
    });
  }

  it("a firewall that lets no UDP out ends in failure, with the STUN server reported", () => {
    const natA = new Nat({ externalAddress: "203.0.113.1", blocksUdp: true });
    const { world, a, b } = peers(2002, natA, new Nat({ externalAddress: "203.0.113.2" }));
    connect(a, b);
    world.run(200e6);
    assert.deepEqual([a.agent.state, b.agent.state], ["failed", "failed"]);
    assert.ok(a.outputs.some((o) => o.type === "candidateerror" && o.code === 701));
  });

  it("a NAT that forgets everything in the middle of a call is survived by the side that it hides", () => {
    const natA = new Nat({ externalAddress: "203.0.113.1" });
    const { world, a, b } = peers(2003, natA, new Nat({ externalAddress: "203.0.113.2", filtering: EIM }));
    connect(a, b);
    assert.ok(world.run(15e6, () => a.connected && b.connected));
    world.run(5e6);
    natA.reset();
    world.run(100e6);
    assert.ok(a.connected && b.connected, `${a.stateNames()} / ${b.stateNames()}`);
  });
});
