import assert from "node:assert/strict";
import type { LinkOptions } from "../../../src/protocol/netem/index.js";
import { formatTransportAddress, type TransportAddress } from "../../../src/protocol/primitives/address.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  decodeStun,
  encodeStun,
  StunClass,
  StunMessage,
  StunMethod,
  StunAttributeType as Type,
} from "../../../src/protocol/stun/index.js";
import { TurnClient, type TurnClientOptions, type TurnOutput } from "../../../src/protocol/turn/index.js";
import { address, type Node, World } from "../ice/world.js";
import { hmacSha1, md5 } from "../stun/crypto.js";
import { PASSWORD, TurnServerNode, USER } from "./turn_server_node.js";

const SERVER = address("198.51.100.1", 3478);
const CLIENT = address("192.0.2.1", 5000);
const PEER = address("203.0.113.9", 7000);

class ClientNode implements Node {
  readonly addresses = [CLIENT];
  readonly client: TurnClient;
  readonly outputs: TurnOutput[] = [];

  constructor(
    readonly world: World,
    options: Partial<TurnClientOptions>,
  ) {
    this.client = new TurnClient({
      transport: "udp",
      username: USER,
      password: PASSWORD,
      random: world.random,
      hmacSha1,
      md5,
      ...options,
    });
  }

  receive(_at: TransportAddress, _from: TransportAddress, data: Uint8Array, nowUs: number): void {
    this.client.handleMessage(data, nowUs);
    this.drain();
  }

  handleTimeout(nowUs: number): void {
    this.client.handleTimeout(nowUs);
    this.drain();
  }

  nextDeadlineUs(): number {
    return this.client.nextDeadlineUs();
  }

  drain(): void {
    for (let o = this.client.pollOutput(); o; o = this.client.pollOutput()) {
      if (o.type === "transmit") this.world.send(this, CLIENT, SERVER, o.data);
      else this.outputs.push(o);
    }
  }

  last<T extends TurnOutput["type"]>(type: T): Extract<TurnOutput, { type: T }> | undefined {
    return this.outputs.findLast((o): o is Extract<TurnOutput, { type: T }> => o.type === type);
  }
}

/** Somebody out there who says everything back. */
class EchoNode implements Node {
  readonly addresses = [PEER];
  readonly received: Uint8Array[] = [];

  constructor(readonly world: World) {}

  receive(at: TransportAddress, from: TransportAddress, data: Uint8Array): void {
    this.received.push(data);
    this.world.send(this, at, from, data);
  }
}

function setup(
  seed: number,
  options: Partial<TurnClientOptions> = {},
  link: LinkOptions = { delayUs: 5000 },
) {
  const world = new World(seed);
  const server = world.add(new TurnServerNode(world, SERVER), link);
  const node = world.add(new ClientNode(world, options), link);
  const echo = world.add(new EchoNode(world), { delayUs: 1000 });
  const allocate = () => {
    node.client.allocate(world.nowUs);
    node.drain();
    return world.run(60e6, () => node.client.state === "allocated");
  };
  const send = (data: Uint8Array) => {
    node.client.send(PEER, data, world.nowUs);
    node.drain();
  };
  return { world, server, node, echo, allocate, send };
}

