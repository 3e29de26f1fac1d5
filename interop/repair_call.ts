/** Pictures over a path that loses packets, proven by what was brought back on both sides: repeated (RTX) or mended (FEC). */
import { seededRandom } from "../src/protocol/primitives/random.js";
import { mediaTransportOf } from "../src/webrtc/index.js";
import {
  type LossyProxy,
  proxyBefore,
  udpCandidateOf,
  withoutCandidates,
} from "../test/support/lossy_proxy.js";
import type { Offerer, Verdict } from "./call.js";
import { OURS, type OurConnection, type OurEnd } from "./our_end.js";
import type { InteropPeer, MediaFiles, Repair } from "./peer.js";
import { relayAddress } from "./relay.js";
import { until } from "./until.js";

const CONNECT_S = 15;
const REPAIR_S = 40;
/** Of what goes to us, and of what goes both ways where lost packets are repeated. */
const LOSS = 0.05;
/** Where nothing is repeated, one packet of so many to them: parity mends one of a group. */
const EVERY = 30;
/** Packets brought back that prove a repair, and losses without a request for a keyframe. */
const ENOUGH = 5;
const ENOUGH_UNNOTICED = 3;
const SEED = 7;
const SOUND = 111;

export type RepairPeer = InteropPeer & Required<Pick<InteropPeer, "startRepair" | "readRepairs">>;

export function knowsRepair(peer: InteropPeer): peer is RepairPeer {
  return (
    peer.facts.countsRepairs === true && peer.startRepair !== undefined && peer.readRepairs !== undefined
  );
}

export class RepairCall {
  readonly #connection: OurConnection;
  readonly #address = relayAddress();
  #proxy: LossyProxy | undefined;

  constructor(
    private readonly ours: OurEnd,
    private readonly peer: RepairPeer,
    private readonly media: MediaFiles,
    private readonly offerer: Offerer,
    private readonly repair: Repair,
  ) {
    this.#connection = ours.connect(["VP8"]);
  }

  async run(): Promise<Verdict> {
    try {
      await this.#connect();
      return { kind: "proven", proof: await this.#prove() };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { kind: "failed", error: `${text}; ${await this.#connection.counters()}` };
    } finally {
      await this.peer.close().catch(() => undefined);
      await this.#connection.close();
      this.#proxy?.close();
    }
  }

  /** The peers meet at the proxy alone: theirs knows our address as the proxy's, we learn its by checks. */
  async #connect(): Promise<void> {
    const found = udpCandidateOf(this.#connection.pc, this.#address);
    this.ours.watch(this.media.tag);
    await this.peer.startRepair(this.media, this.repair);
    this.#connection.addMedia(true);
    await this.#negotiate();
    const { proxy, shown } = await proxyBefore(await found, { loss: 0, random: seededRandom(SEED) });
    this.#proxy = proxy;
    await this.peer.addCandidate(shown);
    await until("no pictures from them", CONNECT_S, () => (this.ours.pictures > 5 ? true : undefined));
    await until("no picture of ours there", CONNECT_S, async () =>
      (await this.peer.readCode())?.tag === OURS.tag ? true : undefined,
    );
  }

  async #negotiate(): Promise<void> {
    const { peer } = this;
    const connection = this.#connection;
    if (this.offerer === "we") {
      await connection.accept(this.#told(await peer.answer(this.#told(await connection.offer(false)))));
    } else await peer.accept(this.#told(await connection.answer(this.#told(await peer.offer(false)))));
  }

  /** Without candidates; and where parity alone is to mend, without repetition. */
  #told(sdp: string): string {
    const told = withoutCandidates(sdp);
    return this.repair === "fec" ? told.replaceAll(/^a=rtcp-fb:\S+ nack\r?\n/gm, "") : told;
  }

  async #prove(): Promise<string> {
    const proxy = this.#proxy;
    if (proxy === undefined) throw new Error("no path");
    proxy.loss = LOSS;
    if (this.repair === "fec") [proxy.every, proxy.sparedPayloadType] = [EVERY, SOUND];
    const here = await until("too little was brought back here", REPAIR_S, async () => {
      const { received } = await this.#video();
      const count = this.repair === "rtx" ? received.retransmittedPackets : received.recoveredPackets;
      return count >= ENOUGH ? count : undefined;
    });
    const { mended } = await this.peer.readRepairs();
    const isUncounted = this.repair === "fec" && mended === null;
    const there = isUncounted ? await this.#unnoticed() : await this.#counted();
    return `${here} packets ${this.repair === "rtx" ? "repeated to" : "mended by"} us, ${there}`;
  }

  async #counted(): Promise<string> {
    const count = await until("too little was brought back there", REPAIR_S, async () => {
      const { repeated, mended } = await this.peer.readRepairs();
      const brought = this.repair === "rtx" ? repeated : (mended ?? 0);
      return brought >= ENOUGH ? brought : undefined;
    });
    return `${count} ${this.repair === "rtx" ? "to" : "by"} them`;
  }

  /** Of a peer that does not count what it mends: losses for none of which it asks for a keyframe, while its picture moves on. */
  async #unnoticed(): Promise<string> {
    const look = async () => ({
      ...(await this.peer.readRepairs()),
      asked: (await this.#video()).sent.pliCount,
      frame: (await this.peer.readCode())?.frameNumber ?? 0,
    });
    let since = await look();
    return until("nothing was mended there", REPAIR_S, async () => {
      const now = await look();
      if (now.asked !== since.asked) since = now;
      const lost = now.lost - since.lost;
      const isEnough = lost >= ENOUGH_UNNOTICED && now.frame > since.frame + 30;
      return isEnough ? `${lost} losses there without a request for a keyframe or a repetition` : undefined;
    });
  }

  async #video() {
    const stats = await mediaTransportOf(this.#connection.pc)?.getStats();
    const sent = stats?.send.find(({ kind }) => kind === "video");
    const received = stats?.receive.find(({ kind }) => kind === "video");
    if (sent === undefined || received === undefined) throw new Error("no pictures are negotiated");
    return { sent, received };
  }
}
