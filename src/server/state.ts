/**
 * Users, presence and calls as a pure state machine: an event goes in, the messages to send come out. It owns no
 * socket, clock or file; {@link file://./room_server.ts} carries its outputs to the connections.
 *
 * A user is DISCONNECTED, AVAILABLE or BUSY. A call makes both BUSY from the offer to its end, its rejection or the
 * disconnection of either. Every change of presence goes to everyone who is logged in.
 */
import { SignalingError } from "../signaling/errors.js";
import type {
  ClientMessage,
  ClientMessageOf,
  ServerMessage,
  UserEntry,
  UserStatus,
} from "../signaling/messages.js";
import { checkSession } from "../signaling/session_check.js";

/** A message for one connection. */
export interface Output {
  readonly connection: number;
  readonly message: ServerMessage;
}

interface Call {
  readonly id: string;
  readonly caller: string;
  readonly callee: string;
  readonly ringDeadlineMs: number;
  answered: boolean;
}

interface Session {
  readonly username: string;
  readonly connection: number;
  call: Call | undefined;
}

export interface StateOptions {
  /** Most users logged in at once. */
  readonly maxClients: number;
  /** An offer that nobody answers ends after this long. */
  readonly ringTimeoutMs: number;
  readonly users: Iterable<string>;
}

/** The messages that the state handles itself; the others need the users file or are answered at the door. */
export type StateMessage = Exclude<ClientMessage, { readonly type: "REGISTER" | "LOGIN" | "PING" | "PONG" }>;

/** Leaves room for the rest of a USER_LIST line: most bytes of names and statuses in one message. */
const USER_LIST_BYTES = 60_000;

export class ServerState {
  readonly #users = new Set<string>();
  /** Names as they compare for registration: no two may differ in case alone. */
  readonly #folded = new Set<string>();
  readonly #sessions = new Map<string, Session>();
  readonly #byConnection = new Map<number, Session>();
  readonly #calls = new Set<Call>();
  #outputs: Output[] = [];
  #nextCallNumber = 1;

  constructor(private readonly options: StateOptions) {
    for (const user of options.users) this.#addUser(user);
  }

  get loggedInCount(): number {
    return this.#sessions.size;
  }

  get callCount(): number {
    return this.#calls.size;
  }

  userOf(connection: number): string | undefined {
    return this.#byConnection.get(connection)?.username;
  }

  status(username: string): UserStatus {
    const session = this.#sessions.get(username);
    if (session === undefined) return "DISCONNECTED";
    return session.call === undefined ? "AVAILABLE" : "BUSY";
  }

  /** Throws when the name is taken, also in another case. */
  checkCanRegister(username: string): void {
    if (this.#folded.has(username.toLowerCase())) {
      throw new SignalingError("USER_EXISTS", `${username} is registered already`, "REGISTER");
    }
  }

  /** A user was written to the users file. */
  registered(connection: number, username: string): Output[] {
    this.#addUser(username);
    this.#send(connection, { type: "REGISTER_SUCCESS", username });
    this.#broadcastStatus(username);
    return this.#drain();
  }

  /** Throws when `connection` may not log in as `username` whatever the password. */
  checkCanLogin(connection: number, username: string): void {
    if (this.#byConnection.has(connection)) {
      throw new SignalingError(
        "ALREADY_LOGGED_IN",
        "this connection is logged in; send LOGOUT first",
        "LOGIN",
      );
    }
    if (this.#sessions.size >= this.options.maxClients) {
      throw new SignalingError("SERVER_FULL", `${this.options.maxClients} users are logged in`, "LOGIN");
    }
    if (this.#sessions.has(username)) {
      throw new SignalingError("ALREADY_LOGGED_IN", `${username} is logged in elsewhere`, "LOGIN");
    }
  }

  /** The password was right. Checks again what {@link checkCanLogin} checked, for the hash took its time. */
  authenticated(connection: number, username: string): Output[] {
    this.checkCanLogin(connection, username);
    const session: Session = { username, connection, call: undefined };
    this.#sessions.set(username, session);
    this.#byConnection.set(connection, session);
    this.#send(connection, { type: "LOGIN_SUCCESS", username });
    this.#broadcastStatus(username);
    return this.#drain();
  }

