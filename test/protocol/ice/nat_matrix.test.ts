/** Every kind of NAT with every other, with servers that are there and networks that are not quite. */
import assert from "node:assert/strict";
import { Nat, type NatDependence, type NatOptions } from "../../../src/protocol/netem/index.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { md5 } from "../stun/crypto.js";
import { PASSWORD, TurnServerNode, USER } from "../turn/turn_server_node.js";
import { AgentNode, address, connect, credentials, World } from "./world.js";

const SERVER = address("198.51.100.1", 3478);
const EIM: NatDependence = "endpoint-independent";
const ADM: NatDependence = "address-dependent";
const APDM: NatDependence = "address-and-port-dependent";

interface Kind {
  readonly name: string;
  /** Absent: a public address. */
  readonly nat?: Omit<NatOptions, "externalAddress">;
}

const KINDS: readonly Kind[] = [
  { name: "a public host" },
  { name: "full cone", nat: { mapping: EIM, filtering: EIM } },
  { name: "restricted cone", nat: { mapping: EIM, filtering: ADM } },
  { name: "port-restricted cone", nat: { mapping: EIM, filtering: APDM } },
  { name: "address-dependent", nat: { mapping: ADM, filtering: ADM } },
  { name: "symmetric", nat: { mapping: APDM, filtering: APDM } },
];

/** Whether hole punching must work: never when both mappings change, and one that changes needs a filter blind to ports. */
function punches(a: Kind, b: Kind): boolean {
  const hard = [a, b].filter(({ nat }) => nat && nat.mapping !== EIM);
  if (hard.length === 0) return true;
  if (hard.length === 2) return false;
  const other = hard[0] === a ? b : a;
  return other.nat === undefined || other.nat.filtering !== APDM;
}

interface Meeting {
  readonly world: World;
  readonly a: AgentNode;
  readonly b: AgentNode;
}

function meet(seed: number, kinds: readonly [Kind, Kind], withTurn: boolean): Meeting {
  const world = new World(seed);
  const link = { delayUs: 5000 };
  world.add(new TurnServerNode(world, SERVER), link);
  const servers = [{ address: SERVER, username: USER, password: PASSWORD }];
  const [a, b] = kinds.map(({ nat }, i) => {
    const at = nat ? address(`10.${i + 1}.0.2`, 5000 + i) : address(`192.0.2.${i + 1}`, 5000 + i);
    return world.add(
      new AgentNode(world, [at], {
        role: i === 0 ? "controlling" : "controlled",
        stunServers: [SERVER],
        ...(withTurn && { turn: { servers, md5 } }),
        ...(nat && { nat: new Nat({ externalAddress: `203.0.113.${i + 1}`, ...nat }) }),
      }),
      link,
    );
  });
  return { world, a, b };
}

const both = ({ a, b }: Meeting) => a.connected && b.connected;
const told = ({ a, b, world }: Meeting) => `seed ${world.seed}: ${a.stateNames()} / ${b.stateNames()}`;
const isRelayed = ({ a, b }: Meeting) =>
  [a, b].some(({ agent }) =>
    [agent.selectedPair?.local, agent.selectedPair?.remote].some((c) => c?.type === "relay"),
  );

/** Loses the datagrams that `loses` names by their number, among all that anybody sends. */
function lose(world: World, loses: (nth: number) => boolean): () => number {
  const send = world.send.bind(world);
  let sent = 0;
  world.send = (node, from, to, data) => {
    if (!loses(sent++)) send(node, from, to, data);
  };
  return () => sent;
}

/** What takes `signalUs` to `to`, in the order it was told. */
function channel(world: World, to: AgentNode, signalUs: number): (what: () => void) => void {
  let lastUs = 0;
  return (what) => {
    lastUs = Math.max(world.nowUs + signalUs, lastUs + 1);
    world.after(lastUs - world.nowUs, () => {
      what();
      to.drain();
    });
  };
}

