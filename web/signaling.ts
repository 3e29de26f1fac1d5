/** The server's JSON messages over a WebSocket: requests as promises, everything else to one listener. */
import type { ClientMessage, ServerMessage, UserEntry } from "../src/signaling/messages.js";

/** The server said no, or is not there ("CONNECTION_LOST"). */
export class ServerRefusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly request?: string,
  ) {
    super(message);
  }
}

export interface SignalingListener {
  message(message: ServerMessage): void;
  closed(): void;
}

type Request = "REGISTER" | "LOGIN" | "LOGOUT" | "GET_USERS";
const ANSWERS: Readonly<Record<string, Request>> = {
  REGISTER_SUCCESS: "REGISTER",
  LOGIN_SUCCESS: "LOGIN",
  LOGOUT_SUCCESS: "LOGOUT",
};

interface Pending {
  resolve(users: readonly UserEntry[]): void;
  reject(error: ServerRefusal): void;
  readonly users: UserEntry[];
}

export class Signaling {
  readonly #pending = new Map<string, Pending>();

  private constructor(
    private readonly socket: WebSocket,
    private readonly listener: SignalingListener,
  ) {
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)) as ServerMessage);
    socket.onclose = () => this.#lost();
  }

  /** Connects to the server that the page came from. */
  static open(listener: SignalingListener): Promise<Signaling> {
    const url = new URL("/ws", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(new Signaling(socket, listener));
      socket.onclose = () => reject(new ServerRefusal("CONNECTION_LOST", "The server cannot be reached."));
    });
  }

  send(message: ClientMessage): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  request(message: ClientMessage & { readonly type: Request }): Promise<readonly UserEntry[]> {
    return new Promise((resolve, reject) => {
      this.#pending.get(message.type)?.reject(new ServerRefusal("REPEATED", "asked again", message.type));
      this.#pending.set(message.type, { resolve, reject, users: [] });
      this.send(message);
      if (this.socket.readyState !== WebSocket.OPEN) this.#lost();
    });
  }

  close(): void {
    this.socket.close();
  }

  #receive(message: ServerMessage): void {
    const answered = ANSWERS[message.type];
    if (message.type === "PING") this.send({ type: "PONG" });
    else if (answered !== undefined) this.#take(answered)?.resolve([]);
    else if (message.type === "USER_LIST") {
      const pending = this.#pending.get("GET_USERS");
      pending?.users.push(...message.users);
      if (message.more !== true) this.#take("GET_USERS")?.resolve(pending?.users ?? []);
    } else if (message.type === "ERROR" && this.#pending.has(message.request ?? "")) {
      const { code, message: text, request } = message;
      this.#take(request as string)?.reject(new ServerRefusal(code, text, request));
    } else this.listener.message(message);
  }

  #take(request: string): Pending | undefined {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    return pending;
  }

  #lost(): void {
    const error = new ServerRefusal("CONNECTION_LOST", "The connection to the server was lost.");
    for (const request of [...this.#pending.keys()]) this.#take(request)?.reject(error);
    this.listener.closed();
  }
}
