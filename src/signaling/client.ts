/**
 * The signaling client: one login over the TLS line protocol, with the server's certificate pinned, requests as
 * promises, what others do as events, and reconnection with backoff when asked for.
 */
import { EventEmitter } from "node:events";
import { SignalingClientError, SignalingError, type SignalingErrorCode } from "./errors.js";
import { LineConnection } from "./line_connection.js";
import type { ClientMessage, ServerMessage, ServerMessageOf, UserEntry, UserStatus } from "./messages.js";
import { normalizeFingerprint, TrustFile } from "./trust.js";

export interface ReconnectOptions {
  /** 500 by default; doubles up to `maxDelayMs`. */
  readonly firstDelayMs?: number;
  /** 30000 by default. */
  readonly maxDelayMs?: number;
  /** 0 up to 1, spreads the delays of many clients (half to full delay); Math.random by default. */
  readonly random?: () => number;
}

export interface SignalingClientOptions {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the certificate the server must show. */
  readonly fingerprint?: string;
  /** Without `fingerprint`: file that remembers the certificate seen first. */
  readonly trustFile?: string;
  /** Connects and logs in again after a lost connection; without it the client stays disconnected. */
  readonly reconnect?: ReconnectOptions;
  /** For the connection and for each answer; 10000 by default. */
  readonly timeoutMs?: number;
}

/** Events, with their arguments. */
export interface SignalingClientEvents {
  /** Trusted for the first time, and remembered: show it. */
  firstmeeting: [{ readonly fingerprint: string; readonly trustFile: string }];
  userstatus: [{ readonly username: string; readonly status: UserStatus }];
  incomingcall: [ServerMessageOf<"INCOMING_CALL">];
  callaccepted: [ServerMessageOf<"CALL_ACCEPTED">];
  callrejected: [ServerMessageOf<"CALL_REJECTED">];
  callended: [ServerMessageOf<"CALL_ENDED">];
  candidate: [ServerMessageOf<"ICE_CANDIDATE">];
  /** An ERROR that answers no request of this client. */
  servererror: [SignalingError];
  disconnected: [{ readonly error: SignalingClientError; readonly reconnecting: boolean }];
  /** Connected, and logged in when there was a login before. */
  reconnected: [];
  /** Reconnection was given up: the server's certificate changed or the login is refused. */
  failed: [SignalingClientError | SignalingError];
}

/** A candidate as RTCIceCandidateInit has it; `candidate` empty: no more follow. */
export interface CandidateFields {
  readonly candidate: string;
  readonly sdpMid?: string;
  readonly sdpMLineIndex?: number;
  readonly usernameFragment?: string;
}

type Request = "REGISTER" | "LOGIN" | "LOGOUT" | "GET_USERS" | "PING";
interface Pending {
  resolve(value: readonly UserEntry[]): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
  readonly users: UserEntry[];
}

const ANSWERS: { readonly [type: string]: Request } = {
  REGISTER_SUCCESS: "REGISTER",
  LOGIN_SUCCESS: "LOGIN",
  LOGOUT_SUCCESS: "LOGOUT",
  PONG: "PING",
};
/** Refusals that pass by themselves: the old connection of the same user may still be dying. */
const RETRY_LOGIN = new Set<SignalingErrorCode>([
  "ALREADY_LOGGED_IN",
  "SERVER_FULL",
  "SERVER_BUSY",
  "TOO_MANY_ATTEMPTS",
  "SERVER_CLOSING",
]);

/** Leaves out what is undefined. */
function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

export class SignalingClient extends EventEmitter<SignalingClientEvents> {
  readonly #fingerprint: string | undefined;
  readonly #trustFile: TrustFile | undefined;
  readonly #timeoutMs: number;
  readonly #pending = new Map<Request, Pending>();
  #connection: LineConnection | undefined;
  #credentials: { readonly username: string; readonly password: string } | undefined;
  #username: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
  #closed = false;

