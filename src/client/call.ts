/**
 * One call, from either side: the exchange of descriptions and candidates between a peer connection and the
 * signaling. Candidates trickle both ways; those that come too early wait for the description they belong to.
 */
import { EventEmitter } from "node:events";
import type { SignalingClient } from "../signaling/client.js";
import type { ServerMessageOf } from "../signaling/messages.js";
import type { RTCPeerConnectionIceEvent } from "../webrtc/rtc_events.js";
import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import { type CallEndCode, CallError } from "./call_errors.js";

/** What a call needs of a peer connection; the tracks are the application's business. */
export type CallConnection = Pick<
  RTCPeerConnection,
  | "setLocalDescription"
  | "setRemoteDescription"
  | "addIceCandidate"
  | "localDescription"
  | "connectionState"
  | "addEventListener"
  | "close"
>;

/**
 * "calling": offered, not answered; "incoming": offered to us, not answered; "connecting": answered, no media path
 * yet; "connected"; "ended".
 */
export type CallState = "calling" | "incoming" | "connecting" | "connected" | "ended";

export interface CallEnd {
  readonly code: CallEndCode;
  readonly message: string;
}

export interface CallEvents {
  state: [CallState];
  /** Nothing arrives (true), and it does again (false); the call goes on until it fails. */
  unstable: [boolean];
  /** A candidate of the peer's could not be used. */
  badcandidate: [unknown];
  ended: [CallEnd];
}

export interface CallInit {
  readonly peer: string;
  readonly callId: string;
  readonly direction: "outgoing" | "incoming";
}

export class Call<C extends CallConnection = CallConnection> extends EventEmitter<CallEvents> {
  readonly peer: string;
  readonly callId: string;
  readonly direction: "outgoing" | "incoming";
  /** Runs when the call is over and its connection still answers: statistics go with the connection. */
  beforeClose: (() => Promise<void>) | undefined;
  /** What the media transport said of its failure, for the call's end. */
  mediaFailure: { readonly code: string; readonly message: string } | undefined;
  #state: CallState;
  #end: CallEnd | undefined;
  #connection: C | undefined;
  /** Own candidates that wait until our description has gone out; undefined: it has. */
  #unsent: RTCPeerConnectionIceEvent["candidate"][] | undefined = [];
  /** The peer's candidates that wait for the peer's description; undefined: it was applied. */
  #early: ServerMessageOf<"ICE_CANDIDATE">[] | undefined = [];

  /** @internal Made by the controller. */
  constructor(
    init: CallInit,
    private readonly client: SignalingClient,
    private readonly createConnection: (call: Call<C>) => C,
    private readonly remoteOffer?: string,
  ) {
    super();
    this.peer = init.peer;
    this.callId = init.callId;
    this.direction = init.direction;
    this.#state = init.direction === "outgoing" ? "calling" : "incoming";
  }

  get state(): CallState {
    return this.#state;
  }

  /** Why the call ended, once it has. */
  get end(): CallEnd | undefined {
    return this.#end;
  }

  /** The peer connection; an incoming call gets one when it is answered. */
  get connection(): C | undefined {
    return this.#connection;
  }

