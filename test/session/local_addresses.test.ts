import assert from "node:assert/strict";
import type { InterfaceSettings, Nat1To1Settings } from "../../src/media/ice_settings.js";
import { externalAddress } from "../../src/media/session/address_mapping.js";
import { localAddresses } from "../../src/media/session/local_addresses.js";

const MACHINE = [
  { name: "lo", address: "127.0.0.1" },
  { name: "lo", address: "::1" },
  { name: "eth0", address: "10.1.0.2" },
  { name: "eth0", address: "2001:db8::2" },
  { name: "wlan0", address: "192.168.1.2" },
  { name: "docker0", address: "172.17.0.1" },
];

describe("local addresses", () => {
  it("are those asked for, and :: and 0.0.0.0 become concrete ones", () => {
    assert.deepEqual(localAddresses({ bindAddresses: ["127.0.0.1"] }), ["127.0.0.1"]);
    const any = localAddresses({ bindAddresses: ["0.0.0.0"], includeLoopback: true });
    assert.ok(any.includes("127.0.0.1"));
    assert.ok(!any.includes("0.0.0.0"));
  });

  const cases: [string, InterfaceSettings, string[]][] = [
    ["all but loopback", {}, ["10.1.0.2", "2001:db8::2", "192.168.1.2", "172.17.0.1"]],
    ["one interface", { allow: ["eth0"] }, ["10.1.0.2", "2001:db8::2"]],
    ["interfaces by the beginning of their names", { allow: ["wl*"] }, ["192.168.1.2"]],
    ["all but some", { deny: ["docker*", "2001:db8::/32"] }, ["10.1.0.2", "192.168.1.2"]],
    ["a network", { allow: ["10.0.0.0/8"] }, ["10.1.0.2"]],
    ["one family", { families: [6] }, ["2001:db8::2"]],
    [
      "nothing that is denied, though it is allowed",
      { allow: ["eth0"], deny: ["10.1.0.2"] },
      ["2001:db8::2"],
    ],
    ["loopback where it is all that is allowed", { allow: ["lo"] }, ["127.0.0.1", "::1"]],
    ["nothing where nothing is allowed", { allow: ["ppp0"] }, []],
  ];
  for (const [what, interfaces, expected] of cases) {
    it(`are ${what}`, () => assert.deepEqual(localAddresses({ interfaces }, MACHINE), expected));
  }

  it("include loopback when asked for, and 0.0.0.0 stands for the allowed ones", () => {
    const families = [4] as const;
    assert.ok(localAddresses({ includeLoopback: true }, MACHINE).includes("127.0.0.1"));
    const settings = { bindAddresses: ["0.0.0.0"], interfaces: { allow: ["eth0"], families } };
    assert.deepEqual(localAddresses(settings, MACHINE), ["10.1.0.2"]);
  });
});

describe("addresses of a 1:1 NAT", () => {
  const one: Nat1To1Settings = { addresses: ["203.0.113.1"] };
  const pairs: Nat1To1Settings = { addresses: ["203.0.113.1/10.1.0.2", "203.0.113.2/192.168.1.2"] };

  it("stand for every local address of their family, or for their own", () => {
    assert.equal(externalAddress("10.1.0.2", one), "203.0.113.1");
    assert.equal(externalAddress("2001:db8::2", one), undefined);
    assert.equal(externalAddress("192.168.1.2", pairs), "203.0.113.2");
    assert.equal(externalAddress("172.17.0.1", pairs), undefined);
  });

  it("leave out what has no pair where host candidates are mapped, but not another family", () => {
    const usable = ["10.1.0.2", "2001:db8::2", "192.168.1.2"];
    assert.deepEqual(localAddresses({ nat1to1: pairs }, MACHINE), usable);
    const srflx = localAddresses({ nat1to1: { ...pairs, as: "srflx" } }, MACHINE);
    assert.ok(srflx.includes("172.17.0.1"));
  });
});
