/**
 * A terminal's end of calls: the media engine, a login, and a call controller, configured by room_rtc.conf. What
 * `roomrtc client` and the demo run.
 */
import { EventEmitter } from "node:events";
import { closeSync } from "node:fs";
import { parseHostPort } from "../config/kinds.js";
import type { Config } from "../config/schema.js";
import { MediaEngine, type WorkerFailure } from "../media/engine.js";
import { containerOf } from "../media/recording/recorder_worker.js";
import { openForWriting } from "../media/sinks/video_sink.js";
import {
  parseAudioSource,
  parseVideoSink,
  parseVideoSource,
  type VideoSinkSpec,
  type VideoSourceSpec,
} from "../media/source_spec.js";
import type { MediaTransport, TransportFactory, TransportSettings } from "../media/transport_api.js";
import { SignalingClient } from "../signaling/client.js";
import type { SignalingClientError, SignalingError } from "../signaling/errors.js";
import { createLocalTrack } from "../webrtc/media_stream_track.js";
import type { RTCConfiguration } from "../webrtc/rtc_configuration.js";
import { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import type { Call } from "./call.js";
import { CallController } from "./call_controller.js";
import { CallFiles } from "./call_files.js";
import { CallRecorder } from "./call_recorder.js";
import type { PeerReport } from "./report.js";

export interface PeerOptions {
  readonly config: Config;
  readonly user: string;
  readonly password: string;
  /** Registers the user first; one who is registered already is fine. */
  readonly register: boolean;
  readonly autoAnswer: boolean;
  /** Connects and logs in again when the server was lost: for one who waits for calls. */
  readonly reconnect?: boolean;
  /** Source texts as in the configuration. */
  readonly video: string;
  readonly audio: string;
  /** 16 bits in the test picture's block code. */
  readonly tag?: number;
  /** File for what arrives: .mp4, .webm or .mkv with picture and sound, or .y4m, .h264, .wav. */
  readonly record?: string;
  /** SHA-256 of the server's certificate; without it the known-servers file decides. */
  readonly fingerprint?: string;
}

interface PeerEvents {
  /** Words for a person: a server met for the first time, a worker that was restarted. */
  notice: [string];
  incoming: [from: string];
  connected: [peer: string];
  /** A call is over, or was refused. */
  ended: [report: PeerReport];
  /** The server is not tried again: its certificate changed, or it refuses the login. */
  signalingfailed: [SignalingClientError | SignalingError];
}

export class Peer extends EventEmitter<PeerEvents> {
  readonly #controller: CallController;
  readonly #recorders = new WeakMap<Call, CallRecorder>();
  readonly #files: CallFiles | undefined;
  #latest: CallRecorder | undefined;

  #closing = false;

  private constructor(
    private readonly options: PeerOptions,
    readonly engine: MediaEngine,
    signaling: SignalingClient,
  ) {
    super();
    this.#files = CallFiles.of(options.record, (text) => this.emit("notice", text));
    this.#controller = new CallController({
      client: signaling,
      createConnection: (call) => this.#createConnection(call),
      autoAnswer: options.autoAnswer,
    });
    this.#controller.on("incoming", (call) => this.emit("incoming", call.peer));
    this.#controller.on("connected", (call) => this.emit("connected", call.peer));
    this.#controller.on("ended", (call) => void this.#report(call));
    this.#controller.on("servererror", (error) =>
      this.emit("notice", `server: ${error.message} (${error.code})`),
    );
    engine.on("workerfailed", (failure) => this.emit("notice", failureText(failure)));
    engine.on("notice", ({ name, message }) => this.emit("notice", `${name}: ${message}`));
    engine.on("problem", ({ name, code, message }) => this.emit("notice", `${name}: ${message} (${code})`));
    signaling.on("firstmeeting", ({ fingerprint, trustFile }) =>
      this.emit(
        "notice",
        `server met for the first time, remembered in ${trustFile}: SHA-256 ${fingerprint}`,
      ),
    );
    signaling.on("disconnected", ({ error, reconnecting }) => {
      if (this.#closing) return;
      const next = reconnecting ? "; trying again" : "";
      this.emit("notice", `signaling lost: ${error.message}${next}`);
    });
    signaling.on("reconnected", () => this.emit("notice", `signaling is back: logged in as ${options.user}`));
    signaling.on("failed", (error) => this.emit("signalingfailed", error));
  }

  /** Starts the engine and a client that is not connected yet: `notice` listeners can be added before {@link login}. */
  static async start(options: PeerOptions): Promise<Peer> {
    const signaling = new SignalingClient(signalingOptions(options));
    const sink = sinkOf(options);
    const engine = await MediaEngine.start(engineOptions(options));
    const peer = new Peer(options, engine, signaling);
    if (sink?.kind === "wav") engine.setAudioSink(sink);
    else if (sink !== undefined) engine.setVideoSink(sink);
    return peer;
  }

  login(): Promise<void> {
    const { user, password, register } = this.options;
    return this.#controller.login(user, password, { register });
  }

  /** `connected` or `ended` follows. Throws CallError IN_CALL. */
  call(user: string): void {
    this.#controller.dial(user);
  }

  /** Accepts the ringing call; `ended` says why where that fails. */
  accept(): void {
    this.#controller.call?.answer().catch(() => undefined);
  }

  reject(reason?: string): void {
    this.#controller.call?.reject(reason);
  }

  /** The call so far; undefined before the first. */
  report(): Promise<PeerReport> | undefined {
    return this.#latest?.report();
  }

  /** Ends the call and resolves when its report is out. */
  async hangUp(): Promise<void> {
    if (!this.#controller.call) return;
    const ended = new Promise((resolve) => this.once("ended", resolve));
    this.#controller.hangup();
    await ended;
  }

  /** Hangs up, logs out, stops the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.hangUp();
    await this.#controller.close();
    await this.engine.stop();
  }

  #createConnection(call: Call): RTCPeerConnection {
    const recorder = new CallRecorder(this.options.user, call, this.engine);
    this.#recorders.set(call, recorder);
    this.#latest = recorder;
    call.beforeClose = async () => {
      await Promise.all([recorder.freeze(), this.#files?.end(call)]);
    };
    call.on("unstable", (unstable) => this.emit("notice", stabilityText(call.peer, unstable)));
    const { config, video, audio } = this.options;
    const factory: TransportFactory = {
      createTransport: (options) => {
        const transport = this.engine.createTransport(options);
        recorder.watch(transport);
        noteFailures(call, transport);
        return transport;
      },
    };
    const connection = new RTCPeerConnection(iceConfiguration(config.ice), {
      transportFactory: factory,
      transport: transportSettings(config),
      video: { payloadType: config.media.video_payload_type },
      audio: { payloadType: config.media.audio_payload_type },
    });
    this.#addMedia(connection, "audio", audio);
    this.#addMedia(connection, "video", video);
    this.#files?.watch(call, connection);
    return connection;
  }

  /** A source of "none" still offers to receive. */
  #addMedia(connection: RTCPeerConnection, kind: "audio" | "video", source: string): void {
    if (source === "none") connection.addTransceiver(kind, { direction: "recvonly" });
    else connection.addTrack(createLocalTrack({ kind }));
  }

  /** A call that never got a connection has nothing to report but its reason. */
  async #report(call: Call): Promise<void> {
    const recorder = this.#recorders.get(call) ?? new CallRecorder(this.options.user, call, this.engine);
    this.emit("ended", await recorder.finish(call.end ?? { code: "HANGUP", message: "" }));
  }
}

