/** Whole calls of ours through TURN servers that are reached over TCP and TLS alone. */
import assert from "node:assert/strict";
import { MediaEngine } from "../../src/media/engine.js";
import {
  createLocalTrack,
  MediaStream,
  type RTCIceServer,
  RTCPeerConnection,
  type RTCPeerConnectionIceErrorEvent,
  whenClosed,
} from "../../src/webrtc/index.js";
import { decodedPictures } from "../support/pictures.js";
import { freePort } from "../support/ports.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "../webrtc/fake_transport.js";
import { Coturn, installed } from "./coturn_server.js";
import { cleanUp, makeCertificate, onCleanUp, PASSWORD, portOf, startTurn, USER, until } from "./rig.js";

const TAG = 0x7021;

describe("a call over a TURN server reached by TCP and TLS", function () {
  this.timeout(120_000);
  let engine: MediaEngine;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: false, tag: TAG },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    });
  });
  after(() => engine.stop());
  afterEach(cleanUp);

  function connection(urls: string, extraCaPem = "", credential = PASSWORD): RTCPeerConnection {
    const server: RTCIceServer = { urls, username: USER, credential };
    const trust = extraCaPem === "" ? {} : { extraCaPem };
    const pc = new RTCPeerConnection(
      { iceServers: [server], iceTransportPolicy: "relay" },
      { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"], ...trust } },
    );
    onCleanUp(async () => {
      pc.close();
      await whenClosed(pc);
    });
    return pc;
  }

  const pictures = (count: number) => decodedPictures(engine, TAG, count);

  /** Picture, sound and a data channel between two ends whose only way is the server. */
  async function call(urls: string, extraCaPem = ""): Promise<[RTCPeerConnection, RTCPeerConnection]> {
    const [a, b] = [connection(urls, extraCaPem), connection(urls, extraCaPem)];
    for (const pc of [a, b]) {
      const stream = new MediaStream();
      for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }), stream);
    }
    const seen = pictures(60);
    const channel = a.createDataChannel("through the relay");
    b.ondatachannel = ({ channel: far }) => {
      far.onmessage = ({ data }) => far.send(`${data}!`);
    };
    const opened = nextEvent(channel, "open");
    trickle(a, b);
    await negotiate(a, b);
    await opened;
    const echo = nextEvent(channel, "message") as Promise<Event & { readonly data: string }>;
    channel.send("x".repeat(20_000));
    assert.equal((await echo).data, `${"x".repeat(20_000)}!`);
    await seen;
    for (const pc of [a, b]) {
      const pair = pc.getSenders()[0].transport?.iceTransport.getSelectedCandidatePair();
      assert.equal(pair?.local.type, "relay");
    }
    return [a, b];
  }

  it("TCP: carries picture, sound and data, gives the relays back, and falls with the connection", async () => {
    const service = await startTurn({ udpPort: false });
    const urls = `turn:127.0.0.1:${portOf(service, "tcp")}?transport=tcp`;
    const [a, b] = await call(urls);
    const { toPeers, errors } = service.counters();
    assert.ok(toPeers.packets > 100, `${toPeers.packets} packets relayed`);
    assert.deepEqual(Object.keys(errors), ["401"]);
    for (const pc of [a, b]) pc.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
    await until(() => service.counters().allocationCount === 0);

    const [c] = await call(urls);
    const failed = new Promise<void>((resolve) => {
      c.onconnectionstatechange = () => c.connectionState === "failed" && resolve();
    });
    await service.close();
    await failed;
  });

  it("TLS: the same, with a certificate of an authority that the settings name", async () => {
    const certificate = makeCertificate();
    const service = await startTurn({ udpPort: false, tcpPort: false, tlsPort: 0, certificate });
    await call(`turns:127.0.0.1:${portOf(service, "tls")}`, certificate.certificatePem);
    assert.ok(service.counters().toPeers.packets > 100);
  });

  describe("at coturn's server", () => {
    let coturn: Coturn;
    before(async function () {
      if (!installed("turnserver")) {
        console.log("    skipped: coturn is not installed (apt-get install coturn)");
        this.skip();
      }
      coturn = await Coturn.start();
    });
    after(() => coturn?.stop());

    for (const transport of ["tcp", "tls"]) {
      it(`carries the call over ${transport}`, async () => {
        const { port, tlsPort, certificatePem } = coturn;
        const urls =
          transport === "tls" ? `turns:127.0.0.1:${tlsPort}` : `turn:127.0.0.1:${port}?transport=tcp`;
        await call(urls, certificatePem);
      });
    }
  });

  it("tells why a server gave no candidate, and which one it was", async () => {
    const certificate = makeCertificate();
    const service = await startTurn({ tlsPort: 0, certificate });
    const tls = `turns:127.0.0.1:${portOf(service, "tls")}`;
    const tcp = `turn:127.0.0.1:${portOf(service, "tcp")}?transport=tcp`;
    const nobody = `turn:127.0.0.1:${await freePort()}?transport=tcp`;
    const cases: [RTCPeerConnection, string, number, RegExp][] = [
      [connection(nobody), nobody, 701, /Connection refused/],
      [connection(tls), tls, 701, /certificate of 127\.0\.0\.1 is refused: self-signed certificate/],
      [connection(tcp, "", "wrong"), tcp, 401, /^/],
    ];
    for (const [pc, url, code, reason] of cases) {
      pc.addTransceiver("audio");
      const failed = nextEvent<RTCPeerConnectionIceErrorEvent>(pc, "icecandidateerror");
      await pc.setLocalDescription();
      const event = await failed;
      assert.deepEqual([event.url, event.errorCode], [url, code]);
      assert.deepEqual([event.address, event.port], [null, null], "with relays only no candidate tells it");
      assert.match(event.errorText, reason);
    }
  });
});
