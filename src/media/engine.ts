import { EventEmitter } from "node:events";
import { native } from "../../native/addon.js";
import type { Maker } from "./codecs/video_codecs.js";
import { SendFeeds } from "./encodings/send_feeds.js";
import { EngineMemory } from "./engine_memory.js";
import type { CodecSettings, OrderOf, WorkerEvent, WorkerName } from "./engine_messages.js";
import { WORKER_NAMES } from "./engine_messages.js";
import { type EngineStats, engineStats } from "./engine_stats.js";
import { EngineTransport, type TransportHost } from "./engine_transport.js";
import { EngineInputs, type InputWorker } from "./inputs/engine_inputs.js";
import { MediaError } from "./media_error.js";
import { streamRow } from "./metrics_rows.js";
import type { PictureListener, SamplesListener } from "./output_listener.js";
import { OutputTap } from "./output_tap.js";
import { RestartPolicy } from "./restart_policy.js";
import { ControlWord, MAX_STREAMS } from "./ring/control_block.js";
import { MainLane } from "./ring/message_lane.js";
import type { AudioSinkSpec, AudioSourceSpec, VideoSinkSpec, VideoSourceSpec } from "./source_spec.js";
import type { MediaTransport, TransportFactory, TransportOptions } from "./transport_api.js";
import { checkTransportSettings } from "./transport_settings.js";
import { type Transferred, WorkerThread } from "./worker_thread.js";

export interface MediaEngineOptions {
  readonly videoSource: VideoSourceSpec;
  readonly audioSource: AudioSourceSpec;
  /** Largest picture captured or received; 1920x1088 by default. */
  readonly maxWidth?: number;
  readonly maxHeight?: number;
  /** 2 Mbit/s by default. */
  readonly videoBitrateBps?: number;
  /** 32 kbit/s by default. */
  readonly audioBitrateBps?: number;
  /** Frames between IDRs without a request; 0 (default): only on request. */
  readonly idrInterval?: number;
  readonly encoderThreads?: number;
  /** Largest NAL unit while a peer without fragmentation (packetization mode 0) is served; 1100 by default. */
  readonly maxNalBytes?: number;
  readonly openH264Path?: string;
  /** Opus in-band forward error correction; on by default. */
  readonly audioFec?: boolean;
  /** Opus discontinuous transmission; off by default. */
  readonly audioDtx?: boolean;
  /** Samples of one Opus frame at 48 kHz: 120, 240, 480, 960 (default), 1920 or 2880 (RFC 6716 §2.1.4). */
  readonly audioFrameSamples?: number;
  /** Runs the codecs once before the engine says ready; on by default. */
  readonly warmUp?: boolean;
  /**
   * Modules ("file:" URLs, or packages) whose default export makes a stage in the way of each stream's packets; see
   * docs/api/interceptors.md. They are loaded into the sender's and the receiver's thread.
   */
  readonly interceptors?: readonly string[];
}

export interface WorkerFailure {
  readonly name: WorkerName;
  readonly code: string;
  readonly message: string;
  /** Whether a successor was started. */
  readonly restarted: boolean;
}

export interface MediaEngineEvents {
  /** A worker died. The process and the other workers go on. */
  workerfailed: [WorkerFailure];
  /** Something that a worker survived: a source that ended, a recording that cannot be written. */
  problem: [{ readonly name: WorkerName; readonly code: string; readonly message: string }];
  /** A worker did something otherwise than asked, and why: a camera's other size. */
  notice: [{ readonly name: WorkerName; readonly message: string }];
  /** How many transports are open, whenever that changes. */
  transports: [number];
}

/** Sources first, so that the pipes run dry; what others still hand work to ends last. */
const STOP_ORDER: readonly WorkerName[] = [
  "camera",
  "microphone",
  "encoder",
  "rtcp",
  "sender",
  "receiver",
  "decoder",
  "speaker",
];

