import assert from "node:assert/strict";
import { formatCandidate, parseCandidate } from "../../../src/protocol/ice/index.js";
import { TcpAgentNode, TcpNet, type TcpOptions } from "./tcp_world.js";
import { type AgentNodeOptions, address, connect, credentials, World } from "./world.js";

const V4A = address("192.0.2.1", 5000);
const V4B = address("192.0.2.2", 6000);

interface Setup {
  readonly a?: TcpOptions;
  readonly b?: TcpOptions;
  /** A firewall lets no UDP through. */
  readonly noUdp?: boolean;
  readonly optionsOfA?: AgentNodeOptions;
}

function setup(seed: number, options: Setup = {}) {
  const world = new World(seed);
  const tcp = new TcpNet(world);
  const { a: offersA = { active: true }, b: offersB = { passive: 7000 }, noUdp = true } = options;
  const a = world.add(new TcpAgentNode(tcp, [V4A], offersA, { role: "controlling", ...options.optionsOfA }), {
    delayUs: 20_000,
    down: noUdp,
  });
  const b = world.add(new TcpAgentNode(tcp, [V4B], offersB, { role: "controlled" }), {
    delayUs: 20_000,
    down: noUdp,
  });
  return { world, tcp, a, b };
}

function connected(seed: number, options: Setup = {}) {
  const all = setup(seed, options);
  connect(all.a, all.b);
  assert.ok(
    all.world.run(20e6, () => all.a.connected && all.b.connected),
    `seed ${seed}`,
  );
  return all;
}

