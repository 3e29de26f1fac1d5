/** The `roomrtc` command from outside: what it says, writes and leaves, and its exit status. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/ports.js";
import { Desk, PASSWORD, set, startServer } from "./roomrtc.js";

const ANOTHER_FINGERPRINT = Array.from({ length: 32 }, () => "AB").join(":");

describe("roomrtc server and client", function () {
  this.timeout(120_000);
  let desk: Desk;

  beforeEach(() => {
    desk = new Desk();
  });
  afterEach(() => desk.clear());

  /** A port of the loopback address that is in use until the test ends. */
  async function takenPort(): Promise<{ port: number; free: () => void }> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return { port: (server.address() as AddressInfo).port, free: () => server.close() };
  }

  describe("a server in an empty folder", () => {
    it("makes key, certificate, users and log, keeps the key to itself, and ends cleanly at SIGTERM", async () => {
      const { command, address } = await startServer(desk);
      assert.match(command.stdout + command.stderr, /room_rtc\.conf: no such file, defaults apply/);
      const client = desk.client(address, "ana", "--call", "nobody");
      assert.equal((await client.ended).status, 1);
      command.process.kill("SIGTERM");
      assert.equal((await command.ended).status, 0);
      assert.match(command.stdout, /certificate SHA-256 \(made now\): [0-9A-F]{2}(:[0-9A-F]{2}){31}/);
      assert.equal(statSync(desk.path(".roomrtc/server.key.pem")).mode & 0o777, 0o600);
      assert.match(readFileSync(desk.path("users.txt"), "utf8"), /^ana:\$scrypt\$/m);
      assert.deepEqual(readdirSync(desk.folder).sort(), [
        ".roomrtc",
        "password",
        "room_rtc.log",
        "room_rtc.server.log",
        "users.txt",
      ]);
    });

    it("keeps its certificate: the second start shows the same fingerprint", async () => {
      const shown: (string | undefined)[] = [];
      for (let start = 0; start < 2; start++) {
        const { command } = await startServer(desk);
        command.process.kill("SIGINT");
        const { stdout, status } = await command.ended;
        assert.equal(status, 0);
        shown.push(/SHA-256[^:]*: (\S+)/.exec(stdout)?.[1]);
      }
      assert.ok(shown[0]);
      assert.equal(shown[1], shown[0]);
    });

    it("stops at a taken port, naming it, and says so in its log", async () => {
      const { port, free } = await takenPort();
      try {
        const words = set({ "server.server_client_addr": `127.0.0.1:${port}`, "server.http_port": 0 });
        const { status, stderr } = await desk.run("server", ...words);
        assert.equal(status, 1);
        assert.match(
          stderr,
          new RegExp(`roomrtc: cannot listen on 127\\.0\\.0\\.1 port ${port}: another program`),
        );
        assert.doesNotMatch(stderr, /\n\s+at /);
        assert.match(readFileSync(desk.path("room_rtc.server.log"), "utf8"), /"level":50.*cannot listen/);
      } finally {
        free();
      }
    });
  });

  describe("the configuration", () => {
    it("stops both commands at a bad key with file, line, key, found and allowed", async () => {
      desk.write("bad.conf", "[media]\nframe_rate = 0\n");
      const expected = /roomrtc: bad\.conf:2: frame_rate: found '0'; allowed: an integer from 1 to 120/;
      const server = await desk.run("server", "bad.conf");
      assert.deepEqual([server.status, expected.test(server.stderr)], [1, true], server.stderr);
      const client = await desk.run("client", "bad.conf", "--user", "a", "--password-file", "password");
      assert.deepEqual([client.status, expected.test(client.stderr)], [1, true], client.stderr);
    });

    it("obeys the flat server.conf and client.conf of the ancestor", async () => {
      const port = await freePort();
      desk.write(
        "server.conf",
        `server_addr = 127.0.0.1:${port}\nusers_file = "people.txt"\nlog_file = s.log\nmax_clients = 1\n`,
      );
      desk.write(
        "client.conf",
        `server_addr=127.0.0.1:${port}\nusers_file=people.txt\nmax_clients=1\nlog_file=c.log\nvideo width=320\nvideo height=180\nfps=15\n`,
      );
      const server = desk.start("server", "server.conf", ...set({ "server.http_port": 0 }));
      await server.line(new RegExp(`^RoomRTC server on 127\\.0\\.0\\.1:${port} `));
      const login = ["--password-file", "password", "--register"];
      const first = desk.start("client", "client.conf", "--user", "ana", "--auto-answer", ...login);
      await first.line(/^logged in as ana/);
      const second = await desk.run("client", "client.conf", "--user", "bob", "--auto-answer", ...login);
      assert.equal(second.status, 1);
      assert.match(second.stderr, /roomrtc: 1 users? (are|is) logged in/);
      for (const file of ["people.txt", "s.log", "c.log"]) assert.ok(existsSync(desk.path(file)), file);
    });
  });

  describe("a client that cannot do what it is asked", () => {
    let serving: Desk;
    let address: string;

    before(async () => {
      serving = new Desk();
      ({ address } = await startServer(serving));
    });
    after(() => serving.clear());

    const cases: [string, string[], RegExp][] = [
      [
        "calls nobody that is known",
        ["--call", "nobody"],
        /ended \(NOT_AVAILABLE\): nobody is registered as nobody/,
      ],
      ["calls itself", ["--call", "ana"], /ended \(REFUSED\): a call needs someone else \(CALL_TO_SELF\)/],
      [
        "asks for another certificate",
        ["--call", "bob", "--fingerprint", ANOTHER_FINGERPRINT],
        /roomrtc: 127\.0\.0\.1:\d+ shows the certificate .*, not AB:.* as asked for; not connecting/,
      ],
      [
        "gives no fingerprint as fingerprint",
        ["--call", "bob", "--fingerprint", "xyz"],
        /roomrtc: "xyz" is not a SHA-256 fingerprint/,
      ],
      [
        "records to an unknown format",
        ["--record", "x.avi"],
        /roomrtc: video file "x\.avi": allowed endings/,
      ],
      ["records to nowhere", ["--record", "/nowhere/x.wav"], /roomrtc: recording \/nowhere\/x\.wav: ENOENT/],
      [
        "names an unknown source",
        ["--video", "telescope"],
        /roomrtc: video source "telescope": allowed are test, /,
      ],
      ["has no camera", ["--video", "v4l2:/dev/video63"], /roomrtc: .*\/dev\/video63/],
    ];
    for (const [what, words, message] of cases) {
      it(`${what}: says so and ends with status 1`, async () => {
        const { status, stderr } = await desk.client(address, "ana", ...words).ended;
        assert.equal(status, 1, stderr);
        assert.match(stderr, message);
        assert.doesNotMatch(stderr, /\n\s+at /);
      });
    }

    it("has the wrong password, or no password file: says so and ends with status 1", async () => {
      assert.equal((await desk.client(address, "ana", "--call", "nobody").ended).status, 1);
      desk.write("wrong", "not the password\n");
      const wrong = await desk.run("client", address, "--user", "ana", "--password-file", "wrong");
      assert.equal(wrong.status, 1);
      assert.match(wrong.stderr, /roomrtc: wrong name or password\n$/);
      const none = await desk.run("client", address, "--user", "ana", "--password-file", "none");
      assert.equal(none.status, 1);
      assert.match(none.stderr, /roomrtc: password file none: ENOENT/);
    });

    it("finds no server: says where it looked and ends with status 1", async () => {
      const port = await freePort();
      const { status, stderr } = await desk.client(`127.0.0.1:${port}`, "ana").ended;
      assert.equal(status, 1);
      assert.match(
        stderr,
        new RegExp(`roomrtc: cannot connect to 127\\.0\\.0\\.1:${port}: nothing listens there`),
      );
    });

    it("logs in a second time, or calls one who is in a call: says so and ends with status 1", async () => {
      const kiosk = desk.client(address, "kiosk", "--auto-answer");
      await kiosk.line(/^logged in as kiosk/);
      const second = await desk.client(address, "kiosk", "--auto-answer").ended;
      assert.equal(second.status, 1);
      assert.match(second.stderr, /roomrtc: kiosk is logged in elsewhere/);
      const ana = desk.client(address, "ana", "--call", "kiosk");
      await ana.line(/^in a call with kiosk/);
      const bob = await desk.client(address, "bob", "--call", "kiosk").ended;
      assert.equal(bob.status, 1);
      assert.match(bob.stderr, /call with kiosk ended \(BUSY\): kiosk is in a call \(USER_BUSY\)/);
    });
  });

  it("remembers the server's certificate with a notice, and refuses another one from then on", async () => {
    const first = await startServer(desk);
    const { stderr } = await desk.client(first.address, "ana", "--call", "nobody").ended;
    assert.match(
      stderr,
      /notice: server met for the first time, remembered in \.roomrtc\/known_servers: SHA-256 /,
    );
    first.command.process.kill("SIGTERM");
    await first.command.ended;
    const files = { "server.server_private_key_file": "k.pem", "server.server_certification_file": "c.pem" };
    await startServer(desk, ...set({ ...files, "server.server_client_addr": first.address }));
    const again = await desk.client(first.address, "ana", "--call", "nobody").ended;
    assert.equal(again.status, 1);
    assert.match(
      again.stderr,
      /roomrtc: the certificate of 127\.0\.0\.1:\d+ has changed from \S+ to \S+: someone may/,
    );
  });

  it("writes structured logs without passwords, descriptions or keys", async () => {
    const { command, address } = await startServer(desk, ...set({ "server.log_level": "trace" }));
    const kiosk = desk.client(address, "kiosk", "--auto-answer", ...set({ "server.log_level": "trace" }));
    await kiosk.line(/^logged in as kiosk/);
    const ana = await desk.callUntilSeen(address, "ana");
    assert.equal(ana.status, 0, ana.stderr);
    kiosk.process.kill("SIGTERM");
    await kiosk.ended;
    command.process.kill("SIGTERM");
    await command.ended;
    for (const name of ["room_rtc.server.log", "room_rtc.log"]) {
      const text = readFileSync(desk.path(name), "utf8");
      const entries = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.ok(entries.length > 3, name);
      assert.ok(
        entries.every(({ level, time, msg }) => level && time && typeof msg === "string"),
        name,
      );
      for (const secret of [PASSWORD, "v=0", "ice-pwd", "PRIVATE KEY"])
        assert.ok(!text.includes(secret), secret);
    }
  });
});

