import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import type { RoomServer } from "../../src/server/room_server.js";
import { MAX_MESSAGE_BYTES } from "../../src/signaling/messages.js";
import {
  type BareClient,
  cleanUp,
  filesIn,
  jsonClient,
  lineClient,
  PASSWORD,
  SDP,
  startServer,
  temporaryFolder,
} from "./harness.js";

const ENCODINGS: [string, (server: RoomServer) => Promise<BareClient>][] = [
  ["lines", lineClient],
  ["JSON", jsonClient],
];

describe("server rules", () => {
  afterEach(cleanUp);

  async function pair(
    first: (server: RoomServer) => Promise<BareClient> = lineClient,
    second = first,
  ): Promise<{ server: RoomServer; ana: BareClient; bob: BareClient }> {
    const server = await startServer(["ana", "bob", "eve"]);
    const ana = await (await first(server)).login("ana");
    const bob = await (await second(server)).login("bob");
    await ana.settle();
    return { server, ana, bob };
  }

  /** Puts ana and bob into an answered call. */
  async function call(ana: BareClient, bob: BareClient): Promise<string> {
    ana.send({ type: "CALL_OFFER", from: "ana", to: "bob", sdp: SDP });
    const { callId } = await bob.next("INCOMING_CALL");
    bob.send({ type: "CALL_ANSWER", to: "ana", accept: true, sdp: SDP });
    await ana.next("CALL_ACCEPTED");
    await ana.settle();
    await bob.settle();
    return callId;
  }

  for (const [name, open] of ENCODINGS) {
    it(`registers, logs in and out by ${name}`, async () => {
      const server = await startServer();
      const client = await open(server);
      client.send({ type: "REGISTER", username: "ana", password: PASSWORD });
      assert.deepEqual(await client.next("REGISTER_SUCCESS"), { type: "REGISTER_SUCCESS", username: "ana" });
      await client.login("ana");
      assert.equal(await client.nextStatus("ana"), "AVAILABLE");
      client.send({ type: "LOGOUT" });
      await client.next("LOGOUT_SUCCESS");
      client.send({ type: "GET_USERS" });
      assert.equal(await client.nextError(), "NOT_LOGGED_IN");
      await client.login("ana");
    });
  }

  it("keeps registrations over a restart, never the password itself", async () => {
    const folder = temporaryFolder();
    const first = await startServer([], {}, folder);
    const client = await lineClient(first);
    client.send({ type: "REGISTER", username: "ana", password: "pa:ss|%\nñ" });
    await client.next("REGISTER_SUCCESS");
    await first.close();
    const text = readFileSync(filesIn(folder).usersFile, "utf8");
    assert.match(text, /^ana:\$scrypt\$/m);
    assert.doesNotMatch(text, /pa:ss/);
    assert.equal(statSync(filesIn(folder).usersFile).mode & 0o777, 0o600);
    const second = await startServer([], {}, folder);
    assert.equal(second.fingerprint, first.fingerprint);
    assert.deepEqual([first.certificateCreated, second.certificateCreated], [true, false]);
    assert.equal(statSync(filesIn(folder).keyFile).mode & 0o777, 0o600);
    await (await lineClient(second)).login("ana", "pa:ss|%\nñ");
  });

  it("refuses a wrong password and an unknown user with the same words", async () => {
    const server = await startServer(["ana"]);
    const client = await lineClient(server);
    client.send({ type: "LOGIN", username: "ana", password: "wrong" });
    const wrong = await client.next("ERROR");
    client.send({ type: "LOGIN", username: "nobody", password: "wrong" });
    assert.deepEqual(await client.next("ERROR"), wrong);
    assert.deepEqual([wrong.code, wrong.request], ["BAD_CREDENTIALS", "LOGIN"]);
  });

  it("makes guessing wait after five failures, for that user alone", async () => {
    const server = await startServer(["ana", "bob"]);
    const client = await lineClient(server);
    const codes: string[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      client.send({ type: "LOGIN", username: "ana", password: `guess ${attempt}` });
      codes.push(await client.nextError());
    }
    assert.deepEqual(codes, [...Array(6).fill("BAD_CREDENTIALS"), "TOO_MANY_ATTEMPTS"]);
    await client.login("bob");
  });

  it("refuses a second login of one user and lets the first go on", async () => {
    const { server, ana } = await pair();
    const second = await jsonClient(server);
    second.send({ type: "LOGIN", username: "ana", password: PASSWORD });
    assert.equal(await second.nextError(), "ALREADY_LOGGED_IN");
    await ana.settle();
    ana.send({ type: "LOGIN", username: "eve", password: PASSWORD });
    assert.equal(await ana.nextError(), "ALREADY_LOGGED_IN");
    await second.login("eve");
    assert.equal(server.counts().users, 3);
  });

  it("lets exactly one of two simultaneous logins in", async () => {
    const server = await startServer(["ana"]);
    const clients = [await lineClient(server), await jsonClient(server)];
    for (const client of clients) client.send({ type: "LOGIN", username: "ana", password: PASSWORD });
    const outcomes = await Promise.all(
      clients.map(async (client) => (await client.next("LOGIN_SUCCESS", "ERROR")).type),
    );
    assert.deepEqual(outcomes.sort(), ["ERROR", "LOGIN_SUCCESS"]);
  });

  for (const [name, first, second] of [
    ["a line client calls a JSON client", lineClient, jsonClient],
    ["a JSON client calls a line client", jsonClient, lineClient],
  ] as const) {
    it(`${name}: offer, candidates both ways, answer, end`, async () => {
      const { ana, bob } = await pair(first, second);
      ana.send({ type: "CALL_OFFER", from: "ana", to: "bob", sdp: SDP });
      const { callId, ...incoming } = await bob.next("INCOMING_CALL");
      assert.deepEqual(incoming, { type: "INCOMING_CALL", from: "ana", sdp: SDP });
      const trickled = {
        candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host",
        sdpMid: "0",
        sdpMLineIndex: 0,
      };
      ana.send({ type: "ICE_CANDIDATE", to: "bob", ...trickled });
      assert.deepEqual(await bob.next("ICE_CANDIDATE"), {
        type: "ICE_CANDIDATE",
        from: "ana",
        ...trickled,
        callId,
      });
      bob.send({ type: "ICE_CANDIDATE", to: "ana", candidate: "", callId });
      assert.equal((await ana.next("ICE_CANDIDATE")).candidate, "");
      bob.send({ type: "CALL_ANSWER", to: "ana", accept: true, sdp: SDP });
      assert.deepEqual(await ana.next("CALL_ACCEPTED"), {
        type: "CALL_ACCEPTED",
        from: "bob",
        sdp: SDP,
        callId,
      });
      ana.send({ type: "CALL_END", to: "bob" });
      assert.deepEqual(await bob.next("CALL_ENDED"), {
        type: "CALL_ENDED",
        from: "ana",
        reason: "hangup",
        callId,
      });
      assert.equal(await bob.nextStatus("bob"), "AVAILABLE");
    });
  }

  it("makes both busy from the offer on, tells everyone, and frees both at the end", async () => {
    const { server, ana, bob } = await pair();
    const eve = await (await jsonClient(server)).login("eve");
    await eve.settle();
    const callId = await call(ana, bob);
    assert.deepEqual([await eve.nextStatus("ana"), await eve.nextStatus("bob")], ["BUSY", "BUSY"]);
    eve.send({ type: "CALL_OFFER", to: "bob", sdp: SDP });
    assert.equal(await eve.nextError(), "USER_BUSY");
    ana.send({ type: "CALL_OFFER", to: "eve", sdp: SDP });
    assert.equal(await ana.nextError(), "ALREADY_IN_CALL");
    bob.send({ type: "CALL_END", to: "ana", callId });
    assert.equal((await ana.next("CALL_ENDED")).from, "bob");
    assert.deepEqual([await eve.nextStatus("ana"), await eve.nextStatus("bob")], ["AVAILABLE", "AVAILABLE"]);
  });

  for (const message of [
    { type: "CALL_REJECT", to: "ana", reason: "not now" },
    { type: "CALL_ANSWER", to: "ana", accept: false },
  ] as const) {
    it(`${message.type} without acceptance rejects the call and frees both`, async () => {
      const { ana, bob } = await pair();
      ana.send({ type: "CALL_OFFER", to: "bob", sdp: SDP });
      await bob.next("INCOMING_CALL");
      bob.send(message);
      const rejected = await ana.next("CALL_REJECTED");
      assert.equal(rejected.reason, "reason" in message ? message.reason : undefined);
      assert.equal(await ana.nextStatus("ana"), "AVAILABLE");
      await call(ana, bob);
    });
  }

  for (const [who, how] of [
    ["caller", "destroy"],
    ["callee", "destroy"],
    ["caller", "logout"],
  ] as const) {
    it(`ends the call when the ${who} goes by ${how}`, async () => {
      const { server, ana, bob } = await pair(lineClient, jsonClient);
      await call(ana, bob);
      const [leaver, other] = who === "caller" ? [ana, bob] : [bob, ana];
      if (how === "destroy") leaver.destroy();
      else leaver.send({ type: "LOGOUT" });
      assert.equal((await other.next("CALL_ENDED")).reason, "disconnected");
      const [gone, left] = who === "caller" ? ["ana", "bob"] : ["bob", "ana"];
      assert.equal(await other.nextStatus(left), "AVAILABLE");
      assert.equal(await other.nextStatus(gone), "DISCONNECTED");
      assert.equal(server.counts().calls, 0);
    });
  }

  it("ends an offer that nobody answers", async () => {
    const server = await startServer(["ana", "bob"], { limits: { ringMs: 30 } });
    const ana = await (await lineClient(server)).login("ana");
    const bob = await (await lineClient(server)).login("bob");
    ana.send({ type: "CALL_OFFER", to: "bob", sdp: SDP });
    assert.equal((await ana.next("CALL_ENDED")).reason, "timeout");
    assert.equal((await bob.next("CALL_ENDED")).reason, "timeout");
    assert.equal(server.counts().calls, 0);
  });

  it("carries many calls at once without mixing them up", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `user${index}`);
    const server = await startServer(names);
    const clients = await Promise.all(
      names.map(async (name, index) => (await (index % 2 ? jsonClient : lineClient)(server)).login(name)),
    );
    await Promise.all(
      clients.map(async (client, index) => {
        const peer = `user${index ^ 1}`;
        if (index % 2 === 0) {
          client.send({ type: "CALL_OFFER", to: peer, sdp: SDP, callId: `id${index}` });
          assert.equal((await client.next("CALL_ACCEPTED")).from, peer);
        } else {
          const incoming = await client.next("INCOMING_CALL");
          assert.deepEqual([incoming.from, incoming.callId], [peer, `id${index - 1}`]);
          client.send({ type: "CALL_ANSWER", to: peer, accept: true, sdp: SDP, callId: incoming.callId });
        }
      }),
    );
    assert.equal(server.counts().calls, 20);
    await Promise.all(
      clients.map(async (client, index) => {
        if (index % 2 === 0) client.send({ type: "CALL_END" });
        else assert.equal((await client.next("CALL_ENDED")).callId, `id${index - 1}`);
      }),
    );
    assert.equal(server.counts().calls, 0);
  });

  const refusals: [string, Parameters<BareClient["send"]>[0], string][] = [
    ["a call to oneself", { type: "CALL_OFFER", to: "ana", sdp: SDP }, "CALL_TO_SELF"],
    ["a call to a stranger", { type: "CALL_OFFER", to: "nobody", sdp: SDP }, "USER_NOT_FOUND"],
    ["a call to someone who is away", { type: "CALL_OFFER", to: "eve", sdp: SDP }, "USER_NOT_AVAILABLE"],
    ["a call in another's name", { type: "CALL_OFFER", from: "bob", to: "bob", sdp: SDP }, "WRONG_SENDER"],
    ["an offer without a fingerprint", { type: "CALL_OFFER", to: "bob", sdp: "v=0" }, "FINGERPRINT_MISSING"],
    [
      "an offer with a key",
      { type: "CALL_OFFER", to: "bob", sdp: `${SDP}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:eA==\r\n` },
      "MEDIA_KEY_REFUSED",
    ],
    ["an answer without a call", { type: "CALL_ANSWER", to: "bob", accept: true, sdp: SDP }, "NO_SUCH_CALL"],
    ["an end without a call", { type: "CALL_END", to: "bob" }, "NO_SUCH_CALL"],
    ["a candidate without a call", { type: "ICE_CANDIDATE", to: "bob", candidate: "" }, "NO_SUCH_CALL"],
    ["a short password", { type: "REGISTER", username: "new", password: "abc" }, "WEAK_PASSWORD"],
    ["a name that is taken", { type: "REGISTER", username: "bob", password: PASSWORD }, "USER_EXISTS"],
    [
      "a name that is taken in lower case",
      { type: "REGISTER", username: "BOB", password: PASSWORD },
      "USER_EXISTS",
    ],
  ];
  for (const [what, message, code] of refusals) {
    it(`refuses ${what} with ${code} and changes nothing`, async () => {
      const { server, ana, bob } = await pair();
      ana.send(message);
      const error = await ana.next("ERROR");
      assert.deepEqual([error.code, error.request], [code, message.type]);
      await call(ana, bob);
      assert.equal(server.counts().calls, 1);
    });
  }

  it("lets only the callee answer, once, and only the call that rings", async () => {
    const { ana, bob } = await pair();
    ana.send({ type: "CALL_OFFER", to: "bob", sdp: SDP, callId: "now" });
    await bob.next("INCOMING_CALL");
    ana.send({ type: "CALL_ANSWER", to: "bob", accept: true, sdp: SDP });
    assert.equal(await ana.nextError(), "WRONG_CALL_STATE");
    bob.send({ type: "CALL_END", to: "ana", callId: "earlier" });
    assert.equal(await bob.nextError(), "NO_SUCH_CALL");
    bob.send({ type: "CALL_ANSWER", to: "ana", accept: true });
    assert.equal(await bob.nextError(), "BAD_FIELD");
    bob.send({ type: "CALL_ANSWER", to: "ana", accept: true, sdp: "v=0" });
    assert.equal(await bob.nextError(), "FINGERPRINT_MISSING");
    bob.send({ type: "CALL_ANSWER", to: "ana", accept: true, sdp: SDP });
    await ana.next("CALL_ACCEPTED");
    bob.send({ type: "CALL_REJECT", to: "ana" });
    assert.equal(await bob.nextError(), "WRONG_CALL_STATE");
  });

  it("lists everyone, those who are there first, a long list in several messages", async () => {
    const names = Array.from({ length: 2000 }, (_, index) => `${"somebody-with-a-long-name-"}${index}`);
    const server = await startServer([...names, "zoe"]);
    for (const open of [lineClient, jsonClient]) {
      const zoe = await (await open(server)).login("zoe");
      zoe.send({ type: "GET_USERS" });
      const users = [];
      let pages = 0;
      for (let more = true; more; pages++) {
        const page = await zoe.next("USER_LIST");
        users.push(...page.users);
        more = page.more === true;
      }
      assert.deepEqual(users[0], { username: "zoe", status: "AVAILABLE" });
      assert.equal(users.length, 2001);
      assert.ok(pages > 1);
      zoe.send({ type: "LOGOUT" });
      await zoe.next("LOGOUT_SUCCESS");
    }
  });
});

