import assert from "node:assert/strict";
import { parseIp } from "../../../src/protocol/primitives/address.js";
import {
  readXorAddress,
  StunMethod,
  StunAttributeType as Type,
  uint32Attribute,
} from "../../../src/protocol/stun/index.js";
import { encodeChannelData } from "../../../src/protocol/turn/index.js";
import { PeerPolicy } from "../../../src/protocol/turn_server/index.js";
import { address } from "../ice/world.js";
import { Bench, codeOf, only, PEER, prefixes, TEST_PEERS, udpFlow } from "./bench.js";

const DATA = Uint8Array.of(1, 2, 3, 4, 5);

function allocated(bench = new Bench()) {
  const client = bench.client();
  assert.equal(codeOf(client.allocate()), 0);
  return { bench, client, relay: client.relay };
}

describe("TURN server: permissions and channels (RFC 8656 §9 to §12)", () => {
  it("relays both ways for a permitted address, whatever its port", () => {
    const { bench, client, relay } = allocated();
    assert.equal(codeOf(client.permit({ ...PEER, port: 0 })), 0);
    client.send(PEER, DATA);
    assert.deepEqual(
      bench.toPeers().map(({ peer, data }) => [peer, [...data]]),
      [[PEER, [...DATA]]],
    );
    const from = { ...PEER, port: 9999 };
    const indication = only(bench.fromPeer(relay, from, DATA));
    assert.equal(indication.method, StunMethod.Data);
    assert.deepEqual(readXorAddress(indication, Type.XorPeerAddress), from);
    assert.deepEqual([...(indication.value(Type.Data) ?? [])], [...DATA]);
  });

  it("relays nothing without permission, in either direction, and counts it", () => {
    const { bench, client, relay } = allocated();
    client.send(PEER, DATA);
    assert.deepEqual(bench.toPeers(), []);
    assert.deepEqual(bench.fromPeer(relay, PEER, DATA), []);
    client.permit(PEER);
    client.send(address("198.51.100.8", 7000), DATA);
    assert.deepEqual(bench.toPeers(), []);
    assert.deepEqual(bench.fromPeer(relay, address("198.51.100.8", 7000), DATA), []);
    const { refusedFromClients, refusedFromPeers } = bench.server.counters;
    assert.deepEqual([refusedFromClients, refusedFromPeers], [2, 2]);
  });

  it("takes several peers in one request, or none of them", () => {
    const { bench, client, relay } = allocated();
    const other = address("198.51.100.8", 1);
    assert.equal(codeOf(client.permit(PEER, address("10.0.0.1", 1), other)), 403);
    assert.deepEqual(bench.fromPeer(relay, PEER, DATA), []);
    assert.equal(codeOf(client.permit(PEER, other)), 0);
    assert.equal(bench.fromPeer(relay, PEER, DATA).length, 1);
    assert.equal(bench.fromPeer(relay, other, DATA).length, 1);
  });

  it("ends a permission after 300 s, unless it is renewed", () => {
    const { bench, client, relay } = allocated();
    client.permit(PEER);
    bench.wait(299);
    assert.equal(bench.fromPeer(relay, PEER, DATA).length, 1);
    client.permit(PEER);
    bench.wait(299);
    assert.equal(bench.fromPeer(relay, PEER, DATA).length, 1);
    bench.wait(1);
    assert.deepEqual(bench.fromPeer(relay, PEER, DATA), []);
  });

  it("uses a bound channel both ways; its permission must be renewed all the same", () => {
    const { bench, client, relay } = allocated();
    assert.equal(codeOf(client.bind(0x4001, PEER)), 0);
    const frame = encodeChannelData(0x4001, DATA, false);
    bench.handle(client.flow, frame);
    assert.deepEqual(
      bench.toPeers().map(({ peer, data }) => [peer, [...data]]),
      [[PEER, [...DATA]]],
    );
    assert.deepEqual(bench.fromPeer(relay, PEER, DATA), [frame]);
    bench.wait(300);
    bench.handle(client.flow, frame);
    assert.deepEqual(bench.toPeers(), []);
    client.permit(PEER);
    bench.handle(client.flow, frame);
    assert.equal(bench.toPeers().length, 1);
  });

  it("ends a channel after 600 s and frees number and peer", () => {
    const { bench, client } = allocated();
    client.bind(0x4001, PEER);
    client.refresh(3600);
    bench.wait(599);
    assert.equal(codeOf(client.bind(0x4002, PEER)), 400);
    bench.wait(1);
    client.nonce = undefined;
    assert.equal(codeOf(client.bind(0x4002, PEER)), 0);
    assert.equal(codeOf(client.bind(0x4001, { ...PEER, port: 1 })), 0);
  });

  it("binds a number to one peer and a peer to one number, from 0x4000 to 0x4FFF, and RFC 5766's up to 0x7FFF", () => {
    const { client } = allocated();
    assert.equal(codeOf(client.bind(0x4001, PEER)), 0);
    assert.equal(codeOf(client.bind(0x4001, PEER)), 0);
    assert.equal(codeOf(client.bind(0x4001, { ...PEER, port: 7001 })), 400);
    assert.equal(codeOf(client.bind(0x4002, PEER)), 400);
    assert.equal(codeOf(client.bind(0x4002, { ...PEER, port: 7001 })), 0);
    assert.equal(codeOf(client.bind(0x7fff, { ...PEER, port: 7002 })), 0);
    for (const number of [0, 0x3fff, 0x8000, 0xffff])
      assert.equal(codeOf(client.bind(number, { ...PEER, port: 1 })), 400);
  });

  it("pads ChannelData on connections only", () => {
    const bench = new Bench();
    const client = bench.client(5000, { flow: { ...udpFlow(5000), door: 9, transport: "tcp" } });
    client.allocate();
    client.bind(0x4000, PEER);
    assert.equal(bench.fromPeer(client.relay, PEER, DATA)[0].length, 12);
    const { bench: other, client: overUdp } = allocated();
    overUdp.bind(0x4000, PEER);
    assert.equal(other.fromPeer(overUdp.relay, PEER, DATA)[0].length, 9);
  });

  it("carries empty datagrams and nothing that is too long for its header", () => {
    const { bench, client, relay } = allocated();
    client.permit(PEER);
    client.send(PEER, new Uint8Array(0));
    assert.equal(bench.toPeers()[0].data.length, 0);
    assert.equal(bench.fromPeer(relay, PEER, new Uint8Array(0)).length, 1);
    assert.deepEqual(bench.fromPeer(relay, PEER, new Uint8Array(65_507)), []);
  });

  it("refuses peers of the other family (443), requests without a peer and malformed ones (400)", () => {
    const { client } = allocated();
    const six = address("2001:db8::7", 1);
    assert.equal(codeOf(client.permit(six)), 443);
    assert.equal(codeOf(client.bind(0x4000, six)), 443);
    assert.equal(codeOf(client.permit()), 400);
    const bad = { type: Type.XorPeerAddress, value: Uint8Array.of(0, 1, 0, 0, 1, 2) };
    assert.equal(codeOf(client.ask(StunMethod.CreatePermission, () => [bad])), 400);
    assert.equal(
      codeOf(client.ask(StunMethod.ChannelBind, () => [uint32Attribute(Type.ChannelNumber, 0x40000000)])),
      400,
    );
  });

  it("drops a Send that wants what it cannot give", () => {
    const { bench, client } = allocated();
    client.permit(PEER);
    client.send(PEER, DATA, { type: Type.DontFragment, value: new Uint8Array(0) });
    client.send(PEER, DATA, { type: 0x7abc, value: new Uint8Array(0) });
    client.send({ ...PEER, port: 0 }, DATA);
    assert.deepEqual(bench.toPeers(), []);
  });

  it("keeps the allocations of two clients apart", () => {
    const bench = new Bench();
    const [one, two] = [bench.client(5000), bench.client(5001)];
    one.allocate();
    const first = one.relay;
    two.allocate();
    one.permit(PEER);
    bench.outputs.length = 0;
    assert.deepEqual(bench.fromPeer(first + 1, PEER, DATA), []);
    bench.fromPeer(first, PEER, DATA);
    assert.deepEqual(bench.ofType("client")[0].flow, one.flow);
  });

  it("bounds permissions and channels", () => {
    const bench = new Bench({ limits: { maxPermissions: 3, maxChannels: 2 } });
    const { client } = allocated(bench);
    const peer = (i: number) => address(`198.51.100.${i}`, 1);
    assert.equal(codeOf(client.bind(0x4000, peer(1))), 0);
    assert.equal(codeOf(client.bind(0x4001, { ...peer(1), port: 2 })), 0);
    assert.equal(codeOf(client.bind(0x4002, { ...peer(1), port: 3 })), 508);
    assert.equal(codeOf(client.bind(0x4001, { ...peer(1), port: 2 })), 0);
    assert.equal(codeOf(client.permit(peer(2), peer(3))), 0);
    assert.equal(codeOf(client.permit(peer(4))), 508);
    assert.equal(codeOf(client.permit(peer(3))), 0);
    bench.wait(300);
    assert.equal(codeOf(client.permit(peer(4))), 0);
  });
});

