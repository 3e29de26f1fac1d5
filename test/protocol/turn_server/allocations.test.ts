import assert from "node:assert/strict";
import {
  readText,
  readUint32Attribute,
  readXorAddress,
  StunMethod,
  StunAttributeType as Type,
  uint32Attribute,
} from "../../../src/protocol/stun/index.js";
import { timeLimitedCredentials } from "../../../src/protocol/turn_server/index.js";
import { hmacSha1 } from "../stun/crypto.js";
import {
  Bench,
  codeOf,
  EPOCH,
  only,
  PEER,
  REALM,
  RELAY_IP,
  relayedOf,
  SECRETS,
  UDP,
  udpFlow,
} from "./bench.js";

const lifetimeOf = (reply: Parameters<typeof codeOf>[0]) => readUint32Attribute(reply, Type.Lifetime);

/** A client with a credential of the shared secret. */
function limited(bench: Bench, port: number, user: string, validSeconds: number, secret = SECRETS[0]) {
  return bench.client(port, timeLimitedCredentials(secret, user, EPOCH + validSeconds, hmacSha1));
}

describe("TURN server: authentication (RFC 8489 §9.2.4)", () => {
  it("challenges with realm and nonce, then allocates", () => {
    const bench = new Bench();
    const client = bench.client();
    const challenge = client.challenge();
    assert.equal(codeOf(challenge), 401);
    assert.equal(readText(challenge, Type.Realm), REALM);
    const reply = client.allocate();
    assert.equal(codeOf(reply), 0);
    assert.ok(reply.verifyIntegrity(client.key, hmacSha1));
    assert.equal(relayedOf(reply)?.address, RELAY_IP);
    assert.deepEqual(readXorAddress(reply, Type.XorMappedAddress), client.flow.remote);
    assert.equal(lifetimeOf(reply), 600);
  });

  it("refuses a wrong password and an unknown user with 401 and a fresh nonce", () => {
    const bench = new Bench();
    for (const wrong of [{ password: "wrong" }, { username: "nobody" }]) {
      const reply = bench.client(5000, wrong).allocate();
      assert.equal(codeOf(reply), 401);
      assert.ok(reply.has(Type.Nonce) && !reply.has(Type.MessageIntegrity));
    }
    assert.equal(bench.server.allocationCount, 0);
  });

  it("refuses integrity without username, realm or nonce with 400", () => {
    const client = new Bench().client();
    for (const missing of [Type.Username, Type.Realm, Type.Nonce])
      assert.equal(codeOf(client.ask(StunMethod.Allocate, () => [UDP], [missing])), 400);
  });

  it("calls a nonce stale after its time, of another address, or forged: 438", () => {
    const bench = new Bench({ limits: { nonceSeconds: 100 } });
    const client = bench.client();
    client.challenge();
    const fresh = client.nonce;
    bench.wait(100);
    assert.equal(codeOf(client.allocate()), 0);
    bench.wait(1);
    const stale = client.refresh(600);
    assert.equal(codeOf(stale), 438);
    client.nonce = stale.value(Type.Nonce)?.slice();
    assert.equal(codeOf(client.refresh(600)), 0);
    const stranger = bench.client(5001);
    stranger.nonce = client.nonce;
    assert.equal(codeOf(stranger.allocate()), 438);
    stranger.nonce = fresh?.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
    assert.equal(codeOf(stranger.allocate()), 438);
  });

  it("takes time-limited credentials of either secret until they expire", () => {
    const bench = new Bench();
    for (const [i, secret] of SECRETS.entries())
      assert.equal(codeOf(limited(bench, 5000 + i, "ann", 60, secret).allocate()), 0);
    assert.equal(codeOf(limited(bench, 5010, "ann", 60, "guessed").allocate()), 401);
    assert.equal(codeOf(limited(bench, 5011, "ann", 0).allocate()), 401);
    const late = limited(bench, 5012, "ann", 60);
    late.challenge();
    bench.wait(61);
    assert.equal(codeOf(late.allocate()), 401);
  });

  it("lets an allocation live on when the credential that opened it has run out", () => {
    const bench = new Bench();
    const client = limited(bench, 5000, "ann", 60);
    assert.equal(codeOf(client.allocate()), 0);
    bench.wait(61);
    assert.equal(codeOf(client.refresh(600)), 0);
    assert.equal(codeOf(client.refresh(0)), 0);
    assert.equal(codeOf(client.allocate()), 401);
  });

  it("answers Binding alone when it has no credentials", () => {
    const bench = new Bench({ stunOnly: true });
    const client = bench.client();
    assert.deepEqual(
      bench.handle(
        client.flow,
        client.encode(StunMethod.Allocate, () => [UDP]),
      ),
      [],
    );
    const reply = client.bench.handle(
      client.flow,
      client.encode(StunMethod.Binding, () => []),
    );
    assert.deepEqual(readXorAddress(only(reply), Type.XorMappedAddress), client.flow.remote);
  });
});

