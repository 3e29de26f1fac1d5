import assert from "node:assert/strict";
import { formatCandidate } from "../../../src/protocol/ice/index.js";
import { Nat } from "../../../src/protocol/netem/index.js";
import { AgentNode, address, connect, StunServerNode, World } from "./world.js";

const STUN = address("198.51.100.1", 3478);

describe("ICE with another address than the bound one", () => {
  it("tells a 1:1 NAT's address as its host candidate, and the bound one nowhere", () => {
    const world = new World(9001);
    const node = world.add(new AgentNode(world, [address("10.1.0.2", 5000)], { stunServers: [] }));
    node.agent.addLocalHost(0, node.addresses[0], { shown: "203.0.113.9" });
    node.agent.endLocalHosts();
    node.drain();
    const lines = node.candidates.map((candidate) => formatCandidate(candidate));
    assert.equal(lines.length, 1);
    assert.match(lines[0], / 203\.0\.113\.9 5000 typ host/);
    assert.doesNotMatch(lines.join(), /10\.1\.0\.2/);
  });

  it("tells it beside the bound one as a server-reflexive candidate of that base", () => {
    const world = new World(9002);
    const node = world.add(new AgentNode(world, [address("10.1.0.2", 5000)]));
    node.agent.addLocalHost(0, node.addresses[0], { reflexive: "203.0.113.9" });
    node.agent.endLocalHosts();
    node.drain();
    const lines = node.candidates.map((candidate) => formatCandidate(candidate));
    assert.match(lines[0], / 10\.1\.0\.2 5000 typ host/);
    assert.match(lines[1], / 203\.0\.113\.9 5000 typ srflx raddr 10\.1\.0\.2 rport 5000/);
    assert.ok(node.candidates[1].priority < node.candidates[0].priority);
  });

  it("is called from outside by the address it tells", () => {
    const world = new World(9003);
    // Every port is handed on to the same port inside: what a cloud's elastic address does.
    const nat = new Nat({
      externalAddress: "203.0.113.9",
      filtering: "endpoint-independent",
      firstPort: 5000,
    });
    const inside = address("10.1.0.2", 5000);
    nat.outbound(inside, STUN, 0);
    const a = world.add(new AgentNode(world, [inside], { role: "controlled", nat }));
    const b = world.add(new AgentNode(world, [address("192.0.2.7", 6000)], { role: "controlling" }));
    a.gather = () => {
      a.agent.addLocalHost(0, inside, { shown: "203.0.113.9" });
      a.agent.endLocalHosts();
      a.drain();
    };
    connect(a, b);
    assert.ok(
      world.run(5e6, () => a.connected && b.connected),
      `${a.stateNames()} / ${b.stateNames()}`,
    );
    assert.equal(b.agent.selectedPair?.remote.type, "host");
    assert.equal(a.agent.selectedPair?.local.address, "203.0.113.9");
    assert.equal(a.agent.selectedPair?.local.type, "host");
  });

  it("shows a name in every candidate, pair and error, and its address nowhere", () => {
    const world = new World(9004);
    world.add(new StunServerNode(world, STUN));
    const nat = new Nat({ externalAddress: "203.0.113.1" });
    const hidden = address("10.1.0.2", 5000);
    const name = "6f3e1c0a-7f43-4b8e-9b1f-0123456789ab.local";
    const a = world.add(new AgentNode(world, [hidden], { nat, stunServers: [STUN] }));
    const b = world.add(new AgentNode(world, [address("192.0.2.7", 6000)], { role: "controlled" }));
    a.gather = () => {
      a.agent.addLocalHost(0, hidden, { shown: name });
      a.agent.endLocalHosts();
      a.drain();
    };
    connect(a, b);
    assert.ok(world.run(5e6, () => a.connected && b.connected));
    world.run(5e6);
    const lines = a.candidates.map((candidate) => formatCandidate(candidate));
    assert.match(lines[0], new RegExp(` ${name} 5000 typ host`));
    assert.match(lines[1], / 203\.0\.113\.1 \d+ typ srflx raddr 0\.0\.0\.0 rport 9/);
    const all = JSON.stringify([lines, a.outputs, a.agent.selectedPair, a.agent.stats().pairs], (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    assert.doesNotMatch(all, /10\.1\.0\.2/);
  });

  it("shows a hidden address in no candidate when nothing translates", () => {
    const world = new World(9005);
    world.add(new StunServerNode(world, STUN));
    const bound = address("192.0.2.9", 5000);
    const node = world.add(new AgentNode(world, [bound], { stunServers: [STUN] }));
    node.agent.addLocalHost(0, bound, { shown: "0aa31c0a-7f43-4b8e-9b1f-0123456789ab.local" });
    node.agent.endLocalHosts();
    node.drain();
    assert.ok(world.run(5e6, () => node.agent.gatheringState === "complete"));
    assert.equal(node.candidates.length, 1);
  });
});