  /** Handles one message of a connection; throws {@link SignalingError} for its sender and changes nothing then. */
  handle(connection: number, message: StateMessage, nowMs: number): Output[] {
    const session = this.#byConnection.get(connection);
    if (session === undefined) {
      throw new SignalingError("NOT_LOGGED_IN", `${message.type} needs a login first`, message.type);
    }
    switch (message.type) {
      case "LOGOUT":
        this.#logout(session);
        this.#send(connection, { type: "LOGOUT_SUCCESS" });
        break;
      case "GET_USERS":
        this.#sendUserList(connection);
        break;
      case "CALL_OFFER":
        this.#offer(session, message, nowMs);
        break;
      case "CALL_ANSWER":
        this.#answer(session, message);
        break;
      case "CALL_REJECT":
        this.#reject(session, this.#incoming(session, message), message.reason);
        break;
      case "CALL_END":
        this.#end(session, this.#callOf(session, message), message.reason ?? "hangup");
        break;
      case "ICE_CANDIDATE":
        this.#relayCandidate(session, message);
        break;
    }
    return this.#drain();
  }

  /** The connection is gone. */
  disconnected(connection: number): Output[] {
    const session = this.#byConnection.get(connection);
    if (session !== undefined) this.#logout(session);
    return this.#drain();
  }

