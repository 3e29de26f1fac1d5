/** What a running call does when a thread dies, a certificate is wrong, or the network sends rubbish. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Peer, type PeerOptions } from "../../src/client/peer.js";
import type { PeerReport } from "../../src/client/report.js";
import { type Override, parseConfig } from "../../src/config/load.js";
import type { WorkerName } from "../../src/media/engine_messages.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import type { RoomServer } from "../../src/server/room_server.js";
import { SignalingClient } from "../../src/signaling/client.js";
import { cleanUp, onCleanUp, PASSWORD, startServer, temporaryFolder } from "../server/harness.js";
import { untilTone } from "../support/tones.js";

describe("faults in a call", function () {
  this.timeout(120_000);
  let server: RoomServer;

  /** The peers that call each other in most tests: whatever befalls one call, the next finds them ready. */
  let ana: Peer;
  let bob: Peer;

  before(async () => {
    server = await startServer(["ana", "bob", "eve", "joe", "kim"]);
    [ana, bob] = await Promise.all([peer("ana"), peer("bob")]);
  });
  afterEach(async () => {
    await Promise.all([ana, bob].map((each) => each.hangUp()));
  });
  after(cleanUp);

  async function peer(user: string, options: Partial<PeerOptions> = {}, ...more: Override[]): Promise<Peer> {
    const { config } = parseConfig("", "test", [
      ["server", "client_server_addr", `127.0.0.1:${server.address().port}`],
      ["network", "bind_address", "127.0.0.1"],
      ["media", "frame_width", "320"],
      ["media", "frame_height", "180"],
      ...more,
    ]);
    const made = await Peer.start({
      config,
      user,
      password: PASSWORD,
      register: false,
      autoAnswer: true,
      video: "test",
      audio: "tone",
      fingerprint: server.fingerprint,
      ...options,
    });
    onCleanUp(() => made.close());
    await made.login();
    return made;
  }

  /** Resolves when so many more pictures were presented. */
  function pictures(of: Peer, count: number): Promise<void> {
    return new Promise((done) => {
      const end = of.engine.onPicture(() => {
        if (--count > 0) return;
        end();
        done();
      });
    });
  }

  const ended = (of: Peer) => new Promise<PeerReport>((done) => of.once("ended", done));
  const notice = (of: Peer, pattern: RegExp) =>
    new Promise<string>((done) => of.on("notice", (text) => pattern.test(text) && done(text)));

  async function talk(caller: Peer, callee: Peer, name = "bob"): Promise<void> {
    const flowing = [pictures(caller, 3), pictures(callee, 3)];
    caller.call(name);
    await Promise.all(flowing);
  }

  for (const name of ["camera", "encoder", "decoder"] as const satisfies WorkerName[]) {
    it(`a ${name} that dies is said and replaced, and pictures flow again both ways`, async () => {
      await talk(ana, bob);
      const said = notice(ana, new RegExp(`^worker ${name} failed: .*; it was started again`));
      await ana.engine.killWorker(name);
      await said;
      await Promise.all([pictures(ana, 10), pictures(bob, 10)]);
      const over = ended(bob);
      await ana.hangUp();
      assert.equal((await over).code, "REMOTE_HANGUP");
    });
  }

  it("a recording that ends with its thread is said, and what it has stays", async () => {
    const record = join(temporaryFolder(), "call.y4m");
    const eve = await peer("eve", { record });
    await talk(eve, bob);
    await pictures(eve, 5);
    const said = notice(eve, /^decoder: the recording ended with the thread that wrote it \(SINK_FAILED\)/);
    await eve.engine.killWorker("decoder");
    await said;
    await pictures(eve, 5);
    assert.ok(statSync(record).size > 3 * 320 * 180 * 1.5);
  });

  for (const name of ["sender", "receiver", "rtcp"] as const satisfies WorkerName[]) {
    it(`a ${name} that dies ends the call at both ends, and the next call works`, async () => {
      await talk(ana, bob);
      const over = Promise.all([ended(ana), ended(bob)]);
      await ana.engine.killWorker(name);
      const [here, there] = await over;
      assert.equal(here.code, "CONNECTION_FAILED");
      assert.match(here.reason, new RegExp(`the ${name} thread died: .*\\(WORKER_FAILED\\)`));
      assert.ok(["CONNECTION_FAILED", "REMOTE_HANGUP"].includes(there.code), there.code);
      await talk(ana, bob);
    });
  }

  it("a certificate that signaling did not announce ends the call before media, with its code", async () => {
    const forged = Array.from({ length: 32 }, () => "0F").join(":");
    const { offer } = SignalingClient.prototype;
    SignalingClient.prototype.offer = function (to, sdp, callId) {
      offer.call(this, to, sdp.replace(/(a=fingerprint:sha-256 ).*/g, `$1${forged}`), callId);
    };
    const over = Promise.all([ended(ana), ended(bob)]);
    ana.call("bob");
    const [caller, callee] = await over.finally(() => {
      SignalingClient.prototype.offer = offer;
    });
    assert.equal(callee.code, "CONNECTION_FAILED");
    assert.match(callee.reason, /The peer's certificate \(sha-256 .*\) is none that signaling announced/);
    assert.equal(callee.received.video.framesDecoded, 0);
    assert.equal(callee.received.audio.packetsReceived, 0);
    // The callee's close on the media path may overtake the server's word of why.
    assert.ok(["CONNECTION_FAILED", "REMOTE_HANGUP"].includes(caller.code), caller.code);
    assert.equal(caller.received.video.framesDecoded, 0);
  });

  it("garbage at the media port changes nothing", async () => {
    await talk(ana, bob);
    const [, port] =
      /^candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) /i.exec((await bob.report())?.pair?.local ?? "") ?? [];
    const socket = createSocket("udp4");
    onCleanUp(() => new Promise<void>((done) => socket.close(() => done())));
    const seed = 20_261_121;
    const random = seededRandom(seed);
    // First bytes of every kind that RFC 7983 tells apart, and of none.
    for (let i = 0; i < 2_000; i++) {
      const data = random.bytes(random.uint32() % 1_400);
      if (data.length > 0) data[0] = [0, 1, 20, 22, 23, 64, 128, 129, 144, 200, 255][i % 11];
      socket.send(data, Number(port), "127.0.0.1");
    }
    await Promise.all([pictures(ana, 15), pictures(bob, 15)]);
    await untilTone(`bob hears ana (seed ${seed})`, 440, 15, async () => {
      return (await bob.report())?.received.audio.toneHz;
    });
    const over = ended(bob);
    await ana.hangUp();
    assert.equal((await over).code, "REMOTE_HANGUP", `seed ${seed}`);
  });

  it("calls over IPv6", async () => {
    const six: Override = ["network", "bind_address", "::1"];
    const [joe, kim] = await Promise.all([peer("joe", {}, six), peer("kim", {}, six)]);
    await talk(joe, kim, "kim");
    const { pair } = (await joe.report()) ?? {};
    assert.match(pair?.local ?? "", / ::1 \d+ typ (host|prflx)/);
    assert.match(pair?.remote ?? "", / ::1 \d+ typ (host|prflx)/);
  });
});
