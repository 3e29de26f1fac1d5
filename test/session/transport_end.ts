import { native } from "../../native/addon.js";
import type { MediaEngine } from "../../src/media/engine.js";
import type {
  DataEvent,
  IceRole,
  MediaTransport,
  OpenChannel,
  TransportOptions,
} from "../../src/media/transport_api.js";

export const channelOf = (channel: number, more: Partial<OpenChannel> = {}): OpenChannel => ({
  channel,
  negotiated: false,
  ordered: true,
  priority: 256,
  label: "",
  protocol: "",
  ...more,
});

type Kind = DataEvent["type"];
type EventOf<T extends Kind> = Extract<DataEvent, { type: T }>;

/** A transport of a real engine on the loopback interface, and what it tells, each event to be awaited once. */
export class End {
  readonly transport: MediaTransport;
  readonly fingerprint: string;
  readonly ice: { usernameFragment: string; password: string };
  readonly #events: DataEvent[] = [];
  readonly #waiters: (() => void)[] = [];

  constructor(
    engine: MediaEngine,
    name: string,
    iceRole: IceRole,
    options: Partial<Pick<TransportOptions, "settings" | "stunServers" | "turnServers" | "relayOnly">> = {},
  ) {
    const certificate = native.Certificate.generate();
    this.fingerprint = certificate.fingerprint("sha-256");
    this.ice = { usernameFragment: `ufrag${name}`, password: `password+of+the+peer+called+${name}` };
    this.transport = engine.createTransport({
      iceRole,
      local: this.ice,
      certificatePem: certificate.certificatePem,
      privateKeyPem: certificate.privateKeyPem,
      stunServers: [],
      ...options,
      settings: { bindAddresses: ["127.0.0.1"], ...options.settings },
    });
    this.transport.on("data", (event) => {
      this.#events.push(event);
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }

  connect(peer: End, role: "client" | "server", data = true): void {
    const { transport } = this;
    peer.transport.on("candidate", ({ candidate }) => transport.addRemoteCandidate(candidate));
    transport.setRemoteIceParameters(peer.ice, false);
    if (data) this.startData();
    transport.startDtls(role, [{ algorithm: "sha-256", value: peer.fingerprint }]);
    transport.gather();
  }

  startData(): void {
    this.transport.startData({ localPort: 5000, remotePort: 5000, maxMessageBytes: 262_144 });
  }

  async next<T extends Kind>(type: T): Promise<EventOf<T>> {
    for (;;) {
      const at = this.#events.findIndex((event) => event.type === type);
      if (at >= 0) return this.#events.splice(at, 1)[0] as EventOf<T>;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}
