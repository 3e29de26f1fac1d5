import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RoomServer } from "../../src/server/room_server.js";
import { SignalingClient, type SignalingClientOptions } from "../../src/signaling/client.js";
import { normalizeFingerprint } from "../../src/signaling/trust.js";
import {
  cleanUp,
  filesIn,
  onCleanUp,
  PASSWORD,
  SDP,
  startServer,
  temporaryFolder,
} from "../server/harness.js";

const OTHER = Array.from({ length: 32 }, () => "00").join(":");

function client(server: RoomServer, options: Partial<SignalingClientOptions> = {}): SignalingClient {
  const { port } = server.address();
  const made = new SignalingClient({ host: "127.0.0.1", port, ...options });
  onCleanUp(() => made.close());
  return made;
}
const pinned = (server: RoomServer, options: Partial<SignalingClientOptions> = {}): SignalingClient =>
  client(server, { fingerprint: server.fingerprint, ...options });

describe("trust in the server", () => {
  afterEach(cleanUp);

  it("takes the fingerprint that was asked for, in any spelling, and no other", async () => {
    const server = await startServer();
    await pinned(server).connect();
    await client(server, { fingerprint: `sha-256 ${server.fingerprint.toLowerCase()}` }).connect();
    await client(server, { fingerprint: server.fingerprint.replaceAll(":", "") }).connect();
    await assert.rejects(client(server, { fingerprint: OTHER }).connect(), { code: "FINGERPRINT_MISMATCH" });
    assert.throws(() => client(server, { fingerprint: "AB:CD" }), { code: "BAD_OPTION" });
    assert.throws(() => client(server), { code: "BAD_OPTION" });
    assert.equal(normalizeFingerprint("00".repeat(32)), OTHER);
  });

  it("remembers the first certificate with a notice, then takes it silently, and refuses a changed one", async () => {
    const folder = temporaryFolder();
    const trustFile = join(temporaryFolder(), "known", "servers");
    const first = await startServer(["ana"], {}, folder);
    const meeting = client(first, { trustFile });
    const notices: unknown[] = [];
    meeting.on("firstmeeting", (notice) => notices.push(notice));
    await meeting.connect();
    assert.deepEqual(notices, [{ fingerprint: first.fingerprint, trustFile }]);
    assert.equal(statSync(trustFile).mode & 0o777, 0o600);
    const { port } = first.address();
    assert.ok(readFileSync(trustFile, "utf8").includes(`127.0.0.1:${port} ${first.fingerprint}\n`));
    const again = client(first, { trustFile });
    again.on("firstmeeting", () => assert.fail("met before"));
    await again.connect();
    await first.close();
    rmSync(filesIn(folder).certFile);
    rmSync(filesIn(folder).keyFile);
    const changed = await startServer([], { port }, folder);
    assert.notEqual(changed.fingerprint, first.fingerprint);
    await assert.rejects(client(changed, { trustFile }).connect(), (error: Error & { code?: string }) => {
      return error.code === "FINGERPRINT_CHANGED" && error.message.includes(changed.fingerprint);
    });
    assert.equal(changed.counts().connections, 0);
    await client(changed, { trustFile, fingerprint: changed.fingerprint }).connect();
  });

  it("names file and line of a damaged trust file, and does not connect", async () => {
    const server = await startServer();
    const trustFile = join(temporaryFolder(), "known");
    writeFileSync(trustFile, "# servers\nnonsense\n");
    await assert.rejects(client(server, { trustFile }).connect(), {
      code: "TRUST_FILE_DAMAGED",
      message: `${trustFile}:2: expected HOST:PORT FINGERPRINT; mend or remove the line`,
    });
  });

  it("says that nothing listens", async () => {
    const server = await startServer();
    await server.close();
    await assert.rejects(pinned(server).connect(), {
      code: "CONNECT_FAILED",
      message: /nothing listens there/,
    });
  });
});

