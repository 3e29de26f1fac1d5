import assert from "node:assert/strict";
import {
  decodeMdns,
  encodeMdnsQuery,
  encodeMdnsResponse,
  isMdnsName,
  MdnsResolver,
  type MdnsResolverOptions,
  type MdnsResolverOutput,
  MdnsResponder,
} from "../../../src/protocol/mdns/index.js";
import type { TransportAddress } from "../../../src/protocol/primitives/address.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s+/g, ""), "hex"));
const PEER: TransportAddress = { family: 4, address: "192.0.2.7", port: 5353 };
const NAME = "0d1b5b1c-3c3a-4d79-9d2a-5a2e4f0d9f11.local";
const record = (address: string, name = NAME, ttlSeconds = 120) => ({
  name,
  address,
  ttlSeconds,
  cacheFlush: true,
});

describe("mDNS messages", () => {
  it("writes a query that RFC 1035 §4 prescribes byte for byte", () => {
    assert.equal(
      Buffer.from(encodeMdnsQuery("ab.local", { unicast: true })).toString("hex"),
      hex(
        "0000 0000 0002 0000 0000 0000 026162056c6f63616c00 0001 8001 026162056c6f63616c00 001c 8001",
      ).reduce((s, b) => s + b.toString(16).padStart(2, "0"), ""),
    );
  });

  it("reads an answer with compressed names and records of other types", () => {
    // A question, a TXT record to be skipped, then A and AAAA whose names point back at the question's.
    const m = decodeMdns(
      hex(`0000 8400 0001 0002 0000 0001
           026162 056c6f63616c 00 0001 0001
           c00c 0010 8001 00000078 0003 027878
           c00c 0001 8001 00000078 0004 c0000209
           c00c 001c 8001 0000000a 0010 20010db8000000000000000000000001`),
    );
    assert.ok(m?.isResponse);
    assert.deepEqual(m.questions, [{ name: "ab.local", type: 1, unicast: false }]);
    assert.deepEqual(m.records, [
      { name: "ab.local", address: "192.0.2.9", ttlSeconds: 120, cacheFlush: true },
      { name: "ab.local", address: "2001:db8::1", ttlSeconds: 10, cacheFlush: true },
    ]);
  });

  it("reads what it writes", () => {
    const records = [record("192.0.2.1"), record("fe80::1", "x.local", 7)];
    assert.deepEqual(decodeMdns(encodeMdnsResponse(records))?.records, records);
    const legacy = decodeMdns(
      encodeMdnsResponse([record("192.0.2.1")], {
        id: 77,
        question: { name: NAME, type: 1, unicast: false },
      }),
    );
    assert.deepEqual([legacy?.id, legacy?.questions.length], [77, 1]);
  });

  const bad: [string, string][] = [
    ["nothing", ""],
    ["half a header", "0000 8400 0000"],
    ["a name pointing at itself", "0000 0000 0001 0000 0000 0000 c00c 0001 0001"],
    ["a name pointing forward", "0000 0000 0001 0000 0000 0000 c00e 0001 0001 00"],
    ["a label past the end", "0000 0000 0001 0000 0000 0000 3f61"],
    ["a label of a reserved kind", "0000 0000 0001 0000 0000 0000 8061 00 0001 0001"],
    ["a record longer than the message", "0000 8400 0000 0001 0000 0000 0161 00 0001 0001 00000001 00ff 01"],
    ["an A record of five bytes", "0000 8400 0000 0001 0000 0000 0161 00 0001 0001 00000001 0005 0102030405"],
    ["more records than there are bytes", "0000 8400 0000 ffff 0000 0000"],
    ["another opcode", "0000 2800 0000 0000 0000 0000"],
  ];
  for (const [what, text] of bad) {
    it(`refuses ${what}`, () => {
      assert.equal(decodeMdns(hex(text)), undefined);
    });
  }

  it("bounds a name built of many pointers", () => {
    // 40 labels of 10 letters chained by pointers: over 255 bytes.
    const parts: number[] = [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    let previous = -1;
    const chain: number[] = [];
    for (let i = 0; i < 40; i++) {
      const start = 12 + chain.length;
      chain.push(
        10,
        ...new Array(10).fill(97),
        ...(previous < 0 ? [0] : [0xc0 | (previous >> 8), previous & 255]),
      );
      previous = start;
    }
    assert.equal(decodeMdns(Uint8Array.from([...parts, ...chain, 0, 1, 0, 1])), undefined);
  });

  it("survives damaged bytes", function () {
    this.timeout(60_000);
    const seed = 0xd45;
    const random = seededRandom(seed);
    const good = encodeMdnsResponse([record("192.0.2.1"), record("2001:db8::1")]);
    for (let round = 0; round < 20_000; round++) {
      const data = round % 2 ? good.slice() : random.bytes(random.uint32() % 80);
      for (let n = random.uint32() % 4; n >= 0 && data.length; n--)
        data[random.uint32() % data.length] = random.uint32();
      decodeMdns(data);
    }
  });

  it("tells names to ask for from others", () => {
    for (const good of [NAME, "a.local", "A-b_9.LOCAL", "a.local."]) assert.ok(isMdnsName(good), good);
    for (const no of [
      "local",
      ".local",
      "a.b.local",
      "a.local.com",
      "192.0.2.1",
      "a b.local",
      "",
      `${"x".repeat(64)}.local`,
    ]) {
      assert.ok(!isMdnsName(no), no);
    }
    assert.throws(() => encodeMdnsQuery("a..local"), RangeError);
  });
});

function resolver(options: MdnsResolverOptions = {}) {
  const r = new MdnsResolver({ families: [4], ...options });
  const drain = (): MdnsResolverOutput[] => {
    const out: MdnsResolverOutput[] = [];
    for (let o = r.pollOutput(); o; o = r.pollOutput()) out.push(o);
    return out;
  };
  return { r, drain };
}

describe("mDNS resolver", () => {
  it("asks at once and takes the first answer", () => {
    const { r, drain } = resolver();
    r.resolve(NAME, 0);
    const [query] = drain();
    assert.ok(query.type === "transmit");
    assert.deepEqual([query.to.address, query.to.port], ["224.0.0.251", 5353]);
    assert.equal(decodeMdns(query.data)?.questions.length, 2);
    r.handleDatagram(PEER, encodeMdnsResponse([record("192.0.2.7")]), 3000);
    assert.deepEqual(drain(), [{ type: "resolved", name: NAME, addresses: ["192.0.2.7"] }]);
    assert.equal(r.nextDeadlineUs(), Infinity);
  });

  it("asks again after 1, 2 and 4 s and gives up without harm", () => {
    const { r, drain } = resolver();
    const times: number[] = [];
    r.resolve(NAME, 0);
    let last: MdnsResolverOutput | undefined;
    for (let now = 0; now < Infinity; now = r.nextDeadlineUs()) {
      r.handleTimeout(now);
      for (const o of drain()) {
        if (o.type === "transmit") times.push(now);
        else last = o;
      }
    }
    assert.deepEqual(times, [0, 1e6, 3e6, 7e6]);
    assert.deepEqual(last, { type: "unresolved", name: NAME, reason: "timeout" });
  });

  it("remembers an answer as long as it lives, and not after it was taken back", () => {
    const { r, drain } = resolver();
    r.resolve(NAME, 0);
    r.handleDatagram(PEER, encodeMdnsResponse([record("192.0.2.7", NAME.toUpperCase(), 10)]), 0);
    drain();
    r.resolve(NAME, 9e6);
    assert.equal(drain()[0].type, "resolved");
    r.resolve(NAME, 10e6);
    assert.equal(drain()[0].type, "transmit");
    r.handleDatagram(PEER, encodeMdnsResponse([record("192.0.2.7")]), 10e6);
    r.handleDatagram(PEER, encodeMdnsResponse([record("192.0.2.7", NAME, 0)]), 10e6);
    drain();
    r.resolve(NAME, 10e6);
    assert.equal(drain()[0].type, "transmit");
  });

  it("believes no answer from another port, to no question, or that is garbage", () => {
    const { r, drain } = resolver();
    r.resolve(NAME, 0);
    drain();
    r.handleDatagram({ ...PEER, port: 6000 }, encodeMdnsResponse([record("192.0.2.66")]), 0);
    r.handleDatagram(PEER, encodeMdnsResponse([record("192.0.2.66", "other.local")]), 0);
    r.handleDatagram(PEER, Uint8Array.of(1, 2, 3), 0);
    assert.deepEqual(drain(), []);
    assert.deepEqual([r.malformed, r.unsolicited], [1, 1]);
  });

  it("refuses names it must not ask for and bounds how many it asks for", () => {
    const { r, drain } = resolver({ limit: 3 });
    r.resolve("example.com", 0);
    assert.deepEqual(drain(), [{ type: "unresolved", name: "example.com", reason: "bad-name" }]);
    for (let i = 0; i < 10_000; i++) r.resolve(`n${i}.local`, 0);
    const out = drain();
    assert.equal(out.filter((o) => o.type === "transmit").length, 3);
    assert.equal(out.filter((o) => o.type === "unresolved" && o.reason === "too-many").length, 9997);
  });

  it("joins questions for one name, and drops a cancelled one", () => {
    const { r, drain } = resolver();
    r.resolve(NAME, 0);
    r.resolve(NAME.toUpperCase(), 10);
    assert.equal(drain().length, 1);
    r.cancel(NAME);
    assert.equal(r.nextDeadlineUs(), Infinity);
  });
});

describe("mDNS responder", () => {
  const responder = () => {
    const r = new MdnsResponder();
    return { r, name: r.hide("192.0.2.1", seededRandom(5)) };
  };

  it("hides an address behind one random version 4 UUID", () => {
    const { r, name } = responder();
    assert.match(name, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.local$/);
    assert.equal(r.addressOf(name.toUpperCase()), "192.0.2.1");
  });

  it("gives the same address another name each time, so that two connections do not look like one host", () => {
    const { r, name } = responder();
    const other = r.hide("192.0.2.1", seededRandom(6));
    assert.notEqual(other, name);
    assert.equal(r.size, 2);
    r.forget(name);
    assert.deepEqual([r.addressOf(name), r.addressOf(other), r.size], [undefined, "192.0.2.1", 1]);
  });

  it("is understood by the resolver, by multicast and by unicast", () => {
    for (const port of [5353, 40000]) {
      const { r: answerer, name } = responder();
      const { r: asker, drain } = resolver();
      asker.resolve(name, 0);
      const [query] = drain();
      assert.ok(query.type === "transmit");
      // The group has heard it just now.
      answerer.handleDatagram(PEER, encodeMdnsQuery(name), 0);
      assert.equal(answerer.pollOutput()?.to.address, "224.0.0.251");
      answerer.handleDatagram({ family: 4, address: "192.0.2.50", port }, query.data, 0);
      const answer = answerer.pollOutput();
      assert.ok(answer);
      assert.deepEqual([answer.to.address, answer.to.port], ["192.0.2.50", port]);
      asker.handleDatagram(PEER, answer.data, 0);
      assert.deepEqual(drain(), [{ type: "resolved", name, addresses: ["192.0.2.1"] }]);
    }
  });

  it("tells the group instead of the asker when the group has not heard it for a quarter of its life", () => {
    const { r, name } = responder();
    const askedUs = (nowUs: number) => {
      r.handleDatagram(PEER, encodeMdnsQuery(name, { unicast: true }), nowUs);
      return r.pollOutput()?.to.address;
    };
    assert.deepEqual(
      [askedUs(0), askedUs(1e6), askedUs(29e6), askedUs(30e6)],
      ["224.0.0.251", PEER.address, PEER.address, "224.0.0.251"],
    );
  });

  it("tells the group at most once a second", () => {
    const { r, name } = responder();
    const count = (nowUs: number) => {
      r.handleDatagram(PEER, encodeMdnsQuery(name), nowUs);
      let n = 0;
      for (let o = r.pollOutput(); o; o = r.pollOutput()) n += o.to.address === "224.0.0.251" ? 1 : 100;
      return n;
    };
    assert.deepEqual([count(0), count(500_000), count(1_000_000)], [1, 0, 1]);
  });

  it("is silent to questions for others, to answers, to garbage, and for forgotten names", () => {
    const { r, name } = responder();
    r.handleDatagram(PEER, encodeMdnsQuery("other.local"), 0);
    r.handleDatagram(PEER, encodeMdnsResponse([record("192.0.2.9", name)]), 0);
    r.handleDatagram(PEER, Uint8Array.of(9), 0);
    r.forget(name);
    r.handleDatagram(PEER, encodeMdnsQuery(name), 0);
    assert.equal(r.pollOutput(), undefined);
    assert.equal(r.malformed, 1);
  });
});
