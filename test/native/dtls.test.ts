import assert from "node:assert/strict";
import { type Certificate, native, type SrtpProfile } from "../../native/addon.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { DtlsLink } from "./dtls_link.js";

const srtpLabel = "EXTRACTOR-dtls_srtp";

describe("DtlsTransport", () => {
  let certificates: { client: Certificate; server: Certificate };
  before(() => {
    certificates = { client: native.Certificate.generate(), server: native.Certificate.generate() };
  });

  function assertConnected(link: DtlsLink) {
    assert.deepEqual([link.client.state, link.server.state], ["connected", "connected"]);
    assert.deepEqual(
      link.client.exportKeyingMaterial(srtpLabel, 60),
      link.server.exportKeyingMaterial(srtpLabel, 60),
    );
  }

  it("connects in two round trips and knows the peer by its fingerprint", () => {
    const link = new DtlsLink(certificates);
    assert.equal(link.client.state, "new");
    assert.equal(link.client.remoteFingerprint("sha-256"), "");
    assert.equal(link.client.nextDeadlineUs, Number.POSITIVE_INFINITY);
    assert.equal(link.connect(), 4 * link.delayUs);
    assertConnected(link);
    for (const algorithm of ["sha-256", "SHA-384", "sha-512", "sha-1"]) {
      assert.equal(
        link.client.remoteFingerprint(algorithm),
        certificates.server.fingerprint(algorithm),
        algorithm,
      );
      assert.equal(link.server.remoteFingerprint(algorithm), certificates.client.fingerprint(algorithm));
    }
    assert.match(link.client.cipher, /^DTLSv1\.2 ECDHE-ECDSA-AES128-GCM-SHA256$/);
    assert.equal(link.client.srtpProfile, "AEAD_AES_128_GCM");
    assert.equal(link.server.srtpProfile, "AEAD_AES_128_GCM");
    assert.equal(link.client.nextDeadlineUs, Number.POSITIVE_INFINITY);
    assert.equal(link.server.nextDeadlineUs, Number.POSITIVE_INFINITY);
  });

  it("agrees on the profile the server likes best of those offered", () => {
    const agree = (client: SrtpProfile[], server: SrtpProfile[]) => {
      const link = new DtlsLink(certificates, {
        client: { srtpProfiles: client },
        server: { srtpProfiles: server },
      });
      link.connect();
      assertConnected(link);
      assert.equal(link.client.srtpProfile, link.server.srtpProfile);
      return link.client.srtpProfile;
    };
    assert.equal(
      agree(["AES128_CM_SHA1_80"], ["AEAD_AES_128_GCM", "AES128_CM_SHA1_80"]),
      "AES128_CM_SHA1_80",
    );
    assert.equal(
      agree(["AEAD_AES_128_GCM", "AEAD_AES_256_GCM"], ["AEAD_AES_256_GCM", "AEAD_AES_128_GCM"]),
      "AEAD_AES_256_GCM",
    );
    assert.equal(agree(["AEAD_AES_128_GCM"], ["AES128_CM_SHA1_80"]), "");
  });

  it("recovers from the loss of any one datagram, at the timer's virtual time", () => {
    const clean = new DtlsLink(certificates);
    clean.connect();
    for (let lost = 0; lost < clean.crossings.length; lost++) {
      const link = new DtlsLink(certificates);
      link.delivers = (crossing) => crossing.index !== lost;
      const tookUs = link.connect();
      assertConnected(link);
      assert.ok(tookUs <= 4 * link.delayUs + 50_000, `datagram ${lost}: ${tookUs} µs`);
    }
    const link = new DtlsLink(certificates);
    link.delivers = (crossing) => crossing.index > 3;
    link.start().run();
    const hellos = link.crossings.filter((crossing) => crossing.from === "client").slice(0, 5);
    assert.deepEqual(
      hellos.map((crossing) => crossing.sentUs - 1e6),
      [0, 50_000, 150_000, 350_000, 750_000],
      "the timer must double from 50 ms",
    );
  });

  it("repeats a flight in as few datagrams as it first took", () => {
    const link = new DtlsLink(certificates);
    link.delivers = (crossing) => crossing.index < 2;
    link.start().run(500_000);
    const flights = new Map<number, number>();
    for (const { from, sentUs, index } of link.crossings) {
      if (from === "client" && index >= 2) flights.set(sentUs, (flights.get(sentUs) ?? 0) + 1);
    }
    const [first, ...again] = [...flights.values()];
    assert.ok(again.length >= 2, `${again.length} repetitions`);
    for (const count of again) assert.ok(count <= first, `${count} datagrams, at first ${first}`);
  });

  it("answers a client that missed the last flight", () => {
    const link = new DtlsLink(certificates);
    const arrivesFromUs = link.nowUs + 120_000;
    link.delivers = (crossing) =>
      crossing.from === "client" || link.server.state !== "connected" || crossing.sentUs >= arrivesFromUs;
    // The client's second flight leaves at 20 ms, again at 70 ms (answer lost) and at 170 ms.
    assert.equal(link.connect(), 170_000 + 2 * link.delayUs);
    assertConnected(link);
  });

  it("connects over a path slower than its timer", () => {
    const link = new DtlsLink(certificates);
    link.delayUs = 400_000;
    assert.equal(link.connect(), 4 * link.delayUs);
    assertConnected(link);
    link.run();
    assertConnected(link);
  });

  it("connects under heavy loss", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const link = new DtlsLink(certificates);
      link.delivers = () => random.uint32() % 100 >= 30;
      link.connect();
      assert.equal(link.client.state, "connected", `seed ${seed}: ${link.client.failure}`);
      assert.equal(link.server.state, "connected", `seed ${seed}: ${link.server.failure}`);
    }
  });

  it("sends nothing twice when answers come just before the timer", () => {
    const clean = new DtlsLink(certificates);
    clean.connect();
    for (const roundTripUs of [30_000, 36_000, 45_000, 49_999]) {
      const link = new DtlsLink(certificates);
      link.delayUs = roundTripUs / 2;
      link.connect();
      link.run();
      assert.equal(link.crossings.length, clean.crossings.length, `${roundTripUs} µs round trip`);
    }
  });

  it("keeps its datagrams within the MTU and assembles fragments", () => {
    for (const mtu of [256, 600, 1200]) {
      const link = new DtlsLink(certificates, { client: { mtu }, server: { mtu } });
      link.connect();
      assertConnected(link);
      const longest = Math.max(...link.crossings.map((crossing) => crossing.bytes.length));
      assert.ok(longest <= mtu, `${longest} bytes for an MTU of ${mtu}`);
    }
  });

  it("fails with a reason when both ends are clients", () => {
    const link = new DtlsLink(certificates, { server: { role: "client" } });
    link.start().run();
    assert.equal(link.client.state, "failed");
    assert.equal(link.server.state, "failed");
    const failures = `${link.client.failure} ${link.server.failure}`;
    assert.match(failures, /unexpected message .*(we|the peer) sent the alert "unexpected_message"/);
  });

  it("fails when both ends are servers, or nobody answers, after the handshake's time", () => {
    const link = new DtlsLink(certificates, {
      client: { role: "server", handshakeTimeoutUs: 5e6 },
      server: { handshakeTimeoutUs: 8e6 },
    });
    link.start().run();
    assert.match(link.client.failure, /did not finish in 5000 ms/);
    assert.match(link.server.failure, /did not finish in 8000 ms/);
    assert.equal(link.nowUs, 1e6 + 8e6);
    const alone = new DtlsLink(certificates);
    alone.delivers = () => false;
    alone.start().run();
    assert.equal(alone.client.state, "failed");
    assert.notEqual(alone.client.failure, "");
    assert.equal(alone.client.nextDeadlineUs, Number.POSITIVE_INFINITY);
  });

  it("carries application data with its boundaries, drops forged and replayed records", () => {
    const link = new DtlsLink(certificates);
    assert.throws(() => link.client.sendApplicationData(Buffer.from("early")), { code: "INVALID_STATE" });
    assert.throws(() => link.client.exportKeyingMaterial(srtpLabel, 60), { code: "INVALID_STATE" });
    link.connect();
    const first = link.crossings.length;
    for (const text of ["one", "two", "three"]) link.client.sendApplicationData(Buffer.from(text));
    link.drain();
    const forged = Uint8Array.from(link.crossings[first]!.bytes);
    forged[forged.length - 1] = forged[forged.length - 1]! ^ 1;
    link.server.handleDatagram(forged, link.nowUs);
    link.run();
    link.server.handleDatagram(link.crossings[first]!.bytes, link.nowUs);
    const out = new Uint8Array(64);
    const received: string[] = [];
    for (let n = link.server.takeApplicationData(out); n > 0; n = link.server.takeApplicationData(out)) {
      received.push(Buffer.from(out.subarray(0, n)).toString());
    }
    assert.deepEqual(received, ["one", "two", "three"]);
    assert.equal(link.server.state, "connected");
  });

  it("tells the peer when it closes, and tells that the peer closed", () => {
    const link = new DtlsLink(certificates);
    link.connect();
    link.client.close();
    assert.equal(link.client.state, "closed");
    link.drain();
    link.run();
    assert.equal(link.server.state, "closed");
    link.server.handleDatagram(link.crossings[0]!.bytes, link.nowUs);
    link.client.destroy();
    assert.throws(() => link.client.state, { code: "CLOSED" });
  });

  it("survives garbage before, during and after the handshake", () => {
    const seed = (Math.random() * 2 ** 32) >>> 0;
    const random = seededRandom(seed);
    const below = (n: number) => random.uint32() % n;
    for (let round = 0; round < 60; round++) {
      const link = new DtlsLink(certificates);
      const disturb = () => {
        for (const side of [link.client, link.server]) {
          side.handleDatagram(random.bytes(1 + below(300)), link.nowUs);
          const sample = link.crossings[below(Math.max(1, link.crossings.length))];
          if (!sample) continue;
          const mutated = Uint8Array.from(sample.bytes);
          for (let i = 0; i <= below(4); i++) mutated[below(mutated.length)] = below(256);
          side.handleDatagram(mutated.subarray(0, 1 + below(mutated.length)), link.nowUs);
        }
        link.drain();
      };
      link.start();
      for (let steps = 0; steps < 40 && link.step(link.nowUs + 60e6); steps++) disturb();
      for (const side of [link.client, link.server]) {
        assert.ok(["connecting", "connected", "closed", "failed"].includes(side.state), `seed ${seed}`);
        assert.equal(side.failure === "", side.state !== "failed", `seed ${seed}`);
      }
    }
  });

  it("is not kept from connecting by bytes that are no DTLS records", () => {
    const random = seededRandom(7);
    const link = new DtlsLink(certificates);
    link.start();
    for (let i = 0; i < 200 && link.step(link.nowUs + 1e6); i++) {
      const junk = random.bytes(64);
      junk[0] = 20 + (i % 5);
      junk[1] = 0x17;
      link.client.handleDatagram(junk, link.nowUs);
      link.server.handleDatagram(junk, link.nowUs);
    }
    assertConnected(link);
  });

  it("takes no forged record for an error of its own, however short it is", () => {
    for (const side of ["client", "server"] as const) {
      for (let length = 0; length < 30; length++) {
        const link = new DtlsLink(certificates);
        link.connect();
        const forged = new Uint8Array(13 + length).fill(1);
        forged.set([20 + (length % 4), 0xfe, 0xfd, 0, 1]);
        forged.set([0, length], 11);
        link[side].handleDatagram(forged, link.nowUs);
        assert.equal(link[side].state, "connected", `${side}, ${length} bytes: ${link[side].failure}`);
      }
    }
  });

  it("names wrong options", () => {
    const make = (options: object) => () =>
      new native.DtlsTransport({ role: "client", certificate: certificates.client, ...options });
    assert.throws(make({ role: "both" }), { code: "OUT_OF_RANGE", message: /role.*"both"/ });
    assert.throws(make({ certificate: {} }), { code: "INVALID_ARGUMENT", message: /certificate/ });
    assert.throws(make({ mtu: 100 }), { code: "OUT_OF_RANGE", message: /mtu/ });
    assert.throws(make({ retransmitUs: 1 }), { code: "OUT_OF_RANGE", message: /retransmitUs/ });
    assert.throws(make({ srtpProfiles: ["NULL"] }), { code: "OUT_OF_RANGE", message: /srtpProfiles\[0\]/ });
  });
});