/** These hold the state of calls (keys, sockets, sessions): when one dies, its transports fail. */
const TRANSPORT_WORKERS: ReadonlySet<WorkerName> = new Set(["receiver", "sender", "rtcp"]);

type Threads = { [N in WorkerName]: WorkerThread<N> };

/**
 * The media engine: eight threads and their shared memory, for all calls of the process. {@link MediaEngine.start}
 * starts every thread and warms the codecs, so a call finds them running; with no call they sleep.
 *
 * Stopping: transports are closed (BYE, close_notify), then the threads end one after the other, sources first:
 * camera, microphone, encoder, rtcp, sender, receiver, decoder, speaker. A thread that hangs is ended by force.
 */
export class MediaEngine extends EventEmitter<MediaEngineEvents> implements TransportFactory {
  readonly #memory: EngineMemory;
  readonly #threads: Partial<Threads> = {};
  readonly #transports = new Map<number, EngineTransport>();
  readonly #freeStreams: number[] = Array.from({ length: MAX_STREAMS }, (_, id) => id);
  readonly #restarts = new RestartPolicy();
  /** Threads that write a recording: it ends with them. */
  readonly #recording = new Set<WorkerName>();
  readonly #tap: OutputTap;
  readonly #inputs: EngineInputs;
  readonly #feeds: SendFeeds;
  readonly #lane: MainLane;
  /** What makes the pictures of receive streams, by stream id. */
  readonly #decoders = new Map<number, Maker>();
  #nextTransportId = 1;
  #started: Promise<unknown> = Promise.resolve();
  #holdsProcess = true;
  #state: "starting" | "running" | "stopping" | "stopped" = "starting";
  #stopped: Promise<void> | undefined;
  /** Set when the memory is gone. */
  #finalStats: EngineStats | undefined;

  /**
   * Starts all threads and returns at once: orders wait until the threads are there. A thread that cannot start counts
   * as one that died (`workerfailed`); {@link started} tells.
   */
  static launch(options: MediaEngineOptions): MediaEngine {
    const engine = new MediaEngine(options);
    engine.#state = "running";
    engine.#started = Promise.all(WORKER_NAMES.map((name) => engine.#spawnWatched(name).ready));
    // Whoever wants to know asks `started`; the death is told as an event all the same.
    engine.#started.catch(() => undefined);
    return engine;
  }

  /** Starts all threads. Rejects with a MediaError that names the source, file or library at fault. */
  static async start(options: MediaEngineOptions): Promise<MediaEngine> {
    const engine = new MediaEngine(options);
    try {
      engine.#started = Promise.all(WORKER_NAMES.map((name) => engine.#spawn(name).ready));
      await engine.#started;
    } catch (error) {
      await engine.stop();
      throw error;
    }
    engine.#state = "running";
    return engine;
  }

