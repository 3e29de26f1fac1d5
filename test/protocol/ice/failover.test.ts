import assert from "node:assert/strict";
import { AgentNode, address, connect, World } from "./world.js";

const WIFI = address("192.0.2.1", 5000);
const CABLE = address("198.51.100.1", 5001);
const PEER = address("192.0.2.2", 6000);

/** Two ways to one peer; the first is selected. */
function setup(seed: number, role: "controlling" | "controlled", loss = 0) {
  const world = new World(seed);
  const link = { delayUs: 20_000, loss };
  const other = role === "controlling" ? "controlled" : "controlling";
  const a = world.add(new AgentNode(world, [WIFI, CABLE], { role }), link);
  const b = world.add(new AgentNode(world, [PEER], { role: other }), link);
  connect(a, b);
  assert.ok(
    world.run(20e6, () => a.connected && b.connected),
    `seed ${seed}`,
  );
  return { world, a, b };
}

/** Media both ways on the selected pair, fifty packets a second. */
function flow(world: World, ...nodes: AgentNode[]): void {
  const isUp = (port: number) => !dead.has(port);
  const tick = () => {
    for (const node of nodes) {
      const pair = node.agent.selectedPair;
      const local = node.addresses[pair?.socketId ?? 0];
      if (pair && isUp(local.port) && isUp(pair.remoteAddress.port)) {
        for (const far of nodes) if (far !== node) far.agent.noteTraffic(world.nowUs);
      }
    }
    world.after(20_000, tick);
  };
  tick();
}

const dead = new Set<number>();

/** Nothing comes through that port any more. */
function kill(world: World, port: number): void {
  dead.add(port);
  const send = world.send.bind(world);
  world.send = (node, from, to, data) => {
    if (from.port !== port && to.port !== port) send(node, from, to, data);
  };
}

describe("ICE: leaving a pair that died", () => {
  afterEach(() => dead.clear());

  for (const role of ["controlling", "controlled"] as const) {
    it(`within 5 s while media flows, ${role} at the end with two ways`, () => {
      const { world, a, b } = setup(1, role);
      flow(world, a, b);
      world.run(20e6);
      const first = a.agent.selectedPair?.socketId ?? 0;
      const killedUs = world.nowUs;
      kill(world, a.addresses[first].port);
      const moved = () =>
        a.agent.selectedPair?.socketId === 1 - first &&
        b.agent.selectedPair?.remoteAddress.port === a.addresses[1 - first].port;
      assert.ok(world.run(30e6, moved), `${a.stateNames()} / ${b.stateNames()}`);
      const tookUs = world.nowUs - killedUs;
      assert.ok(tookUs > 2e6 && tookUs < 5e6, `${tookUs} µs`);
      world.run(120e6);
      assert.ok(a.connected && b.connected);
      assert.ok(!a.stateNames().includes("failed") && !b.stateNames().includes("failed"));
    });

    it(`within 9 s when nothing flows, ${role} at the end with two ways`, () => {
      const { world, a } = setup(2, role);
      world.run(20e6);
      const first = a.agent.selectedPair?.socketId ?? 0;
      const killedUs = world.nowUs;
      kill(world, a.addresses[first].port);
      assert.ok(world.run(30e6, () => a.agent.selectedPair?.socketId === 1 - first));
      assert.ok(world.nowUs - killedUs < 9e6, `${world.nowUs - killedUs} µs`);
    });
  }

  it("but not when media merely pauses, nor over a path that loses one in ten", () => {
    for (let seed = 10; seed < 20; seed++) {
      const { world, a, b } = setup(seed, "controlling", 0.1);
      const changes = [a, b].map((node) => node.agent.stats().selectedPairChanges);
      for (let i = 0; i < 20; i++) {
        for (const node of [a, b]) node.agent.noteTraffic(world.nowUs);
        world.run(30e6);
      }
      assert.deepEqual(
        [a, b].map((node) => node.agent.stats().selectedPairChanges),
        changes,
        `seed ${seed}`,
      );
    }
  });

  it("asks little: a quiet minute costs no more checks than consent, and a few probes after media", () => {
    const { world, a } = setup(3, "controlling");
    a.agent.noteTraffic(world.nowUs);
    const before = a.agent.stats().counters;
    world.run(60e6);
    const { checksSent, consentChecksSent } = a.agent.stats().counters;
    assert.ok(checksSent - before.checksSent <= 5, `${checksSent - before.checksSent} probes`);
    assert.ok(consentChecksSent - before.consentChecksSent <= 15);
  });
});
