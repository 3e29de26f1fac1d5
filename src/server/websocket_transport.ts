import type { WebSocket } from "ws";
import { SignalingError } from "../signaling/errors.js";
import { decodeJson, encodeJson } from "../signaling/json_codec.js";
import type { ServerMessage } from "../signaling/messages.js";
import type { ClientTransport } from "./client_channel.js";
import type { SignalingService } from "./signaling_service.js";

/** RFC 6455 §7.4.1. */
const NORMAL_CLOSURE = 1000;

/** JSON messages on one WebSocket. */
class WebSocketTransport implements ClientTransport {
  readonly kind = "websocket";

  constructor(
    private readonly socket: WebSocket,
    readonly remoteAddress: string,
    private readonly lingerMs: number,
  ) {}

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  send(message: ServerMessage): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(encodeJson("server", message));
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(force: boolean): void {
    if (force) {
      this.socket.terminate();
      return;
    }
    this.socket.resume(); // the peer's closing frame must be read
    this.socket.close(NORMAL_CLOSURE);
    const timer = setTimeout(() => this.socket.terminate(), this.lingerMs);
    this.socket.once("close", () => clearTimeout(timer));
  }
}

/** Serves JSON messages on a WebSocket that is open. */
export function serveWebSocket(socket: WebSocket, remoteAddress: string, service: SignalingService): void {
  const channel = service.open(new WebSocketTransport(socket, remoteAddress, service.limits.lingerMs));
  socket.on("message", (data: Buffer, isBinary) => {
    channel.received(data.length, () => {
      if (isBinary) throw new SignalingError("MALFORMED", "messages come in text frames");
      return decodeJson("client", data.toString("utf8"));
    });
  });
  socket.on("error", (error) =>
    service.logger.debug({ connection: channel.id, why: error.message }, "socket error"),
  );
  socket.on("close", () => channel.lost());
}