  private constructor(options: MediaEngineOptions) {
    super();
    const codec: CodecSettings = {
      idrInterval: options.idrInterval ?? 0,
      encoderThreads: options.encoderThreads ?? 1,
      maxNalBytes: options.maxNalBytes ?? 1100,
      bitrateBps: options.videoBitrateBps ?? 2_000_000,
      ...(options.openH264Path === undefined ? {} : { openH264Path: options.openH264Path }),
    };
    const audio = {
      bitrateBps: options.audioBitrateBps ?? 32_000,
      fec: options.audioFec ?? true,
      dtx: options.audioDtx ?? false,
      frameSamples: options.audioFrameSamples ?? 960,
    };
    this.#memory = new EngineMemory({
      maxWidth: options.maxWidth ?? 1920,
      maxHeight: options.maxHeight ?? 1088,
      codec,
      audio,
      videoSource: options.videoSource,
      audioSource: options.audioSource,
      warmUp: options.warmUp ?? true,
      interceptors: options.interceptors ?? [],
    });
    this.#tap = new OutputTap(this.#memory);
    this.#lane = new MainLane(
      this.#memory.wiringOf("receiver").lane,
      this.#memory.doorbells.receiver,
      (message) => this.#transports.get(message.transportId)?.handleMessage(message),
    );
    this.#inputs = new EngineInputs({
      control: this.#memory.control,
      doorbells: this.#memory.doorbells,
      post: <N extends InputWorker>(name: N, order: OrderOf<N>) => this.#post(name, order),
    });
    this.#feeds = new SendFeeds({
      control: this.#memory.control,
      doorbells: this.#memory.doorbells,
      inputs: this.#inputs,
      deviceCounters: {
        video: new Float64Array(this.#memory.wiringOf("encoder").counters),
        audio: new Float64Array(this.#memory.wiringOf("microphone").counters),
      },
      post: <N extends "encoder" | "microphone">(name: N, order: OrderOf<N>) => this.#post(name, order),
    });
    const { control } = this.#memory;
    control.set(ControlWord.targetBitrateBps, codec.bitrateBps);
    control.set(ControlWord.audioBitrateBps, audio.bitrateBps);
    control.set(ControlWord.frameRate, 30);
    control.wallOffsetUs = (performance.timeOrigin + performance.now()) * 1000 - native.monotonicUs();
  }

  /** Resolves when every thread is ready; rejects when one of {@link launch}'s could not start. */
  async started(): Promise<void> {
    await this.#started;
  }

  /** Open transports. */
  get transports(): number {
    return this.#transports.size;
  }

  /** Whether the threads keep the process from ending by itself; they do by default. */
  set holdsProcess(holds: boolean) {
    if (this.#holdsProcess === holds) return;
    this.#holdsProcess = holds;
    for (const name of WORKER_NAMES) this.#threads[name]?.holdProcess(holds);
  }

  /** @throws SettingsError (a TypeError) for settings out of their range; MediaError when the engine does not run. */
  createTransport(options: TransportOptions): MediaTransport {
    this.#requireRunning("createTransport");
    checkTransportSettings(options.settings);
    const id = this.#nextTransportId++;
    const transport = new EngineTransport(id, options, this.#hostOfTransports);
    this.#transports.set(id, transport);
    this.emit("transports", this.#transports.size);
    return transport;
  }

  /** Changes what is sent to all peers, from the next frame on. A source that fails is reported as `problem`. */
  setVideoSource(source: VideoSourceSpec): void {
    this.#post("camera", { type: "setVideoSource", source });
  }

  setAudioSource(source: AudioSourceSpec): void {
    this.#post("microphone", { type: "setAudioSource", source });
  }

  /** Records the first received video stream. `{kind: "null"}` ends the recording. */
  setVideoSink(sink: VideoSinkSpec): void {
    this.#post("decoder", { type: "setVideoSink", sink });
    this.#noteRecording("decoder", sink.kind !== "null");
    this.#tap.takeAll("pictures", "file", sink.kind === "y4m");
  }

  setAudioSink(sink: AudioSinkSpec): void {
    this.#post("speaker", { type: "setAudioSink", sink });
    this.#noteRecording("speaker", sink.kind !== "null");
    this.#tap.takeAll("sound", "file", sink.kind !== "null");
  }

  /** Black picture instead of the camera's. */
  setVideoMuted(muted: boolean): void {
    this.#setWord(ControlWord.videoMuted, muted ? 1 : 0);
  }

  setAudioMuted(muted: boolean): void {
    this.#setWord(ControlWord.audioMuted, muted ? 1 : 0);
  }

  /** What the encoder aims at from the next frame on. */
  setVideoBitrate(bitrateBps: number): void {
    this.#setWord(ControlWord.targetBitrateBps, Math.round(bitrateBps));
  }

  setAudioBitrate(bitrateBps: number): void {
    this.#setWord(ControlWord.audioBitrateBps, Math.round(bitrateBps));
  }

  /** Asks the own encoder for a keyframe. */
  requestKeyframe(): void {
    if (this.#state === "running") this.#memory.control.requestKeyframe(0);
  }

  /**
   * Hands every presented picture to `listener` on the main thread; its bytes are valid during the call only. Returns
   * the function that ends it. While nobody listens, no picture is copied anywhere.
   */
  onPicture(listener: PictureListener): () => void {
    return this.#tap.onEveryPicture(listener);
  }

  /** As {@link onPicture}, for decoded sound as it is played. */
  onSamples(listener: SamplesListener): () => void {
    return this.#tap.onAllSamples(listener);
  }

  /** Counters and stage latencies of every thread. */
  stats(): EngineStats {
    return this.#finalStats ?? engineStats(this.#memory.metrics);
  }

  /** Closes all transports and ends all threads, in order. May be called more than once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Ends one thread by force, as a crash would: for tests of what follows. */
  async killWorker(name: WorkerName): Promise<void> {
    await this.#threads[name]?.terminate();
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#transports.values()].map((transport) => transport.close()));
    this.#state = "stopping";
    for (const name of STOP_ORDER) await this.#threads[name]?.stop();
    await Promise.all(STOP_ORDER.map((name) => this.#threads[name]?.exited));
    this.#state = "stopped";
    this.#finalStats = engineStats(this.#memory.metrics);
    this.#tap.close();
    this.#lane.close();
    this.#inputs.close();
    this.#memory.release();
  }

  #spawn<N extends WorkerName>(name: N): WorkerThread<N> {
    const { doorbells } = this.#memory;
    doorbells[name].useEventFd(-1);
    if (name === "receiver") this.#lane.reset();
    const thread = new WorkerThread<N>(this.#memory.wiringOf(name), doorbells[name], {
      onEvent: (event) => this.#take(name, event),
      onDeath: (code, message) => this.#handleDeath(name, code, message),
    });
    (this.#threads as Record<WorkerName, unknown>)[name] = thread;
    if (!this.#holdsProcess) thread.holdProcess(false);
    return thread;
  }

  /** One that cannot start counts as one that died. */
  #spawnWatched<N extends WorkerName>(name: N): WorkerThread<N> {
    const thread = this.#spawn(name);
    thread.ready.catch(async (error: MediaError) => {
      await thread.terminate();
      this.#handleDeath(name, error.code, error.message);
    });
    return thread;
  }

  #post<N extends WorkerName>(name: N, order: OrderOf<N>, transfer?: Transferred[]): void {
    const thread = this.#threads[name] as WorkerThread<N> | undefined;
    if (thread === undefined) return;
    if (name === "receiver") this.#lane.notePosted();
    thread.post(order, transfer);
  }

  #postQuietly<N extends Exclude<WorkerName, "receiver">>(name: N, order: OrderOf<N>): void {
    (this.#threads[name] as WorkerThread<N> | undefined)?.postQuietly(order);
  }

  #take(name: WorkerName, event: WorkerEvent): void {
    if (name !== "receiver") {
      this.#handle(name, event);
      return;
    }
    try {
      // What lies in the lane was said before.
      this.#lane.drain();
      this.#handle(name, event);
    } finally {
      this.#lane.noteTaken();
    }
  }

  #handle(name: WorkerName, event: WorkerEvent): void {
    if ("transportId" in event) {
      this.#transports.get(event.transportId)?.handle(name, event);
      return;
    }
    switch (event.type) {
      case "events":
        for (const each of event.events) this.#handle(name, each);
        break;
      case "output":
        this.#tap.drain(event.name);
        break;
      case "inputReleased":
        this.#inputs.released(event.inputId);
        break;
      case "keyframeWanted":
        this.#feeds.askKeyframe(event.encoding);
        break;
      case "firstframe":
        for (const transport of this.#transports.values()) {
          if (transport.handleFirstFrame(event.streamId, event.width, event.height)) break;
        }
        break;
      case "encoderMade":
        this.#feeds.noteMaker(event.encoding, event);
        break;
      case "decoderMade":
        this.#decoders.set(event.streamId, event);
        break;
      case "notice":
        this.emit("notice", { name: event.name, message: event.message });
        break;
      case "problem":
        this.emit("problem", { name: event.name, code: event.code, message: event.message });
        break;
    }
  }

  #handleDeath(name: WorkerName, code: string, message: string): void {
    if (this.#state !== "running") return;
    delete this.#threads[name];
    const restarted = this.#restarts.allows(name, native.monotonicUs());
    if (restarted) this.#restart(name);
    this.emit("workerfailed", { name, code, message, restarted });
    this.#endRecording(name);
    if (!TRANSPORT_WORKERS.has(name)) return;
    for (const transport of this.#transports.values()) {
      transport.fail("WORKER_FAILED", `the ${name} thread died: ${message}`);
    }
  }

  #noteRecording(name: "decoder" | "speaker", records: boolean): void {
    if (records) this.#recording.add(name);
    else this.#recording.delete(name);
  }

  /** A successor would have to overwrite the file: what was recorded is worth more. */
  #endRecording(name: WorkerName): void {
    if (!this.#recording.delete(name)) return;
    const message = "the recording ended with the thread that wrote it";
    this.emit("problem", { name, code: "SINK_FAILED", message });
  }

  #restart(name: WorkerName): void {
    this.#spawnWatched(name);
    if (name === "encoder" || name === "microphone" || name === "sender") this.#inputs.restore(name);
    if (name === "encoder" || name === "microphone") this.#feeds.restore(name);
    if (name === "decoder" || name === "speaker") {
      for (const transport of this.#transports.values()) transport.restorePlayout(name);
    }
    // The new encoder begins with an IDR by itself; the new decoder cannot begin without one and asks the peer.
  }

  readonly #hostOfTransports: TransportHost = {
    feeds: () => this.#feeds,
    decoderOf: (streamId) => this.#decoders.get(streamId),
    wallOffsetUs: () => this.#memory.control.wallOffsetUs,
    post: (name, order, transfer) => this.#post(name, order, transfer),
    postQuietly: (name, order) => this.#postQuietly(name, order),
    ring: (name) => this.#threads[name]?.ring(),
    sendMessage: (transportId, channel, binary, data) => this.#lane.send(transportId, channel, binary, data),
    allocateStream: () => this.#allocateStream(),
    releaseStream: (streamId) => this.#freeStreams.push(streamId),
    playoutRow: (streamId) => this.#memory.metrics.row(streamRow(streamId)),
    inputId: (input) => this.#inputs.idOf(input),
    onPicture: (listener) => this.#tap.onPicture(listener),
    onSamples: (listener) => this.#tap.onSamples(listener),
    forget: (transportId) => {
      this.#transports.delete(transportId);
      this.emit("transports", this.#transports.size);
    },
  };

  /** First in, first out: an id rests long before it is used again, so no thread still writes to its row. */
  #allocateStream(): number {
    const streamId = this.#freeStreams.shift();
    if (streamId === undefined) {
      throw new MediaError("TOO_MANY_STREAMS", `the engine holds at most ${MAX_STREAMS} streams at once`);
    }
    this.#memory.control.resetStream(streamId);
    this.#decoders.delete(streamId);
    this.#memory.metrics.row(streamRow(streamId)).clear();
    return streamId;
  }

  /** The next engine may own the memory of one that has stopped. */
  #setWord(word: number, value: number): void {
    if (this.#state === "running") this.#memory.control.set(word, value);
  }

  #requireRunning(what: string): void {
    if (this.#state !== "running" || this.#stopped !== undefined) {
      throw new MediaError("ENGINE_STATE", `${what}: the engine is ${this.#state}`);
    }
  }
}