/** Where the recording goes; undefined also where each call has a file of its own. Throws MediaError BAD_SINK, or SINK_FAILED where the file cannot be written. */
function sinkOf({ record, config }: PeerOptions): VideoSinkSpec | { kind: "wav"; path: string } | undefined {
  if (record === undefined) return undefined;
  if (containerOf(record) !== undefined) {
    closeSync(openForWriting(record));
    return undefined;
  }
  const isWav = /\.wav$/i.test(record);
  const sink = isWav
    ? ({ kind: "wav", path: record } as const)
    : parseVideoSink(record, config.media.frame_rate);
  closeSync(openForWriting(record));
  return sink;
}

/** Before the peer connection hears of it, so that the call's end can say why. */
function noteFailures(call: Call, transport: MediaTransport): void {
  transport.on("dtlsstate", (state, { error }) => {
    if (state === "failed") call.mediaFailure ??= { code: "DTLS_FAILED", message: error ?? "" };
  });
  transport.on("failed", (failure) => {
    call.mediaFailure = failure;
  });
}

function stabilityText(peer: string, unstable: boolean): string {
  return unstable ? `call with ${peer} is unstable: nothing arrives` : `call with ${peer} is stable again`;
}

function failureText({ name, message, restarted }: WorkerFailure): string {
  return `worker ${name} failed: ${message}${restarted ? "; it was started again" : ""}`;
}

