/** The TURN server and clients that say anything: before authentication no answer is larger than what was asked. */
import assert from "node:assert/strict";
import {
  StunMethod,
  StunAttributeType as Type,
  uint32Attribute,
  xorAddressAttribute,
} from "../../../src/protocol/stun/index.js";
import { encodeChannelData } from "../../../src/protocol/turn/index.js";
import { type BareClient, Bench, PEER, UDP, udpFlow } from "../../protocol/turn_server/bench.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";

function allocated(): { bench: Bench; client: BareClient } {
  const bench = new Bench();
  const client = bench.client();
  client.allocate();
  client.bind(0x4000, PEER);
  bench.outputs.length = 0;
  return { bench, client };
}

function assertNoAmplification(bench: Bench, datagrams: readonly Uint8Array[]): void {
  const stranger = udpFlow(9, "192.0.2.99");
  let received = 0;
  let sent = 0;
  for (const datagram of datagrams) {
    received += datagram.length;
    for (const reply of bench.handle(stranger, datagram)) sent += reply.length;
    assert.ok(sent <= received, `${sent} bytes for ${received}`);
  }
}

export const target: FuzzTarget = {
  name: "turn_server",
  sources: ["src/protocol/turn_server/"],
  seeds: () => {
    const { client } = allocated();
    const peer = (id: Uint8Array) => xorAddressAttribute(Type.XorPeerAddress, PEER, id);
    const requests = [
      client.encode(StunMethod.Allocate, () => [UDP]),
      client.encode(StunMethod.Refresh, () => [uint32Attribute(Type.Lifetime, 60)]),
      client.encode(StunMethod.CreatePermission, (id) => [peer(id), peer(id)]),
      client.encode(StunMethod.ChannelBind, (id) => [
        uint32Attribute(Type.ChannelNumber, 0x40010000),
        peer(id),
      ]),
      client.encode(StunMethod.Send, (id) => [peer(id), { type: Type.Data, value: Uint8Array.of(1, 2) }]),
      encodeChannelData(0x4000, Uint8Array.of(1, 2, 3), false),
    ];
    return [joinDatagrams(requests), ...requests.map((request) => joinDatagrams([request]))];
  },
  run(input) {
    const datagrams = datagramsOf(input);
    const { bench, client } = allocated();
    for (const datagram of datagrams) {
      assert.ok(bench.handle(client.flow, datagram).length <= 1);
      bench.fromPeer(client.relay, PEER, datagram);
    }
    assertNoAmplification(bench, datagrams);
    assert.ok(bench.openPorts.size <= 2);
    bench.wait(4000);
    assert.equal(bench.openPorts.size, 0, "what nobody refreshes ends");
  },
};
