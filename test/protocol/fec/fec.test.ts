import assert from "node:assert/strict";
import { FecDecoder } from "../../../src/protocol/fec/fec_decoder.js";
import { FecEncoder } from "../../../src/protocol/fec/fec_encoder.js";
import { type FecFormat, FecHead, MAX_PROTECTED, readFec } from "../../../src/protocol/fec/fec_format.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

const SSRC = 0xcafe;
const MAX_BYTES = 1200;

/** An RTP packet with any contents behind its fixed header. */
function rtp(
  sequence: number,
  body: Uint8Array,
  { payloadType = 96, timestamp = sequence * 3000, marker = false } = {},
) {
  const packet = Buffer.alloc(12 + body.length);
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(SSRC, 8);
  packet.set(body, 12);
  return packet;
}

const random = seededRandom(Number(process.env.SEED ?? 4));

function packets(count: number, first = 65_530, most = 1100) {
  return Array.from({ length: count }, (_, i) => {
    const packet = rtp(first + i, random.bytes(1 + (random.uint32() % most)), { marker: i % 3 === 0 });
    // Padding, extension and CSRC count are protected like the rest.
    packet[0] |= random.uint32() & 0x3f;
    return packet;
  });
}

function parityOf(format: FecFormat, sent: readonly Uint8Array[]): Uint8Array {
  const encoder = new FecEncoder(format, MAX_BYTES);
  for (const packet of sent) assert.ok(encoder.add(packet, 0, packet.length));
  const out = new Uint8Array(1500);
  return out.slice(0, encoder.finish(out, 0));
}

/** What a decoder gives for what arrives. */
function repaired(decoder: FecDecoder): Buffer[] {
  const out: Buffer[] = [];
  const target = new Uint8Array(1500);
  for (let n = decoder.poll(target); n > 0; n = decoder.poll(target))
    out.push(Buffer.from(target.slice(0, n)));
  return out;
}

describe("ULPFEC (RFC 5109)", () => {
  it("protects four packets as the example of §10.1 does", () => {
    const example = [
      { sequence: 8, timestamp: 3, payloadType: 11, bytes: 200 },
      { sequence: 9, timestamp: 5, payloadType: 18, bytes: 140 },
      { sequence: 10, timestamp: 7, payloadType: 11, bytes: 100 },
      { sequence: 11, timestamp: 9, payloadType: 18, bytes: 340 },
    ];
    const sent = example.map(({ sequence, bytes, ...fields }) => rtp(sequence, random.bytes(bytes), fields));
    const parity = Buffer.from(parityOf("ulpfec", sent));
    assert.deepEqual([...parity.subarray(0, 2)], [0, 0], "E, L, P, X, CC, M and PT recovery");
    assert.equal(parity.readUInt16BE(2), 8, "SN base");
    assert.equal(parity.readUInt32BE(4), 8, "TS recovery");
    assert.equal(parity.readUInt16BE(8), 372, "length recovery");
    assert.equal(parity.readUInt16BE(10), 340, "protection length");
    assert.equal(parity.readUInt16BE(12), 61_440, "mask");
    assert.equal(parity.length, 14 + 340);
  });

  it("refuses the reserved bit, lengths that lie, and masks of nothing", () => {
    const parity = parityOf("ulpfec", packets(3));
    const head = new FecHead();
    const read = (change: (bytes: Uint8Array) => Uint8Array) => {
      const bytes = change(parity.slice());
      return readFec("ulpfec", bytes, 0, bytes.length, head);
    };
    assert.ok(read((bytes) => bytes));
    assert.ok(!read((bytes) => Uint8Array.from(bytes, (byte, i) => (i === 0 ? byte | 0x80 : byte))));
    assert.ok(!read((bytes) => bytes.fill(0xff, 10, 12)));
    assert.ok(!read((bytes) => bytes.fill(0, 12, 14)));
    for (let length = 0; length < parity.length; length++)
      assert.ok(!read((bytes) => bytes.slice(0, length)));
  });
});

describe("FlexFEC (RFC 8627)", () => {
  for (const [count, head] of [
    [15, 12],
    [16, 16],
    [46, 16],
    [47, 24],
    [110, 24],
  ] as const) {
    it(`takes a mask of the right length for ${count} packets (§4.2.2.1)`, () => {
      const sent = packets(count, 65_500, 50);
      const parity = parityOf("flexfec", sent);
      const read = new FecHead();
      assert.ok(readFec("flexfec", parity, 0, parity.length, read));
      assert.equal(read.offset, head);
      assert.deepEqual(
        [...read.sequences.subarray(0, read.count)],
        sent.map((packet) => packet.readUInt16BE(2)),
      );
    });
  }

  it("reads rows and columns (§4.2.2.2), and refuses retransmissions and blocks of nothing", () => {
    const block = (flags: number, columns: number, rows: number) =>
      Uint8Array.of(flags, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, columns, rows, 1, 2, 3);
    const head = new FecHead();
    const sequences = () => [...head.sequences.subarray(0, head.count)];
    assert.ok(readFec("flexfec", block(0x40, 4, 0), 0, 15, head));
    assert.deepEqual(sequences(), [65_534, 65_535, 0, 1]);
    assert.ok(readFec("flexfec", block(0x40, 5, 3), 0, 15, head));
    assert.deepEqual(sequences(), [65_534, 3, 8]);
    assert.ok(!readFec("flexfec", block(0x40, 0, 3), 0, 15, head));
    assert.ok(!readFec("flexfec", block(0x40, 255, 0), 0, 15, head));
    assert.ok(!readFec("flexfec", block(0x80, 4, 0), 0, 15, head));
  });
});

