import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import { ExchangeError } from "./exchange_error.js";
import { HttpRefusal } from "./http/answer.js";

/** Seconds that a refused client is asked to wait. */
const RETRY_AFTER_SECONDS = 5;

/** The connections that requests made: so many at once, and none that failed. */
export class ConnectionLimit {
  readonly #open = new Set<RTCPeerConnection>();
  /** Places taken by connections that are being made. */
  #pending = 0;

  /** @throws ExchangeError BAD_OPTION */
  constructor(
    name: string,
    readonly max: number,
  ) {
    if (!Number.isInteger(max) || max < 1) {
      throw new ExchangeError("BAD_OPTION", `${name} is ${max}, needed: a whole number above 0`);
    }
  }

  get open(): readonly RTCPeerConnection[] {
    this.#forgetClosed();
    return [...this.#open];
  }

  /**
   * Makes a connection and uses it; it is closed when `use` fails, and later when it fails itself.
   *
   * @throws HttpRefusal 503 when there are too many; what `make` and `use` throw
   */
  async hold<T>(
    make: () => RTCPeerConnection | Promise<RTCPeerConnection>,
    use: (connection: RTCPeerConnection) => Promise<T>,
  ): Promise<T> {
    this.#forgetClosed();
    if (this.#open.size + this.#pending >= this.max) {
      throw new HttpRefusal(503, `There are ${this.max} connections already`, {
        "Retry-After": RETRY_AFTER_SECONDS,
      });
    }
    this.#pending++;
    let connection: RTCPeerConnection | undefined;
    try {
      connection = await make();
      const result = await use(connection);
      this.#keep(connection);
      return result;
    } catch (error) {
      connection?.close();
      throw error;
    } finally {
      this.#pending--;
    }
  }

  #keep(connection: RTCPeerConnection): void {
    this.#open.add(connection);
    connection.addEventListener("connectionstatechange", () => {
      if (connection.connectionState === "failed") connection.close();
      this.#forgetClosed();
    });
    if (connection.connectionState === "failed") connection.close();
  }

  /** No event tells of close(). */
  #forgetClosed(): void {
    for (const connection of this.#open) {
      if (connection.signalingState === "closed") this.#open.delete(connection);
    }
  }
}
