import assert from "node:assert/strict";
import { DatagramTable } from "../../native/addon.js";
import { AddressTable } from "../../src/media/session/address_table.js";
import { PortDemux } from "../../src/media/session/port_demux.js";
import { parseIp } from "../../src/protocol/primitives/address.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import {
  encodeStun,
  StunClass,
  StunMethod,
  StunAttributeType as Type,
  textAttribute,
} from "../../src/protocol/stun/index.js";

const random = seededRandom(20_261);

/** One entry that says where a datagram came from. */
function from(address: string, port: number): Int32Array {
  const table = new Int32Array(DatagramTable.words);
  const ip = parseIp(address) as Uint8Array;
  table[DatagramTable.family] = ip.length === 4 ? 4 : 6;
  table[DatagramTable.port] = port;
  new Uint8Array(table.buffer).set(ip, 4 * DatagramTable.address);
  return table;
}

function request(username?: string): Uint8Array {
  return encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.Request,
    transactionId: random.bytes(12),
    attributes: username === undefined ? [] : [textAttribute(Type.Username, username)],
  });
}

function answerTo(message: Uint8Array): Uint8Array {
  const transactionId = message.slice(8, 20);
  return encodeStun({ method: StunMethod.Binding, messageClass: StunClass.SuccessResponse, transactionId });
}

const RTP = Uint8Array.of(0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1);

describe("a shared port's datagrams", () => {
  let demux: PortDemux<string>;
  const find = (data: Uint8Array, source: Int32Array) => demux.find(data, 0, data.length, source, 0);

  beforeEach(() => {
    demux = new PortDemux();
    demux.addFragment("aaaa", "A");
    demux.addFragment("bbbb", "B");
  });

  it("go by the fragment in a check, wherever it comes from, at any offset of the slab", () => {
    const check = request("bbbb:remote");
    assert.equal(find(check, from("192.0.2.1", 5000)), "B");
    const slab = new Uint8Array(check.length + 7);
    slab.set(check, 7);
    assert.equal(demux.find(slab, 7, check.length, from("2001:db8::1", 1), 0), "B");
  });

  it("go by the transaction in an answer, so that all may ask one server", () => {
    const server = from("198.51.100.1", 3478);
    const [first, second] = [request(), request()];
    demux.noteSent(first, "A");
    demux.noteSent(second, "B");
    assert.equal(find(answerTo(second), server), "B");
    assert.equal(find(answerTo(first), server), "A");
    assert.equal(find(answerTo(request()), server), undefined);
  });

  it("go by their source else, once a check from there was authentic", () => {
    const source = from("192.0.2.1", 5000);
    assert.equal(find(RTP, source), undefined);
    demux.claim(source, 0, "A");
    assert.equal(find(RTP, source), "A");
    assert.equal(find(RTP, from("192.0.2.1", 5001)), undefined);
    assert.equal(find(RTP, from("192.0.2.2", 5000)), undefined);
  });

  it("are not stolen by a check that nobody has authenticated", () => {
    const source = from("192.0.2.1", 5000);
    demux.claim(source, 0, "A");
    assert.equal(find(request("bbbb:x"), source), "B", "B is to examine it");
    assert.equal(find(RTP, source), "A");
    demux.claimFree(source, 0, "B");
    assert.equal(find(RTP, source), "A", "an answer takes nothing from another");
    demux.claim(source, 0, "B");
    assert.equal(find(RTP, source), "B", "an authentic check moves it");
  });

  it("leave nothing behind when they are nobody's", () => {
    const before = demux.held;
    for (let i = 0; i < 10_000; i++) {
      const source = from(`10.${i & 255}.${i >> 8}.1`, 1024 + i);
      assert.equal(find(request(`u${i}:x`), source), undefined);
      assert.equal(find(RTP, source), undefined);
    }
    assert.equal(demux.held, before);
    assert.equal(demux.unclaimed, 20_000);
  });

  it("are bounded in what one connection may hold, and in open requests", () => {
    for (let i = 0; i < 1000; i++) demux.claim(from("192.0.2.1", 1000 + i), 0, "A");
    for (let i = 0; i < 20_000; i++) demux.noteSent(request(), "A");
    assert.ok(demux.held < 8192 + 256, String(demux.held));
    assert.equal(find(RTP, from("192.0.2.1", 1999)), "A", "the youngest is there");
  });

  it("are nobody's once their connection is gone, and another's stay", () => {
    demux.claim(from("192.0.2.1", 5000), 0, "A");
    demux.claim(from("192.0.2.2", 5000), 0, "B");
    const asked = request();
    demux.noteSent(asked, "A");
    demux.addFragment("a2a2", "A");
    demux.remove("A");
    assert.equal(find(RTP, from("192.0.2.1", 5000)), undefined);
    assert.equal(find(request("aaaa:x"), from("192.0.2.1", 5000)), undefined);
    assert.equal(find(request("a2a2:x"), from("192.0.2.1", 5000)), undefined);
    assert.equal(find(answerTo(asked), from("192.0.2.1", 5000)), undefined);
    assert.equal(find(RTP, from("192.0.2.2", 5000)), "B");
    demux.remove("B");
    assert.equal(demux.held, 0);
  });

  it("survive damaged STUN", () => {
    const seed = 4711;
    const noise = seededRandom(seed);
    for (let i = 0; i < 20_000; i++) {
      const data = request("bbbb:remote");
      const length = noise.uint32() % (data.length + 1);
      for (let n = noise.uint32() % 4; n > 0; n--) data[noise.uint32() % data.length] = noise.uint32();
      const found = demux.find(data, 0, length, from("192.0.2.1", 5000), 0);
      assert.ok(found === undefined || found === "B", `seed ${seed}`);
    }
  });
});

describe("AddressTable", () => {
  it("agrees with a map, whatever is put in and taken out", () => {
    const seed = 99;
    const noise = seededRandom(seed);
    const table = new AddressTable<number>();
    const model = new Map<string, { source: Int32Array; value: number }>();
    for (let i = 0; i < 5000; i++) {
      const [family, host, port] = [noise.uint32() % 2, noise.uint32() % 16, 1 + (noise.uint32() % 64)];
      const address = family === 0 ? `10.0.0.${host}` : `2001:db8::${host.toString(16)}`;
      const value = noise.uint32() % 20;
      const source = from(address, port);
      if (noise.uint32() % 50 === 0) {
        table.removeValue(value);
        for (const [key, held] of model) if (held.value === value) model.delete(key);
      } else {
        table.set(source, 0, value);
        model.set(`${address} ${port}`, { source, value });
      }
      if (i % 100 !== 0) continue;
      assert.equal(table.size, model.size, `seed ${seed}`);
      for (const { source, value } of model.values())
        assert.equal(table.get(source, 0), value, `seed ${seed}`);
    }
  });
});