  /** Throws BAD_OPTION; connects only in {@link connect}. */
  constructor(private readonly options: SignalingClientOptions) {
    super();
    this.#fingerprint =
      options.fingerprint === undefined ? undefined : normalizeFingerprint(options.fingerprint);
    this.#trustFile = options.trustFile === undefined ? undefined : new TrustFile(options.trustFile);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    if (this.#fingerprint === undefined && this.#trustFile === undefined) {
      throw new SignalingClientError(
        "BAD_OPTION",
        "give the server's fingerprint, or a trust file to keep it in",
      );
    }
  }

  get connected(): boolean {
    return this.#connection !== undefined && !this.#connection.closed;
  }

  /** Whom this client is logged in as. */
  get username(): string | undefined {
    return this.#username;
  }

  /** The fingerprint the server showed. */
  get serverFingerprint(): string | undefined {
    return this.#connection?.trust.fingerprint;
  }

  async connect(): Promise<void> {
    const { host, port } = this.options;
    const connection = await LineConnection.open(
      { host, port, fingerprint: this.#fingerprint, trustFile: this.#trustFile, timeoutMs: this.#timeoutMs },
      {
        message: (message) => this.#receive(message),
        closed: (error) => this.#lost(error),
      },
    );
    this.#connection = connection;
    const { fingerprint, remembered } = connection.trust;
    if (remembered) this.emit("firstmeeting", { fingerprint, trustFile: this.#trustFile?.path ?? "" });
    if (this.#closed) connection.close();
  }

  async register(username: string, password: string): Promise<void> {
    await this.#request("REGISTER", { type: "REGISTER", username, password });
  }

  async login(username: string, password: string): Promise<void> {
    await this.#request("LOGIN", { type: "LOGIN", username, password });
    this.#credentials = { username, password };
    this.#username = username;
  }

  async logout(): Promise<void> {
    this.#credentials = undefined;
    await this.#request("LOGOUT", { type: "LOGOUT" });
    this.#username = undefined;
  }

  /** Everyone who is registered, those who are there first. */
  users(): Promise<readonly UserEntry[]> {
    return this.#request("GET_USERS", { type: "GET_USERS" });
  }

  /** A round trip to the server. */
  async ping(): Promise<void> {
    await this.#request("PING", { type: "PING" });
  }

  /** Answered by `callaccepted`, `callrejected`, `callended`, or `servererror` with `request` "CALL_OFFER". */
  offer(to: string, sdp: string, callId?: string): void {
    this.#send(
      given({ type: "CALL_OFFER" as const, from: this.#username, to, sdp, callId }) as ClientMessage,
    );
  }

  accept(to: string, sdp: string, callId?: string): void {
    this.#send(given({ type: "CALL_ANSWER" as const, to, accept: true, sdp, callId }) as ClientMessage);
  }

  reject(to: string, reason?: string, callId?: string): void {
    this.#send(given({ type: "CALL_REJECT" as const, to, reason, callId }) as ClientMessage);
  }

  end(to?: string, reason?: string, callId?: string): void {
    this.#send(given({ type: "CALL_END" as const, to, reason, callId }) as ClientMessage);
  }

  candidate(to: string, candidate: CandidateFields, callId?: string): void {
    this.#send(given({ type: "ICE_CANDIDATE" as const, to, ...candidate, callId }) as ClientMessage);
  }

  /** Closes for good; resolves when the connection is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const connection = this.#connection;
    if (connection === undefined || connection.closed) return;
    await new Promise<void>((resolve) => {
      this.once("disconnected", () => resolve());
      connection.close();
    });
  }

  #send(message: ClientMessage): void {
    if (this.#connection === undefined) {
      throw new SignalingClientError("NOT_CONNECTED", "not connected to the server");
    }
    this.#connection.send(message);
  }

  /** One request of a kind at a time: answers carry no number. */
  #request(kind: Request, message: ClientMessage): Promise<readonly UserEntry[]> {
    if (this.#pending.has(kind)) {
      return Promise.reject(new SignalingClientError("REQUEST_PENDING", `${kind} is not answered yet`));
    }
    return new Promise((resolve, reject) => {
      this.#send(message);
      const timeout = new SignalingClientError(
        "TIMED_OUT",
        `no answer to ${kind} within ${this.#timeoutMs / 1000} s`,
      );
      const timer = setTimeout(() => this.#take(kind)?.reject(timeout), this.#timeoutMs);
      this.#pending.set(kind, { resolve, reject, timer, users: [] });
    });
  }

  #take(kind: Request): Pending | undefined {
    const pending = this.#pending.get(kind);
    if (pending !== undefined) clearTimeout(pending.timer);
    this.#pending.delete(kind);
    return pending;
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "PING":
        this.#connection?.answerPing();
        break;
      case "USER_LIST":
        this.#receiveUsers(message);
        break;
      case "USER_STATUS_CHANGED":
        this.emit("userstatus", { username: message.username, status: message.status });
        break;
      case "INCOMING_CALL":
        this.emit("incomingcall", message);
        break;
      case "CALL_ACCEPTED":
        this.emit("callaccepted", message);
        break;
      case "CALL_REJECTED":
        this.emit("callrejected", message);
        break;
      case "CALL_ENDED":
        this.emit("callended", message);
        break;
      case "ICE_CANDIDATE":
        this.emit("candidate", message);
        break;
      case "ERROR":
        this.#receiveError(message);
        break;
      default:
        this.#take(ANSWERS[message.type] as Request)?.resolve([]);
    }
  }

  #receiveUsers(message: ServerMessageOf<"USER_LIST">): void {
    const pending = this.#pending.get("GET_USERS");
    pending?.users.push(...message.users);
    if (message.more !== true) this.#take("GET_USERS")?.resolve(pending?.users ?? []);
  }

  #receiveError({ code, message, request }: ServerMessageOf<"ERROR">): void {
    const error = new SignalingError(code as SignalingErrorCode, message, request);
    const pending = this.#take(request as Request);
    if (pending !== undefined) pending.reject(error);
    else this.emit("servererror", error);
  }

  #lost(error: SignalingClientError): void {
    this.#connection = undefined;
    this.#username = undefined;
    for (const kind of [...this.#pending.keys()]) this.#take(kind)?.reject(error);
    const reconnecting = this.options.reconnect !== undefined && !this.#closed;
    this.emit("disconnected", { error, reconnecting });
    if (reconnecting && this.#retry === undefined) this.#retryLater();
  }

  #retryLater(): void {
    const { firstDelayMs = 500, maxDelayMs = 30_000, random = Math.random } = this.options.reconnect ?? {};
    const delayMs =
      Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#attempt++, 20)) * (0.5 + random() / 2);
    this.#retry = setTimeout(() => void this.#reconnect(), delayMs);
  }

  async #reconnect(): Promise<void> {
    try {
      if (!this.connected) await this.connect();
      if (this.#credentials !== undefined)
        await this.login(this.#credentials.username, this.#credentials.password);
    } catch (error) {
      this.#retryFailed(error);
      return;
    }
    this.#retry = undefined;
    if (this.#closed) return;
    this.#attempt = 0;
    this.emit("reconnected");
  }

  #retryFailed(error: unknown): void {
    this.#retry = undefined;
    if (this.#closed) return;
    const passing =
      error instanceof SignalingError
        ? RETRY_LOGIN.has(error.code)
        : error instanceof SignalingClientError &&
          ["CONNECT_FAILED", "CONNECTION_LOST", "NOT_CONNECTED", "TIMED_OUT"].includes(error.code);
    if (passing) {
      this.#retryLater();
      return;
    }
    const final = error as SignalingClientError | SignalingError;
    this.#closed = true;
    this.#connection?.close();
    this.emit("failed", final);
  }
}