  /** Answers an incoming call. Throws {@link CallError} when it cannot; the call has ended then. */
  async answer(): Promise<void> {
    const offer = this.remoteOffer;
    if (this.#state !== "incoming" || offer === undefined) {
      throw new CallError("NEGOTIATION_FAILED", `a call in the state "${this.#state}" cannot be answered`);
    }
    this.#setState("connecting");
    const sdp = await this.#negotiate(async (connection) => {
      const applied = connection.setRemoteDescription({ type: "offer", sdp: offer });
      this.#takeEarlyCandidates(connection);
      await applied;
      await connection.setLocalDescription();
    });
    if (sdp === undefined) throw this.#error();
    this.client.accept(this.peer, sdp, this.callId);
    this.#sendCandidates();
  }

  /** Rejects an incoming call. */
  reject(reason?: string): void {
    if (this.#state !== "incoming") return;
    this.#signal(() => this.client.reject(this.peer, reason, this.callId));
    this.finish({ code: "DECLINED", message: "rejected" });
  }

  /** Ends the call in any state; a call that has ended stays as it is. */
  hangup(): void {
    this.abort({ code: "HANGUP", message: "hung up" }, "hangup");
  }

  /** Resolves when media flows; rejects with {@link CallError} when the call ends before. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.#state === "connected") resolve();
        else if (this.#state === "ended") reject(this.#error());
        else return;
        this.off("state", settle);
      };
      this.on("state", settle);
      settle();
    });
  }

  /** Resolves when the call is over. */
  over(): Promise<CallEnd> {
    const end = this.#end;
    if (end !== undefined) return Promise.resolve(end);
    return new Promise((resolve) => this.once("ended", resolve));
  }

  /** @internal Sends the offer. */
  async start(): Promise<void> {
    const sdp = await this.#negotiate((connection) => connection.setLocalDescription());
    if (sdp === undefined) return;
    this.#signal(() => this.client.offer(this.peer, sdp, this.callId));
    this.#sendCandidates();
  }

  /** @internal The peer took our offer. */
  async accepted(sdp: string): Promise<void> {
    const connection = this.#connection;
    if (this.#state !== "calling" || connection === undefined) return;
    this.#setState("connecting");
    try {
      const applied = connection.setRemoteDescription({ type: "answer", sdp });
      this.#takeEarlyCandidates(connection);
      await applied;
    } catch (error) {
      this.#negotiationFailed(error);
    }
  }

  /** @internal */
  remoteCandidate(message: ServerMessageOf<"ICE_CANDIDATE">): void {
    if (this.#early !== undefined) this.#early.push(message);
    else if (this.#connection !== undefined) this.#addCandidate(this.#connection, message);
  }

  /** @internal Ends the call and tells the server. */
  abort(end: CallEnd, reason: string): void {
    if (this.#state === "ended") return;
    this.#signal(() => this.client.end(this.peer, reason, this.callId));
    this.finish(end);
  }

  /** @internal The call is over for the server already. */
  finish(end: CallEnd): void {
    if (this.#state === "ended") return;
    this.#end = end;
    this.#setState("ended");
    if (this.beforeClose === undefined) this.#close(end);
    else void this.beforeClose().finally(() => this.#close(end));
  }

  #close(end: CallEnd): void {
    this.#connection?.close();
    this.emit("ended", end);
  }

  #setState(state: CallState): void {
    if (this.#state === state || this.#state === "ended") return;
    this.#state = state;
    this.emit("state", state);
  }

  #error(): CallError {
    const { code, message } = this.#end ?? { code: "NEGOTIATION_FAILED", message: "not in a call" };
    return new CallError(code, `call with ${this.peer}: ${message}`);
  }

  /** Makes the connection and lets `steps` bring it to a local description; undefined when the call ended meanwhile. */
  async #negotiate(steps: (connection: C) => Promise<void>): Promise<string | undefined> {
    try {
      const connection = this.createConnection(this);
      this.#connection = connection;
      this.#watch(connection);
      await steps(connection);
      if (this.state === "ended") return undefined;
      return connection.localDescription?.sdp;
    } catch (error) {
      this.#negotiationFailed(error);
      return undefined;
    }
  }

  #negotiationFailed(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.abort({ code: "NEGOTIATION_FAILED", message: why }, "failed");
  }

  #watch(connection: C): void {
    connection.addEventListener("icecandidate", ({ candidate }: RTCPeerConnectionIceEvent) => {
      if (this.#unsent !== undefined) this.#unsent.push(candidate);
      else this.#sendCandidate(candidate);
    });
    connection.addEventListener("connectionstatechange", () => {
      const state = connection.connectionState;
      // "disconnected" with the transport given up: the peer closed it, and nothing will come of waiting.
      const over = state === "failed" || (state === "disconnected" && this.mediaFailure !== undefined);
      if (over) this.#mediaFailed();
      else if (state === "disconnected") this.emit("unstable", true);
      else if (state === "connected") this.#nowConnected();
    });
  }

  #mediaFailed(): void {
    const { code, message } = this.mediaFailure ?? { code: "", message: "" };
    if (code === "ERR_DTLS_CLOSED") {
      // The peer's goodbye on the media path overtook the one by signaling.
      this.abort({ code: "REMOTE_HANGUP", message: "hangup" }, "hangup");
      return;
    }
    const why = code === "" ? "" : `: ${message} (${code})`;
    this.abort({ code: "CONNECTION_FAILED", message: `the media connection failed${why}` }, "failed");
  }

  #nowConnected(): void {
    if (this.#state === "connected") this.emit("unstable", false);
    else this.#setState("connected");
  }

  #sendCandidates(): void {
    const candidates = this.#unsent ?? [];
    this.#unsent = undefined;
    for (const candidate of candidates) this.#sendCandidate(candidate);
  }

  #sendCandidate(candidate: RTCPeerConnectionIceEvent["candidate"]): void {
    if (candidate === null || this.#state === "ended") return;
    const fields = {
      candidate: candidate.candidate,
      ...(candidate.sdpMid === null ? {} : { sdpMid: candidate.sdpMid }),
      ...(candidate.sdpMLineIndex === null ? {} : { sdpMLineIndex: candidate.sdpMLineIndex }),
      ...(candidate.usernameFragment === null ? {} : { usernameFragment: candidate.usernameFragment }),
    };
    this.#signal(() => this.client.candidate(this.peer, fields, this.callId));
  }

  /** The description's own step is queued already; the connection keeps the order. */
  #takeEarlyCandidates(connection: C): void {
    const candidates = this.#early ?? [];
    this.#early = undefined;
    for (const candidate of candidates) this.#addCandidate(connection, candidate);
  }

  #addCandidate(connection: C, message: ServerMessageOf<"ICE_CANDIDATE">): void {
    const { type: _type, from: _from, callId: _callId, ...init } = message;
    connection.addIceCandidate(init).catch((error: unknown) => {
      if (this.#state !== "ended") this.emit("badcandidate", error);
    });
  }

  /** Without a server there is nobody to tell; its loss ends the call by itself. */
  #signal(send: () => void): void {
    if (this.client.connected) send();
  }
}