  /** When {@link handleTimeout} has something to do, in ms; Infinity: never. */
  nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#calls) if (!call.answered) next = Math.min(next, call.ringDeadlineMs);
    return next;
  }

  /** Ends the calls that rang too long. */
  handleTimeout(nowMs: number): Output[] {
    for (const call of [...this.#calls]) {
      if (call.answered || call.ringDeadlineMs > nowMs) continue;
      this.#sendTo(call.caller, this.#ended(call, call.callee, "timeout"));
      this.#sendTo(call.callee, this.#ended(call, call.caller, "timeout"));
      this.#release(call);
    }
    return this.#drain();
  }

  #addUser(username: string): void {
    this.#users.add(username);
    this.#folded.add(username.toLowerCase());
  }

  #offer(session: Session, message: ClientMessageOf<"CALL_OFFER">, nowMs: number): void {
    this.#checkOffer(session, message);
    const call: Call = {
      id: message.callId ?? `call-${this.#nextCallNumber++}`,
      caller: session.username,
      callee: message.to,
      ringDeadlineMs: nowMs + this.options.ringTimeoutMs,
      answered: false,
    };
    const callee = this.#sessions.get(message.to) as Session;
    session.call = call;
    callee.call = call;
    this.#calls.add(call);
    this.#send(callee.connection, {
      type: "INCOMING_CALL",
      from: call.caller,
      sdp: message.sdp,
      callId: call.id,
    });
    this.#broadcastStatus(call.caller);
    this.#broadcastStatus(call.callee);
  }

  #checkOffer(session: Session, message: ClientMessageOf<"CALL_OFFER">): void {
    const fail = (code: ConstructorParameters<typeof SignalingError>[0], text: string): never => {
      throw new SignalingError(code, text, "CALL_OFFER");
    };
    const { to, from } = message;
    if (from !== undefined && from !== session.username) fail("WRONG_SENDER", `you are ${session.username}`);
    if (to === session.username) fail("CALL_TO_SELF", "a call needs someone else");
    if (session.call !== undefined) fail("ALREADY_IN_CALL", "end your call first");
    if (!this.#users.has(to)) fail("USER_NOT_FOUND", `nobody is registered as ${to}`);
    const status = this.status(to);
    if (status === "DISCONNECTED") fail("USER_NOT_AVAILABLE", `${to} is not connected`);
    if (status === "BUSY") fail("USER_BUSY", `${to} is in a call`);
    checkSession(message.sdp, "CALL_OFFER");
  }

  #answer(session: Session, message: ClientMessageOf<"CALL_ANSWER">): void {
    const call = this.#incoming(session, message);
    if (!message.accept) {
      this.#reject(session, call, undefined);
      return;
    }
    if (message.sdp === undefined) {
      throw new SignalingError("BAD_FIELD", "CALL_ANSWER: accept:true needs the field sdp", "CALL_ANSWER");
    }
    checkSession(message.sdp, "CALL_ANSWER");
    call.answered = true;
    this.#sendTo(call.caller, {
      type: "CALL_ACCEPTED",
      from: session.username,
      sdp: message.sdp,
      callId: call.id,
    });
  }

  #reject(session: Session, call: Call, reason: string | undefined): void {
    this.#sendTo(call.caller, {
      type: "CALL_REJECTED",
      from: session.username,
      ...(reason === undefined ? {} : { reason }),
      callId: call.id,
    });
    this.#release(call);
  }

  #end(session: Session, call: Call, reason: string): void {
    this.#sendTo(peerOf(call, session.username), this.#ended(call, session.username, reason));
    this.#release(call);
  }

  #relayCandidate(session: Session, message: ClientMessageOf<"ICE_CANDIDATE">): void {
    const call = this.#callOf(session, message);
    const { to, ...fields } = message;
    this.#sendTo(to, { ...fields, from: session.username, callId: call.id });
  }

  /** The call that a message speaks of; a message about an earlier call finds none. */
  #callOf(session: Session, message: { type: string; to?: string; callId?: string }): Call {
    const { call } = session;
    const matches =
      call !== undefined &&
      (message.to === undefined || message.to === peerOf(call, session.username)) &&
      (message.callId === undefined || message.callId === call.id);
    if (!matches) throw new SignalingError("NO_SUCH_CALL", `${message.type}: no such call`, message.type);
    return call;
  }

  /** The call that rings at `session`. */
  #incoming(session: Session, message: { type: string; to: string; callId?: string }): Call {
    const call = this.#callOf(session, message);
    if (call.answered || call.callee !== session.username) {
      const text = call.answered
        ? "the call is answered already"
        : "the call is yours; its callee answers it";
      throw new SignalingError("WRONG_CALL_STATE", `${message.type}: ${text}`, message.type);
    }
    return call;
  }

  #ended(call: Call, from: string, reason: string): ServerMessage {
    return { type: "CALL_ENDED", from, reason, callId: call.id };
  }

  #release(call: Call): void {
    this.#calls.delete(call);
    for (const username of [call.caller, call.callee]) {
      const session = this.#sessions.get(username);
      if (session?.call !== call) continue;
      session.call = undefined;
      this.#broadcastStatus(username);
    }
  }

  #logout(session: Session): void {
    this.#sessions.delete(session.username);
    this.#byConnection.delete(session.connection);
    if (session.call !== undefined) this.#end(session, session.call, "disconnected");
    this.#broadcastStatus(session.username);
  }

  /** Those who are there come first; a long list goes out in several messages, all but the last with `more`. */
  #sendUserList(connection: number): void {
    const here = [...this.#sessions.keys()].sort();
    const away = [...this.#users].filter((user) => !this.#sessions.has(user)).sort();
    let page: UserEntry[] = [];
    let bytes = 0;
    for (const username of [...here, ...away]) {
      const status = this.status(username);
      const size = Buffer.byteLength(username) + status.length + 2;
      if (bytes + size > USER_LIST_BYTES) {
        this.#send(connection, { type: "USER_LIST", users: page, more: true });
        page = [];
        bytes = 0;
      }
      page.push({ username, status });
      bytes += size;
    }
    this.#send(connection, { type: "USER_LIST", users: page });
  }

  #broadcastStatus(username: string): void {
    const message = { type: "USER_STATUS_CHANGED", username, status: this.status(username) } as const;
    for (const session of this.#sessions.values()) this.#send(session.connection, message);
  }

  #sendTo(username: string, message: ServerMessage): void {
    const session = this.#sessions.get(username);
    if (session !== undefined) this.#send(session.connection, message);
  }

  #send(connection: number, message: ServerMessage): void {
    this.#outputs.push({ connection, message });
  }

  #drain(): Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

const peerOf = (call: Call, username: string): string =>
  username === call.caller ? call.callee : call.caller;
