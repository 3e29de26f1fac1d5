/**
 * The terminal's side of calling: one login, one call at a time, answered by itself when asked to. The controller
 * holds the rules; pictures and sound belong to the peer connection that `createConnection` makes.
 */
import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import type { SignalingClient } from "../signaling/client.js";
import { SignalingError } from "../signaling/errors.js";
import type { ServerMessageOf, UserEntry } from "../signaling/messages.js";
import { Call, type CallConnection, type CallEnd } from "./call.js";
import { CallError, END_REASONS, REFUSAL_CODES } from "./call_errors.js";

export interface CallControllerOptions<C extends CallConnection> {
  /** Connected by {@link CallController.login}; the controller closes it in {@link CallController.close}. */
  readonly client: SignalingClient;
  /** Makes the connection of a call, with the tracks that it sends. Throwing ends the call. */
  readonly createConnection: (call: Call<C>) => C;
  /** Answers every call at once. */
  readonly autoAnswer?: boolean;
}

export interface CallControllerEvents<C extends CallConnection> {
  /** Somebody calls; answer or reject it, unless `autoAnswer` does. */
  incoming: [Call<C>];
  /** A call was answered by either side. */
  started: [Call<C>];
  /** Media flows. */
  connected: [Call<C>];
  ended: [Call<C>, CallEnd];
  /** The server refused something that no call of ours waits for. */
  servererror: [SignalingError];
}

export class CallController<C extends CallConnection = CallConnection> extends EventEmitter<
  CallControllerEvents<C>
> {
  readonly client: SignalingClient;
  #call: Call<C> | undefined;

  constructor(private readonly options: CallControllerOptions<C>) {
    super();
    this.client = options.client;
    this.client.on("incomingcall", (message) => this.#incoming(message));
    this.client.on("callaccepted", ({ callId, sdp }) => void this.#callWith(callId)?.accepted(sdp));
    this.client.on("callrejected", ({ callId, reason }) => {
      this.#callWith(callId)?.finish({ code: "REJECTED", message: reason ?? "rejected" });
    });
    this.client.on("callended", (message) => this.#remoteEnd(message));
    this.client.on("candidate", (message) => this.#callWith(message.callId)?.remoteCandidate(message));
    this.client.on("servererror", (error) => this.#refused(error));
    this.client.on("disconnected", ({ error }) => {
      this.#call?.finish({ code: "SIGNALING_LOST", message: error.message });
    });
  }

  /** The call under way. */
  get call(): Call<C> | undefined {
    return this.#call;
  }

  /**
   * Connects when not connected, and logs in. With `register`, registers first; a name that is taken already is then
   * no error but the login's business. Throws SignalingClientError or SignalingError.
   */
  async login(
    username: string,
    password: string,
    options: { readonly register?: boolean } = {},
  ): Promise<void> {
    if (!this.client.connected) await this.client.connect();
    if (options.register === true) {
      await this.client.register(username, password).catch((error: unknown) => {
        if (!(error instanceof SignalingError) || error.code !== "USER_EXISTS") throw error;
      });
    }
    await this.client.login(username, password);
  }

  users(): Promise<readonly UserEntry[]> {
    return this.client.users();
  }

  /** Calls a user. The call is under way when this returns; {@link Call.connected} and its events tell how it goes. */
  dial(peer: string): Call<C> {
    if (this.#call !== undefined) throw new CallError("IN_CALL", `in a call with ${this.#call.peer}`);
    if (!this.client.connected) throw new CallError("SIGNALING_LOST", "not connected to the server");
    const init = { peer, callId: randomUUID(), direction: "outgoing" } as const;
    const call = this.#adopt(new Call<C>(init, this.client, this.options.createConnection));
    void call.start();
    return call;
  }

  hangup(): void {
    const call = this.#call;
    if (call?.state === "incoming") call.reject();
    else call?.hangup();
  }

  /** Hangs up, logs out by closing the connection to the server. */
  async close(): Promise<void> {
    this.hangup();
    await this.client.close();
  }

  #adopt(call: Call<C>): Call<C> {
    this.#call = call;
    call.on("state", (state) => {
      if (state === "connecting") this.emit("started", call);
      else if (state === "connected") this.emit("connected", call);
    });
    call.once("ended", (end) => {
      if (this.#call === call) this.#call = undefined;
      this.emit("ended", call, end);
    });
    return call;
  }

  #callWith(callId: string): Call<C> | undefined {
    return this.#call?.callId === callId ? this.#call : undefined;
  }

  #incoming({ from, sdp, callId }: ServerMessageOf<"INCOMING_CALL">): void {
    // Our own offer is still being made, and the server does not know of it: theirs came first.
    this.#call?.finish({ code: "IN_CALL", message: `${from} called first` });
    const init = { peer: from, callId, direction: "incoming" } as const;
    const call = this.#adopt(new Call<C>(init, this.client, this.options.createConnection, sdp));
    this.emit("incoming", call);
    // A failed answer ends the call, and `ended` says why.
    if (this.options.autoAnswer === true && call.state === "incoming") call.answer().catch(() => {});
  }

  #remoteEnd({ callId, reason }: ServerMessageOf<"CALL_ENDED">): void {
    const code = END_REASONS[reason] ?? "REMOTE_HANGUP";
    this.#callWith(callId)?.finish({ code, message: reason });
  }

  /** ERROR names the message it answers, not the call: only the call under way can be meant. */
  #refused(error: SignalingError): void {
    const call = this.#call;
    if (error.request === "CALL_OFFER" && call?.state === "calling") {
      call.finish({
        code: REFUSAL_CODES[error.code] ?? "REFUSED",
        message: `${error.message} (${error.code})`,
      });
    } else if (error.request === "CALL_ANSWER" && call?.state === "connecting") {
      call.finish({ code: "REFUSED", message: `${error.message} (${error.code})` });
    } else if (error.code !== "NO_SUCH_CALL") this.emit("servererror", error);
  }
}
