/** Server-reflexive candidates through the real engine: a STUN server on the loopback interface sees and says. */
import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { native } from "../../native/addon.js";
import { MediaEngine } from "../../src/media/engine.js";
import type { CandidateError } from "../../src/media/transport_api.js";
import { parseCandidate } from "../../src/protocol/ice/index.js";
import { answerBinding } from "./stun_stub.js";

describe("an engine with a STUN server", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  let server: Socket;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "none" },
      audioSource: { kind: "none" },
      warmUp: false,
    });
    server = createSocket("udp4").bind(0, "127.0.0.1");
    await once(server, "listening");
  });

  after(async () => {
    await engine?.stop();
    server?.close();
  });

  async function gather(): Promise<{ candidates: string[]; errors: CandidateError[] }> {
    const { certificatePem, privateKeyPem } = native.Certificate.generate();
    const { port } = server.address();
    const transport = engine.createTransport({
      iceRole: "controlling",
      local: { usernameFragment: "ufragA", password: "password+of+the+first+peer" },
      stunServers: [{ address: "127.0.0.1", port }],
      certificatePem,
      privateKeyPem,
      settings: { bindAddresses: ["127.0.0.1"] },
    });
    const candidates: string[] = [];
    const errors: CandidateError[] = [];
    transport.on("candidate", ({ candidate }) => candidates.push(candidate));
    transport.on("candidateerror", (error) => errors.push(error));
    const complete = new Promise<void>((done) => transport.on("gatheringcomplete", () => done()));
    transport.gather();
    await complete;
    await transport.close();
    return { candidates, errors };
  }

  it("offers the address that the server saw, with its host candidate as the base", async () => {
    const onMessage = (data: Uint8Array, from: RemoteInfo) => answerBinding(server, data, from);
    server.on("message", onMessage);
    const { candidates, errors } = await gather();
    server.off("message", onMessage);
    assert.deepEqual(errors, []);
    const parsed = candidates.map((candidate) => parseCandidate(candidate));
    const host = parsed.find(({ type }) => type === "host");
    const reflexive = parsed.find(({ type }) => type === "srflx");
    assert.ok(host && reflexive, candidates.join("\n"));
    assert.deepEqual([reflexive.address, reflexive.port], ["203.0.113.7", host.port + 1]);
    assert.deepEqual([reflexive.relatedAddress, reflexive.relatedPort], ["127.0.0.1", host.port]);
    assert.ok(reflexive.priority < host.priority);
    assert.notEqual(reflexive.foundation, host.foundation);
  });
});