/** A restart by both, told over a signaling channel that takes `signalUs` each way. */
function restart({ world, a, b }: Meeting, signalUs: number): void {
  const toA = channel(world, a, signalUs);
  const toB = channel(world, b, signalUs);
  const trickle = (from: AgentNode, to: AgentNode, tell: (what: () => void) => void) => {
    from.onCandidate = (candidate) => tell(() => to.agent.addRemoteCandidate(candidate));
    from.onGathered = () => tell(() => to.agent.endOfRemoteCandidates());
  };
  a.agent.restart(credentials(world.random));
  toB(() => {
    b.agent.restart(credentials(world.random));
    b.agent.setRemoteParameters(a.agent.localCredentials);
    toA(() => a.agent.setRemoteParameters(b.agent.localCredentials));
  });
  trickle(a, b, toB);
  trickle(b, a, toA);
  a.drain();
}

describe("ICE through NATs", function () {
  this.timeout(60_000);

  for (const [i, ka] of KINDS.entries()) {
    for (const [j, kb] of KINDS.entries()) {
      const seed = 3000 + 10 * i + j;
      const direct = punches(ka, kb);
      it(`${ka.name} and ${kb.name} with TURN: ${direct ? "direct" : "relayed"}, and it lasts (seed ${seed})`, () => {
        const meeting = meet(seed, [ka, kb], true);
        const { world, a, b } = meeting;
        connect(a, b, { signalUs: 20_000 });
        assert.ok(
          world.run(15e6, () => both(meeting)),
          told(meeting),
        );
        world.run(5e6);
        assert.equal(isRelayed(meeting), !direct, JSON.stringify(a.agent.selectedPair));
        world.run(15 * 60e6);
        assert.ok(both(meeting), told(meeting));
        for (const node of [a, b])
          assert.doesNotMatch(node.stateNames(), /disconnected|failed/, told(meeting));
      });
      if (ka.nat && kb.nat) continue;
      it(`${ka.name} and ${kb.name} with STUN: direct (seed ${seed + 500})`, () => {
        const meeting = meet(seed + 500, [ka, kb], false);
        connect(meeting.a, meeting.b, { signalUs: 20_000 });
        assert.ok(
          meeting.world.run(15e6, () => both(meeting)),
          told(meeting),
        );
      });
    }
  }

  it("a firewall that lets no UDP out of one side fails on both, with TURN as without", () => {
    for (const withTurn of [false, true]) {
      const blocked = { name: "firewall", nat: { blocksUdp: true } };
      const meeting = meet(3900, [blocked, KINDS[1]], withTurn);
      connect(meeting.a, meeting.b);
      meeting.world.run(200e6);
      assert.deepEqual([meeting.a.agent.state, meeting.b.agent.state], ["failed", "failed"], told(meeting));
      const errors = meeting.a.outputs.filter((o) => o.type === "candidateerror");
      assert.ok(errors.length > 0 && errors.every((o) => o.type === "candidateerror" && o.code === 701));
    }
  });

  const ways: readonly [string, readonly [Kind, Kind], boolean][] = [
    ["directly", [KINDS[0], KINDS[0]], false],
    ["through two cones", [KINDS[3], KINDS[3]], false],
    ["through a relay", [KINDS[5], KINDS[5]], true],
  ];

  for (const [n, [how, kinds, withTurn]] of ways.entries()) {
    it(`connects ${how} whichever one datagram is lost`, () => {
      const seed = 4000 + n;
      const whole = meet(seed, kinds, withTurn);
      const count = lose(whole.world, () => false);
      connect(whole.a, whole.b, { signalUs: 20_000 });
      assert.ok(
        whole.world.run(15e6, () => both(whole)),
        told(whole),
      );
      const total = count();
      for (let lost = 0; lost < total; lost++) {
        const meeting = meet(seed, kinds, withTurn);
        lose(meeting.world, (nth) => nth === lost);
        connect(meeting.a, meeting.b, { signalUs: 20_000 });
        assert.ok(
          meeting.world.run(15e6, () => both(meeting)),
          `without datagram ${lost}: ${told(meeting)}`,
        );
      }
    });

    it(`connects ${how} though one datagram in ten is lost at random`, () => {
      for (let seed = 4100 + 20 * n; seed < 4120 + 20 * n; seed++) {
        const meeting = meet(seed, kinds, withTurn);
        const noise = seededRandom(seed);
        lose(meeting.world, () => noise.uint32() % 10 === 0);
        connect(meeting.a, meeting.b, { signalUs: 20_000 });
        assert.ok(
          meeting.world.run(39e6, () => both(meeting)),
          told(meeting),
        );
      }
    });

    it(`settles ${how} who controls, whichever one datagram of a conflict is lost`, () => {
      for (const role of ["controlling", "controlled"] as const) {
        for (let lost = 0; lost < 24; lost++) {
          const meeting = meet(4200 + n, kinds, withTurn);
          const { world, a, b } = meeting;
          a.agent.setRole(role);
          b.agent.setRole(role);
          lose(world, (nth) => nth === lost);
          connect(a, b, { signalUs: 20_000 });
          const settled = () => both(meeting) && a.agent.role !== b.agent.role;
          assert.ok(world.run(20e6, settled), `${role}, without datagram ${lost}: ${told(meeting)}`);
        }
      }
    });

    it(`comes through a restart ${how} at any moment of the set-up and after`, () => {
      for (let atUs = 40_000; atUs <= 640_000; atUs += 20_000) {
        const meeting = meet(4300 + n, kinds, withTurn);
        const { world, a, b } = meeting;
        connect(a, b, { signalUs: 20_000 });
        world.run(atUs);
        restart(meeting, 30_000);
        const fresh = () => [a, b].every(({ agent }) => agent.stats().pairs.some(({ selected }) => selected));
        assert.ok(
          world.run(30e6, () => both(meeting) && fresh()),
          `after ${atUs} µs: ${told(meeting)}`,
        );
        world.run(60e6);
        assert.ok(both(meeting), `after ${atUs} µs: ${told(meeting)}`);
      }
    });
  }

  it("survives a laptop's sleep of minutes at any moment: a call of before is lost or goes on, a restart brings it back", () => {
    for (const sleepUs of [20e6, 5 * 60e6, 60 * 60e6]) {
      for (let atUs = 0; atUs <= 400_000; atUs += 50_000) {
        const meeting = meet(4400, [KINDS[3], KINDS[3]], true);
        const { world, a, b } = meeting;
        connect(a, b, { signalUs: 20_000 });
        world.run(atUs);
        // Only one of them sleeps: nothing reaches it, and its clock stands at a later time when it wakes.
        world.remove(a);
        world.run(sleepUs);
        world.add(a, { delayUs: 5000 });
        a.handleTimeout(world.nowUs);
        const what = `${sleepUs / 1e6} s after ${atUs} µs`;
        world.run(60e6, () => both(meeting));
        if (!both(meeting)) restart(meeting, 30_000);
        assert.ok(
          world.run(60e6, () => both(meeting)),
          `${what}: ${told(meeting)}`,
        );
      }
    }
  });

  it("does no harm when a clock goes backwards", () => {
    const meeting = meet(4500, [KINDS[3], KINDS[3]], false);
    const { world, a, b } = meeting;
    connect(a, b, { signalUs: 20_000 });
    assert.ok(
      world.run(15e6, () => both(meeting)),
      told(meeting),
    );
    const sent = () => a.agent.stats().counters.checksSent + a.agent.stats().counters.consentChecksSent;
    const before = sent();
    const datagram = Uint8Array.of(0, 1, 0, 0);
    for (let i = 1; i <= 200; i++) {
      a.agent.handleTimeout(world.nowUs - i * 1e6);
      a.agent.handleDatagram(0, b.addresses[0], datagram, world.nowUs - i * 1e6);
      a.agent.noteTraffic(world.nowUs - i * 1e6);
      a.drain();
    }
    assert.ok(sent() - before <= 1, "nothing is sent on the strength of an older time");
    world.run(120e6);
    assert.ok(both(meeting), told(meeting));
    assert.doesNotMatch(a.stateNames(), /failed/);
  });
});
