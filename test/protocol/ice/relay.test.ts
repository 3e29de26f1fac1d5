import assert from "node:assert/strict";
import { Nat, type NatOptions } from "../../../src/protocol/netem/index.js";
import { md5 } from "../stun/crypto.js";
import { PASSWORD, TurnServerNode, USER } from "../turn/turn_server_node.js";
import { AgentNode, address, connect, credentials, World } from "./world.js";

const SERVER = address("198.51.100.1", 3478);
const SYMMETRIC: Partial<NatOptions> = { mapping: "address-and-port-dependent" };

function setup(
  seed: number,
  options: { relayOnly?: boolean; bothSymmetric?: boolean; loss?: number; password?: string } = {},
) {
  const world = new World(seed);
  const link = { delayUs: 5000, loss: options.loss ?? 0 };
  const server = world.add(new TurnServerNode(world, SERVER), link);
  const kind = options.bothSymmetric ? SYMMETRIC : {};
  const turn = {
    servers: [{ address: SERVER, username: USER, password: options.password ?? PASSWORD }],
    md5,
    relayOnly: options.relayOnly ?? false,
  };
  const a = world.add(
    new AgentNode(world, [address("10.1.0.2", 5000)], {
      role: "controlling",
      nat: new Nat({ externalAddress: "203.0.113.1", ...kind }),
      turn,
    }),
    link,
  );
  const b = world.add(
    new AgentNode(world, [address("10.2.0.2", 6000)], {
      role: "controlled",
      nat: new Nat({ externalAddress: "203.0.113.2", ...kind }),
      stunServers: [SERVER],
    }),
    link,
  );
  return { world, server, a, b };
}

describe("ICE: relayed candidates", () => {
  it("gathers a relayed candidate, and a server-reflexive one on the way", () => {
    const { world, a } = setup(1);
    a.gather();
    world.run(1e6);
    assert.deepEqual(
      a.candidates.map((c) => c.type),
      ["host", "srflx", "relay"],
    );
    const relay = a.candidates[2];
    assert.deepEqual([relay.address, relay.port], ["198.51.100.1", 50000]);
    assert.deepEqual([relay.relatedAddress, relay.relatedPort], ["203.0.113.1", 40000]);
    assert.ok(relay.priority < a.candidates[1].priority);
    assert.equal(a.agent.gatheringState, "complete");
  });

  it("connects two symmetric NATs through the relay and moves to a channel", () => {
    const { world, server, a, b } = setup(2, { bothSymmetric: true });
    connect(a, b);
    assert.ok(
      world.run(20e6, () => a.connected && b.connected),
      `${a.stateNames()} / ${b.stateNames()}`,
    );
    const pair = a.agent.selectedPair;
    assert.ok(pair?.relayed);
    assert.equal(pair.local.type, "relay");
    assert.equal(b.agent.selectedPair?.remoteAddress.address, "198.51.100.1");
    world.run(1e6);
    const before = server.channelData;
    a.agent.sendRelayed(pair.socketId, pair.remoteAddress, Uint8Array.of(22, 1, 2), world.nowUs);
    a.drain();
    world.run(1e6);
    assert.deepEqual([...b.data[0].data], [22, 1, 2]);
    assert.equal(server.channelData, before + 1);
    // And back.
    const back = b.agent.selectedPair;
    assert.ok(back);
    world.send(b, b.addresses[back.socketId], back.remoteAddress, Uint8Array.of(23, 9));
    world.run(1e6);
    const got = a.outputs.find((o) => o.type === "relayeddata");
    assert.ok(got?.type === "relayeddata");
    assert.deepEqual([...got.data], [23, 9]);
    assert.equal(got.socketId, pair.socketId);
    world.run(3600e6);
    assert.ok(a.connected && b.connected, `after an hour: ${a.stateNames()} / ${b.stateNames()}`);
  });

  it("prefers the direct path where there is one", () => {
    const { world, a, b } = setup(3);
    connect(a, b);
    assert.ok(world.run(20e6, () => a.connected && b.connected));
    assert.equal(a.agent.selectedPair?.relayed, false);
  });

  it("relay only: tells nothing else, sends to nobody but the server", () => {
    const { world, a, b } = setup(4, { relayOnly: true });
    const targets = new Set<string>();
    world.onSend = (d) => {
      if (d.from.address === "10.1.0.2") targets.add(d.to.address);
    };
    connect(a, b);
    assert.ok(world.run(20e6, () => a.connected && b.connected));
    world.run(30e6);
    assert.deepEqual([...targets], ["198.51.100.1"]);
    assert.deepEqual(
      a.candidates.map((c) => c.type),
      ["relay"],
    );
    assert.ok(a.agent.selectedPair?.relayed);
  });

  it("reports wrong credentials with their code and goes on without", () => {
    const { world, a, b } = setup(5, { password: "wrong" });
    connect(a, b);
    assert.ok(world.run(20e6, () => a.connected && b.connected) || !a.connected);
    const error = a.outputs.find((o) => o.type === "candidateerror");
    assert.ok(error?.type === "candidateerror" && error.code === 401);
    assert.equal(a.agent.gatheringState, "complete");
  });

  it("keeps its allocation through a restart and gives it back at close", () => {
    const { world, server, a, b } = setup(6, { bothSymmetric: true });
    connect(a, b);
    assert.ok(world.run(20e6, () => a.connected && b.connected));
    a.candidates.length = 0;
    b.candidates.length = 0;
    a.onCandidate = () => {};
    b.onCandidate = () => {};
    a.onGathered = () => {};
    b.onGathered = () => {};
    a.agent.restart(credentials(world.random));
    b.agent.restart(credentials(world.random));
    a.drain();
    b.drain();
    world.run(1e6);
    assert.ok(a.candidates.some((c) => c.type === "relay"));
    a.agent.setRemoteParameters(b.agent.localCredentials);
    b.agent.setRemoteParameters(a.agent.localCredentials);
    for (const c of b.candidates) a.agent.addRemoteCandidate(c);
    for (const c of a.candidates) b.agent.addRemoteCandidate(c);
    const changes = a.agent.stats().selectedPairChanges;
    assert.ok(world.run(20e6, () => a.agent.stats().selectedPairChanges > changes && b.connected));
    assert.ok(a.agent.selectedPair?.relayed);
    a.agent.close();
    a.drain();
    world.run(1e6);
    assert.equal(server.log.at(-1), "4 ok 0");
  });

  it("connects through the relay over a bad network", () => {
    for (let seed = 30; seed < 50; seed++) {
      const { world, a, b } = setup(seed, { bothSymmetric: true, loss: 0.1 });
      connect(a, b);
      assert.ok(
        world.run(60e6, () => a.connected && b.connected),
        `seed ${seed}: ${a.stateNames()} / ${b.stateNames()}`,
      );
    }
  });
});