describe("roomrtc demo", function () {
  this.timeout(120_000);
  let desk: Desk;

  beforeEach(() => {
    desk = new Desk();
  });
  afterEach(() => desk.clear());

  const anywhere = set({ "server.server_client_addr": "127.0.0.1:0", "network.bind_address": "127.0.0.1" });

  /** What demos of this process tree left in the temporary folder. */
  function foldersOf(pid: number): string[] {
    return readdirSync(tmpdir()).filter((name) => name.startsWith(`roomrtc-demo-${pid}-`));
  }

  function childrenOf(pid: number): number[] {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  }

  function isAlive(pid: number): boolean {
    // A zombie that nobody reaped yet is dead.
    return (
      existsSync(`/proc/${pid}/status`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
    );
  }

  async function untilGone(pid: number): Promise<void> {
    while (isAlive(pid)) await new Promise((done) => setTimeout(done, 20));
  }

  it("says what to open, ends after --seconds with status 0, and leaves nothing behind", async () => {
    const demo = desk.start("demo", "--seconds", "3", ...anywhere, ...set({ "server.http_port": 0 }));
    const pid = demo.process.pid ?? 0;
    // Its folder and its peer are there before it says anything; both are gone when it is.
    while (childrenOf(pid).length < 1) await new Promise((done) => setTimeout(done, 20));
    const [peer] = childrenOf(pid);
    assert.equal(foldersOf(pid).length, 1);
    await demo.line(/Open https:\/\/localhost:\d+\//);
    assert.equal((await demo.ended).status, 0);
    assert.ok(!isAlive(peer));
    assert.deepEqual(foldersOf(pid), []);
    assert.deepEqual(readdirSync(desk.folder), ["password"]);
  });

  it("takes the next port for a taken one, and says so", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    try {
      const demo = desk.start("demo", ...anywhere, ...set({ "server.http_port": port }));
      const line = await demo.line(/^Port \d+ is taken/);
      const [, instead] = /^Port \d+ is taken, using (\d+) instead\.$/.exec(line) ?? [];
      assert.ok(line.startsWith(`Port ${port} `) && Number(instead) > port, line);
      await demo.line(new RegExp(`Open http://localhost:${instead}/`));
      demo.process.kill("SIGTERM");
      assert.equal((await demo.ended).status, 0);
    } finally {
      taken.close();
    }
  });

  for (const [what, words] of [
    ["the demo", []],
    ["a measured call", ["--json", "--seconds", "30"]],
  ] as const) {
    it(`ends ${what} at a SIGINT that arrives twice, with its processes and folder`, async () => {
      const demo = desk.start("demo", ...words, ...anywhere, ...set({ "server.http_port": 0 }));
      const pid = demo.process.pid ?? 0;
      while (childrenOf(pid).length < 1) await new Promise((done) => setTimeout(done, 20));
      const children = childrenOf(pid);
      demo.process.kill("SIGINT");
      demo.process.kill("SIGINT");
      const { status, stderr } = await demo.ended;
      assert.equal(status, words.length === 0 ? 0 : 1, stderr);
      if (words.length > 0) assert.match(stderr, /roomrtc: the call was ended early: SIGINT/);
      for (const child of children) assert.ok(!isAlive(child));
      assert.deepEqual(foldersOf(pid), []);
    });
  }

  it("takes its peer with it even when it is killed", async () => {
    const demo = desk.start("demo", ...anywhere, ...set({ "server.http_port": 0 }));
    await demo.line(/Ctrl-C ends it/);
    const pid = demo.process.pid ?? 0;
    const [peer] = childrenOf(pid);
    demo.process.kill("SIGKILL");
    await demo.ended;
    await untilGone(peer);
    // Nobody was left to clear the folder up.
    for (const folder of foldersOf(pid)) rmSync(join(tmpdir(), folder), { recursive: true });
  });
});
