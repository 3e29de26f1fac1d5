import assert from "node:assert/strict";
import { DatagramTable, native, SrtpError, type SrtpProfile } from "../../native/addon.js";

const profiles: readonly SrtpProfile[] = ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_SHA1_80"];
const keyBytes: Record<SrtpProfile, [key: number, salt: number]> = {
  AEAD_AES_128_GCM: [16, 12],
  AEAD_AES_256_GCM: [32, 12],
  AES128_CM_SHA1_80: [16, 14],
};

function context(profile: SrtpProfile, replayWindow = 1024) {
  const [key, salt] = keyBytes[profile];
  const masterKey = Uint8Array.from({ length: key }, (_, i) => 7 * i + 1);
  const masterSalt = Uint8Array.from({ length: salt }, (_, i) => 11 * i + 5);
  return new native.SrtpContext({ profile, masterKey, masterSalt, replayWindow });
}

/** An RTP packet with one CSRC and a header extension of two words. */
function rtpPacket(sequence: number, ssrc = 0x1234, payload = "a payload of some length") {
  const header = Buffer.alloc(28);
  header[0] = 0x80 | 0x10 | 1;
  header[1] = 96;
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE(90000, 4);
  header.writeUInt32BE(ssrc, 8);
  header.writeUInt32BE(0xbede0002, 16);
  return Buffer.concat([header, Buffer.from(payload)]);
}

function rtcpPacket(ssrc = 0x1234) {
  const packet = Buffer.alloc(28, 0x5a);
  packet.set([0x80, 200, 0, 6]);
  packet.writeUInt32BE(ssrc, 4);
  return packet;
}

function withRoom(packet: Uint8Array, overhead: number) {
  const buffer = Buffer.alloc(packet.length + overhead);
  buffer.set(packet);
  return buffer;
}

type Context = ReturnType<typeof context>;

function protectRtp(sender: Context, packet: Uint8Array) {
  const buffer = withRoom(packet, sender.rtpOverhead);
  const length = sender.protectRtp(buffer, 0, packet.length);
  return length < 0 ? length : buffer.subarray(0, length);
}

function sealed(sender: Context, packet: Uint8Array) {
  const result = protectRtp(sender, packet);
  assert.ok(typeof result !== "number", `refused with ${String(result)}`);
  return result;
}

function open(receiver: Context, packet: Uint8Array) {
  const copy = Uint8Array.from(packet);
  const length = receiver.unprotectRtp(copy, 0, copy.length);
  return length < 0 ? length : Buffer.from(copy.subarray(0, length));
}

