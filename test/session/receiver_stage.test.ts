import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import { EngineMemory } from "../../src/media/engine_memory.js";
import type { OrderOf, WorkerEvent } from "../../src/media/engine_messages.js";
import { WorkerCounter, workerRow } from "../../src/media/metrics_rows.js";
import type { WorkerHost } from "../../src/media/ring/worker_loop.js";
import type { ReceiverEvent } from "../../src/media/session/messages.js";
import { allocateCounters, TransportCounters } from "../../src/media/session/stream_counters.js";
import { ReceiverStage } from "../../src/media/stages/receiver_stage.js";
import { channelOf } from "./transport_end.js";

const TRANSPORT = 1;
const CHANNEL = 0;
const WAIT_US = 1_000;
/** The turns block this thread: mocha could not end them. */
const LIMIT_US = 15_000_000;
/** Twice what SCTP's timers are advanced by at least. */
const TICK_US = 20_000;

type Order = Exclude<OrderOf<"receiver">, { type: "stop" }>;
type OrderTo<T> = T extends Order ? Omit<T, "transportId"> : never;

/** A receiver's stage in this thread, with one transport on the loopback interface. */
class End {
  readonly ice: { usernameFragment: string; password: string };
  readonly certificate = native.Certificate.generate();
  readonly candidates: string[] = [];
  isOpen = false;
  readonly #memory = new EngineMemory({
    maxWidth: 16,
    maxHeight: 16,
    codec: { idrInterval: 0, encoderThreads: 1, maxNalBytes: 1100, bitrateBps: 400_000 },
    audio: { bitrateBps: 32_000, fec: true, dtx: false, frameSamples: 960 },
    videoSource: { kind: "none" },
    audioSource: { kind: "none" },
    warmUp: false,
  });
  readonly #row = this.#memory.metrics.row(workerRow("receiver"));
  readonly #stage: ReceiverStage;

  constructor(name: string, iceRole: "controlling" | "controlled") {
    this.ice = { usernameFragment: `ufrag${name}`, password: `password+of+the+peer+called+${name}` };
    const { control, metrics, doorbells } = this.#memory;
    const host: WorkerHost<"receiver"> = {
      name: "receiver",
      wiring: this.#memory.wiringOf("receiver"),
      control,
      metrics,
      row: this.#row,
      doorbells,
      post: (event) => this.#note(event),
    };
    this.#stage = new ReceiverStage(host, []);
    this.order({
      type: "openTransport",
      options: {
        iceRole,
        local: this.ice,
        certificatePem: this.certificate.certificatePem,
        privateKeyPem: this.certificate.privateKeyPem,
        stunServers: [],
        settings: { bindAddresses: ["127.0.0.1"] },
      },
      counters: allocateCounters(TransportCounters.words),
    });
  }

  /** Datagrams that were read. */
  get received(): number {
    return this.#row.get(WorkerCounter.frames);
  }

  order(order: OrderTo<Order>): void {
    this.#stage.order({ ...order, transportId: TRANSPORT } as Order);
  }

  connect(peer: End, role: "client" | "server"): void {
    this.order({ type: "setRemoteIceParameters", parameters: peer.ice, lite: false });
    this.order({
      type: "startData",
      options: { localPort: 5000, remotePort: 5000, maxMessageBytes: 65_536 },
    });
    const value = peer.certificate.fingerprint("sha-256");
    this.order({ type: "startDtls", role, fingerprints: [{ algorithm: "sha-256", value }] });
    this.order({ type: "openDataChannel", channel: channelOf(CHANNEL, { negotiated: true, streamId: 0 }) });
    this.order({ type: "gather" });
  }

  poll(timeoutUs: number): void {
    this.#stage.poll(timeoutUs);
  }

  step(nowUs: number): void {
    this.#stage.step(nowUs);
  }

  close(): void {
    this.#stage.close();
  }

  #note(event: WorkerEvent): void {
    if (event.type === "events") for (const each of event.events) this.#noteOne(each);
    else this.#noteOne(event as ReceiverEvent);
  }

  #noteOne(event: ReceiverEvent): void {
    if (event.type === "notice" && event.notice.event === "candidate") {
      this.candidates.push(event.notice.args[0].candidate);
    }
    if (event.type === "data") this.isOpen ||= event.events.some(({ type }) => type === "channelopen");
  }
}

/** Hands candidates over and lets both take turns until their channel is open. */
function openChannel(a: End, b: End): void {
  a.connect(b, "client");
  b.connect(a, "server");
  const endUs = native.monotonicUs() + LIMIT_US;
  while (!a.isOpen || !b.isOpen) {
    assert.ok(native.monotonicUs() < endUs, "the channel did not open");
    for (const [end, peer] of [
      [a, b],
      [b, a],
    ]) {
      end.poll(WAIT_US);
      end.step(native.monotonicUs());
      for (const candidate of end.candidates.splice(0)) peer.order({ type: "addRemoteCandidate", candidate });
    }
  }
}

/** What `count` gives each time SCTP's timers run within `work`. */
function atTimers(count: () => number, work: () => void): number[] {
  const { sctpHandleTimers } = native;
  const counts: number[] = [];
  native.sctpHandleTimers = (elapsedMs) => {
    counts.push(count());
    sctpHandleTimers(elapsedMs);
  };
  try {
    work();
  } finally {
    native.sctpHandleTimers = sctpHandleTimers;
  }
  return counts;
}

describe("ReceiverStage", () => {
  it("reads its sockets before SCTP's timers run: they may hold the acknowledgement that a timer waits for", () => {
    const a = new End("a", "controlling");
    const b = new End("b", "controlled");
    try {
      openChannel(a, b);
      const nowUs = native.monotonicUs();
      for (const end of [a, b]) {
        end.poll(0);
        end.step(nowUs);
      }
      a.order({ type: "sendData", channel: CHANNEL, binary: true, data: new ArrayBuffer(100) });
      a.step(nowUs);
      const before = b.received;
      b.poll(WAIT_US);
      const counts = atTimers(
        () => b.received - before,
        () => b.step(nowUs + TICK_US),
      );
      assert.ok(b.received > before);
      assert.deepEqual(counts, [b.received - before]);
    } finally {
      a.close();
      b.close();
    }
  });
});
