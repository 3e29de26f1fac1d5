/**
 * One client, whatever carries its messages: takes decoded messages in, one at a time and in order, guards the rate
 * and the silence, answers what breaks a rule with ERROR.
 */
import { SignalingError } from "../signaling/errors.js";
import type { ClientMessage, ServerMessage } from "../signaling/messages.js";
import type { Limits } from "./limits.js";
import type { Logger } from "./logger.js";
import { RateLimit } from "./rate_limit.js";

/** What carries the messages: a TLS socket with lines or a WebSocket with JSON. */
export interface ClientTransport {
  readonly kind: "line" | "websocket";
  readonly remoteAddress: string;
  /** Bytes that wait to be sent. */
  readonly bufferedBytes: number;
  send(message: ServerMessage): void;
  pause(): void;
  resume(): void;
  /** Sends what waits, then closes; at once when `force`. */
  close(force: boolean): void;
}

/** What is done with the messages of a channel. */
export interface ChannelHandler {
  readonly limits: Limits;
  readonly logger: Logger;
  nowMs(): number;
  isLoggedIn(channel: ClientChannel): boolean;
  /** Throws or rejects with {@link SignalingError} for an ERROR answer. */
  handle(channel: ClientChannel, message: ClientMessage): void | Promise<void>;
  gone(channel: ClientChannel): void;
}

/** Decoded messages that may wait for a slower one (a password hash) before reading pauses. */
const INBOX_HIGH = 32;
/** Bytes per token of the rate limit: a long message counts as several. */
const BYTES_PER_TOKEN = 2048;

export class ClientChannel {
  readonly #inbox: (() => ClientMessage)[] = [];
  readonly #rate: RateLimit;
  #busy = false;
  #closed = false;
  #paused = false;
  #lastHeardMs: number;
  readonly #openedMs: number;
  #silenceTimer: NodeJS.Timeout;

  constructor(
    readonly id: number,
    readonly transport: ClientTransport,
    private readonly handler: ChannelHandler,
  ) {
    const { limits } = handler;
    this.#rate = new RateLimit(limits.messagesPerSecond, limits.messageBurst);
    this.#openedMs = handler.nowMs();
    this.#lastHeardMs = this.#openedMs;
    this.#silenceTimer = setTimeout(() => this.#checkSilence(), Math.min(limits.loginMs, limits.pingMs));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A message of `bytes` arrived; `decode` reads it, or throws what is wrong with it. */
  received(bytes: number, decode: () => ClientMessage): void {
    if (this.#closed) return;
    const nowMs = this.handler.nowMs();
    this.#lastHeardMs = nowMs;
    if (!this.#rate.take(Math.max(1, bytes / BYTES_PER_TOKEN), nowMs)) {
      this.refuse(new SignalingError("RATE_LIMITED", "too many messages"));
      return;
    }
    this.#inbox.push(decode);
    if (this.#inbox.length >= INBOX_HIGH && !this.#paused) {
      this.#paused = true;
      this.transport.pause();
    }
    if (!this.#busy) void this.#work();
  }

  send(message: ServerMessage): void {
    if (this.#closed) return;
    if (this.transport.bufferedBytes > this.handler.limits.sendBufferBytes) {
      this.handler.logger.warn({ connection: this.id }, "the client does not read; closing its connection");
      this.close(true);
      return;
    }
    this.transport.send(message);
  }

  /** Sends an ERROR and closes. */
  refuse(error: SignalingError): void {
    if (this.#closed) return;
    this.handler.logger.info({ connection: this.id, code: error.code }, "connection refused");
    this.#sendError(error);
    this.close(false);
  }

  close(force: boolean): void {
    if (this.#closed) return;
    this.transport.close(force);
    this.lost();
  }

  /** The transport is gone. */
  lost(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inbox.length = 0;
    clearTimeout(this.#silenceTimer);
    this.handler.gone(this);
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let decode = this.#inbox.shift(); decode !== undefined; decode = this.#inbox.shift()) {
      try {
        const done = this.handler.handle(this, decode());
        if (done !== undefined) await done;
      } catch (error) {
        this.#answerFailure(error);
      }
    }
    this.#busy = false;
    if (this.#paused && !this.#closed) {
      this.#paused = false;
      this.transport.resume();
    }
  }

  #answerFailure(error: unknown): void {
    if (error instanceof SignalingError) {
      if (error.code === "MESSAGE_TOO_LARGE") this.refuse(error);
      else this.#sendError(error);
      return;
    }
    this.handler.logger.error({ connection: this.id, err: error }, "a message could not be handled");
    this.#sendError(new SignalingError("INTERNAL", "the server failed; its log says why"));
  }

  #sendError(error: SignalingError): void {
    const { code, message, request } = error;
    this.send({ type: "ERROR", code, message, ...(request === undefined ? {} : { request }) });
  }

  /** Closes what does not log in in time; pings what is silent, and closes what stays silent for three pings. */
  #checkSilence(): void {
    const { pingMs, loginMs } = this.handler.limits;
    const nowMs = this.handler.nowMs();
    const silentMs = nowMs - this.#lastHeardMs;
    if (!this.handler.isLoggedIn(this) && nowMs - this.#openedMs >= loginMs) {
      this.refuse(new SignalingError("IDLE_TIMEOUT", `no login within ${loginMs / 1000} s`));
      return;
    }
    if (silentMs >= 3 * pingMs) {
      this.refuse(new SignalingError("IDLE_TIMEOUT", `nothing heard for ${Math.round(silentMs / 1000)} s`));
      return;
    }
    if (silentMs >= pingMs * 0.9) this.send({ type: "PING" });
    if (!this.#closed) this.#silenceTimer = setTimeout(() => this.#checkSilence(), Math.min(loginMs, pingMs));
  }
}
