/** Calls of ours over TCP candidates alone, through a relay of bytes that can be cut or stopped. */
import assert from "node:assert/strict";
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { MediaEngine } from "../../src/media/engine.js";
import {
  createLocalTrack,
  MediaStream,
  type RTCIceCandidate,
  RTCPeerConnection,
  whenClosed,
} from "../../src/webrtc/index.js";
import { decodedPictures } from "../support/pictures.js";
import { negotiate } from "../webrtc/fake_transport.js";

const TAG = 0x7c9;

/** Carries bytes to a port of loopback and back. */
class Cable {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  carried = 0;
  #isStopped = false;

  private constructor(to: number) {
    this.#server = createServer((near) => {
      const far = connectTcp(to, "127.0.0.1");
      for (const [from, into] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        if (this.#isStopped) from.pause();
        from.on("data", (data) => {
          this.carried += data.length;
          into.write(data);
        });
        from.on("error", () => {});
        from.on("close", () => into.destroy());
      }
    });
  }

  static async lay(to: number): Promise<Cable> {
    const cable = new Cable(to);
    await new Promise<void>((resolve) => cable.#server.listen(0, "127.0.0.1", resolve));
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Both ends get a reset; new connections are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  /** Nothing comes through any more, yet nobody is told. */
  stop(): void {
    this.#isStopped = true;
    for (const socket of this.#sockets) socket.pause();
  }

  remove(): void {
    this.cut();
    this.#server.close();
  }
}

describe("a call over TCP candidates", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  const cables: Cable[] = [];
  const connections: RTCPeerConnection[] = [];

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 240, frameRate: 30, noise: false, tag: TAG },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    });
  });
  after(() => engine.stop());
  afterEach(async () => {
    for (const pc of connections) pc.close();
    await Promise.all(connections.splice(0).map((pc) => whenClosed(pc)));
    for (const cable of cables.splice(0)) cable.remove();
  });

  function connection(tcpCandidates: "active" | "passive"): RTCPeerConnection {
    const pc = new RTCPeerConnection(
      {},
      { transportFactory: engine, transport: { bindAddresses: ["127.0.0.1"], tcpCandidates } },
    );
    connections.push(pc);
    const stream = new MediaStream();
    for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }), stream);
    return pc;
  }

  const pictures = (count: number) => decodedPictures(engine, TAG, count);

  async function untilState(pc: RTCPeerConnection, state: string): Promise<void> {
    while (pc.connectionState !== state) {
      await new Promise<void>((resolve) => {
        pc.addEventListener("connectionstatechange", () => resolve(), { once: true });
      });
    }
  }

  /** The active end hears of the passive one's port only through the cables: each is a candidate, the first the best. */
  async function call(count: number): Promise<[RTCPeerConnection, RTCPeerConnection]> {
    const [active, passive] = [connection("active"), connection("passive")];
    passive.onicecandidate = async ({ candidate }) => {
      if (candidate?.tcpType !== "passive") return;
      for (let i = 0; i < count; i++) {
        const cable = await Cable.lay(candidate.port ?? 0);
        cables[i] = cable;
        await active.addIceCandidate(through(candidate, cable.port, count - i));
      }
    };
    active.onicecandidate = ({ candidate }) => {
      if (candidate?.tcpType === "active") void passive.addIceCandidate(candidate);
    };
    const seen = pictures(30);
    await negotiate(active, passive);
    await untilState(active, "connected");
    await seen;
    return [active, passive];
  }

  function through(candidate: RTCIceCandidate, port: number, rank: number) {
    const words = candidate.candidate.split(" ");
    words[0] += `${rank}`;
    words[3] = String(Number(words[3]) + rank * 256);
    words[5] = String(port);
    return { candidate: words.join(" "), sdpMLineIndex: 0, usernameFragment: candidate.usernameFragment };
  }

  const pairOf = (pc: RTCPeerConnection) =>
    pc.getSenders()[0].transport?.iceTransport.getSelectedCandidatePair();

  it("carries picture and sound, and comes back when the connection is reset", async () => {
    const [active, passive] = await call(1);
    assert.deepEqual(
      [pairOf(active)?.local.tcpType, pairOf(active)?.remote.port],
      ["active", cables[0].port],
    );
    assert.deepEqual([pairOf(passive)?.local.tcpType, pairOf(passive)?.remote.type], ["passive", "prflx"]);
    const stats = [...(await active.getStats()).values()];
    const pair = stats.find(({ type }) => type === "candidate-pair") as { localCandidateId: string };
    const local = stats.find(({ id }) => id === pair.localCandidateId) as {
      protocol: string;
      tcpType: string;
    };
    assert.deepEqual([local.protocol, local.tcpType], ["tcp", "active"]);
    const lost = untilState(active, "disconnected");
    cables[0].cut();
    await lost;
    await Promise.all([untilState(active, "connected"), untilState(passive, "connected")]);
    await pictures(30);
  });

  it("moves to another pair when the one in use goes silent", async () => {
    const [active] = await call(2);
    assert.equal(pairOf(active)?.remote.port, cables[0].port);
    const moved = new Promise<void>((resolve) => {
      const ice = active.getSenders()[0].transport?.iceTransport;
      ice?.addEventListener("selectedcandidatepairchange", () => resolve(), { once: true });
    });
    const before = cables[1].carried;
    cables[0].stop();
    await moved;
    assert.equal(pairOf(active)?.remote.port, cables[1].port);
    await pictures(30);
    assert.ok(cables[1].carried > before + 10_000);
    assert.notEqual(active.connectionState, "failed");
  });
});