for (const format of ["ulpfec", "flexfec"] as const) {
  describe(`repair by ${format}`, () => {
    it("restores any one packet of a group, bit for bit, wherever the parity packet stands", () => {
      const sent = packets(10);
      const parity = parityOf(format, sent);
      for (let lost = 0; lost < sent.length; lost++) {
        for (const parityFirst of [true, false]) {
          const decoder = new FecDecoder({ format, ssrc: SSRC });
          if (parityFirst) decoder.handleParity(parity, 0, parity.length);
          for (const [i, packet] of sent.entries())
            if (i !== lost) decoder.handlePacket(packet, 0, packet.length);
          if (!parityFirst) decoder.handleParity(parity, 0, parity.length);
          assert.deepEqual(repaired(decoder), [sent[lost]]);
          assert.equal(decoder.stats.recovered, 1);
        }
      }
    });

    it("restores what another repair made possible", () => {
      const sent = packets(6);
      const rows = [sent.slice(0, 3), sent.slice(2, 6)].map((group) => parityOf(format, group));
      const decoder = new FecDecoder({ format, ssrc: SSRC });
      for (const i of [0, 1, 3, 4]) decoder.handlePacket(sent[i], 0, sent[i].length);
      for (const parity of [rows[1], rows[0]]) decoder.handleParity(parity, 0, parity.length);
      assert.deepEqual(repaired(decoder), [sent[2], sent[5]]);
    });

    it("restores nothing where two are lost, and nothing twice", () => {
      const sent = packets(5);
      const parity = parityOf(format, sent);
      const decoder = new FecDecoder({ format, ssrc: SSRC });
      decoder.handleParity(parity, 0, parity.length);
      for (const i of [0, 1, 2]) decoder.handlePacket(sent[i], 0, sent[i].length);
      assert.deepEqual(repaired(decoder), []);
      decoder.handlePacket(sent[3], 0, sent[3].length);
      assert.deepEqual(repaired(decoder), [sent[4]]);
      for (const packet of sent) decoder.handlePacket(packet, 0, packet.length);
      decoder.handleParity(parity, 0, parity.length);
      assert.deepEqual(repaired(decoder), []);
    });

    it("is not made to work or remember without end by parity that claims to protect everything", () => {
      const decoder = new FecDecoder({ format, ssrc: SSRC });
      const target = new Uint8Array(1500);
      for (let i = 0; i < 20_000; i++) {
        const parity = new Uint8Array(60 + (random.uint32() % 1300)).fill(0xff);
        parity[0] = random.uint32() & 0x7f;
        if (random.uint32() % 2 === 0) parity.set(random.bytes(24));
        if (format === "ulpfec") new DataView(parity.buffer).setUint16(10, random.uint32() % 1300);
        decoder.handleParity(parity, 0, parity.length);
        const packet = rtp(i, random.bytes(20));
        decoder.handlePacket(packet, 0, packet.length);
        for (let n = decoder.poll(target); n > 0; n = decoder.poll(target)) assert.ok(n >= 12 && n <= 1500);
      }
      const { parityReceived, parityRefused, parityDiscarded } = decoder.stats;
      assert.equal(parityReceived, 20_000);
      assert.ok(
        parityRefused + parityDiscarded > 10_000,
        `${parityRefused} refused, ${parityDiscarded} discarded`,
      );
      const sent = packets(4, 40_000);
      const parity = parityOf(format, sent);
      for (const packet of sent.slice(1)) decoder.handlePacket(packet, 0, packet.length);
      decoder.handleParity(parity, 0, parity.length);
      assert.ok(
        repaired(decoder).some((packet) => packet.equals(sent[0])),
        "honest parity still repairs",
      );
    });

    it("makes groups as far as the mask goes", () => {
      const encoder = new FecEncoder(format, MAX_BYTES);
      const sent = packets(MAX_PROTECTED[format] + 1, 65_500, 30);
      const taken = sent.map((packet) => encoder.add(packet, 0, packet.length));
      assert.deepEqual(taken, [...new Array(MAX_PROTECTED[format]).fill(true), false]);
      const out = new Uint8Array(1500);
      assert.ok(encoder.finish(out, 0) > 0);
      assert.ok(!encoder.add(new Uint8Array(11), 0, 11));
      assert.equal(encoder.finish(out, 0), 0);
    });
  });
}