describe("TURN server: Allocate and Refresh (RFC 8656 §7, §8)", () => {
  it("gives a retransmission the same answer and another request 437", () => {
    const bench = new Bench();
    const client = bench.client();
    client.challenge();
    const request = client.encode(StunMethod.Allocate, () => [UDP]);
    const first = only(bench.handle(client.flow, request));
    const again = only(bench.handle(client.flow, request));
    assert.deepEqual(again.bytes, first.bytes);
    assert.equal(codeOf(client.allocate()), 437);
    assert.equal(bench.server.allocationCount, 1);
  });

  it("ignores a retransmission while the port is being opened", () => {
    const bench = new Bench();
    const client = bench.client();
    client.challenge();
    const request = client.encode(StunMethod.Allocate, () => [UDP]);
    bench.server.handleMessage(client.flow, request, 0);
    bench.server.handleMessage(client.flow, request, 0);
    bench.outputs.length = 0;
    bench.drain();
    assert.equal(bench.ofType("client").length, 1);
    assert.equal(bench.ofType("openrelay").length, 1);
  });

  it("lets nobody else act on an allocation: 441", () => {
    const bench = new Bench();
    bench.client().allocate();
    const other = bench.client(5000, { username: "other", password: "word" });
    for (const method of [StunMethod.Refresh, StunMethod.Allocate])
      assert.equal(codeOf(other.ask(method, () => [UDP])), 441);
  });

  it("refuses what it cannot do with the code for it", () => {
    const bench = new Bench({ families: [4] });
    const client = bench.client();
    const code = (...attributes: { type: number; value: Uint8Array }[]) =>
      codeOf(client.ask(StunMethod.Allocate, () => attributes));
    const flag = (type: number, ...value: number[]) => ({ type, value: Uint8Array.from(value) });
    assert.equal(code(), 400);
    assert.equal(code(flag(Type.RequestedTransport, 6, 0, 0, 0)), 442);
    assert.equal(code(UDP, flag(Type.DontFragment)), 420);
    assert.equal(code(UDP, flag(0x7abc, 1)), 420);
    assert.equal(code(UDP, flag(Type.RequestedAddressFamily, 2, 0, 0, 0)), 440);
    assert.equal(code(UDP, flag(Type.RequestedAddressFamily, 9, 0, 0, 0)), 440);
    assert.equal(code(UDP, flag(Type.ReservationToken, 1, 2, 3, 4, 5, 6, 7, 8)), 508);
    assert.equal(
      code(
        UDP,
        flag(Type.AdditionalAddressFamily, 2, 0, 0, 0),
        flag(Type.RequestedAddressFamily, 1, 0, 0, 0),
      ),
      400,
    );
    assert.equal(bench.server.allocationCount, 0);
    assert.deepEqual(bench.ofType("openrelay"), []);
  });

  it("gives IPv4 alone, and says so, when both families are wished for", () => {
    const reply = new Bench()
      .client()
      .allocate({ type: Type.AdditionalAddressFamily, value: Uint8Array.of(2, 0, 0, 0) });
    assert.equal(relayedOf(reply)?.family, 4);
    assert.deepEqual([...(reply.value(Type.AddressErrorCode) ?? [])], [2, 0, 4, 40]);
  });

  it("relays IPv6 where it is asked for, and even ports", () => {
    const bench = new Bench();
    const six = bench
      .client()
      .allocate({ type: Type.RequestedAddressFamily, value: Uint8Array.of(2, 0, 0, 0) });
    assert.equal(relayedOf(six)?.family, 6);
    for (let i = 0; i < 8; i++) {
      const reply = bench.client(6000 + i).allocate({ type: Type.EvenPort, value: Uint8Array.of(0) });
      assert.equal((relayedOf(reply)?.port ?? 1) % 2, 0);
    }
  });

  it("reserves the odd port above an even one for the same user, for 30 s", () => {
    const pair = { type: Type.EvenPort, value: Uint8Array.of(0x80) };
    const redeem = (value: Uint8Array) => ({ type: Type.ReservationToken, value });
    const bench = new Bench({ ports: { min: 40000, max: 40005 }, limits: { maxAllocationsPerUser: 4 } });
    bench.takenPorts.add(40003);
    const reply = bench.client(5000).allocate(pair);
    const port = relayedOf(reply)?.port ?? 0;
    const token = reply.value(Type.ReservationToken)?.slice() ?? new Uint8Array(0);
    assert.equal(token.length, 8);
    assert.ok(port === 40000 || port === 40004);
    const other = bench.client(5001, { username: "other", password: "word" });
    assert.equal(codeOf(other.allocate(redeem(token))), 508);
    assert.equal(relayedOf(bench.client(5002).allocate(redeem(token)))?.port, port + 1);
    assert.equal(codeOf(bench.client(5003).allocate(redeem(token))), 508);
    // The second pair runs out, and both of its ports come back.
    const late = bench.client(5004).allocate(pair).value(Type.ReservationToken)?.slice() ?? token;
    assert.equal(codeOf(bench.client(5005).allocate()), 486);
    assert.equal(bench.openPorts.size, 4);
    bench.wait(30);
    assert.equal(bench.openPorts.size, 3);
    assert.equal(codeOf(bench.client(5006).allocate(redeem(late))), 508);
    bench.server.close();
    bench.drain();
    assert.equal(bench.openPorts.size, 0);
    assert.equal(codeOf(bench.client(5007).allocate(pair)), 0);
    assert.equal(codeOf(bench.client(5008).allocate(pair)), 0);
    bench.server.close();
    bench.drain();
    assert.equal(bench.openPorts.size, 0);
  });

  it("gives back both ports of a pair that its client left while they were being opened", () => {
    const bench = new Bench({ ports: { min: 40000, max: 40001 } });
    const client = bench.client();
    client.challenge();
    const pair = { type: Type.EvenPort, value: Uint8Array.of(0x80) };
    bench.server.handleMessage(
      client.flow,
      client.encode(StunMethod.Allocate, () => [UDP, pair]),
      0,
    );
    const first = bench.server.pollOutput();
    assert.equal(first?.type, "openrelay");
    bench.server.relayOpened(1, { family: 4, address: RELAY_IP, port: 40000 }, 0);
    bench.server.handleDisconnect(client.flow);
    bench.drain();
    assert.deepEqual(
      bench.ofType("closerelay").map(({ relay }) => relay),
      [1, 2],
    );
    assert.equal(codeOf(bench.client(5001).allocate(pair)), 0);
  });

  it("keeps to its ports, tries others when they are taken, and ends with 508", () => {
    const bench = new Bench({ ports: { min: 40000, max: 40003 } });
    bench.takenPorts.add(40001);
    const ports = [0, 1, 2].map((i) => relayedOf(bench.client(5000 + i).allocate())?.port);
    assert.deepEqual(ports.sort(), [40000, 40002, 40003]);
    assert.equal(codeOf(bench.client(5003).allocate()), 508);
    bench.client(5000).refresh(0);
    assert.ok(bench.openPorts.size === 2);
    assert.equal(codeOf(bench.client(5004).allocate()), 0);
  });

  it("counts allocations per user, whatever the username's expiry, and all together", () => {
    const bench = new Bench({ limits: { maxAllocationsPerUser: 2, maxAllocations: 4 } });
    const codes = [10, 20, 30].map((seconds, i) =>
      codeOf(limited(bench, 5000 + i, "ann", seconds).allocate()),
    );
    assert.deepEqual(codes, [0, 0, 486]);
    assert.equal(codeOf(limited(bench, 5010, "bob", 10).allocate()), 0);
    assert.equal(codeOf(bench.client(5011).allocate()), 0);
    assert.equal(codeOf(bench.client(5012).allocate()), 508);
    limited(bench, 5000, "ann", 10).refresh(0);
    assert.equal(codeOf(limited(bench, 5013, "ann", 40).allocate()), 0);
    assert.deepEqual(bench.server.counters.errors[486], 1);
  });

  it("bounds lifetimes from below and above, and ages", () => {
    const bench = new Bench({ limits: { maxLifetimeSeconds: 1000, maxAgeSeconds: 1500 } });
    const client = bench.client();
    assert.equal(lifetimeOf(client.allocate(uint32Attribute(Type.Lifetime, 5))), 600);
    assert.equal(lifetimeOf(client.refresh(1)), 600);
    assert.equal(lifetimeOf(client.refresh(900)), 900);
    assert.equal(lifetimeOf(client.refresh(0xffffffff)), 1000);
    client.nonce = undefined;
    bench.wait(990);
    assert.equal(lifetimeOf(client.refresh(1000)), 510);
    client.nonce = undefined;
    bench.wait(510);
    assert.equal(codeOf(client.refresh(1000)), 437);
    assert.equal(bench.ofType("released").at(-1)?.reason, "expired");
  });

  it("ends at zero, at expiry, with the connection and at close, and frees the port each time", () => {
    const ends: [string, (bench: Bench) => void][] = [
      ["deleted", (bench) => assert.equal(lifetimeOf(bench.client().refresh(0)), 0)],
      ["expired", (bench) => bench.wait(601)],
      ["disconnected", (bench) => bench.server.handleDisconnect(udpFlow(5000))],
      ["closed", (bench) => bench.server.close()],
    ];
    for (const [reason, end] of ends) {
      const bench = new Bench({ ports: { min: 40000, max: 40000 } });
      assert.equal(codeOf(bench.client().allocate()), 0);
      end(bench);
      bench.drain();
      assert.equal(bench.ofType("released")[0]?.reason, reason);
      assert.equal(bench.openPorts.size, 0);
      assert.equal(codeOf(bench.client(5001).allocate()), 0, reason);
    }
  });

  it("asks for no wake-up when it holds nothing", () => {
    const bench = new Bench();
    assert.equal(bench.server.nextDeadlineUs(), Infinity);
    bench.client().allocate();
    assert.ok(bench.server.nextDeadlineUs() <= 1e6);
    bench.client().refresh(0);
    bench.wait(2);
    assert.equal(bench.server.nextDeadlineUs(), Infinity);
  });

  it("answers 437 to everything that needs an allocation", () => {
    const client = new Bench().client();
    assert.equal(codeOf(client.refresh(600)), 437);
    assert.equal(codeOf(client.permit(PEER)), 437);
    assert.equal(codeOf(client.bind(0x4000, PEER)), 437);
  });
});
