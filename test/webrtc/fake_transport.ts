/** A media engine for tests of the API alone: it records what it is asked and tells what the test says. */
import type {
  Contributor,
  IceParameters,
  LocalCandidate,
  MediaTransport,
  MediaTransportEvents,
  TransportFactory,
  TransportOptions,
  TransportStats,
} from "../../src/media/transport_api.js";
import { createLocalTrack, RTCPeerConnection } from "../../src/webrtc/index.js";
import type { RTCConfiguration } from "../../src/webrtc/rtc_configuration.js";
import type { RTCSettings } from "../../src/webrtc/rtc_settings.js";

export type Call = readonly [name: string, ...args: unknown[]];

type Listener = (...args: never[]) => void;

export class FakeTransport implements MediaTransport {
  readonly id = 1;
  readonly calls: Call[] = [];
  stats: TransportStats | null = null;
  contributors: () => readonly Contributor[] = () => [];
  private readonly listeners = new Map<string, Listener[]>();

  constructor(readonly options: TransportOptions) {}

  on<E extends keyof MediaTransportEvents>(
    event: E,
    listener: (...args: MediaTransportEvents[E]) => void,
  ): this {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener as Listener]);
    return this;
  }

  off<E extends keyof MediaTransportEvents>(
    event: E,
    listener: (...args: MediaTransportEvents[E]) => void,
  ): this {
    const left = (this.listeners.get(event) ?? []).filter((other) => other !== (listener as Listener));
    this.listeners.set(event, left);
    return this;
  }

  emit<E extends keyof MediaTransportEvents>(event: E, ...args: MediaTransportEvents[E]): void {
    for (const listener of this.listeners.get(event) ?? []) {
      (listener as (...args: MediaTransportEvents[E]) => void)(...args);
    }
  }

  /** Finds a candidate, for the credentials it was given last unless others are named. */
  find(candidate: Omit<LocalCandidate, "usernameFragment">, usernameFragment = this.usernameFragment): void {
    this.emit("candidate", { ...candidate, usernameFragment });
  }

  /** As {@link find}, that there are no more. */
  endGathering(usernameFragment = this.usernameFragment): void {
    this.emit("gatheringcomplete", { usernameFragment });
  }

  private get usernameFragment(): string {
    const [local] = (this.called("restartIce").at(-1) ?? [this.options.local]) as [IceParameters];
    return local.usernameFragment;
  }

  /** Arguments of every call of that name. */
  called(name: string): readonly (readonly unknown[])[] {
    return this.calls.filter(([called]) => called === name).map(([, ...args]) => args);
  }

  gather = this.recorder("gather");
  setIceRole = this.recorder("setIceRole");
  setRemoteIceParameters = this.recorder("setRemoteIceParameters");
  addRemoteCandidate = this.recorder("addRemoteCandidate");
  endOfRemoteCandidates = this.recorder("endOfRemoteCandidates");
  restartIce = this.recorder("restartIce");
  startDtls = this.recorder("startDtls");
  addSendStream = this.recorder("addSendStream");
  removeSendStream = this.recorder("removeSendStream");
  limitSendStream = this.recorder("limitSendStream");
  blankSendStream = this.recorder("blankSendStream");
  addReceiveStream = this.recorder("addReceiveStream");
  setPlayoutTarget = this.recorder("setPlayoutTarget");
  removeReceiveStream = this.recorder("removeReceiveStream");
  startData = this.recorder("startData");
  openDataChannel = this.recorder("openDataChannel");
  sendData = this.recorder("sendData");
  closeDataChannel = this.recorder("closeDataChannel");

  async getStats(): Promise<TransportStats> {
    if (this.stats === null) throw new Error("the test gave no statistics");
    return this.stats;
  }

  async close(): Promise<void> {
    this.calls.push(["close"]);
  }

  private recorder(name: string) {
    return (...args: unknown[]): void => {
      this.calls.push([name, ...args]);
    };
  }
}

export class FakeEngine implements TransportFactory {
  readonly transports: FakeTransport[] = [];

  createTransport(options: TransportOptions): FakeTransport {
    const transport = new FakeTransport(options);
    this.transports.push(transport);
    return transport;
  }

  /** The transport made last. */
  get transport(): FakeTransport {
    const transport = this.transports.at(-1);
    if (transport === undefined) throw new Error("no transport was made");
    return transport;
  }
}

const open = new Set<RTCPeerConnection>();

/** A connection over an engine of its own. */
export function connection(configuration: RTCConfiguration = {}, settings: RTCSettings = {}) {
  const engine = new FakeEngine();
  const pc = new RTCPeerConnection(configuration, { transportFactory: engine, ...settings });
  open.add(pc);
  return { pc, engine };
}

/** Closes what {@link connection} made; for `afterEach`. */
export function closeAll(): void {
  for (const pc of open) pc.close();
  open.clear();
}

/** Offer and answer between two connections; `change` is what an application does to the answer on its way. */
export async function negotiate(
  offerer: RTCPeerConnection,
  answerer: RTCPeerConnection,
  change = (sdp: string) => sdp,
): Promise<void> {
  await offerer.setLocalDescription();
  await answerer.setRemoteDescription(description(offerer));
  await answerer.setLocalDescription();
  const { type, sdp } = description(answerer);
  await offerer.setRemoteDescription({ type, sdp: change(sdp) });
}

export function description(pc: RTCPeerConnection) {
  if (pc.localDescription === null) throw new Error("no local description");
  return pc.localDescription;
}

/** A call whose engines do nothing by themselves. */
export async function call() {
  const { pc, engine } = connection();
  const { pc: peer, engine: peerEngine } = connection();
  pc.addTrack(createLocalTrack({ kind: "audio" }));
  await negotiate(pc, peer);
  const dtls = pc.getSenders()[0].transport;
  if (dtls === null) throw new Error("the sender has no transport");
  return { pc, engine, peer, peerEngine, dtls, ice: dtls.iceTransport };
}

/** The next event of a type. */
export function nextEvent<E extends Event>(target: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) =>
    target.addEventListener(type, (event) => resolve(event as E), { once: true }),
  );
}

/** Runs until all tasks queued so far have run. */
export async function tasks(rounds = 5): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setImmediate(resolve));
}