describe("signaling client", () => {
  afterEach(cleanUp);

  it("registers, logs in, lists, sees others change, logs out", async () => {
    const server = await startServer(["bob"]);
    const ana = pinned(server);
    await ana.connect();
    await ana.register("ana", PASSWORD);
    await ana.login("ana", PASSWORD);
    assert.equal(ana.username, "ana");
    assert.deepEqual(await ana.users(), [
      { username: "ana", status: "AVAILABLE" },
      { username: "bob", status: "DISCONNECTED" },
    ]);
    const changed = new Promise((resolve) => {
      ana.on("userstatus", (user) => user.username === "bob" && resolve(user));
    });
    const bob = pinned(server);
    await bob.connect();
    await bob.login("bob", PASSWORD);
    assert.deepEqual(await changed, { username: "bob", status: "AVAILABLE" });
    await ana.ping();
    await ana.logout();
    await assert.rejects(ana.users(), { code: "NOT_LOGGED_IN" });
  });

  it("turns refusals into typed errors of the request that caused them", async () => {
    const server = await startServer(["ana"]);
    const ana = pinned(server);
    await assert.rejects(ana.users(), { code: "NOT_CONNECTED" });
    await ana.connect();
    await assert.rejects(ana.login("ana", "wrong"), { code: "BAD_CREDENTIALS", request: "LOGIN" });
    await assert.rejects(ana.register("ana", PASSWORD), { code: "USER_EXISTS" });
    await ana.login("ana", PASSWORD);
    const both = [ana.users(), ana.users()];
    await assert.rejects(both[1] as Promise<unknown>, { code: "REQUEST_PENDING" });
    await both[0];
    const refused = once(ana, "servererror");
    ana.offer("nobody", SDP);
    const [error] = (await refused) as [{ code: string; request: string }];
    assert.deepEqual([error.code, error.request], ["USER_NOT_FOUND", "CALL_OFFER"]);
  });

  it("fails what it waits for when the connection goes, and says why", async () => {
    const server = await startServer(["ana"]);
    const ana = pinned(server);
    await ana.connect();
    await ana.login("ana", PASSWORD);
    const lost = once(ana, "disconnected");
    await server.close();
    const [{ reconnecting }] = (await lost) as [{ reconnecting: boolean }];
    assert.equal(reconnecting, false);
    assert.equal(ana.connected, false);
    assert.throws(() => ana.offer("bob", SDP), { code: "NOT_CONNECTED" });
  });

  it("connects and logs in again by itself when asked to", async () => {
    const folder = temporaryFolder();
    const first = await startServer(["ana"], {}, folder);
    const ana = pinned(first, { reconnect: { firstDelayMs: 5, maxDelayMs: 20 } });
    await ana.connect();
    await ana.login("ana", PASSWORD);
    const lost = once(ana, "disconnected");
    await first.close();
    await lost;
    const back = once(ana, "reconnected");
    const second = await startServer([], { port: first.address().port }, folder);
    await back;
    assert.equal(ana.username, "ana");
    assert.equal(second.counts().users, 1);
  });

  it("gives reconnecting up when the certificate changed meanwhile", async () => {
    const first = await startServer(["ana"]);
    const ana = pinned(first, { reconnect: { firstDelayMs: 5, maxDelayMs: 20 } });
    await ana.connect();
    await ana.login("ana", PASSWORD);
    await first.close();
    const failed = once(ana, "failed");
    const second = await startServer(["ana"], { port: first.address().port });
    const [error] = (await failed) as [{ code: string }];
    assert.equal(error.code, "FINGERPRINT_MISMATCH");
    assert.equal(second.counts().users, 0);
  });

  it("stays away after close, also in the middle of reconnecting", async () => {
    const folder = temporaryFolder();
    const first = await startServer(["ana"], {}, folder);
    const ana = pinned(first, { reconnect: { firstDelayMs: 5, maxDelayMs: 10 } });
    await ana.connect();
    await ana.login("ana", PASSWORD);
    await first.close();
    await ana.close();
    const second = await startServer([], { port: first.address().port }, folder);
    const bob = pinned(second);
    await bob.connect();
    await bob.ping();
    assert.equal(second.counts().users, 0);
  });
});
