import assert from "node:assert/strict";
import { Nat, type NatDependence } from "../../../src/protocol/netem/index.js";
import type { TransportAddress } from "../../../src/protocol/primitives/address.js";

const at = (address: string, port: number): TransportAddress => ({ family: 4, address, port });
const INSIDE = at("10.0.0.2", 5000);
const S1 = at("198.51.100.1", 3478);
const S1_OTHER_PORT = at("198.51.100.1", 3479);
const S2 = at("198.51.100.2", 3478);

function mappedPorts(mapping: NatDependence): number[] {
  const nat = new Nat({ externalAddress: "203.0.113.1", mapping });
  return [S1, S1_OTHER_PORT, S2].map((to) => nat.outbound(INSIDE, to, 0)?.port ?? 0);
}

/** Whether S1, another port of it, and S2 get in after S1 was sent to. */
function letsIn(filtering: NatDependence): boolean[] {
  const nat = new Nat({ externalAddress: "203.0.113.1", filtering });
  const outside = nat.outbound(INSIDE, S1, 0) as TransportAddress;
  return [S1, S1_OTHER_PORT, S2].map((from) => nat.inbound(from, outside, 1) !== undefined);
}

describe("NAT emulation (RFC 4787)", () => {
  it("maps as §4.1 classifies", () => {
    assert.deepEqual(mappedPorts("endpoint-independent"), [40000, 40000, 40000]);
    assert.deepEqual(mappedPorts("address-dependent"), [40000, 40000, 40001]);
    assert.deepEqual(mappedPorts("address-and-port-dependent"), [40000, 40001, 40002]);
  });

  it("filters as §5 classifies", () => {
    assert.deepEqual(letsIn("endpoint-independent"), [true, true, true]);
    assert.deepEqual(letsIn("address-dependent"), [true, true, false]);
    assert.deepEqual(letsIn("address-and-port-dependent"), [true, false, false]);
  });

  it("gives inside hosts their own mappings and brings answers back to each", () => {
    const nat = new Nat({ externalAddress: "203.0.113.1" });
    const other = at("10.0.0.3", 5000);
    const a = nat.outbound(INSIDE, S1, 0) as TransportAddress;
    const b = nat.outbound(other, S1, 0) as TransportAddress;
    assert.notEqual(a.port, b.port);
    assert.deepEqual(nat.inbound(S1, a, 1), INSIDE);
    assert.deepEqual(nat.inbound(S1, b, 1), other);
    assert.equal(nat.inbound(S1, at("203.0.113.1", 1), 1), undefined);
  });

  it("forgets a mapping that the inside has not used", () => {
    const nat = new Nat({ externalAddress: "203.0.113.1", mappingTimeoutUs: 1000 });
    const first = nat.outbound(INSIDE, S1, 0) as TransportAddress;
    assert.ok(nat.inbound(S1, first, 1000));
    assert.equal(nat.inbound(S1, first, 1001), undefined);
    assert.notEqual(nat.outbound(INSIDE, S1, 2000)?.port, first.port);
    nat.outbound(INSIDE, S1, 2900);
    assert.ok(nat.outbound(INSIDE, S1, 3800));
  });

  it("lets nothing out when it blocks UDP, and forgets all at a reset", () => {
    assert.equal(
      new Nat({ externalAddress: "203.0.113.1", blocksUdp: true }).outbound(INSIDE, S1, 0),
      undefined,
    );
    const nat = new Nat({ externalAddress: "203.0.113.1" });
    const outside = nat.outbound(INSIDE, S1, 0) as TransportAddress;
    nat.reset();
    assert.equal(nat.inbound(S1, outside, 1), undefined);
  });
});