function signalingOptions({ config, fingerprint, reconnect }: PeerOptions) {
  const { host, port } = parseHostPort(config.server.client_server_addr) ?? { host: "127.0.0.1", port: 8443 };
  return {
    host,
    port,
    ...(reconnect === true ? { reconnect: {} } : {}),
    ...(fingerprint === undefined ? { trustFile: config.server.known_servers_file } : { fingerprint }),
  };
}

function videoSource({ config, video, tag = 0 }: PeerOptions): VideoSourceSpec {
  const { frame_width: width, frame_height: height, frame_rate: frameRate, camera_index } = config.media;
  const text = camera_index >= 0 && video === "test" ? `v4l2:/dev/video${camera_index}` : video;
  return parseVideoSource(text, { width, height, frameRate, tag });
}

function engineOptions(options: PeerOptions) {
  const { media } = options.config;
  return {
    videoSource: videoSource(options),
    audioSource: parseAudioSource(options.audio, media.audio_channels === 2 ? 2 : 1),
    videoBitrateBps: media.video_bitrate_bps,
    audioBitrateBps: media.audio_bitrate_bps,
    idrInterval: media.h264_idr_interval,
    maxNalBytes: media.rtp_max_chunk_size,
    audioFrameSamples: Number(media.audio_frame_size),
    ...(media.openh264_library === "" ? {} : { openH264Path: media.openh264_library }),
  };
}

function transportSettings({ network, rtcp, rtp, media }: Config): TransportSettings {
  const anywhere = network.bind_address === "0.0.0.0" || network.bind_address === "::";
  return {
    ...(anywhere ? {} : { bindAddresses: [network.bind_address] }),
    includeLoopback: network.include_loopback,
    ...(network.port_min > 0 ? { portRange: { min: network.port_min, max: network.port_max } } : {}),
    maxPacketBytes: network.max_udp_packet_size,
    maxReceiveBytes: rtp.max_packet_size,
    reportIntervalUs: rtcp.report_period_millis * 1000,
    nackRetries: rtcp.retry_limit,
    // The buffer's ring wants a power of two, and fewer packets than this hold no keyframe.
    jitterPackets: Math.max(64, 2 ** Math.ceil(Math.log2(media.jitter_buffer_size))),
    unstableAfterUs: rtcp.unstable_after_millis * 1000,
    failAfterUs: rtcp.receive_limit_millis * 1000,
  };
}

export function iceConfiguration(ice: Config["ice"]): RTCConfiguration {
  const stun = ice.stun_servers.map((server) => ({ urls: `stun:${server}` }));
  const login = { username: ice.turn_username, credential: ice.turn_password };
  const turn = ice.turn_servers.map((server) => ({ urls: `turn:${server}`, ...login }));
  return { iceServers: [...stun, ...turn], iceTransportPolicy: ice.relay_only ? "relay" : "all" };
}
