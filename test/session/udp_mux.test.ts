/** Many connections on one UDP port, through a real engine. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { MediaEngine } from "../../src/media/engine.js";
import { parseCandidate } from "../../src/protocol/ice/index.js";
import { freePort } from "../support/ports.js";
import { answerBinding } from "./stun_stub.js";
import { channelOf, End } from "./transport_end.js";

const CONNECTIONS = 100;

function startEngine(): Promise<MediaEngine> {
  return MediaEngine.start({
    videoSource: { kind: "none" },
    audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    warmUp: false,
  });
}

interface Pair {
  readonly shared: End;
  readonly own: End;
}

describe("many connections on one UDP port", function () {
  this.timeout(120_000);
  // Data channels belong to one engine of a process, so both ends live in it.
  let engine: MediaEngine;
  let stun: Socket;
  let port: number;

  before(async () => {
    [engine, port] = await Promise.all([startEngine(), freePort()]);
    stun = createSocket("udp4").bind(0, "127.0.0.1");
    await once(stun, "listening");
    stun.on("message", (data, from) => answerBinding(stun, data, from));
  });

  after(async () => {
    await engine?.stop();
    stun?.close();
  });

  function makePair(
    name: string,
    address = "127.0.0.1",
    stunServers: { address: string; port: number }[] = [],
  ): Pair {
    const settings = { bindAddresses: [address], tcpCandidates: "off" as const };
    const shared = new End(engine, `S${name}`, "controlled", {
      settings: { ...settings, udpMux: { port } },
      stunServers,
    });
    const own = new End(engine, `C${name}`, "controlling", { settings });
    return { shared, own };
  }

  function connect({ shared, own }: Pair): void {
    shared.connect(own, "server");
    own.connect(shared, "client");
    own.transport.openDataChannel(channelOf(0));
  }

  /** A message goes through the pair's channel and nobody else's. */
  async function talk({ shared, own }: Pair, text: string): Promise<void> {
    own.transport.sendData(0, false, new TextEncoder().encode(text).buffer as ArrayBuffer);
    const { data } = await shared.next("channelmessage");
    assert.equal(new TextDecoder().decode(data), text);
  }

  const close = (pairs: readonly Pair[]) =>
    Promise.all(pairs.flatMap(({ shared, own }) => [own.transport.close(), shared.transport.close()]));

  it(`carries ${CONNECTIONS} of them, each its own; closing one leaves the others`, async () => {
    const stunServers = [{ address: "127.0.0.1", port: stun.address().port }];
    const pairs = Array.from({ length: CONNECTIONS }, (_, i) =>
      makePair(String(i), "127.0.0.1", stunServers),
    );
    const candidates: string[][] = pairs.map(() => []);
    pairs.forEach((pair, i) => {
      pair.shared.transport.on("candidate", ({ candidate }) => candidates[i].push(candidate));
      connect(pair);
    });
    await Promise.all(pairs.map(({ own }) => own.next("channelopen")));
    await Promise.all(pairs.map((pair, i) => talk(pair, `message ${i}`)));
    for (const lines of candidates) {
      const [host, reflexive] = lines.map((line) => parseCandidate(line));
      assert.deepEqual([host.type, host.port], ["host", port]);
      // The server saw the same port from all of them; each got its own answer.
      assert.deepEqual([reflexive.type, reflexive.port], ["srflx", port + 1]);
    }
    await close(pairs.splice(0, CONNECTIONS / 2));
    await Promise.all(pairs.map((pair, i) => talk(pair, `still there ${i}`)));
    for (const { shared } of pairs) {
      const { discarded, selectedPair } = await shared.transport.getStats();
      assert.deepEqual(discarded, {});
      assert.ok(selectedPair?.local.includes(` ${port} typ host`));
    }
    await close(pairs);
    // The last one gave the port back.
    const again = createSocket("udp4").bind(port, "127.0.0.1");
    await once(again, "listening");
    await new Promise<void>((resolve) => again.close(resolve));
  });

  it("carries media, which another thread sends, and goes on through a flood from strangers", async () => {
    const pairs = [makePair("m0"), makePair("m1")];
    for (const [i, { shared, own }] of pairs.entries()) {
      const stream = {
        kind: "audio" as const,
        mid: "0",
        extensions: { mid: 1 },
        nack: false,
        reducedSizeRtcp: true,
      };
      const codec = { payloadType: 111, codec: "opus" as const, clockRate: 48_000, channels: 2 as const };
      for (const [j, { transport }] of [shared, own].entries()) {
        const ssrc = 100 * (i + 1) + j;
        transport.addReceiveStream({ ...stream, payloadTypes: [codec], ssrcs: [], localSsrc: ssrc });
        transport.addSendStream({
          ...stream,
          ssrc,
          cname: `${ssrc}`,
          codec: "opus",
          payloadType: 111,
          clockRate: 48_000,
        });
      }
      connect({ shared, own });
    }
    const attacker = createSocket("udp4");
    const flood = [Buffer.alloc(100, 0x80), Buffer.alloc(100, 22), Buffer.alloc(40, 1)];
    for (let i = 0; i < 3000; i++) attacker.send(flood[i % 3], port, "127.0.0.1");
    for (const { shared, own } of pairs) {
      for (const { transport } of [shared, own]) {
        for (;;) {
          const { receive } = await transport.getStats();
          if (Math.abs(receive[0].toneHz - 440) < 5 && receive[0].packetsReceived > 30) break;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
      const { discarded } = await shared.transport.getStats();
      // A speaker thread that is behind on a busy machine is none of the strangers' doing.
      assert.deepEqual(
        Object.keys(discarded).filter((kind) => kind !== "audio-queue-full"),
        [],
      );
    }
    attacker.close();
    await close(pairs);
  });

  it("goes on through ICE restarts, with the new fragment", async () => {
    const pair = makePair("restart");
    connect(pair);
    await pair.own.next("channelopen");
    const fresh = [pair.shared, pair.own].map((_, i) => ({
      usernameFragment: `fresh${i}`,
      password: `another+password+for+number+${i}`,
    }));
    const selected = once(pair.shared.transport as never, "selectedpair");
    pair.shared.transport.restartIce?.(fresh[0]);
    pair.own.transport.restartIce?.(fresh[1]);
    pair.shared.transport.setRemoteIceParameters(fresh[1], false);
    pair.own.transport.setRemoteIceParameters(fresh[0], false);
    await selected;
    await talk(pair, "after the restart");
    await close([pair]);
  });

  it("has IPv6 beside IPv4", async () => {
    const pairs = [makePair("four"), makePair("six", "::1")];
    for (const pair of pairs) connect(pair);
    await Promise.all(pairs.map(({ own }) => own.next("channelopen")));
    await Promise.all(pairs.map((pair, i) => talk(pair, `family ${i}`)));
    await close(pairs);
  });

  it("says so when somebody else has the port", async () => {
    const taken = createSocket("udp4").bind(0, "127.0.0.1");
    await once(taken, "listening");
    const end = new End(engine, "taken", "controlled", {
      settings: { udpMux: { port: taken.address().port } },
    });
    const failed = once(end.transport as never, "failed");
    end.transport.gather();
    const [{ code, message }] = (await failed) as [{ code: string; message: string }];
    assert.equal(code, "ERR_TRANSPORT_BIND");
    assert.match(message, /in use/);
    await end.transport.close();
    taken.close();
  });
});
