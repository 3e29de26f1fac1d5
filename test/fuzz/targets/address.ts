/** IPv4 and IPv6 addresses, with Node's own reader as the judge. */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { formatIp, makeTransportAddress, parseIp, sameIp } from "../../../src/protocol/primitives/address.js";
import { parseIpPrefix, prefixContains } from "../../../src/protocol/primitives/ip_prefix.js";
import { bytesOf, type FuzzTarget, textOf } from "../target.js";

export const target: FuzzTarget = {
  name: "address",
  sources: ["src/protocol/primitives/address.ts", "src/protocol/primitives/ip_prefix.ts"],
  words: ["::", ":", ".", "ffff", "255", "256", "/", "0:0:", "127.0.0.1", "::ffff:", "00", "%"],
  maxBytes: 64,
  seeds: () =>
    [
      "192.0.2.1",
      "::",
      "::1",
      "2001:db8::42:0:1",
      "::ffff:192.0.2.1",
      "1:2:3:4:5:6:7:8",
      "fe80::1",
      "64:ff9b::192.0.2.33",
      "10.0.0.0/8",
      "2001:db8::/32",
    ].map(bytesOf),
  run(input) {
    const text = textOf(input);
    const prefix = parseIpPrefix(text);
    if (prefix !== undefined) prefixContains(prefix, new Uint8Array(16));
    const ip = parseIp(text);
    // Node also takes a zone, which is nobody else's business.
    const expected = text.includes("%") ? 0 : isIP(text);
    assert.equal(ip === undefined ? 0 : ip.length === 4 ? 4 : 6, expected, JSON.stringify(text));
    if (ip === undefined) return;
    const canonical = formatIp(ip);
    assert.deepEqual(parseIp(canonical), ip);
    assert.ok(sameIp(text, canonical));
    assert.equal(makeTransportAddress(text, 1)?.address, canonical);
  },
};
