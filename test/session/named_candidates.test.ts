import assert from "node:assert/strict";
import { NamedCandidates } from "../../src/media/session/named_candidates.js";
import { parseCandidate } from "../../src/protocol/ice/index.js";

const named = (name: string, port = 5000, more = "") =>
  parseCandidate(`candidate:1 1 ${more ? "tcp" : "udp"} 2130706431 ${name} ${port} typ host${more}`);

describe("remote candidates with names", () => {
  it("ask once for each name and give all its candidates back", () => {
    const waiting = new NamedCandidates();
    assert.equal(waiting.add(named("a.local")), "ask");
    assert.equal(waiting.add(named("a.local", 5001)), "kept");
    assert.equal(waiting.add(named("b.local")), "ask");
    assert.deepEqual(
      waiting.take("a.local").map(({ port }) => port),
      [5000, 5001],
    );
    assert.deepEqual(waiting.take("a.local"), []);
  });

  it("are refused when they are addresses, other names, or will connect to us", () => {
    const waiting = new NamedCandidates();
    assert.equal(waiting.add(named("192.0.2.1")), "refused");
    assert.equal(waiting.add(named("host.example")), "refused");
    assert.equal(waiting.add(named("a.local", 9, " tcptype active")), "refused");
  });

  it("hold back the end of candidates until the last name is settled, and tell it once", () => {
    const waiting = new NamedCandidates();
    waiting.add(named("a.local"));
    waiting.end();
    assert.equal(waiting.takeEnd(), false);
    waiting.take("a.local");
    assert.equal(waiting.takeEnd(), true);
    assert.equal(waiting.takeEnd(), false);
  });

  it("are bounded, and forgotten by a restart", () => {
    const waiting = new NamedCandidates();
    const verdicts = Array.from({ length: 10_000 }, (_, i) => waiting.add(named(`n${i}.local`)));
    assert.equal(verdicts.filter((verdict) => verdict === "ask").length, 64);
    waiting.clear();
    assert.deepEqual(waiting.take("n0.local"), []);
    assert.equal(waiting.add(named("a.local")), "ask");
  });
});