for (const profile of profiles) {
  describe(`SrtpContext ${profile}`, () => {
    it("encrypts the payload, leaves header, CSRC and extension clear, and restores the packet", () => {
      const packet = rtpPacket(1);
      const protectedPacket = sealed(context(profile), packet);
      assert.deepEqual(protectedPacket.subarray(0, 28), packet.subarray(0, 28));
      assert.notDeepEqual(protectedPacket.subarray(28, packet.length), packet.subarray(28));
      assert.deepEqual(open(context(profile), protectedPacket), packet);
    });

    it("refuses a packet changed anywhere", () => {
      const protectedPacket = sealed(context(profile), rtpPacket(1));
      const receiver = context(profile);
      for (let i = 0; i < protectedPacket.length; i++) {
        const forged = Buffer.from(protectedPacket);
        forged[i] = forged[i]! ^ 0x04;
        assert.ok(typeof open(receiver, forged) === "number", `byte ${i} may be changed unnoticed`);
      }
      assert.ok(Buffer.isBuffer(open(receiver, protectedPacket)), "forgeries must leave no state behind");
    });

    it("refuses replays and packets behind the window, accepts reordered ones", () => {
      const sender = context(profile);
      const packets = Array.from({ length: 200 }, (_, i) => sealed(sender, rtpPacket(i)));
      const receiver = context(profile, 64);
      assert.ok(Buffer.isBuffer(open(receiver, packets[100]!)));
      assert.equal(open(receiver, packets[100]!), SrtpError.replay);
      assert.ok(Buffer.isBuffer(open(receiver, packets[40]!)));
      assert.equal(open(receiver, packets[40]!), SrtpError.replay);
      assert.equal(open(receiver, packets[36]!), SrtpError.replay);
      assert.ok(Buffer.isBuffer(open(receiver, packets[37]!)));
      assert.ok(Buffer.isBuffer(open(receiver, packets[199]!)));
      assert.equal(open(receiver, packets[101]!), SrtpError.replay);
    });

    it("follows the sequence number over its end, also with loss and reordering there", () => {
      const sender = context(profile);
      const receiver = context(profile);
      const order: Buffer[] = [];
      for (let i = 65_000; i < 65_000 + 70_000; i += 97) order.push(sealed(sender, rtpPacket(i)));
      for (let i = 0; i + 1 < order.length; i += 2) {
        assert.ok(Buffer.isBuffer(open(receiver, order[i + 1]!)), `packet ${i + 1}`);
        assert.ok(Buffer.isBuffer(open(receiver, order[i]!)), `packet ${i}`);
      }
    });

    it("never protects one sequence number twice, which would repeat a nonce", () => {
      const sender = context(profile);
      sealed(sender, rtpPacket(7));
      assert.equal(protectRtp(sender, rtpPacket(7, 0x1234, "another payload")), SrtpError.replay);
      sealed(sender, rtpPacket(7, 0x9999));
    });

    it("keeps each source's indices apart", () => {
      const sender = context(profile);
      const receiver = context(profile);
      for (let i = 0; i < 300; i++) {
        const packet = rtpPacket(65_500 + i, 1 + (i % 3));
        assert.deepEqual(open(receiver, sealed(sender, packet)), packet);
      }
    });

    it("protects RTCP beyond its first eight bytes and refuses forgery and replay", () => {
      const sender = context(profile);
      const receiver = context(profile);
      for (let i = 0; i < 3; i++) {
        const packet = rtcpPacket();
        const buffer = withRoom(packet, sender.rtcpOverhead);
        assert.equal(sender.protectRtcp(buffer, 0, packet.length), buffer.length);
        assert.deepEqual(buffer.subarray(0, 8), packet.subarray(0, 8));
        assert.notDeepEqual(buffer.subarray(8, 28), packet.subarray(8));
        const forged = Buffer.from(buffer);
        forged[12] = forged[12]! ^ 1;
        assert.equal(receiver.unprotectRtcp(forged, 0, forged.length), SrtpError.authentication);
        const copy = Buffer.from(buffer);
        assert.equal(receiver.unprotectRtcp(copy, 0, copy.length), packet.length);
        assert.deepEqual(copy.subarray(0, packet.length), packet);
        assert.equal(receiver.unprotectRtcp(buffer, 0, buffer.length), SrtpError.replay);
      }
    });

    it("works in place on shared memory, at an offset", () => {
      const shared = new Uint8Array(new SharedArrayBuffer(256));
      const packet = rtpPacket(5);
      shared.set(packet, 33);
      const sender = context(profile);
      const length = sender.protectRtp(shared, 33, packet.length);
      assert.equal(length, packet.length + sender.rtpOverhead);
      assert.equal(context(profile).unprotectRtp(shared, 33, length), packet.length);
      assert.deepEqual(Buffer.from(shared.slice(33, 33 + packet.length)), packet);
    });

    it("calls anything that is no packet malformed and never throws for it", () => {
      const receiver = context(profile);
      for (let length = 0; length < 28; length++) {
        for (const fill of [0x00, 0x7f, 0x80, 0x9f, 0xff]) {
          const junk = new Uint8Array(length).fill(fill);
          assert.ok(receiver.unprotectRtp(junk, 0, length) < 0);
          assert.ok(receiver.unprotectRtcp(junk, 0, length) < 0);
        }
      }
      const lyingExtension = rtpPacket(1);
      lyingExtension.writeUInt16BE(0xffff, 18);
      assert.equal(open(receiver, lyingExtension), SrtpError.malformed);
    });
  });
}

