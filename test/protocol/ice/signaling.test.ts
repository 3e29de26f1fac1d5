/** The ways candidates are told: each as it comes, all at once, or one side so and the other so (RFC 8838 §4, §5, §17). */
import assert from "node:assert/strict";
import { Nat } from "../../../src/protocol/netem/index.js";
import { AgentNode, address, StunServerNode, World } from "./world.js";

const STUN = address("198.51.100.1", 3478);
const SIGNAL_US = 30_000;

type Way = "trickles" | "waits";

/** Tells `to` everything of `from`, each candidate as it comes or all of them when gathering is done. */
function tell(from: AgentNode, to: AgentNode, way: Way): void {
  const { world } = from;
  const later = (what: () => void) => {
    world.after(SIGNAL_US, () => {
      what();
      to.drain();
    });
  };
  const parameters = () => later(() => to.agent.setRemoteParameters(from.agent.localCredentials));
  if (way === "trickles") {
    parameters();
    from.onCandidate = (candidate) => later(() => to.agent.addRemoteCandidate(candidate));
    from.onGathered = () => later(() => to.agent.endOfRemoteCandidates());
    return;
  }
  from.onGathered = () => {
    parameters();
    for (const candidate of from.candidates) later(() => to.agent.addRemoteCandidate(candidate));
    later(() => to.agent.endOfRemoteCandidates());
  };
}

function meet(seed: number, ways: readonly [Way, Way], delays: { readonly stunUs: number }) {
  const world = new World(seed);
  world.add(new StunServerNode(world, STUN), { delayUs: delays.stunUs });
  const [a, b] = [1, 2].map((n) =>
    world.add(
      new AgentNode(world, [address(`10.${n}.0.2`, 5000)], {
        role: n === 1 ? "controlling" : "controlled",
        stunServers: [STUN],
        nat: new Nat({ externalAddress: `203.0.113.${n}` }),
      }),
      { delayUs: 10_000 },
    ),
  );
  tell(a, b, ways[0]);
  tell(b, a, ways[1]);
  a.gather();
  b.gather();
  return { world, a, b };
}

describe("ICE: telling candidates", () => {
  for (const [what, ways] of [
    ["both as they come (trickle)", ["trickles", "trickles"]],
    ["the offer's all at once, the answer's as they come (half trickle)", ["waits", "trickles"]],
    ["the offer's as they come, the answer's all at once", ["trickles", "waits"]],
    ["both all at once (no trickle)", ["waits", "waits"]],
  ] as const) {
    it(`connects and completes: ${what}`, () => {
      for (const stunUs of [5_000, 400_000]) {
        const { world, a, b } = meet(5001, ways, { stunUs });
        const done = () => a.agent.state === "completed" && b.agent.state === "completed";
        assert.ok(world.run(10e6, done), `STUN ${stunUs} µs away: ${a.stateNames()} / ${b.stateNames()}`);
        assert.equal(a.stateNames(), "checking connected completed");
        assert.equal(b.stateNames(), "checking connected completed");
      }
    });
  }

  it("waits for a server that is silent no longer than it has to, when all are told at once", () => {
    const { world, a, b } = meet(5002, ["waits", "waits"], { stunUs: 60e6 });
    world.run(20e6);
    // Nothing was found but host candidates behind NATs: no way, but said so in time.
    assert.ok(a.outputs.some((o) => o.type === "gatheringcomplete"));
    const errors = a.outputs.filter((o) => o.type === "candidateerror");
    assert.equal(errors.length, 1);
    assert.ok(
      world.run(60e6, () => a.agent.state === "failed" && b.agent.state === "failed"),
      a.stateNames(),
    );
  });
});