describe("server limits", () => {
  afterEach(cleanUp);

  it("answers a line above 64 KiB with MESSAGE_TOO_LARGE and closes", async () => {
    const server = await startServer(["ana"]);
    const client = await lineClient(server);
    await client.login("ana");
    client.raw("X".repeat(MAX_MESSAGE_BYTES + 1));
    assert.equal(await client.nextError(), "MESSAGE_TOO_LARGE");
    await client.untilEnded();
    const again = await lineClient(server);
    await again.login("ana");
  });

  it("closes a WebSocket whose frame is far too long, and answers one above the message limit", async () => {
    const server = await startServer();
    const slightly = await jsonClient(server);
    slightly.socket.send(
      JSON.stringify({ type: "CALL_OFFER", to: "ana", sdp: "x".repeat(MAX_MESSAGE_BYTES) }),
    );
    assert.equal(await slightly.nextError(), "MESSAGE_TOO_LARGE");
    await slightly.untilEnded();
    const far = await jsonClient(server);
    far.socket.send("x".repeat(200_000));
    await far.untilEnded();
  });

  it("answers malformed lines and frames and goes on", async () => {
    const server = await startServer(["ana"]);
    const line = await lineClient(server);
    for (const bad of ["nonsense\n", "LOGIN|username\n", "LOGIN|username:%zz|password:x\n", "\xff\n"]) {
      line.raw(Buffer.from(bad, "latin1"));
      assert.equal(await line.nextError(), "MALFORMED");
    }
    line.raw("WHAT|a:b\nCALL_ANSWER|to:x|accept:maybe\r\n\r\n\n");
    assert.deepEqual([await line.nextError(), await line.nextError()], ["UNKNOWN_TYPE", "BAD_FIELD"]);
    await line.login("ana");
    const json = await jsonClient(server);
    json.socket.send("nonsense");
    assert.equal(await json.nextError(), "MALFORMED");
    json.socket.send(Buffer.from("{}"), { binary: true });
    assert.equal(await json.nextError(), "MALFORMED");
  });

  it("takes at most maxClients logins, and frees the place of one who leaves", async () => {
    const server = await startServer(["ana", "bob", "eve"], { maxClients: 2 });
    const ana = await (await lineClient(server)).login("ana");
    await (await jsonClient(server)).login("bob");
    const eve = await lineClient(server);
    eve.send({ type: "LOGIN", username: "eve", password: PASSWORD });
    assert.equal(await eve.nextError(), "SERVER_FULL");
    ana.send({ type: "LOGOUT" });
    await ana.next("LOGOUT_SUCCESS");
    await eve.login("eve");
  });

  it("tells connections beyond its room that it is full, and closes them", async () => {
    const server = await startServer([], { maxClients: 1 });
    const clients = [];
    for (let index = 0; index < 17; index++) clients.push(await lineClient(server));
    for (const client of clients) client.raw("PING\n");
    await Promise.all(clients.map((client) => client.next("PONG")));
    const late = await jsonClient(server);
    assert.equal(await late.nextError(), "SERVER_FULL");
    await late.untilEnded();
  });

  it("closes a connection that floods", async () => {
    const server = await startServer(["ana"], { limits: { messageBurst: 20, messagesPerSecond: 1 } });
    const client = await lineClient(server);
    client.raw("PING\n".repeat(30));
    assert.equal(await client.nextError(), "RATE_LIMITED");
    await client.untilEnded();
  });

  it("closes what does not log in, what stalls in a line, and what stays silent", async () => {
    const noLogin = await lineClient(await startServer([], { limits: { loginMs: 40 } }));
    noLogin.raw("PING\n");
    assert.equal(await noLogin.nextError(), "IDLE_TIMEOUT");
    const stalled = await lineClient(await startServer([], { limits: { lineMs: 40 } }));
    stalled.raw("PING\nPI");
    assert.equal(await stalled.nextError(), "IDLE_TIMEOUT");
    const silent = await lineClient(await startServer(["ana"], { limits: { pingMs: 40 } }));
    await silent.login("ana");
    await silent.next("PING");
    assert.equal(await silent.nextError(), "IDLE_TIMEOUT");
    await Promise.all([noLogin.untilEnded(), stalled.untilEnded(), silent.untilEnded()]);
  });

  it("takes no registrations when told so", async () => {
    const client = await lineClient(await startServer([], { registration: false }));
    client.send({ type: "REGISTER", username: "ana", password: PASSWORD });
    assert.equal(await client.nextError(), "REGISTRATION_CLOSED");
  });

  it("says goodbye to its clients when it closes, and closes at once", async () => {
    const server = await startServer(["ana", "bob"]);
    const ana = await (await lineClient(server)).login("ana");
    const bob = await (await jsonClient(server, true)).login("bob");
    const closing = server.close();
    assert.deepEqual([await ana.nextError(), await bob.nextError()], ["SERVER_CLOSING", "SERVER_CLOSING"]);
    await closing;
    await server.close();
  });
});
