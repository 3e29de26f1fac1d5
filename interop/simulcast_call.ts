/** One picture in three layers, from them to us or from us to them, proven by the block code at three sizes. */
import { readBlockCode } from "../src/media/analysis/block_code.js";
import { createLocalTrack, nonstandard, type RTCPeerConnection } from "../src/webrtc/index.js";
import type { Offerer, Verdict } from "./call.js";
import { OURS, type OurConnection, type OurEnd } from "./our_end.js";
import type { CandidateInit, InteropPeer, LayerWish, MediaFiles } from "./peer.js";
import { fromSections, toSections } from "./sections_of_layers.js";
import { until } from "./until.js";

export const LAYERS: readonly LayerWish[] = [
  { rid: "h", scaleResolutionDownBy: 1 },
  { rid: "m", scaleResolutionDownBy: 2 },
  { rid: "l", scaleResolutionDownBy: 4 },
];
const RIDS = LAYERS.map(({ rid }) => rid);
/** Browsers make three layers only of a picture this large. */
export const THEIR_SIZE = { width: 960, height: 540 } as const;
/** Different frame numbers of a layer that prove a moving picture. */
const ENOUGH_FRAMES = 3;
const MEDIA_S = 30;

/** What was seen of one layer. */
interface Seen {
  width: number;
  readonly frames: Set<number>;
}

export type LayerPeer = InteropPeer & Required<Pick<InteropPeer, "startLayers" | "readLayer">>;

export function knowsLayers(peer: InteropPeer): peer is LayerPeer {
  return peer.startLayers !== undefined && peer.readLayer !== undefined;
}

export class SimulcastCall {
  readonly #connection: OurConnection;
  readonly #media: MediaFiles;
  readonly #seen = new Map(RIDS.map((rid): [string, Seen] => [rid, { width: 0, frames: new Set() }]));
  /** Those of one side wait until the other has the description they belong to. */
  #waiting: (() => Promise<void>)[] | undefined = [];

  constructor(
    ours: OurEnd,
    private readonly peer: LayerPeer,
    media: MediaFiles,
    private readonly offerer: Offerer,
  ) {
    this.#media = { ...media, ...THEIR_SIZE };
    this.#connection = ours.connect([media.videoCodec]);
    const { pc } = this.#connection;
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.#pass(() => peer.addCandidate(this.#forThem(candidate.toJSON())));
    };
    peer.onCandidate = ({ candidate }) => {
      if (candidate) this.#pass(() => pc.addIceCandidate({ candidate, sdpMLineIndex: 0 }));
    };
  }

  async run(): Promise<Verdict> {
    try {
      const proof = this.offerer === "they" ? await this.#fromThem() : await this.#fromUs();
      return { kind: "proven", proof };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { kind: "failed", error: `${text}; ${await this.#connection.counters()}` };
    } finally {
      await this.peer.close().catch(() => undefined);
      await this.#connection.close();
    }
  }

  /** Only the first of their sections has a transport of its own. */
  #forThem({ candidate }: CandidateInit): CandidateInit {
    return { candidate, sdpMLineIndex: 0 };
  }

  #pass(send: () => Promise<void>): void {
    if (this.#waiting !== undefined) this.#waiting.push(send);
    else void send().catch(() => undefined);
  }

  #passWaiting(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const send of waiting) this.#pass(send);
  }

  async #fromThem(): Promise<string> {
    await this.peer.startLayers(this.#media, LAYERS);
    await this.peer.accept(await this.#connection.answer(await this.peer.offer(false)));
    this.#passWaiting();
    const sinks = this.#watch(this.#connection.pc);
    try {
      return await this.#allSeen(THEIR_SIZE.width, () => {});
    } finally {
      for (const sink of sinks) sink.stop();
    }
  }

  #watch(pc: RTCPeerConnection) {
    const layers = nonstandard.layersOf(pc.getReceivers()[0]);
    return [...layers].map(([rid, track]) => {
      const sink = new nonstandard.RTCVideoSink(track);
      sink.onframe = ({ frame: { width, height, data } }) => {
        const code = readBlockCode(data, width, height, width);
        if (code?.tag === this.#media.tag) this.#note(rid, width, code.frameNumber);
      };
      return sink;
    });
  }

  async #fromUs(): Promise<string> {
    await this.peer.startLayers(this.#media, []);
    const { pc } = this.#connection;
    pc.addTransceiver(createLocalTrack({ kind: "video" }), {
      direction: "sendonly",
      sendEncodings: [...LAYERS],
    });
    const offer = await this.#connection.offer(false);
    const answer = await this.peer.answer(toSections(offer, RIDS));
    await this.#connection.accept(fromSections(answer, offer, RIDS));
    this.#passWaiting();
    return this.#allSeen(OURS.width, async () => {
      for (const rid of RIDS) {
        const { width, code } = await this.peer.readLayer(rid);
        if (code?.tag === OURS.tag) this.#note(rid, width, code.frameNumber);
      }
    });
  }

  #note(rid: string, width: number, frameNumber: number): void {
    const seen = this.#seen.get(rid);
    if (seen === undefined) return;
    // A layer may begin smaller than it gets.
    if (width !== seen.width) seen.frames.clear();
    seen.width = width;
    seen.frames.add(frameNumber);
  }

  async #allSeen(width: number, look: () => void | Promise<void>): Promise<string> {
    const words = () =>
      [...this.#seen].map(([rid, seen]) => `${rid} ${seen.width} wide, ${seen.frames.size} frames`);
    await until(
      "not all layers are seen",
      MEDIA_S,
      async () => {
        await look();
        const isSeen = ({ rid, scaleResolutionDownBy }: LayerWish) => {
          const seen = this.#seen.get(rid);
          return seen?.width === width / scaleResolutionDownBy && seen.frames.size >= ENOUGH_FRAMES;
        };
        return LAYERS.every(isSeen) ? true : undefined;
      },
      () => `: ${words().join("; ")}`,
    );
    return words().join("; ");
  }
}
