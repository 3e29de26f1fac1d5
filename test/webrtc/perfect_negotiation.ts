/** One side of a call that negotiates as WebRTC 1.0 §10.7 shows it, and a signaling channel that takes its time. */
import type { RandomSource } from "../../src/protocol/primitives/random.js";
import type { RTCIceCandidate, RTCPeerConnection, RTCSessionDescription } from "../../src/webrtc/index.js";

export interface SignalingMessage {
  readonly description?: RTCSessionDescription;
  readonly candidate?: RTCIceCandidate;
}

/** Delivers in order, each message a random number of turns of the event loop after it was sent. */
export class SlowChannel {
  readonly #random: RandomSource;
  readonly #maxTurns: number;
  readonly #queue: SignalingMessage[] = [];
  #delivering = false;
  delivered = 0;
  receive: (message: SignalingMessage) => void = () => {};

  constructor(random: RandomSource, maxTurns: number) {
    this.#random = random;
    this.#maxTurns = maxTurns;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  send(message: SignalingMessage): void {
    this.#queue.push(message);
    if (!this.#delivering) void this.#deliver();
  }

  async #deliver(): Promise<void> {
    this.#delivering = true;
    while (this.#queue.length > 0) {
      await turns(this.#random.uint32() % this.#maxTurns);
      const message = this.#queue.shift();
      if (message !== undefined) this.receive(message);
      this.delivered++;
    }
    this.#delivering = false;
  }
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Of the first section that has one. */
export function ufragOf(sdp = ""): string | undefined {
  return /^a=ice-ufrag:(.*)\r$/m.exec(sdp)?.[1];
}

/** Negotiates whenever the connection wants to. What goes wrong is in {@link failure}. */
export class PerfectPeer {
  readonly pc: RTCPeerConnection;
  readonly #polite: boolean;
  readonly #out: SlowChannel;
  #makingOffer = false;
  #ignoreOffer = false;
  #isSettingRemoteAnswerPending = false;
  #handling = 0;
  offers = 0;
  collisions = 0;
  failure: unknown;

  constructor(pc: RTCPeerConnection, polite: boolean, out: SlowChannel, incoming: SlowChannel) {
    this.pc = pc;
    this.#polite = polite;
    this.#out = out;
    pc.onnegotiationneeded = () => this.#run(() => this.#offer());
    pc.onicecandidate = ({ candidate }) => candidate !== null && out.send({ candidate });
    incoming.receive = (message) => this.#run(() => this.#handle(message));
  }

  get isBusy(): boolean {
    return this.#handling > 0;
  }

  #run(work: () => Promise<void>): void {
    this.#handling++;
    work()
      .catch((error: unknown) => {
        this.failure ??= error;
      })
      .finally(() => this.#handling--);
  }

  async #offer(): Promise<void> {
    this.#makingOffer = true;
    this.offers++;
    try {
      await this.pc.setLocalDescription();
      this.#sendDescription();
    } finally {
      this.#makingOffer = false;
    }
  }

  async #handle({ description, candidate }: SignalingMessage): Promise<void> {
    if (description !== undefined) await this.#describe(description);
    if (candidate === undefined) return;
    // As it came: by the time of the error the next description may be here.
    const isIgnored = this.#ignoreOffer;
    try {
      await this.pc.addIceCandidate(candidate);
    } catch (error) {
      if (!isIgnored) throw error;
    }
  }

  async #describe(description: RTCSessionDescription): Promise<void> {
    const { pc } = this;
    const isStable = pc.signalingState === "stable" || this.#isSettingRemoteAnswerPending;
    const isCollision = description.type === "offer" && (this.#makingOffer || !isStable);
    if (isCollision) this.collisions++;
    this.#ignoreOffer = !this.#polite && isCollision;
    if (this.#ignoreOffer) return;
    if (description.type === "answer") this.#checkCredentials(description.sdp);
    this.#isSettingRemoteAnswerPending = description.type === "answer";
    try {
      await pc.setRemoteDescription(description);
    } finally {
      this.#isSettingRemoteAnswerPending = false;
    }
    if (description.type !== "offer") return;
    await pc.setLocalDescription();
    this.#sendDescription();
  }

  /** RFC 8839 §4.4.1.1.1: an answer has new credentials when its offer had, and only then. */
  #checkCredentials(answer: string): void {
    const { currentLocalDescription, pendingLocalDescription, currentRemoteDescription } = this.pc;
    const [before, offered] = [currentLocalDescription, pendingLocalDescription].map((d) => ufragOf(d?.sdp));
    const [former, answered] = [currentRemoteDescription?.sdp, answer].map((sdp) => ufragOf(sdp));
    if (before === undefined || former === undefined || answered === undefined) return;
    if ((before === offered) === (former === answered)) return;
    throw new Error(`offer ${before} to ${offered}, answer ${former} to ${answered}`);
  }

  #sendDescription(): void {
    const { localDescription } = this.pc;
    if (localDescription !== null) this.#out.send({ description: localDescription });
  }
}
