/** Both sides negotiate when they like: perfect negotiation (WebRTC 1.0 §10.7) under random use, by seed. */
import assert from "node:assert/strict";
import { MediaEngine } from "../../src/media/engine.js";
import type { ReceiveStreamOptions, SendStreamOptions } from "../../src/media/transport_api.js";
import { type RandomSource, seededRandom } from "../../src/protocol/primitives/random.js";
import { receives, reverseDirection, sends } from "../../src/protocol/sdp/directions.js";
import type { SdpDirection } from "../../src/protocol/sdp/sdp_model.js";
import {
  createLocalTrack,
  MediaStream,
  RTCPeerConnection as RealConnection,
  type RTCPeerConnection,
  type RTCRtpTransceiver,
  whenClosed,
} from "../../src/webrtc/index.js";
import { closeAll, connection, type FakeEngine, type FakeTransport } from "./fake_transport.js";
import { PerfectPeer, SlowChannel, turns, ufragOf } from "./perfect_negotiation.js";

const kinds = ["audio", "video"] as const;
const directions: readonly SdpDirection[] = ["sendrecv", "sendonly", "recvonly", "inactive"];
const maxTransceivers = 8;

type Change = (pc: RTCPeerConnection, pick: <T>(from: readonly T[]) => T) => void;

/** What an application may do at any moment. */
const changes: readonly Change[] = [
  (pc, pick) => {
    if (pc.getTransceivers().length < maxTransceivers)
      pc.addTransceiver(pick(kinds), { direction: pick(directions) });
  },
  (pc, pick) => {
    if (pc.getTransceivers().length < maxTransceivers)
      pc.addTrack(createLocalTrack({ kind: pick(kinds) }), new MediaStream());
  },
  (pc, pick) => {
    const sending = pc.getSenders().filter(({ track }) => track !== null);
    if (sending.length > 0) pc.removeTrack(pick(sending));
  },
  (pc, pick) => {
    const live = pc.getTransceivers().filter(({ direction }) => direction !== "stopped");
    if (live.length > 0) pick(live).direction = pick(directions);
  },
  (pc, pick) => {
    if (pc.getTransceivers().length > 3) pick(pc.getTransceivers()).stop();
  },
  (pc, pick) => {
    if (pc.getSenders().length > 0) pick(pc.getSenders()).setStreams(new MediaStream());
  },
  (pc) => pc.restartIce(),
  (pc) => void pc.createDataChannel("one more"),
];

/** A transport that finds one candidate in each generation, a while after it was asked. */
function answerGathering(engine: FakeEngine, random: RandomSource): void {
  const create = engine.createTransport.bind(engine);
  let port = 40_000;
  engine.createTransport = (options) => {
    const transport = create(options);
    const find = async () => {
      await turns(random.uint32() % 8);
      const found = { address: "127.0.0.1", port: port++, type: "host" as const };
      const candidate = `candidate:1 1 udp 2130706431 127.0.0.1 ${found.port} typ host`;
      transport.find({ ...found, candidate });
      transport.endGathering();
    };
    for (const name of ["gather", "restartIce"] as const) {
      const record = transport[name];
      transport[name] = (...given: unknown[]) => {
        record(...given);
        void find();
      };
    }
    return transport;
  };
}

/** The streams a transport has in the end, by mid. */
function streamsOf<T extends { readonly mid: string }>(transport: FakeTransport, name: "Send" | "Receive") {
  const streams = new Map<string, T>();
  for (const [called, argument] of transport.calls) {
    if (called === `add${name}Stream`) streams.set((argument as T).mid, argument as T);
    if (called === `remove${name}Stream`) streams.delete(argument as string);
  }
  return streams;
}

class Pair {
  readonly #random: RandomSource;
  readonly #channels: readonly SlowChannel[];
  readonly polite: PerfectPeer;
  readonly impolite: PerfectPeer;

  constructor(random: RandomSource, make: () => RTCPeerConnection, maxTurns: number) {
    this.#random = random;
    const [there, back] = [new SlowChannel(random, maxTurns), new SlowChannel(random, maxTurns)];
    this.#channels = [there, back];
    this.polite = new PerfectPeer(make(), true, there, back);
    this.impolite = new PerfectPeer(make(), false, back, there);
  }

  get peers(): readonly PerfectPeer[] {
    return [this.polite, this.impolite];
  }

