/**
 * Between the channels and the pure state: checks passwords, slows down guessing, carries the state's outputs to the
 * channels and wakes the state at its deadlines.
 */
import { SignalingError } from "../signaling/errors.js";
import type { ClientMessage, ClientMessageOf } from "../signaling/messages.js";
import { type ChannelHandler, ClientChannel, type ClientTransport } from "./client_channel.js";
import type { Limits } from "./limits.js";
import type { Logger } from "./logger.js";
import { type Output, ServerState } from "./state.js";
import { Throttle } from "./throttle.js";
import type { UsersFile } from "./users_file.js";

export interface ServiceOptions {
  readonly users: UsersFile;
  readonly maxClients: number;
  readonly registration: boolean;
  readonly limits: Limits;
  readonly logger: Logger;
}

const MIN_PASSWORD_LENGTH = 4;
const MAX_PASSWORD_LENGTH = 256;
const THROTTLE = { firstWaitMs: 1000, maxWaitMs: 60_000, forgetMs: 600_000, maxKeys: 10_000 };

/** Addresses of one household count as one: IPv6 by its /64. */
export function throttleKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
  return plain.includes(":") ? plain.split(":").slice(0, 4).join(":") : plain;
}

export class SignalingService implements ChannelHandler {
  readonly limits: Limits;
  readonly logger: Logger;
  readonly state: ServerState;
  readonly #channels = new Map<number, ClientChannel>();
  readonly #registering = new Set<string>();
  readonly #guesses = new Throttle({ ...THROTTLE, freeFailures: 5 });
  readonly #guessesByAddress = new Throttle({ ...THROTTLE, freeFailures: 30 });
  readonly #registrations = new Throttle({ ...THROTTLE, freeFailures: 50 });
  #nextId = 1;
  #pendingHashes = 0;
  #deadline: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(private readonly options: ServiceOptions) {
    this.limits = options.limits;
    this.logger = options.logger;
    this.state = new ServerState({
      maxClients: options.maxClients,
      ringTimeoutMs: options.limits.ringMs,
      users: options.users.names(),
    });
  }

  get connectionCount(): number {
    return this.#channels.size;
  }

  /** Connections that may be open at once: room for some that still log in or will be told that the server is full. */
  get maxConnections(): number {
    return Math.max(2 * this.options.maxClients, this.options.maxClients + 16);
  }

  nowMs(): number {
    return performance.now();
  }

  /** A channel for a new connection; a full server tells it so and closes it. */
  open(transport: ClientTransport): ClientChannel {
    const channel = new ClientChannel(this.#nextId++, transport, this);
    this.logger.debug(
      { connection: channel.id, from: transport.remoteAddress, kind: transport.kind },
      "client connected",
    );
    if (this.#closing) channel.refuse(new SignalingError("SERVER_CLOSING", "the server is shutting down"));
    else if (this.#channels.size >= this.maxConnections) {
      channel.refuse(new SignalingError("SERVER_FULL", "too many connections"));
    } else this.#channels.set(channel.id, channel);
    return channel;
  }

  isLoggedIn(channel: ClientChannel): boolean {
    return this.state.userOf(channel.id) !== undefined;
  }

  handle(channel: ClientChannel, message: ClientMessage): void | Promise<void> {
    switch (message.type) {
      case "PING":
        return channel.send({ type: "PONG" });
      case "PONG":
        return;
      case "REGISTER":
        return this.#register(channel, message);
      case "LOGIN":
        return this.#login(channel, message);
      default:
        this.#deliver(this.state.handle(channel.id, message, this.nowMs()));
        this.#logChange(channel, message);
    }
  }

  gone(channel: ClientChannel): void {
    if (!this.#channels.delete(channel.id)) return;
    const username = this.state.userOf(channel.id);
    const outputs = this.state.disconnected(channel.id);
    if (!this.#closing) this.#deliver(outputs); // when all go, nobody is told of the others
    this.logger.debug({ connection: channel.id, user: username }, "client gone");
  }

  /** Tells every client and closes its connection. */
  close(): void {
    this.#closing = true;
    clearTimeout(this.#deadline);
    for (const channel of [...this.#channels.values()]) {
      channel.refuse(new SignalingError("SERVER_CLOSING", "the server is shutting down"));
    }
  }

  #logChange(channel: ClientChannel, message: ClientMessage): void {
    if (message.type === "GET_USERS" || message.type === "ICE_CANDIDATE") return;
    const to = "to" in message ? message.to : undefined;
    this.logger.info({ connection: channel.id, user: this.state.userOf(channel.id), to }, message.type);
  }

  #deliver(outputs: readonly Output[]): void {
    for (const { connection, message } of outputs) this.#channels.get(connection)?.send(message);
    this.#armDeadline();
  }

  #armDeadline(): void {
    clearTimeout(this.#deadline);
    const next = this.state.nextDeadlineMs();
    if (next === Number.POSITIVE_INFINITY || this.#closing) return;
    const wake = (): void => this.#deliver(this.state.handleTimeout(this.nowMs()));
    this.#deadline = setTimeout(wake, Math.max(1, Math.ceil(next - this.nowMs())));
  }

  async #register(channel: ClientChannel, message: ClientMessageOf<"REGISTER">): Promise<void> {
    const { username, password } = message;
    this.#checkRegistration(channel, message);
    const folded = username.toLowerCase();
    this.#registering.add(folded);
    let added = false;
    try {
      added = await this.#hashing(() => this.options.users.register(username, password), "REGISTER");
    } finally {
      this.#registering.delete(folded);
    }
    if (!added) this.state.checkCanRegister(username);
    this.logger.info({ connection: channel.id, user: username }, "user registered");
    this.#deliver(this.state.registered(channel.id, username));
  }

  #checkRegistration(channel: ClientChannel, { username, password }: ClientMessageOf<"REGISTER">): void {
    const fail = (code: SignalingError["code"], text: string): never => {
      throw new SignalingError(code, text, "REGISTER");
    };
    if (!this.options.registration) fail("REGISTRATION_CLOSED", "this server takes no registrations");
    if (password.length < MIN_PASSWORD_LENGTH || password.length > MAX_PASSWORD_LENGTH) {
      fail("WEAK_PASSWORD", `a password has ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters`);
    }
    this.state.checkCanRegister(username);
    if (this.#registering.has(username.toLowerCase())) fail("USER_EXISTS", `${username} is being registered`);
    const key = throttleKey(channel.transport.remoteAddress);
    this.#checkWait(this.#registrations.waitMs(key, this.nowMs()), "REGISTER");
    this.#registrations.failed(key, this.nowMs());
  }

  async #login(channel: ClientChannel, message: ClientMessageOf<"LOGIN">): Promise<void> {
    const { username, password } = message;
    const address = throttleKey(channel.transport.remoteAddress);
    const key = `${address} ${username}`;
    const now = this.nowMs();
    this.#checkWait(
      Math.max(this.#guesses.waitMs(key, now), this.#guessesByAddress.waitMs(address, now)),
      "LOGIN",
    );
    if (this.isLoggedIn(channel)) this.state.checkCanLogin(channel.id, username);
    const verified =
      password.length <= MAX_PASSWORD_LENGTH &&
      (await this.#hashing(() => this.options.users.verify(username, password), "LOGIN"));
    if (channel.closed) return;
    if (!verified) {
      this.#guesses.failed(key, this.nowMs());
      this.#guessesByAddress.failed(address, this.nowMs());
      this.logger.warn({ connection: channel.id, user: username, from: address }, "wrong name or password");
      throw new SignalingError("BAD_CREDENTIALS", "wrong name or password", "LOGIN");
    }
    this.#guesses.succeeded(key);
    this.#deliver(this.state.authenticated(channel.id, username));
    this.logger.info({ connection: channel.id, user: username }, "user logged in");
  }

  #checkWait(waitMs: number, request: string): void {
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    throw new SignalingError("TOO_MANY_ATTEMPTS", `too many attempts; try again in ${seconds} s`, request);
  }

  /** Bounds the hashes under way: each takes memory and a thread of the pool. */
  async #hashing<T>(work: () => Promise<T>, request: string): Promise<T> {
    if (this.#pendingHashes >= this.limits.pendingHashes) {
      throw new SignalingError("SERVER_BUSY", "too many logins at once; try again", request);
    }
    this.#pendingHashes++;
    try {
      return await work();
    } finally {
      this.#pendingHashes--;
    }
  }
}
