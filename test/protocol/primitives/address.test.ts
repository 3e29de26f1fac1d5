import assert from "node:assert/strict";
import {
  formatIp,
  formatTransportAddress,
  isIpv4Mapped,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  makeTransportAddress,
  parseIp,
  sameIp,
  sameTransportAddress,
} from "../../../src/protocol/primitives/address.js";

function bytesOf(text: string): Uint8Array {
  const bytes = parseIp(text);
  assert.ok(bytes, `${text} should parse`);
  return bytes;
}

describe("parseIp", () => {
  it("reads dotted IPv4", () => {
    assert.deepEqual([...bytesOf("192.0.2.255")], [192, 0, 2, 255]);
  });

  it("refuses what is not exactly an address", () => {
    const bad = [
      ...["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", "0x7f.0.0.1"],
      ...[":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "fe80::1%eth0"],
      ...[
        "[::1]",
        "1:2:3:4:5:6:7::8:9",
        "::1.2.3",
        "1.2.3.4::",
        ":1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:",
        "::1.2.3.4:5",
      ],
    ];
    for (const text of bad) assert.equal(parseIp(text), undefined, JSON.stringify(text));
  });

  it("reads every form of IPv6", () => {
    assert.deepEqual([...bytesOf("::")], new Array(16).fill(0));
    assert.deepEqual([...bytesOf("::1")], [...new Array(15).fill(0), 1]);
    assert.deepEqual([...bytesOf("2001:DB8::8:800:200C:417A")].slice(0, 4), [0x20, 0x01, 0x0d, 0xb8]);
    assert.deepEqual([...bytesOf("::ffff:192.0.2.1")].slice(10), [0xff, 0xff, 192, 0, 2, 1]);
    assert.deepEqual([...bytesOf("64:ff9b::192.0.2.33")].slice(12), [192, 0, 2, 33]);
    assert.deepEqual([...bytesOf("1:2:3:4:5:6:7:8")].slice(14), [0, 8]);
  });
});

describe("formatIp", () => {
  it("writes IPv6 as RFC 5952 recommends", () => {
    const cases: [string, string][] = [
      ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa"],
      ["0:0:0:0:0:0:0:0", "::"],
      ["1:0:0:0:0:0:0:0", "1::"],
      ["0:0:0:0:0:ffff:c000:0201", "::ffff:192.0.2.1"],
    ];
    for (const [input, expected] of cases) assert.equal(formatIp(bytesOf(input)), expected);
  });

  it("writes IPv4 and refuses other lengths", () => {
    assert.equal(formatIp(Uint8Array.of(10, 0, 0, 1)), "10.0.0.1");
    assert.throws(() => formatIp(new Uint8Array(5)), RangeError);
  });
});

describe("transport addresses", () => {
  it("compare by endpoint, not by spelling", () => {
    const a = { family: 6, address: "2001:db8::1", port: 5 } as const;
    assert.ok(sameTransportAddress(a, { family: 6, address: "2001:DB8:0::1", port: 5 }));
    assert.ok(!sameTransportAddress(a, { ...a, port: 6 }));
    assert.ok(!sameIp("10.0.0.1", "10.0.0.2"));
    assert.ok(!sameIp("::ffff:10.0.0.1", "10.0.0.1"), "a mapped address is another family on the wire");
  });

  it("are made canonical and checked", () => {
    assert.deepEqual(makeTransportAddress("2001:DB8::0:1", 9), {
      family: 6,
      address: "2001:db8::1",
      port: 9,
    });
    assert.equal(makeTransportAddress("nowhere", 9), undefined);
    assert.equal(makeTransportAddress("10.0.0.1", 65536), undefined);
    assert.equal(makeTransportAddress("10.0.0.1", 1.5), undefined);
  });

  it("print with brackets where a port would be ambiguous", () => {
    assert.equal(formatTransportAddress({ family: 6, address: "::1", port: 80 }), "[::1]:80");
    assert.equal(formatTransportAddress({ family: 4, address: "127.0.0.1", port: 80 }), "127.0.0.1:80");
  });
});

describe("address classes", () => {
  const cases: [string, (ip: Uint8Array) => boolean, string[], string[]][] = [
    [
      "loopback",
      isLoopback,
      ["127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"],
      ["128.0.0.1", "::2", "::"],
    ],
    ["link-local", isLinkLocal, ["169.254.1.1", "fe80::1", "febf::1"], ["169.253.1.1", "fec0::1"]],
    [
      "multicast",
      isMulticast,
      ["224.0.0.251", "239.1.1.1", "ff02::fb"],
      ["223.0.0.1", "240.0.0.1", "fe00::"],
    ],
    ["unspecified", isUnspecified, ["0.0.0.0", "::"], ["0.0.0.1", "::1"]],
    ["IPv4-mapped", isIpv4Mapped, ["::ffff:1.2.3.4"], ["1.2.3.4", "::1.2.3.4"]],
  ];
  for (const [name, is, yes, no] of cases) {
    it(`tells ${name} addresses`, () => {
      for (const text of yes) assert.equal(is(bytesOf(text)), true, text);
      for (const text of no) assert.equal(is(bytesOf(text)), false, text);
    });
  }
});
