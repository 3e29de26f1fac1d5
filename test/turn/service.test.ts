import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { hmacSha1 } from "../../src/media/session/system_random.js";
import { timeLimitedCredentials } from "../../src/protocol/turn_server/index.js";
import { createTurnService } from "../../src/server/turn_service.js";
import { freePort } from "../support/ports.js";
import {
  cleanUp,
  LOOPBACK,
  makeCertificate,
  onCleanUp,
  PASSWORD,
  portOf,
  REALM,
  SECRET,
  startEcho,
  startTurn,
  type Transport,
  TurnRig,
  USER,
  until,
} from "./rig.js";

const unixNow = () => Math.floor(Date.now() / 1000);

const openSockets = () => process.getActiveResourcesInfo().filter((name) => /UDP|TCP/.test(name)).length;

describe("TURN service on real sockets", () => {
  afterEach(cleanUp);

  for (const transport of ["udp", "tcp", "tls"] as const satisfies Transport[]) {
    it(`relays over ${transport}: Send, Data and ChannelData, every size, both ways`, async () => {
      const service = await startTurn({ tlsPort: 0, certificate: makeCertificate() });
      const echo = await startEcho();
      const rig = await TurnRig.open(portOf(service, transport), transport);
      const { relayed } = await rig.allocate();
      for (const bound of [false, true]) {
        if (bound) rig.do((client, now) => client.bindChannel(echo.at, now));
        for (const size of [0, 1, 2, 3, 4, 5, 1200, 9000]) {
          const data = randomBytes(size);
          rig.do((client, now) => client.send(echo.at, data, now));
          const back = await rig.next("data");
          assert.deepEqual([back.from, Buffer.from(back.data).equals(data)], [echo.at, true]);
        }
      }
      assert.ok(echo.seen.every(({ port }) => port === relayed.port));
      const { toPeers, toClients, allocationCount } = service.counters();
      assert.deepEqual([toPeers.packets, toClients.packets, allocationCount], [16, 16, 1]);
      rig.do((client, now) => client.close(now));
      await rig.next("closed");
      assert.equal(service.counters().allocationCount, 0);
    });
  }

  it("relays between two clients of the same server", async () => {
    const service = await startTurn();
    const one = await TurnRig.open(portOf(service, "udp"), "udp");
    const two = await TurnRig.open(
      portOf(service, "tcp"),
      "tcp",
      timeLimitedCredentials(SECRET, "bob", unixNow() + 60, hmacSha1),
    );
    const [first, second] = [(await one.allocate()).relayed, (await two.allocate()).relayed];
    two.do((client, now) => client.permit(first, now));
    // Its answer comes before anything sent afterwards: the connection keeps the order.
    two.do((client, now) => client.bindChannel(first, now));
    one.do((client, now) => client.bindChannel(second, now));
    for (let i = 0; ; i++) {
      one.do((client, now) => client.send(second, Uint8Array.of(i), now));
      const pause = new Promise<undefined>((resolve) => {
        setTimeout(() => resolve(undefined), 50);
      });
      const got = await Promise.race([two.next("data"), pause]);
      if (!got) continue;
      assert.deepEqual(got.from, first);
      break;
    }
    two.do((client, now) => client.send(first, Uint8Array.of(42), now));
    assert.equal((await one.next("data")).data[0], 42);
  });

  it("refuses a peer on loopback unless it is configured", async () => {
    const service = await startTurn({ allowedPeers: [] });
    const echo = await startEcho();
    const rig = await TurnRig.open(portOf(service, "udp"), "udp");
    await rig.allocate();
    rig.do((client, now) => client.send(echo.at, Uint8Array.of(1), now));
    assert.equal((await rig.next("denied")).code, 403);
    assert.deepEqual(echo.seen, []);
  });

  it("releases the relay when the connection goes", async () => {
    let report: (fields: object) => void = () => {};
    const released = new Promise<object>((resolve) => {
      report = resolve;
    });
    const log = (fields: object, message: string) => message === "relay released" && report(fields);
    const logger = { debug: log, info: log, warn: log, error: log };
    const service = await startTurn({ logger });
    const rig = await TurnRig.open(portOf(service, "tcp"), "tcp");
    const { relayed } = await rig.allocate();
    rig.destroy();
    assert.match(JSON.stringify(await released), /"reason":"disconnected"/);
    const again = createSocket("udp4");
    onCleanUp(() => void again.close());
    again.bind(relayed.port, "127.0.0.1");
    await once(again, "listening");
    await until(() => service.counters().connections === 0);
  });

  it("closes a connection that talks nonsense, and one that never allocates", async () => {
    const service = await startTurn({ idleMs: 20 });
    const nonsense = connect(portOf(service, "tcp"), "127.0.0.1");
    nonsense.write("GET / HTTP/1.1\r\n\r\n");
    await once(nonsense, "close");
    const silent = connect(portOf(service, "tcp"), "127.0.0.1");
    await once(silent, "close");
    await until(() => service.counters().connections === 0);
  });

  it("announces the external address and keeps to its ports", async () => {
    const port = await freePort();
    const service = await startTurn({
      externalAddresses: ["198.51.100.1"],
      relayPorts: { min: port, max: port },
    });
    const rig = await TurnRig.open(portOf(service, "udp"), "udp");
    assert.deepEqual((await rig.allocate()).relayed, { family: 4, address: "198.51.100.1", port });
    const late = await TurnRig.open(portOf(service, "udp"), "udp");
    await assert.rejects(late.allocate(), /508/);
  });

  it("takes another port when one is held by somebody else", async () => {
    const port = await freePort(2);
    const held = createSocket("udp4");
    onCleanUp(() => void held.close());
    held.bind(port + 1, "127.0.0.1");
    await once(held, "listening");
    const service = await startTurn({ relayPorts: { min: port, max: port + 1 } });
    const rig = await TurnRig.open(portOf(service, "udp"), "udp");
    assert.equal((await rig.allocate()).relayed.port, port);
  });

  it("closes with allocations open and leaves no socket behind", async () => {
    const before = openSockets();
    const service = await startTurn({ tlsPort: 0, certificate: makeCertificate() });
    for (const transport of ["udp", "tcp", "tls"] as const)
      await (await TurnRig.open(portOf(service, transport), transport)).allocate();
    assert.equal(service.counters().allocationCount, 3);
    await service.close();
    await service.close();
    await cleanUp();
    await until(() => openSockets() === before);
  });

  it("says what is wrong with its options, and with a taken port, and leaves nothing open", async () => {
    const options = {
      listenAddresses: ["127.0.0.1"],
      udpPort: 0,
      tcpPort: 0,
      tlsPort: false as number | false,
      relayAddresses: [],
      externalAddresses: [],
      relayPorts: { min: 40_000, max: 41_000 },
      realm: REALM,
      users: new Map([[USER, PASSWORD]]),
      sharedSecrets: [],
      allowedPeers: LOOPBACK,
      deniedPeers: [],
    };
    const bad = { name: "ServerError", code: "BAD_OPTION" };
    await assert.rejects(createTurnService({ ...options, relayPorts: { min: 5, max: 4 } }), bad);
    await assert.rejects(createTurnService({ ...options, tlsPort: 0 }), bad);
    await assert.rejects(createTurnService({ ...options, listenAddresses: ["0.0.0.0"] }), bad);
    await assert.rejects(createTurnService({ ...options, relayAddresses: ["127.0.0.1", "127.0.0.2"] }), bad);
    const first = await startTurn();
    const taken = { ...options, tcpPort: portOf(first, "tcp") };
    await assert.rejects(createTurnService(taken), { name: "ServerError", code: "PORT_TAKEN" });
  });
});
