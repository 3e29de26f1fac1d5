/** A whole call of ours that may use relayed candidates only, through our TURN server. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { MediaEngine } from "../../src/media/engine.js";
import type { TransportSettings } from "../../src/media/transport_api.js";
import type { TurnService } from "../../src/server/turn_service.js";
import { createLocalTrack, MediaStream, RTCPeerConnection, whenClosed } from "../../src/webrtc/index.js";
import { CHROMIUM_PATH, launchChromium } from "../support/chromium.js";
import { decodedPictures } from "../support/pictures.js";
import { freePort } from "../support/ports.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "../webrtc/fake_transport.js";
import { cleanUp, onCleanUp, PASSWORD, portOf, startTurn, USER, until } from "./rig.js";

const TAG = 0x7011;

/** Runs in the page: answers an offer with relayed candidates only, and says everything back with a "!". */
const ANSWER = `async (server, offer) => {
  const pc = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: "relay" });
  pc.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => channel.send(data + "!");
  };
  const gathered = new Promise((resolve) => {
    pc.onicecandidate = ({ candidate }) => candidate || resolve();
  });
  await pc.setRemoteDescription(offer);
  await pc.setLocalDescription();
  await gathered;
  return { type: pc.localDescription.type, sdp: pc.localDescription.sdp };
}`;

describe("a relay-only call of ours", function () {
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

  function relayOnly(service: TurnService, transport: TransportSettings = {}): RTCPeerConnection {
    const urls = `turn:127.0.0.1:${portOf(service, "udp")}`;
    return new RTCPeerConnection(
      { iceServers: [{ urls, username: USER, credential: PASSWORD }], iceTransportPolicy: "relay" },
      { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"], ...transport } },
    );
  }

  function connection(service: TurnService): RTCPeerConnection {
    const pc = relayOnly(service);
    const stream = new MediaStream();
    for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }), stream);
    return pc;
  }

  const pictures = (count: number) => decodedPictures(engine, TAG, count);

  it("carries picture and sound both ways through channels, and gives the relays back", async () => {
    const service = await startTurn();
    const [a, b] = [connection(service), connection(service)];
    const types: string[] = [];
    const trickle = (from: RTCPeerConnection, to: RTCPeerConnection) => {
      from.onicecandidate = ({ candidate }) => {
        if (candidate === null) return;
        if (candidate.type) types.push(candidate.type);
        void to.addIceCandidate(candidate);
      };
    };
    trickle(a, b);
    trickle(b, a);
    const seen = pictures(60);
    const unmuted = [a, b].flatMap((pc) => pc.getReceivers().map(({ track }) => nextEvent(track, "unmute")));
    await negotiate(a, b);
    for (const pc of [a, b]) {
      while (pc.connectionState !== "connected") {
        assert.notEqual(pc.connectionState, "failed");
        await nextEvent(pc, "connectionstatechange");
      }
    }
    await seen;
    await Promise.all(unmuted);
    assert.ok(types.length >= 2 && types.every((type) => type === "relay"), types.join());
    const { toPeers, errors, refusedFromClients } = service.counters();
    assert.ok(toPeers.packets > 100, `${toPeers.packets} packets relayed`);
    assert.deepEqual([Object.keys(errors), refusedFromClients], [["401"], 0]);
    for (const pc of [a, b]) pc.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
    await until(() => service.counters().allocationCount === 0);
  });

  it("relays for several connections on one shared port, each by a socket of its own to the server", async () => {
    const service = await startTurn();
    const udpMux = { port: await freePort() };
    const calls = await Promise.all(
      ["first", "second"].map(async (text) => {
        const [a, b] = [relayOnly(service, { udpMux }), relayOnly(service, { udpMux })];
        trickle(a, b);
        const channel = a.createDataChannel(text);
        const heard = new Promise<string>((resolve) => {
          b.ondatachannel = ({ channel: theirs }) => {
            theirs.onmessage = ({ data }) => resolve(data as string);
          };
        });
        const opened = nextEvent(channel, "open");
        await negotiate(a, b);
        await opened;
        channel.send(text);
        assert.equal(await heard, text);
        return [a, b];
      }),
    );
    assert.deepEqual(Object.keys(service.counters().errors), ["401"]);
    for (const pc of calls.flat()) pc.close();
    await Promise.all(calls.flat().map((pc) => whenClosed(pc)));
    await until(() => service.counters().allocationCount === 0);
  });

  it("carries a data channel to a relay-only Chromium that comes over TCP, and back", async function () {
    if (!existsSync(CHROMIUM_PATH)) this.skip();
    const service = await startTurn();
    const browser = await launchChromium();
    onCleanUp(() => browser.close());
    const page = await browser.newPage();
    const pc = relayOnly(service);
    onCleanUp(async () => {
      pc.close();
      await whenClosed(pc);
    });
    const channel = pc.createDataChannel("through two relays");
    const opened = nextEvent(channel, "open");
    const gathered = new Promise<void>((resolve) => {
      pc.onicecandidate = ({ candidate }) => candidate === null && resolve();
    });
    await pc.setLocalDescription();
    await gathered;
    const urls = `turn:127.0.0.1:${portOf(service, "tcp")}?transport=tcp`;
    const server = { urls, username: USER, credential: PASSWORD };
    const words = JSON.stringify([server, pc.localDescription]);
    const answer = await page.evaluate<{ type: "answer"; sdp: string }>(`(${ANSWER})(...${words})`);
    assert.match(answer.sdp, /a=candidate:.* typ relay/);
    assert.doesNotMatch(answer.sdp, / typ (host|srflx)/);
    await pc.setRemoteDescription(answer);
    await opened;
    const echo = nextEvent(channel, "message");
    const text = "x".repeat(20_000);
    channel.send(text);
    const event = (await echo) as Event & { readonly data: string };
    assert.equal(event.data, `${text}!`);
    assert.ok(service.counters().toPeers.bytes > 2 * 20_000);
  });
});