describe("TURN server: whom it relays to (RFC 8656 §21.4)", () => {
  const REFUSED = [
    ...["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "10.1.2.3", "172.16.0.1", "172.31.255.255"],
    ...["192.168.0.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "239.255.255.255", "240.0.0.1"],
    ...["255.255.255.255", "192.0.2.1", "198.18.0.1", "203.0.113.9"],
    ...[
      "::",
      "::1",
      "::127.0.0.1",
      "::ffff:127.0.0.1",
      "::ffff:8.8.8.8",
      "::ffff:0:1",
      "0:0:0:0:0:ffff:a00:1",
    ],
    ...["64:ff9b::a00:1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fdff::1", "ff02::1", "ff0e::1"],
    ...["2001:0:1::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "4000::1", "8000::1", "100::1"],
  ];
  const ALLOWED = [
    ...["8.8.8.8", "1.1.1.1", "126.255.255.255", "128.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1"],
    ...["100.63.0.1", "100.128.0.1", "169.253.1.1", "223.255.255.255", "9.255.255.255", "11.0.0.0"],
    ...["2001:4860:4860::8888", "2606:4700::1111", "2a00::1", "2003::1", "3ffe::1"],
  ];
  const allows = (policy: PeerPolicy, text: string) => {
    const ip = parseIp(text);
    assert.ok(ip, text);
    return policy.allows(ip);
  };

  it("is nobody's way into this machine and the networks around it", () => {
    const policy = new PeerPolicy();
    for (const text of REFUSED) assert.equal(allows(policy, text), false, text);
    for (const text of ALLOWED) assert.equal(allows(policy, text), true, text);
  });

  it("makes the configured exceptions and no others", () => {
    const policy = new PeerPolicy({ allow: prefixes("10.1.0.0/16", "::1", "fd00::/8") });
    for (const text of ["10.1.2.3", "::1", "fd12::1"]) assert.equal(allows(policy, text), true, text);
    for (const text of ["10.2.0.1", "127.0.0.1", "fc00::1", "::ffff:10.1.2.3"])
      assert.equal(allows(policy, text), false, text);
  });

  it("lets a mapped address through only when it and the one inside are allowed", () => {
    const mapped = "::ffff:0:0/96";
    const both = new PeerPolicy({ allow: prefixes(mapped, "127.0.0.0/8") });
    assert.equal(allows(both, "::ffff:127.0.0.1"), true);
    assert.equal(allows(both, "::ffff:10.0.0.1"), false);
    assert.equal(allows(new PeerPolicy({ allow: prefixes(mapped) }), "::ffff:127.0.0.1"), false);
    const denied = new PeerPolicy({ allow: prefixes(mapped), deny: prefixes("8.8.8.0/24") });
    assert.equal(allows(denied, "::ffff:8.8.8.8"), false);
  });

  it("denies before it allows", () => {
    const policy = new PeerPolicy({
      allow: prefixes("10.0.0.0/8"),
      deny: prefixes("10.9.0.0/16", "8.8.8.8"),
    });
    assert.equal(allows(policy, "10.8.0.1"), true);
    assert.equal(allows(policy, "10.9.0.1"), false);
    assert.equal(allows(policy, "8.8.8.8"), false);
  });

  it("answers 403 for them, to CreatePermission and ChannelBind alike", () => {
    const bench = new Bench({ policy: new PeerPolicy({ allow: TEST_PEERS }) });
    const { client } = allocated(bench);
    const six = bench.client(5001);
    six.allocate({ type: Type.RequestedAddressFamily, value: Uint8Array.of(2, 0, 0, 0) });
    for (const text of REFUSED.filter((text) => !text.startsWith("2001:db8"))) {
      const asker = text.includes(":") ? six : client;
      assert.equal(codeOf(asker.permit(address(text, 80))), 403, text);
      assert.equal(codeOf(asker.bind(0x4000, address(text, 80))), 403, text);
    }
  });
});