describe("TURN client (RFC 8656)", () => {
  it("allocates after the challenge, with long-term credentials", () => {
    const { node, server, allocate, world } = setup(1);
    assert.ok(allocate());
    assert.deepEqual(server.log, ["3 401", "3 ok"]);
    const out = node.last("allocated");
    assert.deepEqual(out?.relayed, { family: 4, address: "198.51.100.1", port: 50000 });
    assert.deepEqual(out?.mapped, CLIENT);
    assert.equal(world.nowUs, 20_000);
  });

  it("asks for the permission once and sends what waited for it", () => {
    const { node, server, echo, allocate, send, world } = setup(2);
    allocate();
    send(Uint8Array.of(1));
    send(Uint8Array.of(2));
    world.run(1e6);
    assert.deepEqual(
      echo.received.map((d) => d[0]),
      [1, 2],
    );
    assert.equal(server.log.filter((l) => l === "8 ok").length, 1);
    const data = node.outputs.filter((o) => o.type === "data");
    assert.deepEqual(
      data.map((o) => (o.type === "data" ? [formatTransportAddress(o.from), o.data[0]] : [])),
      [
        ["203.0.113.9:7000", 1],
        ["203.0.113.9:7000", 2],
      ],
    );
  });

  it("uses a channel once it is bound, both ways", () => {
    const { node, server, echo, allocate, send, world } = setup(3);
    allocate();
    node.client.bindChannel(PEER, world.nowUs);
    node.drain();
    world.run(1e6);
    send(Uint8Array.of(9, 8, 7));
    world.run(1e6);
    assert.equal(server.channelData, 1);
    assert.equal(server.dataIndications, 0);
    assert.deepEqual([...echo.received[0]], [9, 8, 7]);
    const data = node.last("data");
    assert.deepEqual(
      [formatTransportAddress(data?.from ?? PEER), [...(data?.data ?? [])]],
      ["203.0.113.9:7000", [9, 8, 7]],
    );
  });

  it("keeps allocation, permission and channel alive for hours, through changing nonces", () => {
    const { node, server, allocate, send, world, echo } = setup(4);
    allocate();
    send(Uint8Array.of(1));
    node.client.bindChannel(PEER, world.nowUs);
    node.drain();
    for (let hour = 0; hour < 40; hour++) {
      world.run(600e6);
      server.nonce++;
      send(Uint8Array.of(hour));
      world.run(1e6);
    }
    assert.equal(node.client.state, "allocated");
    assert.equal(echo.received.length, 41);
    assert.ok(server.channelData >= 40);
    assert.ok(node.client.counters.staleNonces >= 39);
    assert.equal(node.client.counters.dropped, 0);
  });

  it("refreshes a short lifetime in time", () => {
    const { node, server, allocate, world } = setup(5);
    server.lifetimeSeconds = 30;
    allocate();
    world.run(600e6);
    assert.equal(node.client.state, "allocated");
    assert.ok(server.log.filter((l) => l.startsWith("4 ok")).length >= 20);
  });

  it("gives the allocation back at close", () => {
    const { node, server, allocate, world } = setup(6);
    allocate();
    node.client.close(world.nowUs);
    node.drain();
    world.run(1e6);
    assert.equal(server.log.at(-1), "4 ok 0");
    assert.equal(node.client.state, "closed");
    assert.equal(node.last("closed")?.type, "closed");
    assert.equal(node.client.nextDeadlineUs(), Infinity);
  });

  it("ends with 401 on a wrong password instead of trying for ever", () => {
    const { node, server, allocate } = setup(7, { password: "wrong" });
    assert.ok(!allocate());
    assert.equal(node.last("failed")?.code, 401);
    assert.deepEqual(server.log, ["3 401", "3 401"]);
  });

  it("reports 486, and an alternate server of 300", () => {
    const quota = setup(8);
    quota.server.refuseAllocate = { code: 486 };
    quota.allocate();
    assert.equal(quota.node.last("failed")?.code, 486);
    const moved = setup(9);
    const value = Uint8Array.of(0, 1, 0x0d, 0x96, 198, 51, 100, 2);
    moved.server.refuseAllocate = { code: 300, attributes: [{ type: Type.AlternateServer, value }] };
    moved.allocate();
    assert.deepEqual(moved.node.last("redirected")?.server, {
      family: 4,
      address: "198.51.100.2",
      port: 3478,
    });
    assert.equal(moved.node.client.state, "failed");
  });

  it("says which peer is denied and keeps the allocation", () => {
    const { node, server, allocate, send, world } = setup(10);
    server.deniedPeers.add(PEER.address);
    allocate();
    send(Uint8Array.of(1));
    world.run(1e6);
    const denied = node.last("denied");
    assert.deepEqual([denied?.code, denied?.peer.address], [403, PEER.address]);
    assert.equal(node.client.state, "allocated");
    assert.equal(node.client.counters.dropped, 1);
  });

  it("fails when the server forgets the allocation", () => {
    const { node, server, allocate, world } = setup(11);
    allocate();
    server.allocations.clear();
    world.run(600e6);
    assert.equal(node.last("failed")?.code, 437);
  });

  it("fails with 701 when the server is silent, and not before 39.5 s over UDP", () => {
    const { node, server, world } = setup(12);
    world.remove(server);
    node.client.allocate(0);
    node.drain();
    world.run(39.4e6);
    assert.equal(node.client.state, "allocating");
    world.run(0.2e6);
    assert.equal(node.last("failed")?.code, 701);
  });

  it("comes through a bad network with every seed", () => {
    for (let seed = 20; seed < 60; seed++) {
      const { node, server, allocate, send, world, echo } = setup(
        seed,
        {},
        { delayUs: 20_000, jitterUs: 20_000, loss: 0.2, duplicate: 0.1, reorder: 0.1 },
      );
      assert.ok(allocate(), `seed ${seed}: ${JSON.stringify(node.outputs)} ${server.log}`);
      for (let i = 0; i < 60 && echo.received.length === 0; i++) {
        send(Uint8Array.of(i));
        world.run(1e6);
      }
      assert.ok(echo.received.length > 0, `seed ${seed}`);
    }
  });

  it("believes no answer with wrong integrity, and no data from strangers", () => {
    const { node, allocate, world } = setup(13);
    allocate();
    const sent: Uint8Array[] = [];
    world.onSend = (d) => sent.push(d.data);
    node.client.permit(PEER, world.nowUs);
    node.drain();
    const request = decodeStun(sent[0]);
    assert.ok(request instanceof StunMessage);
    node.client.handleMessage(
      encodeStun({
        method: StunMethod.CreatePermission,
        messageClass: StunClass.SuccessResponse,
        transactionId: request.transactionId,
        integrity: { key: new Uint8Array(16), hmac: hmacSha1 },
      }),
      world.nowUs,
    );
    assert.equal(node.client.counters.unauthenticated, 1);
    // A Data indication naming somebody nobody asked for, and a channel nobody bound.
    const stranger = setup(14);
    stranger.allocate();
    const id = new Uint8Array(12);
    stranger.node.client.handleMessage(
      encodeStun({
        method: StunMethod.Data,
        messageClass: StunClass.Indication,
        transactionId: id,
        attributes: [
          { type: Type.XorPeerAddress, value: Uint8Array.of(0, 1, 1, 2, 3, 4, 5, 6) },
          { type: Type.Data, value: Uint8Array.of(1) },
        ],
      }),
      0,
    );
    stranger.node.client.handleMessage(Uint8Array.of(0x40, 0x01, 0, 1, 9), 0);
    assert.equal(stranger.node.client.counters.fromStrangers, 2);
    assert.equal(stranger.node.last("data"), undefined);
  });

  it("survives damaged messages without losing the allocation", () => {
    const { node, allocate, world } = setup(15);
    allocate();
    const random = seededRandom(15);
    for (let i = 0; i < 10_000; i++) {
      const data = random.bytes(4 + (random.uint32() % 80));
      data[0] &= i % 2 ? 0x4f : 0x01;
      if (i % 3 === 0 && data.length >= 20) data.set([0, data.length - 20, 0x21, 0x12, 0xa4, 0x42], 2);
      node.client.handleMessage(data, world.nowUs);
      node.client.pollOutput();
    }
    assert.equal(node.client.state, "allocated");
  });

  it("bounds permissions and what waits for them", () => {
    const { node, allocate, world } = setup(16);
    allocate();
    let transmitted = 0;
    for (let i = 0; i < 5000; i++)
      node.client.send(address(`10.0.${i >> 8}.${i & 255}`, 1), Uint8Array.of(1), world.nowUs);
    for (let o = node.client.pollOutput(); o; o = node.client.pollOutput()) transmitted++;
    assert.equal(transmitted, 128);
    for (let i = 0; i < 100; i++) node.client.send(address("10.0.0.1", 1), Uint8Array.of(1), world.nowUs);
    assert.ok(node.client.counters.dropped > 4900);
  });
});
