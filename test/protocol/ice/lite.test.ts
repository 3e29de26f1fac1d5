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

const PUBLIC = address("192.0.2.1", 3000);
const PUBLIC6 = address("2001:db8::1", 3000);

/** A lite agent on a public address, a full one behind whatever is asked for. */
function meet(seed: number, full: AgentNodeOptions & { at?: string } = {}) {
  const world = new World(seed);
  const lite = world.add(new AgentNode(world, [PUBLIC], { role: "controlled", lite: true }), {
    delayUs: 5000,
  });
  const { at = "192.0.2.7", ...options } = full;
  const peer = world.add(new AgentNode(world, [address(at, 6000)], options), { delayUs: 5000 });
  return { world, lite, peer };
}

/** As {@link connect}; the full agent is told that the other is lite. */
function connectLite(lite: AgentNode, peer: AgentNode): void {
  const { agent } = peer;
  const set = agent.setRemoteParameters.bind(agent);
  agent.setRemoteParameters = (remote) => set(remote, { lite: true });
  connect(lite, peer);
}

describe("a lite agent of ours", () => {
  it("answers and is connected, without a check of its own", () => {
    const { world, lite, peer } = meet(7001);
    connectLite(lite, peer);
    assert.ok(world.run(2e6, () => lite.agent.state === "completed" && peer.agent.state === "completed"));
    assert.equal(lite.agent.selectedPair?.remoteAddress.port, 6000);
    world.run(3600e6);
    assert.ok(lite.connected && peer.connected);
    const { checksSent, consentChecksSent, responsesSent } = lite.agent.stats().counters;
    assert.deepEqual([checksSent, consentChecksSent], [0, 0]);
    assert.ok(responsesSent > 600, `consent was asked for ${responsesSent} times`);
  });

  it("is met by a peer behind any NAT that lets it out, with the address that the NAT gave", () => {
    for (const mapping of ["endpoint-independent", "address-and-port-dependent"] as const) {
      const nat = new Nat({
        externalAddress: "203.0.113.2",
        mapping,
        filtering: "address-and-port-dependent",
      });
      const { world, lite, peer } = meet(7002, { at: "10.2.0.2", nat });
      connectLite(lite, peer);
      assert.ok(
        world.run(2e6, () => lite.connected && peer.connected),
        mapping,
      );
      assert.equal(lite.agent.selectedPair?.remoteAddress.address, "203.0.113.2");
      assert.equal(lite.agent.selectedPair?.remote.type, "prflx");
    }
  });

  it("asks no STUN server and tells host candidates alone", () => {
    const world = new World(7003);
    const server = world.add(new StunServerNode(world, address("198.51.100.1", 3478)));
    const node = world.add(new AgentNode(world, [PUBLIC], { lite: true, stunServers: [server.at] }));
    node.gather();
    world.run(10e6);
    assert.equal(server.requests, 0);
    assert.deepEqual(
      node.candidates.map(({ type }) => type),
      ["host"],
    );
    assert.equal(node.agent.gatheringState, "complete");
  });

  it("stays controlled: a peer that thinks otherwise is told of the conflict and takes over", () => {
    const { world, lite, peer } = meet(7004, { role: "controlled" });
    // The peer does not know that the other is lite.
    connect(lite, peer);
    assert.equal(lite.agent.role, "controlled");
    lite.agent.setRole("controlling");
    assert.ok(
      world.run(5e6, () => lite.connected && peer.connected),
      peer.stateNames(),
    );
    assert.deepEqual([lite.agent.role, peer.agent.role], ["controlled", "controlling"]);
  });

  it("acts upon a nomination that came before the answer", () => {
    const { world, lite, peer } = meet(7005);
    lite.gather();
    peer.gather();
    peer.agent.setRemoteParameters(lite.agent.localCredentials, { lite: true });
    for (const candidate of lite.candidates) peer.agent.addRemoteCandidate(candidate);
    peer.drain();
    world.run(1e6);
    assert.ok(peer.connected);
    assert.ok(!lite.connected);
    lite.agent.setRemoteParameters(peer.agent.localCredentials);
    lite.drain();
    world.run(10_000);
    assert.ok(lite.connected, lite.stateNames());
  });

  it("moves with a peer whose NAT gives it a new address", () => {
    const nat = new Nat({ externalAddress: "203.0.113.2" });
    const { world, lite, peer } = meet(7006, { at: "10.2.0.2", nat });
    connectLite(lite, peer);
    assert.ok(world.run(2e6, () => lite.connected && peer.connected));
    const before = lite.agent.selectedPair?.remoteAddress.port;
    nat.reset();
    assert.ok(world.run(30e6, () => lite.agent.selectedPair?.remoteAddress.port !== before));
    world.run(60e6);
    assert.ok(lite.connected && peer.connected, `${lite.stateNames()} / ${peer.stateNames()}`);
  });

  it("is disconnected, then failed, when the peer asks no more", () => {
    const { world, lite, peer } = meet(7007);
    connectLite(lite, peer);
    assert.ok(world.run(2e6, () => lite.connected && peer.connected));
    world.remove(peer);
    const goneUs = world.nowUs;
    assert.ok(
      world.run(60e6, () => lite.agent.state === "failed"),
      lite.stateNames(),
    );
    assert.match(lite.stateNames(), /disconnected failed$/);
    assert.ok(world.nowUs - goneUs <= 31e6);
  });

  it("fails when nobody ever comes, once patience has run out", () => {
    const { world, lite } = meet(7008);
    lite.gather();
    lite.agent.setRemoteParameters(credentials(world.random));
    lite.drain();
    world.run(39e6);
    assert.notEqual(lite.agent.state, "failed");
    world.run(2e6);
    assert.equal(lite.agent.state, "failed");
  });

  it("takes a restart, and loses nothing on the way", () => {
    const { world, lite, peer } = meet(7009);
    connectLite(lite, peer);
    assert.ok(world.run(2e6, () => lite.connected && peer.connected));
    world.run(10e6);
    lite.agent.restart(credentials(world.random));
    peer.agent.restart(credentials(world.random));
    assert.ok(lite.agent.selectedPair);
    lite.agent.setRemoteParameters(peer.agent.localCredentials);
    peer.agent.setRemoteParameters(lite.agent.localCredentials);
    for (const candidate of lite.candidates.slice(-1)) peer.agent.addRemoteCandidate(candidate);
    lite.drain();
    peer.drain();
    const fragment = peer.agent.localCredentials.usernameFragment;
    const moved = () => peer.agent.stats().pairs.some(({ selected }) => selected);
    assert.ok(world.run(5e6, moved), `${fragment}: ${peer.stateNames()}`);
    world.run(60e6);
    assert.ok(lite.connected && peer.connected, `${lite.stateNames()} / ${peer.stateNames()}`);
    assert.ok(!lite.stateNames().includes("disconnected"));
  });

  it("has both families, and goes where the peer nominates", () => {
    const world = new World(7010);
    const lite = world.add(new AgentNode(world, [PUBLIC, PUBLIC6], { role: "controlled", lite: true }));
    const there = [address("192.0.2.7", 6000), address("2001:db8::7", 6000)];
    const peer = world.add(new AgentNode(world, there));
    connectLite(lite, peer);
    assert.ok(world.run(2e6, () => lite.connected && peer.connected));
    assert.equal(lite.agent.selectedPair?.remoteAddress.family, 6);
  });
});
