import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatHash, hashPassword, parseHash, verifyPassword } from "../../src/server/password.js";
import { Throttle } from "../../src/server/throttle.js";
import { parseUsers, UsersFile } from "../../src/server/users_file.js";
import { CHEAP, cleanUp, temporaryFolder } from "./harness.js";

const HASH = formatHash({ cost: CHEAP, salt: new Uint8Array(16).fill(1), hash: new Uint8Array(32).fill(2) });

describe("users file", () => {
  afterEach(cleanUp);

  it("skips comments and empty lines, takes CRLF, keeps order", () => {
    const users = parseUsers(`# users\r\n\r\nana:${HASH}\r\n\n  \nbob:${HASH}`, "users.txt");
    assert.deepEqual([...users.keys()], ["ana", "bob"]);
  });

  const damaged: [string, RegExp][] = [
    ["ana", /expected NAME:HASH/],
    ["ana:secret", /not a scrypt hash/],
    ["ana:secret:metadata", /not a scrypt hash/],
    [`a b:${HASH}`, /not a user name/],
    [`:${HASH}`, /not a user name/],
    [`ana:${HASH.slice(0, -40)}`, /not a scrypt hash/],
    [`ana:${HASH.replace("ln=4", "ln=30")}`, /not a scrypt hash/],
    [`first:${HASH}`, /there twice/],
  ];
  for (const [line, why] of damaged) {
    it(`names file and line of the damaged line "${line.slice(0, 24)}"`, () => {
      assert.throws(
        () => parseUsers(`# head\nfirst:${HASH}\n${line}\n`, "/etc/users.txt"),
        (error: Error & { code?: string }) =>
          error.code === "USERS_FILE_DAMAGED" &&
          error.message.startsWith("/etc/users.txt:3: ") &&
          why.test(error.message),
      );
    });
  }

  it("registers, verifies, and survives reopening; mode 0600, no temporary file left", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "users.txt");
    const users = await UsersFile.open(path, CHEAP);
    assert.equal(await users.register("ana", "one"), true);
    assert.equal(await users.register("ana", "two"), false);
    const again = await UsersFile.open(path, CHEAP);
    assert.equal(await again.verify("ana", "one"), true);
    assert.equal(await again.verify("ana", "two"), false);
    assert.equal(await again.verify("nobody", ""), false);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ["users.txt"]);
  });

  it("keeps every one of many registrations at once", async () => {
    const path = join(temporaryFolder(), "users.txt");
    const users = await UsersFile.open(path, CHEAP);
    const names = Array.from({ length: 50 }, (_, index) => `user${index}`);
    await Promise.all(names.map((name) => users.register(name, name)));
    assert.deepEqual([...parseUsers(readFileSync(path, "utf8"), path).keys()].sort(), names.sort());
  });

  it("lets exactly one of two registrations of a name win", async () => {
    const users = await UsersFile.open(join(temporaryFolder(), "users.txt"), CHEAP);
    const won = await Promise.all(["a", "b"].map((password) => users.register("ana", password)));
    assert.deepEqual(won.sort(), [false, true]);
  });

  it("does not register who could not be written, and leaves the old file whole", async () => {
    const folder = join(temporaryFolder(), "gone");
    const users = await UsersFile.open(join(folder, "users.txt"), CHEAP);
    await assert.rejects(users.register("ana", "one"), { code: "USERS_FILE_UNWRITABLE" });
    assert.equal(await users.verify("ana", "one"), false);
    mkdirSync(folder);
    assert.equal(await users.register("ana", "one"), true);
  });

  it("says that a file cannot be read", async () => {
    const folder = temporaryFolder();
    await assert.rejects(UsersFile.open(folder, CHEAP), { code: "USERS_FILE_UNREADABLE" });
    const path = join(folder, "users.txt");
    writeFileSync(path, "");
    chmodSync(path, 0o600);
    assert.deepEqual([...(await UsersFile.open(path)).names()], []);
  });
});

describe("password hashes", () => {
  it("come back from their text and tell right from wrong", async () => {
    const stored = parseHash(formatHash(await hashPassword("contraseña", CHEAP)));
    assert.ok(stored);
    assert.equal(await verifyPassword("contraseña", stored), true);
    assert.equal(
      await verifyPassword("contrasen\u0303a", stored),
      true,
      "the same text in another normal form",
    );
    assert.equal(await verifyPassword("contrasena", stored), false);
  });

  it("verify the vector of RFC 7914 §12 (N=16384, r=8, p=1)", async () => {
    const expected =
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887";
    const stored = {
      cost: { ln: 14, r: 8, p: 1 },
      salt: new TextEncoder().encode("SodiumChloride"),
      hash: Buffer.from(expected, "hex"),
    };
    assert.equal(await verifyPassword("pleaseletmein", stored), true);
  });
});

describe("throttle", () => {
  const make = () =>
    new Throttle({ freeFailures: 2, firstWaitMs: 100, maxWaitMs: 350, forgetMs: 1000, maxKeys: 3 });

  it("waits twice as long after each failure beyond the free ones, up to the most", () => {
    const throttle = make();
    const waits = [0, 0, 0, 0, 0, 0].map(() => {
      throttle.failed("a", 0);
      return throttle.waitMs("a", 0);
    });
    assert.deepEqual(waits, [0, 0, 100, 200, 350, 350]);
    assert.equal(throttle.waitMs("a", 340), 10);
    assert.equal(throttle.waitMs("b", 0), 0);
  });

  it("forgets after success, after time, and the oldest beyond its room", () => {
    const throttle = make();
    for (let count = 0; count < 3; count++) throttle.failed("a", 0);
    throttle.succeeded("a");
    assert.equal(throttle.waitMs("a", 0), 0);
    for (let count = 0; count < 3; count++) throttle.failed("b", 0);
    throttle.failed("b", 2000);
    assert.equal(throttle.waitMs("b", 2000), 0);
    for (const key of ["c", "d", "e"]) throttle.failed(key, 0);
    assert.equal(throttle.size, 3);
  });
});