describe("ICE over TCP (RFC 6544)", () => {
  it("offers an active candidate on port 9 and a passive one on its port, below every UDP one", () => {
    const { a } = setup(1, { a: { active: true, passive: 7000 } });
    a.gather();
    const tcp = a.candidates.filter((c) => c.transport === "tcp");
    assert.deepEqual(
      tcp.map(({ tcpType, port, type }) => [tcpType, port, type]),
      [
        ["active", 9, "host"],
        ["passive", 7000, "host"],
      ],
    );
    const [udp] = a.candidates.filter((c) => c.transport === "udp");
    assert.ok(tcp[0].priority > tcp[1].priority && udp.priority > tcp[0].priority);
    // RFC 6544 §4.2: 90 × 2²⁴, direction 6 × 2¹³ and the address's part.
    assert.equal(tcp[0].priority >>> 24, 90);
    assert.equal(((tcp[0].priority >>> 8) & 0xffff) >> 13, 6);
    assert.notEqual(tcp[0].foundation, udp.foundation);
    const line = formatCandidate(tcp[0]);
    assert.match(line, / tcp \d+ 192\.0\.2\.1 9 typ host tcptype active /);
    assert.equal(parseCandidate(line).tcpType, "active");
  });

  for (const [who, options] of [
    ["the controlling end connects", { a: { active: true }, b: { passive: 7000 } }],
    ["the controlled end connects", { a: { passive: 7000 }, b: { active: true } }],
    ["both may", { a: { active: true, passive: 7001 }, b: { active: true, passive: 7000 } }],
  ] as const) {
    it(`comes through a firewall that blocks UDP: ${who}`, () => {
      const { world, a, b, tcp } = connected(2, options);
      const pair = a.agent.selectedPair;
      assert.equal(pair?.local.transport, "tcp");
      assert.equal(pair.remote.transport, "tcp");
      assert.equal(b.agent.selectedPair?.local.transport, "tcp");
      // Data goes the same way.
      const { socketId } = pair;
      tcp.send(a, socketId, Uint8Array.of(22, 1, 2));
      world.run(1e6);
      assert.deepEqual([...b.data[0].data], [22, 1, 2]);
      // Consent keeps it for hours.
      world.run(3600e6);
      assert.ok(a.connected && b.connected);
      assert.ok(tcp.connections <= 2);
    });
  }

  it("cannot connect two ends that only wait, or only connect", () => {
    for (const offers of [{ active: true }, { passive: 7000 }]) {
      const { world, a, b } = setup(3, { a: offers, b: offers });
      connect(a, b);
      assert.ok(!world.run(60e6, () => a.connected || b.connected));
      assert.equal(a.agent.state, "failed");
    }
  });

  it("prefers UDP where it works, even when its first check is lost", () => {
    const { world, a, b } = setup(4, { noUdp: false });
    let dropped = 0;
    const send = world.send.bind(world);
    world.send = (node, from, to, data) => {
      if (dropped++ >= 2) send(node, from, to, data);
    };
    connect(a, b);
    assert.ok(world.run(20e6, () => a.connected && b.connected));
    assert.equal(a.agent.selectedPair?.local.transport, "udp");
  });

  it("connects when the check is due, sends it once, and repeats nothing", () => {
    const { a, tcp } = connected(5);
    assert.equal(tcp.connects, 1);
    assert.equal(a.agent.stats().pairs.filter((p) => p.local.transport === "tcp").length, 1);
  });

  it("gives up on a connection that is not made in 8 s, and fails in the end", () => {
    const { world, a, b, tcp } = setup(6);
    tcp.isBlocked = true;
    connect(a, b);
    world.run(9e6);
    assert.ok(a.outputs.some((o) => o.type === "disconnect"));
    assert.ok(a.agent.stats().pairs.every((p) => p.local.transport === "udp" || p.state === "failed"));
    world.run(60e6);
    assert.equal(a.agent.state, "failed");
  });

  for (const [who, active] of [
    ["controlling", true],
    ["controlled", false],
  ] as const) {
    it(`connects anew when the connection breaks; the ${who} end does`, () => {
      const offers = active
        ? { a: { active: true }, b: { passive: 7000 } }
        : { a: { passive: 7000 }, b: { active: true } };
      const { world, a, b, tcp } = connected(7, offers);
      tcp.reset();
      assert.ok(!a.connected || !b.connected);
      const brokenUs = world.nowUs;
      assert.ok(
        world.run(20e6, () => a.connected && b.connected),
        `${a.stateNames()} / ${b.stateNames()}`,
      );
      assert.ok(world.nowUs - brokenUs < 1e6, `${world.nowUs - brokenUs} µs`);
      assert.ok(!a.stateNames().includes("failed"));
      world.run(600e6);
      assert.ok(a.connected && b.connected);
    });
  }

  it("moves from a broken connection to UDP that works meanwhile", () => {
    const { world, a, b, tcp } = connected(8);
    world.setLink(a, { down: false });
    world.setLink(b, { down: false });
    tcp.isBlocked = true;
    tcp.reset();
    assert.ok(world.run(5e6, () => a.connected && b.connected));
    assert.equal(a.agent.selectedPair?.local.transport, "udp");
  });

  it("fails 15 s after the only connection that worked broke for good", () => {
    const { world, a, b, tcp } = connected(9);
    tcp.isBlocked = true;
    tcp.reset();
    const brokenUs = world.nowUs;
    assert.ok(world.run(60e6, () => a.agent.state === "failed" && b.agent.state === "failed"));
    assert.equal(Math.round((world.nowUs - brokenUs) / 1e6), 15);
  });

  it("restarts over a new connection and lets the old one go", () => {
    const { world, a, b, tcp } = connected(10);
    a.candidates.length = 0;
    b.candidates.length = 0;
    for (const node of [a, b]) node.onCandidate = node.onGathered = () => {};
    a.agent.restart(credentials(world.random));
    b.agent.restart(credentials(world.random));
    for (const node of [a, b]) node.drain();
    world.run(1e6);
    assert.ok(a.candidates.some((c) => c.tcpType === "active"));
    assert.ok(a.connected, "the old connection carries on");
    a.agent.setRemoteParameters(b.agent.localCredentials);
    b.agent.setRemoteParameters(a.agent.localCredentials);
    for (const c of b.candidates) a.agent.addRemoteCandidate(c);
    for (const c of a.candidates) b.agent.addRemoteCandidate(c);
    const changes = a.agent.stats().selectedPairChanges;
    assert.ok(world.run(20e6, () => a.agent.stats().selectedPairChanges > changes));
    world.run(5e6);
    assert.ok(a.connected && b.connected);
    assert.equal(tcp.connects, 2);
    assert.equal(tcp.connections, 1);
  });

  it("closes its connections with itself", () => {
    const { world, a, tcp } = connected(11);
    a.agent.close();
    a.drain();
    world.run(1e6);
    assert.equal(tcp.connections, 0);
  });

  describe("strangers at a passive candidate", () => {
    const stranger = (i: number) => address(`198.51.100.${i}`, 1000);

    it("are let in by eight, and only for 10 s", () => {
      const { world, a } = setup(12, { a: { passive: 7000 } });
      a.gather();
      const ids = Array.from({ length: 20 }, (_, i) => a.agent.acceptStream(1, stranger(i), world.nowUs));
      assert.equal(ids.filter((id) => id !== undefined).length, 8);
      world.run(9e6);
      assert.equal(a.outputs.filter((o) => o.type === "disconnect").length, 0);
      world.run(2e6);
      assert.equal(a.outputs.filter((o) => o.type === "disconnect").length, 8);
      assert.notEqual(a.agent.acceptStream(1, stranger(30), world.nowUs), undefined);
    });

    it("may send 16 KiB, whatever it is, and change nothing", () => {
      const { world, a } = setup(13, { a: { passive: 7000 } });
      a.gather();
      const id = a.agent.acceptStream(1, stranger(1), world.nowUs);
      assert.ok(id !== undefined);
      a.receiveStream(
        id,
        stranger(1),
        Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12)),
      );
      assert.equal(a.agent.noteStreamBytes(id, 16_000, world.nowUs), true);
      assert.equal(a.outputs.filter((o) => o.type === "disconnect").length, 0);
      a.agent.noteStreamBytes(id, 17_000, world.nowUs);
      a.drain();
      assert.deepEqual(
        a.outputs.filter((o) => o.type === "disconnect"),
        [{ type: "disconnect", socketId: id }],
      );
      assert.equal(a.agent.stats().pairs.length, 0);
    });

    it("do not keep the peer out, nor does it stay a stranger", () => {
      const { world, a, b } = setup(14, { a: { passive: 7000 }, b: { active: true } });
      a.gather = () => {
        TcpAgentNode.prototype.gather.call(a);
        for (let i = 0; i < 7; i++) a.agent.acceptStream(1, stranger(i), world.nowUs);
      };
      connect(a, b);
      assert.ok(world.run(20e6, () => a.connected && b.connected));
      const id = a.agent.selectedPair?.socketId ?? 0;
      assert.equal(a.agent.noteStreamBytes(id, 1e9, world.nowUs), false);
      world.run(60e6);
      assert.ok(a.connected && b.connected);
    });
  });

  it("bounds the connections that a hostile description can ask for", () => {
    const { world, a } = setup(15, { b: {} });
    a.gather();
    a.agent.setRemoteParameters(credentials(world.random));
    for (let i = 0; i < 100; i++) {
      a.agent.addRemoteCandidate(
        parseCandidate(`candidate:${i} 1 tcp 1 198.51.100.${i} 443 typ host tcptype passive`),
      );
    }
    a.drain();
    world.run(60e6);
    assert.ok(a.outputs.filter((o) => o.type === "connect").length <= 32);
  });
});