  async change(steps: number, allowed = changes): Promise<void> {
    const pick = <T>(from: readonly T[]): T => from[this.#random.uint32() % from.length];
    for (let step = 0; step < steps; step++) {
      pick(allowed)(pick(this.peers).pc, pick);
      await turns(this.#random.uint32() % 12);
    }
  }

  /** Until nobody has anything more to say. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 60; ) {
      await turns(1);
      for (const { failure } of this.peers) if (failure !== undefined) throw failure;
      const isBusy = this.peers.some(({ isBusy, pc }) => isBusy || pc.signalingState !== "stable");
      quiet = isBusy || this.#channels.some(({ isEmpty }) => !isEmpty) ? 0 : quiet + 1;
    }
  }

  /** Both sides have the same sections, and each what both wished. */
  checkAgreement(): void {
    const [a, b] = this.peers.map(({ pc }) => pc);
    assert.deepEqual([a.signalingState, b.signalingState], ["stable", "stable"]);
    const [ours, theirs] = [a, b].map((pc) => byMid(pc));
    assert.deepEqual([...ours.keys()].sort(), [...theirs.keys()].sort());
    for (const [mid, one] of ours) {
      const other = theirs.get(mid);
      assert.ok(other !== undefined);
      assert.equal(one.receiver.track.kind, other.receiver.track.kind, `section ${mid}`);
      const [mine, wish] = [one.direction, other.direction].map((wished) => wished as SdpDirection);
      const settled = one.currentDirection as SdpDirection;
      assert.equal(sends(settled), sends(mine) && receives(wish), `section ${mid}: ${mine} and ${wish}`);
      assert.equal(receives(settled), receives(mine) && sends(wish), `section ${mid}: ${mine} and ${wish}`);
      assert.equal(other.currentDirection, reverseDirection(settled));
    }
    for (const [one, other] of [
      [a, b],
      [b, a],
    ]) {
      assert.equal(ufragOf(one.currentLocalDescription?.sdp), ufragOf(other.currentRemoteDescription?.sdp));
    }
  }
}

function byMid(pc: RTCPeerConnection): Map<string | null, RTCRtpTransceiver> {
  const transceivers = pc.getTransceivers();
  assert.ok(
    transceivers.every(({ mid, direction }) => mid !== null && direction !== "stopped"),
    "nothing is left to negotiate",
  );
  return new Map(transceivers.map((transceiver) => [transceiver.mid, transceiver]));
}

describe("perfect negotiation (WebRTC 1.0 §10.7)", () => {
  afterEach(closeAll);

  for (let seed = 1; seed <= 10; seed++) {
    it(`agrees on everything after 150 changes of both sides, seed ${seed}`, async () => {
      const random = seededRandom(seed);
      const engines: FakeEngine[] = [];
      const make = () => {
        const { pc, engine } = connection();
        answerGathering(engine, random);
        engines.push(engine);
        return pc;
      };
      const pair = new Pair(random, make, 9);
      await pair.change(150);
      await pair.settle();
      pair.checkAgreement();
      const offers = pair.peers.map((peer) => peer.offers);
      const collisions = pair.peers.map((peer) => peer.collisions);
      assert.ok(Math.min(...offers, ...collisions) > 0, `${offers} offers, ${collisions} collisions`);
      const [a, b] = engines.map(({ transport }) => transport);
      for (const [sender, receiver] of [
        [a, b],
        [b, a],
      ]) {
        const wanted = streamsOf<ReceiveStreamOptions>(receiver, "Receive");
        for (const [mid, { ssrc, payloadType }] of streamsOf<SendStreamOptions>(sender, "Send")) {
          const stream = wanted.get(mid);
          assert.ok(stream !== undefined, `section ${mid} is received`);
          assert.ok(stream.ssrcs.length === 0 || stream.ssrcs.includes(ssrc), `section ${mid}: its source`);
          assert.ok(stream.payloadTypes.some((accepted) => accepted.payloadType === payloadType));
        }
      }
    });
  }

  describe("over a real engine", () => {
    let engine: MediaEngine;
    before(async () => {
      engine = await MediaEngine.start({
        videoSource: { kind: "test", width: 160, height: 120, frameRate: 10, noise: false, tag: 1 },
        audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
      });
    });
    after(() => engine.stop());

    for (let seed = 1; seed <= 10; seed++) {
      it(`keeps a call up through 40 changes, seed ${seed}`, async function () {
        this.timeout(120_000);
        const settings = { transportFactory: engine, transport: { includeLoopback: true } };
        const pair = new Pair(seededRandom(seed), () => new RealConnection({}, settings), 9);
        try {
          await pair.change(40);
          await pair.settle();
          await passLastMessage(pair);
          await pair.settle();
          pair.checkAgreement();
        } finally {
          for (const { pc } of pair.peers) pc.close();
          await Promise.all(pair.peers.map(({ pc }) => whenClosed(pc)));
        }
      });
    }
  });
});

/** Whatever came of the sections so far, a channel made now opens at the other side and carries a message. */
async function passLastMessage(pair: Pair): Promise<void> {
  const [a, b] = pair.peers.map(({ pc }) => pc);
  let timer: NodeJS.Timeout | undefined;
  const heard = new Promise<unknown>((resolve, reject) => {
    const states = () => [a, b].map((pc) => `${pc.iceConnectionState}, ${pc.sctp?.state}`).join("; ");
    timer = setTimeout(() => reject(new Error(`the last message did not come: ${states()}`)), 60_000);
    b.addEventListener("datachannel", ({ channel }) => {
      channel.onmessage = ({ data }) => data === "last" && resolve(data);
    });
  });
  const last = a.createDataChannel("last");
  last.onopen = () => last.send("last");
  await heard.finally(() => clearTimeout(timer));
}
