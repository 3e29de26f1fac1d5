/** Other people's implementation at each end: coturn's client at our server, our client at coturn's server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { TurnService } from "../../src/server/turn_service.js";
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
  const credentials = ["-u", USER, "-w", PASSWORD];
  /** What uclient said and what the server counted. */
  type Check = (
    result: Awaited<ReturnType<typeof uclient>>,
    counters: ReturnType<TurnService["counters"]>,
  ) => void;
  const noneLost: Check = ({ lost, stdout }, counters) => {
    assert.equal(lost, 0, `${JSON.stringify(counters)}\n${stdout}`);
    assert.ok(counters.toPeers.packets >= 40, stdout);
    assert.ok(counters.allocations >= 2);
  };
  const cases: [string, Transport, string[], Check, Parameters<typeof startTurn>[0]?][] = [
    ["channels over UDP: client to client, no packet lost", "udp", ["-c", ...credentials], noneLost],
    [
      "Send and Data over UDP: client to client, no packet lost",
      "udp",
      ["-c", "-s", ...credentials],
      noneLost,
    ],
    ["channels over TCP: client to client, no packet lost", "tcp", ["-c", "-t", ...credentials], noneLost],
    [
      "time-limited credentials: client to client, no packet lost",
      "udp",
      ["-c", "-u", "bob", "-W", SECRET],
      noneLost,
    ],
    [
      "channels over TLS: every packet relayed both ways",
      "tls",
      ["-c", "-t", "-S", ...credentials],
      // uclient reads one TLS record per wake-up and misses those that come together, at coturn's server as well.
      ({ stdout }, { toPeers, toClients, lost }) => {
        assert.deepEqual([toPeers.packets, toClients.packets, lost], [40, 40, 0], stdout);
        assert.match(stdout, /method=TLSv1\.[23]/);
      },
      { tlsPort: 0, certificate: makeCertificate() },
    ],
    [
      "pairs of ports: the RTCP relay beside the RTP one",
      "udp",
      credentials,
      (result, counters) => {
        noneLost(result, counters);
        assert.ok(counters.allocations >= 4);
      },
      { limits: { maxAllocationsPerUser: 20 } },
    ],
  ];

  describe("each at a server of its own, all at once: uclient waits more than it works", () => {
    let runs: { service: TurnService; result: ReturnType<typeof uclient> }[] = [];

    before(async () => {
      runs = await Promise.all(
        cases.map(async ([, transport, flags, , options]) => {
          const service = await startTurn(options);
          const result = uclient(portOf(service, transport), "-y", ...flags);
          // Its own test tells of it.
          result.catch(() => undefined);
          return { service, result };
        }),
      );
    });
    after(cleanUp);

    for (const [at, [title, , , check]] of cases.entries()) {
      it(title, async () => {
        const { service, result } = runs[at];
        check(await result, service.counters());
      }).timeout(LIMIT_MS);
    }
  });

  it("gets nowhere with a wrong password, past its quota, or to a peer that is refused", async () => {
    const attempts: [Parameters<typeof startTurn>[0], string[], RegExp][] = [
      [{}, ["-u", USER, "-w", "wrong"], /Cannot complete Allocation/],
      [{ limits: { maxAllocationsPerUser: 1 } }, credentials, /486/],
      [{ allowedPeers: [] }, credentials, /403/],
    ];
    const outcomes = attempts.map(async ([options, flags, expected]) => {
      const service = await startTurn(options);
      const failed = await uclient(portOf(service, "udp"), "-y", "-c", ...flags).then(
        ({ stdout }) => stdout,
        (error) => String(error.stdout),
      );
      assert.match(failed, expected);
      assert.equal(service.counters().toPeers.packets, 0);
    });
    await Promise.all(outcomes).finally(cleanUp);
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
