/** Watches one call and makes its report: when the first frame came, what was sent and received, what it cost. */
import type { MediaEngine } from "../media/engine.js";
import type { MediaTransport, ReceiveStreamStats, TransportStats } from "../media/transport_api.js";
import type { Call, CallEnd } from "./call.js";
import type { PeerReport, StageReport } from "./report.js";

/** The engine's counters at one moment. */
interface Mark {
  readonly atMs: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly captured: number;
  readonly encoded: number;
}

export class CallRecorder {
  readonly #begunMs = performance.now();
  readonly #begun: Mark;
  #connected: Mark | undefined;
  #firstFrame: Mark | undefined;
  #sawPicture = false;
  #frozen: Promise<PeerReport> | undefined;
  #transport: MediaTransport | undefined;

  constructor(
    private readonly user: string,
    readonly call: Call,
    private readonly engine: MediaEngine,
  ) {
    this.#begun = this.#mark();
    call.on("state", (state) => {
      if (state === "connected") this.#connected = this.#mark();
    });
  }

  /** The call's transport: its first decoded frame ends the set-up. */
  watch(transport: MediaTransport): void {
    this.#transport = transport;
    transport.on("firstframe", ({ width }) => {
      // Sound says so with width 0; where there is a picture, the picture counts.
      if (width > 0 && !this.#sawPicture) {
        this.#sawPicture = true;
        this.#firstFrame = this.#mark();
      }
      this.#firstFrame ??= this.#mark();
    });
  }

  /** The call up to now. */
  report(): Promise<PeerReport> {
    return this.#frozen ?? this.#make();
  }

  /** Keeps the report of now: the statistics end with the transport. */
  async freeze(): Promise<void> {
    this.#frozen ??= this.#make();
    await this.#frozen;
  }

  async finish({ code, message }: CallEnd): Promise<PeerReport> {
    return { ...(await this.report()), reason: message, code };
  }

  #mark(): Mark {
    const { camera, encoder } = this.engine.stats();
    return {
      atMs: performance.now(),
      cpu: process.cpuUsage(),
      captured: camera.frames,
      encoded: encoder.frames,
    };
  }

  async #make(): Promise<PeerReport> {
    const stats = await this.#stats();
    // After what came: what was sent meanwhile was sent.
    const now = this.#mark();
    // An end that only sends has no first frame: its media flows from the connection on.
    const from = this.#firstFrame ?? this.#connected ?? now;
    const seconds = (now.atMs - from.atMs) / 1000;
    const video = stats?.receive.find(({ kind }) => kind === "video");
    const audio = stats?.receive.find(({ kind }) => kind === "audio");
    const sentAudio = stats?.send.find(({ kind }) => kind === "audio");
    const cpu = process.cpuUsage(from.cpu);
    return {
      ok: this.#firstFrame !== undefined,
      user: this.user,
      peer: this.call.peer,
      reason: "",
      code: "",
      setupMs: this.#firstFrame ? round(from.atMs - this.#begunMs, 1) : -1,
      pair: stats?.selectedPair
        ? { local: stats.selectedPair.local, remote: stats.selectedPair.remote }
        : null,
      dtls: stats?.dtlsCipher ?? "",
      srtpProfile: stats?.srtpProfile ?? "",
      sent: {
        framesCaptured: now.captured - this.#begun.captured,
        framesEncoded: now.encoded - this.#begun.encoded,
        audioPacketsSent: sentAudio?.packetsSent ?? 0,
      },
      received: { video: receivedVideo(video, seconds), audio: receivedAudio(audio) },
      stages: stagesOf(this.engine),
      cpuSeconds: round((cpu.user + cpu.system) / 1e6, 3),
      seconds: round(seconds, 3),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  /** Undefined where there is no transport, or its thread is gone. */
  async #stats(): Promise<TransportStats | undefined> {
    return this.#transport?.getStats().catch(() => undefined);
  }
}

const STAGES = ["camera", "encoder", "sender", "receiver", "decoder"] as const;

function stagesOf(engine: MediaEngine): Record<string, StageReport> {
  const stats = engine.stats();
  const pick = ({ p50, p99 }: { p50: number; p99: number }) => ({ p50: round(p50, 0), p99: round(p99, 0) });
  return Object.fromEntries(
    STAGES.map((name) => [name, { hop: pick(stats[name].hop), work: pick(stats[name].work) }]),
  );
}

function receivedVideo(
  stream: ReceiveStreamStats | undefined,
  seconds: number,
): PeerReport["received"]["video"] {
  const { p50 = 0, p95 = 0, p99 = 0, max = 0 } = stream?.latency ?? {};
  return {
    width: stream?.width ?? 0,
    height: stream?.height ?? 0,
    framesDecoded: stream?.framesDecoded ?? 0,
    framesDropped: stream?.framesDropped ?? 0,
    bitrateBps: seconds > 0 ? Math.round(((stream?.bytesReceived ?? 0) * 8) / seconds) : 0,
    latencyUs: { p50: round(p50, 0), p95: round(p95, 0), p99: round(p99, 0), max: round(max, 0) },
  };
}

function receivedAudio(stream: ReceiveStreamStats | undefined): PeerReport["received"]["audio"] {
  return {
    packetsReceived: stream?.packetsReceived ?? 0,
    packetsLost: stream?.packetsLost ?? 0,
    packetsDecoded: stream?.framesDecoded ?? 0,
    toneHz: round(stream?.toneHz ?? 0, 1),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
