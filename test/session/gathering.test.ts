/** What the settings say about addresses and ports, through the real engine. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { native } from "../../native/addon.js";
import { MediaEngine } from "../../src/media/engine.js";
import type { CandidateError, TransportSettings } from "../../src/media/transport_api.js";
import { type IceCandidate, parseCandidate } from "../../src/protocol/ice/index.js";
import {
  RTCPeerConnection,
  type RTCPeerConnectionIceErrorEvent,
  whenClosed,
} from "../../src/webrtc/index.js";

describe("gathering by the settings", function () {
  this.timeout(120_000);
  let engine: MediaEngine;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "none" },
      audioSource: { kind: "none" },
      warmUp: false,
    });
  });

  after(async () => engine?.stop());

  async function gather(settings: TransportSettings) {
    const { certificatePem, privateKeyPem } = native.Certificate.generate();
    const transport = engine.createTransport({
      iceRole: "controlling",
      local: { usernameFragment: "ufragA", password: "password+of+the+first+peer" },
      stunServers: [],
      certificatePem,
      privateKeyPem,
      settings: { tcpCandidates: "off", ...settings },
    });
    const candidates: IceCandidate[] = [];
    const errors: CandidateError[] = [];
    const failures: string[] = [];
    transport.on("candidate", ({ candidate }) => candidates.push(parseCandidate(candidate)));
    transport.on("candidateerror", (error) => errors.push(error));
    transport.on("failed", ({ code }) => failures.push(code));
    const complete = new Promise<void>((done) => transport.on("gatheringcomplete", () => done()));
    transport.gather();
    await complete;
    await transport.close();
    return { candidates, errors, failures };
  }

  it("maps each local address to that of its 1:1 NAT and leaves out those without one", async () => {
    const { candidates, failures } = await gather({
      bindAddresses: ["127.0.0.1", "127.0.0.2", "127.0.0.3"],
      nat1to1: { addresses: ["203.0.113.1/127.0.0.1", "203.0.113.2/127.0.0.2"] },
    });
    assert.deepEqual(
      candidates.map(({ type, address }) => [type, address]),
      [
        ["host", "203.0.113.1"],
        ["host", "203.0.113.2"],
      ],
    );
    assert.deepEqual(failures, []);
  });

  it("tells it on TCP candidates too, active and passive", async () => {
    const { candidates } = await gather({
      bindAddresses: ["127.0.0.1"],
      nat1to1: { addresses: ["203.0.113.1"] },
      tcpCandidates: "both",
    });
    assert.deepEqual(
      candidates.map(({ transport, tcpType, address }) => [transport, tcpType, address]),
      [
        ["udp", undefined, "203.0.113.1"],
        ["tcp", "active", "203.0.113.1"],
        ["tcp", "passive", "203.0.113.1"],
      ],
    );
  });

  it("offers none of a lite agent, which would never connect", async () => {
    const { candidates } = await gather({
      bindAddresses: ["127.0.0.1"],
      iceLite: true,
      tcpCandidates: "both",
    });
    assert.deepEqual(
      candidates.map(({ transport }) => transport),
      ["udp"],
    );
  });

  it("tells the address of a 1:1 NAT as server-reflexive, without a server", async () => {
    const { candidates } = await gather({
      bindAddresses: ["127.0.0.1"],
      nat1to1: { addresses: ["203.0.113.1"], as: "srflx" },
    });
    const [host, reflexive] = candidates;
    assert.deepEqual([host.type, host.address], ["host", "127.0.0.1"]);
    assert.deepEqual(
      [reflexive.type, reflexive.address, reflexive.port, reflexive.relatedAddress],
      ["srflx", "203.0.113.1", host.port, "127.0.0.1"],
    );
  });

  it("keeps to its range of ports, and says when all of them are in use", async () => {
    const taken = createSocket("udp4").bind(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address();
    const portRange = { min: port, max: port };
    const { candidates, errors, failures } = await gather({
      bindAddresses: ["127.0.0.1", "127.0.0.2"],
      portRange,
    });
    assert.deepEqual(
      candidates.map((candidate) => [candidate.address, candidate.port]),
      [["127.0.0.2", port]],
    );
    assert.deepEqual(
      [errors[0].asker, errors[0].server, errors[0].code],
      [{ address: "127.0.0.1", port: null }, null, 700],
    );
    assert.match(errors[0].reason, new RegExp(`1 ports from ${port} to ${port} are all in use`));
    assert.deepEqual(failures, []);
    const all = await gather({ bindAddresses: ["127.0.0.1"], portRange });
    assert.deepEqual(all.failures, ["ERR_TRANSPORT_BIND"]);
    taken.close();
  });

  it("tells of an exhausted range by icecandidateerror", async () => {
    const taken = createSocket("udp4").bind(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address();
    const transport = {
      bindAddresses: ["127.0.0.1"],
      portRange: { min: port, max: port },
    };
    const connection = new RTCPeerConnection({}, { transportFactory: engine, transport });
    const failed = new Promise<RTCPeerConnectionIceErrorEvent>((resolve) => {
      connection.addEventListener("icecandidateerror", resolve);
    });
    connection.createDataChannel("x");
    await connection.setLocalDescription();
    const { address, url, errorCode, errorText, port: eventPort } = await failed;
    assert.deepEqual([address, eventPort, url, errorCode], ["127.0.0.1", null, "", 700]);
    assert.match(errorText, /in use/);
    connection.close();
    await whenClosed(connection);
    taken.close();
  });
});
