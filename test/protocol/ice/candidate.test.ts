import assert from "node:assert/strict";
import {
  candidatePriority,
  formatCandidate,
  IceError,
  localPreference,
  pairPriority,
  parseCandidate,
} from "../../../src/protocol/ice/index.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

describe("ICE candidate lines (RFC 8839 §5.1)", () => {
  it("reads what Chromium writes", () => {
    const c = parseCandidate(
      "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.9 rport 46154 generation 0 ufrag EEtu network-id 1 network-cost 10",
    );
    assert.deepEqual(c, {
      foundation: "842163049",
      component: 1,
      transport: "udp",
      priority: 1677729535,
      address: "203.0.113.7",
      port: 46154,
      type: "srflx",
      relatedAddress: "10.0.0.9",
      relatedPort: 46154,
      usernameFragment: "EEtu",
    });
  });

  it("reads what Firefox writes", () => {
    const c = parseCandidate("a=candidate:0 1 UDP 2122252543 2001:0DB8:0:0::7 39521 typ host\r\n");
    assert.equal(c.transport, "udp");
    assert.equal(c.address, "2001:db8::7");
    const tcp = parseCandidate("candidate:3 1 TCP 2105524479 192.168.1.5 9 typ host tcptype active");
    assert.deepEqual([tcp.transport, tcp.tcpType], ["tcp", "active"]);
  });

  it("reads mDNS names", () => {
    const c = parseCandidate(
      "candidate:1 1 udp 2113937151 0d1b5b1c-3c3a-4d79-9d2a-5a2e4f0d9f11.local 54400 typ host generation 0",
    );
    assert.equal(c.address, "0d1b5b1c-3c3a-4d79-9d2a-5a2e4f0d9f11.local");
  });

  it("reads the example of RFC 8839 §5.1", () => {
    const c = parseCandidate(
      "a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
    );
    assert.deepEqual([c.type, c.relatedAddress, c.relatedPort], ["srflx", "203.0.113.141", 8998]);
  });

  it("writes what it reads", () => {
    for (const line of [
      "candidate:1 1 udp 2130706431 10.0.1.1 8998 typ host",
      "candidate:2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998 ufrag 8hhY",
      "candidate:3 1 tcp 2105524479 2001:db8::1 9 typ host tcptype passive",
      "candidate:Aa+/ 1 udp 255 192.0.2.3 1 typ relay raddr 0.0.0.0 rport 9",
    ]) {
      assert.equal(formatCandidate(parseCandidate(line)), line);
    }
  });

  const bad: [string, string, string][] = [
    ["nothing", "", "ERR_ICE_CANDIDATE_SYNTAX"],
    ["another attribute", "a=ice-ufrag:abcd", "ERR_ICE_CANDIDATE_SYNTAX"],
    ["too few fields", "candidate:1 1 udp 1 10.0.0.1 1 typ", "ERR_ICE_CANDIDATE_SYNTAX"],
    ["no typ", "candidate:1 1 udp 1 10.0.0.1 1 type host", "ERR_ICE_CANDIDATE_SYNTAX"],
    ["a line break inside", "candidate:1 1 udp 1 10.0.0.1 1 typ host\r\na=x y", "ERR_ICE_CANDIDATE_SYNTAX"],
    [
      "a very long line",
      `candidate:1 1 udp 1 10.0.0.1 1 typ host ${"x ".repeat(5000)}`,
      "ERR_ICE_CANDIDATE_SYNTAX",
    ],
    [
      "a foundation of other characters",
      "candidate:<1> 1 udp 1 10.0.0.1 1 typ host",
      "ERR_ICE_CANDIDATE_VALUE",
    ],
    [
      "a long foundation",
      `candidate:${"1".repeat(33)} 1 udp 1 10.0.0.1 1 typ host`,
      "ERR_ICE_CANDIDATE_VALUE",
    ],
    ["component 2", "candidate:1 2 udp 1 10.0.0.1 1 typ host", "ERR_ICE_CANDIDATE_VALUE"],
    ["another transport", "candidate:1 1 sctp 1 10.0.0.1 1 typ host", "ERR_ICE_CANDIDATE_VALUE"],
    ["another type", "candidate:1 1 udp 1 10.0.0.1 1 typ hostile", "ERR_ICE_CANDIDATE_VALUE"],
    [
      "a priority over 32 bits",
      "candidate:1 1 udp 4294967296 10.0.0.1 1 typ host",
      "ERR_ICE_CANDIDATE_VALUE",
    ],
    ["a negative priority", "candidate:1 1 udp -1 10.0.0.1 1 typ host", "ERR_ICE_CANDIDATE_VALUE"],
    ["a port over 65535", "candidate:1 1 udp 1 10.0.0.1 65536 typ host", "ERR_ICE_CANDIDATE_VALUE"],
    ["half an address", "candidate:1 1 udp 1 10.0.0 1 typ host", "ERR_ICE_CANDIDATE_VALUE"],
    ["a name with a slash", "candidate:1 1 udp 1 a/b.local 1 typ host", "ERR_ICE_CANDIDATE_VALUE"],
    ["a bad tcptype", "candidate:1 1 tcp 1 10.0.0.1 1 typ host tcptype lazy", "ERR_ICE_CANDIDATE_VALUE"],
    ["a bad raddr", "candidate:1 1 udp 1 10.0.0.1 1 typ srflx raddr ??? rport 1", "ERR_ICE_CANDIDATE_VALUE"],
  ];
  for (const [what, line, code] of bad) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseCandidate(line),
        (e: unknown) => e instanceof IceError && e.code === code && e.message.length < 500,
      );
    });
  }

  it("survives damaged lines with nothing but its own error", function () {
    this.timeout(60_000);
    const seed = 0xcafe;
    const random = seededRandom(seed);
    const good =
      "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.9 rport 46154 ufrag E";
    for (let round = 0; round < 20000; round++) {
      const chars = [...good];
      for (let n = random.uint32() % 5; n >= 0; n--) {
        chars[random.uint32() % chars.length] = String.fromCharCode(random.uint32() % 130);
      }
      const line = chars.join("");
      try {
        parseCandidate(formatCandidate(parseCandidate(line)));
      } catch (e) {
        assert.ok(e instanceof IceError, `seed ${seed} round ${round}: ${JSON.stringify(line)} ${e}`);
      }
    }
  });
});

describe("ICE priorities", () => {
  it("follow RFC 8445 §5.1.2.1 and §6.1.2.3", () => {
    assert.equal(candidatePriority("host", 65535), 2130706431);
    assert.equal(candidatePriority("srflx", 65535), 1694498815);
    assert.equal(candidatePriority("relay", 0), 255);
    assert.equal(pairPriority(2130706431, 1694498815), (1694498815n << 32n) + 2n * 2130706431n + 1n);
    assert.equal(pairPriority(1694498815, 2130706431), (1694498815n << 32n) + 2n * 2130706431n);
    assert.equal(pairPriority(4294967295, 4294967295), (4294967295n << 32n) + 2n * 4294967295n);
  });

  it("let the families take turns (RFC 8421 §4)", () => {
    const order = [
      ["6a", localPreference(6, 0)],
      ["6b", localPreference(6, 1)],
      ["4a", localPreference(4, 0)],
      ["4b", localPreference(4, 1)],
    ] as [string, number][];
    order.sort((a, b) => b[1] - a[1]);
    assert.deepEqual(
      order.map((o) => o[0]),
      ["6a", "4a", "6b", "4b"],
    );
  });
});
