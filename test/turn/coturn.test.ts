/** Other people's implementation at each end: coturn's client at our server, our client at coturn's server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { Coturn, installed } from "./coturn_server.js";
import {
  cleanUp,
  makeCertificate,
  PASSWORD,
  portOf,
  SECRET,
  startEcho,
  startTurn,
  type Transport,
  TurnRig,
  USER,
} from "./rig.js";

const run = promisify(execFile);
const LIMIT_MS = 60_000;

/** Packets that `turnutils_uclient` sent through the server, got back and lost. */
async function uclient(port: number, ...flags: string[]) {
  const args = [...flags, "-n", "20", "-m", "2", "-z", "5", "-p", String(port), "127.0.0.1"];
  const { stdout } = await run("turnutils_uclient", args, { timeout: LIMIT_MS });
  const totals = [...stdout.matchAll(/tot_send_msgs=(\d+), tot_recv_msgs=(\d+)/g)].at(-1);
  const lost = /Total lost packets (\d+)/.exec(stdout)?.[1];
  return { sent: Number(totals?.[1]), received: Number(totals?.[2]), lost: Number(lost), stdout };
}

describe("coturn's turnutils_uclient at our TURN server", () => {
  before(function () {
    if (!installed("turnutils_uclient")) {
      console.log("    skipped: coturn is not installed (apt-get install coturn)");
      this.skip();
    }
  });
  afterEach(cleanUp);

  const credentials = ["-u", USER, "-w", PASSWORD];
  const cases: [string, Transport, string[]][] = [
    ["channels over UDP", "udp", credentials],
    ["Send and Data over UDP", "udp", ["-s", ...credentials]],
    ["channels over TCP", "tcp", ["-t", ...credentials]],
    ["time-limited credentials", "udp", ["-u", "bob", "-W", SECRET]],
  ];
  for (const [title, transport, flags] of cases) {
    it(`${title}: client to client, no packet lost`, async () => {
      const service = await startTurn();
      const result = await uclient(portOf(service, transport), "-y", "-c", ...flags);
      assert.equal(result.lost, 0, `${JSON.stringify(service.counters())}\n${result.stdout}`);
      assert.ok(service.counters().toPeers.packets >= 40, result.stdout);
      assert.ok(service.counters().allocations >= 2);
    }).timeout(LIMIT_MS);
  }

  it("channels over TLS: every packet relayed both ways", async () => {
    const service = await startTurn({ tlsPort: 0, certificate: makeCertificate() });
    const { stdout } = await uclient(portOf(service, "tls"), "-y", "-c", "-t", "-S", ...credentials);
    // uclient reads one TLS record per wake-up and misses those that come together, at coturn's server as well.
    const { toPeers, toClients, lost } = service.counters();
    assert.deepEqual([toPeers.packets, toClients.packets, lost], [40, 40, 0], stdout);
    assert.match(stdout, /method=TLSv1\.[23]/);
  }).timeout(LIMIT_MS);

  it("pairs of ports: the RTCP relay beside the RTP one", async () => {
    const service = await startTurn({ limits: { maxAllocationsPerUser: 20 } });
    const result = await uclient(portOf(service, "udp"), "-y", ...credentials);
    assert.equal(result.lost, 0, `${JSON.stringify(service.counters())}\n${result.stdout}`);
    assert.ok(service.counters().allocations >= 4);
  }).timeout(LIMIT_MS);

  it("gets nowhere with a wrong password, past its quota, or to a peer that is refused", async () => {
    const attempts: [Parameters<typeof startTurn>[0], string[], RegExp][] = [
      [{}, ["-u", USER, "-w", "wrong"], /Cannot complete Allocation/],
      [{ limits: { maxAllocationsPerUser: 1 } }, credentials, /486/],
      [{ allowedPeers: [] }, credentials, /403/],
    ];
    for (const [options, flags, expected] of attempts) {
      const service = await startTurn(options);
      const failed = await uclient(portOf(service, "udp"), "-y", "-c", ...flags).then(
        ({ stdout }) => stdout,
        (error) => String(error.stdout),
      );
      assert.match(failed, expected);
      assert.equal(service.counters().toPeers.packets, 0);
    }
  }).timeout(LIMIT_MS);
});

describe("our TURN client at coturn's server", () => {
  let port = 0;
  let tlsPort = 0;
  let server: Coturn | undefined;

  before(async function () {
    this.timeout(LIMIT_MS);
    if (!installed("turnserver")) {
      console.log("    skipped: coturn is not installed (apt-get install coturn)");
      this.skip();
    }
    server = await Coturn.start();
    ({ port, tlsPort } = server);
  });
  afterEach(cleanUp);
  after(() => server?.stop());

  for (const transport of ["udp", "tcp", "tls"] as const satisfies Transport[]) {
    it(`allocates over ${transport}, relays with and without a channel, refreshes and closes`, async () => {
      const echo = await startEcho();
      const rig = await TurnRig.open(transport === "tls" ? tlsPort : port, transport);
      const { relayed, mapped } = await rig.allocate();
      assert.equal(relayed.address, "127.0.0.1");
      assert.ok(relayed.port >= 38_000 && relayed.port <= 39_000 && mapped.port > 0);
      for (const bound of [false, true]) {
        if (bound) rig.do((client, now) => client.bindChannel(echo.at, now));
        for (const size of [1, 3, 500, 1200]) {
          const data = randomBytes(size);
          rig.do((client, now) => client.send(echo.at, data, now));
          const back = await rig.next("data");
          assert.deepEqual([back.from, Buffer.from(back.data).equals(data)], [echo.at, true]);
        }
      }
      assert.ok(echo.seen.every(({ port: from }) => from === relayed.port));
      rig.do((client, now) => client.close(now));
      await rig.next("closed");
      assert.deepEqual(
        { ...rig.client.counters, dropped: 0 },
        { malformed: 0, unauthenticated: 0, unexpected: 0, fromStrangers: 0, dropped: 0, staleNonces: 0 },
      );
    }).timeout(LIMIT_MS);
  }

  it("reports a wrong password, and the quota", async () => {
    const wrong = await TurnRig.open(port, "udp", { password: "wrong" });
    await assert.rejects(wrong.allocate(), /401/);
    const codes: string[] = [];
    for (let i = 0; i < 4; i++) {
      const rig = await TurnRig.open(port, "udp");
      codes.push(
        await rig.allocate().then(
          () => "ok",
          (error) => /"code":(\d+)/.exec(String(error))?.[1] ?? String(error),
        ),
      );
    }
    assert.equal(codes.at(-1), "486", codes.join());
  }).timeout(LIMIT_MS);
});
