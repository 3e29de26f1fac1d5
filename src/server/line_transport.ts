import type { TLSSocket } from "node:tls";
import { SignalingError } from "../signaling/errors.js";
import { decodeLine, encodeLine, LineSplitter } from "../signaling/line_codec.js";
import type { ServerMessage } from "../signaling/messages.js";
import type { ClientChannel, ClientTransport } from "./client_channel.js";
import type { SignalingService } from "./signaling_service.js";

/** Dead hosts are found by TCP itself, also between two pings. */
const KEEP_ALIVE_MS = 30_000;

/** The line protocol on one TLS socket. */
class LineTransport implements ClientTransport {
  readonly kind = "line";
  readonly remoteAddress: string;

  constructor(
    private readonly socket: TLSSocket,
    private readonly lingerMs: number,
  ) {
    this.remoteAddress = socket.remoteAddress ?? "";
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  send(message: ServerMessage): void {
    if (this.socket.writable) this.socket.write(encodeLine("server", message));
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(force: boolean): void {
    if (force) {
      this.socket.destroy();
      return;
    }
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), this.lingerMs);
    this.socket.once("close", () => clearTimeout(timer));
  }
}

function takeLines(channel: ClientChannel, splitter: LineSplitter, chunk: Uint8Array): void {
  for (const line of splitter.push(chunk)) {
    if (channel.closed) return;
    if (line.length === 0 || (line.length === 1 && line[0] === 0x0d)) continue;
    channel.received(line.length, () => decodeLine("client", line));
  }
}

/** Serves the line protocol on a socket whose handshake is done. */
export function serveLines(socket: TLSSocket, service: SignalingService): void {
  const { lineMs, lingerMs } = service.limits;
  const channel = service.open(new LineTransport(socket, lingerMs));
  const splitter = new LineSplitter();
  let slow: NodeJS.Timeout | undefined;
  const tooSlow = (): void => {
    channel.refuse(new SignalingError("IDLE_TIMEOUT", `a line must end within ${lineMs / 1000} s`));
  };
  socket.on("data", (chunk: Buffer) => {
    if (channel.closed) return;
    try {
      takeLines(channel, splitter, chunk);
    } catch (error) {
      if (!(error instanceof SignalingError)) throw error;
      channel.refuse(error);
    }
    if (!splitter.midLine || channel.closed) {
      clearTimeout(slow);
      slow = undefined;
    } else slow ??= setTimeout(tooSlow, lineMs);
  });
  socket.on("error", (error) =>
    service.logger.debug({ connection: channel.id, why: error.message }, "socket error"),
  );
  socket.on("end", () => socket.end());
  socket.on("close", () => {
    clearTimeout(slow);
    channel.lost();
  });
}