describe("SrtpContext", () => {
  const gcm = "AEAD_AES_128_GCM";

  it("learns sources from authenticated packets alone, and a bounded number of them", () => {
    const stranger = new native.SrtpContext({
      profile: gcm,
      masterKey: new Uint8Array(16).fill(9),
      masterSalt: new Uint8Array(12),
    });
    const receiver = context(gcm);
    for (let ssrc = 0; ssrc < 1024; ssrc++) {
      assert.equal(open(receiver, sealed(stranger, rtpPacket(1, ssrc))), SrtpError.authentication);
    }
    // Forged packets filled no table: as many true sources still fit, and not one more.
    const sender = context(gcm);
    const other = context(gcm);
    for (let ssrc = 0; ssrc < 1024; ssrc++) {
      assert.ok(Buffer.isBuffer(open(receiver, sealed(sender, rtpPacket(1, ssrc)))));
    }
    assert.equal(open(receiver, sealed(other, rtpPacket(1, 5000))), SrtpError.authentication);
    assert.throws(() => protectRtp(sender, rtpPacket(1, 5000)), { code: "SRTP_TOO_MANY_SOURCES" });
  });

  it("does not serve both directions with one key", () => {
    const one = context(gcm);
    const packet = sealed(one, rtpPacket(1));
    assert.throws(() => open(one, packet), { code: "SRTP_DIRECTION" });
  });

  it("protects and unprotects a table of packets, marking the refused ones", () => {
    const words = DatagramTable.words;
    const slab = new Uint8Array(new SharedArrayBuffer(4 * 256));
    const table = new Int32Array(4 * words);
    const packets = [rtpPacket(1), rtpPacket(2), rtpPacket(2), rtpPacket(3)];
    packets.forEach((packet, i) => {
      slab.set(packet, i * 256);
      table[i * words + DatagramTable.offset] = i * 256;
      table[i * words + DatagramTable.length] = packet.length;
    });
    const sender = context(gcm);
    sender.protectRtpBatch(slab, table, 0, 4);
    const lengths = () => [0, 1, 2, 3].map((i) => table[i * words + DatagramTable.length]);
    const full = packets[0]!.length + sender.rtpOverhead;
    assert.deepEqual(lengths(), [full, full, SrtpError.replay, full]);
    const receiver = context(gcm);
    receiver.unprotectRtpBatch(slab, table, 0, 2);
    receiver.unprotectRtpBatch(slab, table, 3, 1);
    assert.deepEqual(lengths(), [full - 16, full - 16, SrtpError.replay, full - 16]);
    assert.deepEqual(Buffer.from(slab.slice(768, 768 + packets[3]!.length)), packets[3]);
  });

  it("names the wrong argument", () => {
    const masterKey = new Uint8Array(16);
    assert.throws(() => new native.SrtpContext({ profile: gcm, masterKey, masterSalt: masterKey }), {
      code: "OUT_OF_RANGE",
      message: /masterSalt must be 12 bytes/,
    });
    const sender = context(gcm);
    const packet = rtpPacket(1);
    assert.throws(() => sender.protectRtp(packet, 0, packet.length), { code: "OUT_OF_RANGE" });
    assert.throws(() => sender.protectRtp(packet, -1, 12), { code: "OUT_OF_RANGE" });
    assert.throws(() => sender.protectRtp([] as unknown as Uint8Array, 0, 0), { code: "INVALID_ARGUMENT" });
    sender.close();
    assert.throws(() => sender.protectRtp(packet, 0, 12), { code: "CLOSED" });
  });
});

describe("SrtpContext.recoverRtp", () => {
  for (const profile of profiles) {
    it(`opens what the sender protected, across a wrap of sequence numbers, and goes on sending (${profile})`, () => {
      const sender = context(profile);
      const receiver = context(profile);
      const plain = Array.from({ length: 40 }, (_, i) => rtpPacket(0xffec + i));
      const sent = plain.map((packet) => Buffer.from(sealed(sender, packet)));
      for (const i of [39, 0, 19, 20, 0]) {
        const copy = Uint8Array.from(sent[i]);
        assert.equal(sender.recoverRtp(copy, 0, copy.length), plain[i].length);
        assert.deepEqual(Buffer.from(copy.subarray(0, plain[i].length)), plain[i]);
      }
      const next = rtpPacket(0xffec + 40);
      sent.push(Buffer.from(sealed(sender, next)));
      for (const [i, packet] of [...plain, next].entries()) assert.deepEqual(open(receiver, sent[i]), packet);
    });
  }

  it("refuses what it did not protect", () => {
    const sender = context("AEAD_AES_128_GCM");
    const packet = Uint8Array.from(sealed(sender, rtpPacket(1)));
    const strange = Uint8Array.from(packet);
    strange[11] ^= 1;
    assert.equal(sender.recoverRtp(strange, 0, strange.length), SrtpError.authentication);
    const damaged = Uint8Array.from(packet);
    damaged[30] ^= 1;
    assert.equal(sender.recoverRtp(damaged, 0, damaged.length), SrtpError.authentication);
    assert.equal(sender.recoverRtp(packet.slice(0, 20), 0, 20), SrtpError.malformed);
  });
});
