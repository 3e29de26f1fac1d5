/** Calls between our end and a foreign one. Each step proves its cell of the matrix by what arrived. */

import { randomBytes } from "node:crypto";
import type { RTCDataChannel } from "../src/webrtc/index.js";
import { OURS, type OurConnection, type OurEnd, type Way } from "./our_end.js";
import type { CandidateInit, Change, Column, InteropPeer, MediaFiles, Repair } from "./peer.js";
import { pause, until } from "./until.js";

export type Offerer = "they" | "we";

export type Verdict =
  | { readonly kind: "proven"; readonly proof: string }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "unsupported"; readonly reason: string };

/** What one call proves; layers, repairs and WHIP have calls of their own (simulcast_call.ts, repair_call.ts, whip_call.ts). */
export type CallColumn = Exclude<Column, "simulcast" | "whip" | Repair>;

export type Cells = Partial<Record<Column, Verdict>>;

/** A busy machine takes its time. */
const CONNECT_S = 25;
const MEDIA_S = 25;
const CLOSE_S = 25;
/** Different frame numbers that prove a moving picture. */
const ENOUGH_FRAMES = 10;

export class InteropCall {
  readonly cells: Cells = {};
  readonly #connection: OurConnection;
  #descriptions: readonly [offer: string, answer: string] = ["", ""];
  #ourCandidates = 0;
  #theirCandidates = 0;
  #early: { ours: CandidateInit[]; theirs: CandidateInit[] } | undefined = { ours: [], theirs: [] };
  #channel: RTCDataChannel | undefined;
  readonly #problems: string[] = [];

  constructor(
    private readonly ours: OurEnd,
    private readonly peer: InteropPeer,
    private readonly media: MediaFiles,
    private readonly offerer: Offerer,
    private readonly way: Way = {},
  ) {
    // VP8 alone, or what comes about by itself.
    this.#connection = ours.connect(media.videoCodec === "VP8" ? ["VP8"] : ["H264", "VP8"], way);
    this.#connection.pc.ondatachannel = ({ channel }) => {
      this.#channel = channel;
    };
    this.#connection.pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate && this.#mayUse(candidate.candidate)) this.#sendOurs(candidate.toJSON());
    };
    peer.onCandidate = (candidate) => {
      if (candidate.candidate && this.#mayUse(candidate.candidate)) this.#takeTheirs(candidate);
    };
  }

  /** Neither side learns of candidates that the call may not use. */
  #mayUse(candidate: string): boolean {
    return !this.way.tcpOnly || / tcp /i.test(candidate);
  }

  #allowed(sdp: string): string {
    const lines = sdp.split("\r\n");
    return lines.filter((line) => !line.startsWith("a=candidate:") || this.#mayUse(line)).join("\r\n");
  }

  /** Sets the call up and proves what the columns say, in order; `closer` ends it. */
  async run(columns: readonly CallColumn[], closer: Offerer): Promise<Cells> {
    try {
      await this.#connect(columns.includes("data") && this.peer.facts.unsupported.data === undefined);
      for (const column of columns) await this.#prove(column);
      await this.#prove(closer === "we" ? "weClose" : "theyClose");
    } catch (error) {
      const verdict = { kind: "failed", error: this.#words(error) } as const;
      for (const column of columns) this.cells[column] ??= verdict;
    } finally {
      await this.peer.close().catch(() => undefined);
      await this.#connection.close();
    }
    return this.cells;
  }

  #words(error: unknown): string {
    const text = error instanceof Error ? error.message : String(error);
    return [text, ...this.#problems].join("; ");
  }

  async #connect(withChannel: boolean): Promise<void> {
    this.ours.watch(this.media.tag);
    await this.peer.start(this.media);
    // libwebrtc's Node build refuses an offer whose picture it cannot take, instead of rejecting the section.
    this.#connection.addMedia(this.peer.facts.unsupported.video === undefined || this.offerer === "they");
    if (withChannel && this.offerer === "they") await this.peer.openChannel();
    else if (withChannel) this.#channel = this.#connection.pc.createDataChannel("interop");
    this.#descriptions = await this.#negotiate(false);
    await this.#untilConnected();
  }

  async #untilConnected(): Promise<void> {
    const { pc } = this.#connection;
    await until(
      "not connected",
      CONNECT_S,
      () => {
        if (pc.connectionState === "failed") throw new Error("our connection failed");
        return pc.connectionState === "connected" ? true : undefined;
      },
      () => `: ours is ${pc.connectionState}, ICE ${pc.iceConnectionState}`,
    );
  }

  /** Candidates wait until the other side has the description that they belong to. */
  async #negotiate(iceRestart: boolean): Promise<[offer: string, answer: string]> {
    const early = { ours: [] as CandidateInit[], theirs: [] as CandidateInit[] };
    this.#early = early;
    let offer: string;
    let answer: string;
    if (this.offerer === "we") {
      offer = this.#allowed(await this.#connection.offer(iceRestart));
      answer = this.#allowed(await this.peer.answer(offer));
      await this.#connection.accept(answer);
    } else {
      offer = this.#allowed(await this.peer.offer(iceRestart));
      answer = this.#allowed(await this.#connection.answer(offer));
      await this.peer.accept(answer);
    }
    this.#early = undefined;
    for (const candidate of early.ours) this.#sendOurs(candidate);
    for (const candidate of early.theirs) this.#takeTheirs(candidate);
    if (process.env.INTEROP_VERBOSE) console.error(`${offer}\n---\n${answer}`);
    return [offer, answer];
  }

  #sendOurs(candidate: CandidateInit): void {
    if (this.#early) {
      this.#early.ours.push(candidate);
      return;
    }
    this.#ourCandidates++;
    this.peer.addCandidate(candidate).catch((error) => this.#problems.push(this.#words(error)));
  }

  #takeTheirs(candidate: CandidateInit): void {
    if (this.#early) {
      this.#early.theirs.push(candidate);
      return;
    }
    this.#theirCandidates++;
    this.#connection.pc
      .addIceCandidate(candidate)
      .catch((error) => this.#problems.push(`their candidate "${candidate.candidate}": ${error}`));
  }

  async #trickle(): Promise<string> {
    const [offer, answer] = this.#descriptions;
    const [mine, theirs] = this.offerer === "we" ? [offer, answer] : [answer, offer];
    const early = (sdp: string) => /^a=candidate:/m.test(sdp);
    if (early(mine)) throw new Error("our description already held candidates");
    const { gathersFirst } = this.peer.facts;
    if (!gathersFirst && early(theirs)) throw new Error("their description already held candidates");
    const counts = () => `${this.#ourCandidates} from us, ${this.#theirCandidates} from them`;
    await until(
      "no candidates after the descriptions",
      MEDIA_S,
      () => (this.#ourCandidates > 0 && (gathersFirst || this.#theirCandidates > 0) ? true : undefined),
      () => `: ${counts()}`,
    );
    return gathersFirst ? `${this.#ourCandidates} from us; it gathers before it speaks` : counts();
  }

  async #prove(column: CallColumn): Promise<void> {
    if (this.cells[column]) return;
    const reason = this.peer.facts.unsupported[column];
    if (reason !== undefined) {
      this.cells[column] = { kind: "unsupported", reason };
      return;
    }
    try {
      this.cells[column] = { kind: "proven", proof: await this.#steps[column]() };
    } catch (error) {
      this.#problems.push(await this.#connection.counters());
      if (process.env.INTEROP_VERBOSE) console.error(this.#connection.pc.remoteDescription?.sdp);
      const flaw = this.peer.facts.flaws?.[column];
      this.cells[column] =
        flaw === undefined
          ? { kind: "failed", error: this.#words(error) }
          : { kind: "unsupported", reason: `${this.#words(error)}: ${flaw}` };
    }
  }

  readonly #steps: Record<CallColumn, () => Promise<string>> = {
    video: () => this.#video(),
    vp8: () => this.#vp8(),
    audio: () => this.#audio(),
    g711: () => this.#g711(),
    trickle: () => this.#trickle(),
    restart: () => this.#restart(),
    renegotiation: () => this.#renegotiation(),
    weClose: () => this.#weClose(),
    theyClose: () => this.#theyClose(),
    data: () => this.#data(),
    relay: () => this.#relay(),
    tcp: () => this.#tcp(),
  };

  /** Block codes of at least ten different frames here, and of two different ones there. */
  async #video(): Promise<string> {
    const { ours } = this;
    await until(
      "no pictures from them",
      MEDIA_S,
      () => (ours.framesSeen >= ENOUGH_FRAMES ? true : undefined),
      () => `: ${ours.framesSeen} frames`,
    );
    const [first, second] = await this.#theirView();
    const { here, there } = await this.#connection.codecsOf("video");
    return `${ours.framesSeen} frames from them in ${here}, ours there in ${there}: #${first}, #${second}`;
  }

  /** The same in VP8, both ways. */
  async #vp8(): Promise<string> {
    const proof = await this.#video();
    const { here, there } = await this.#connection.codecsOf("video");
    if (here !== "VP8" || there !== "VP8") throw new Error(`${here} came, ${there} went`);
    return proof;
  }

  /** Two different frame numbers of ours, as decoded by the peer. */
  async #theirView(): Promise<[number, number]> {
    const read = async () => {
      const code = await this.peer.readCode();
      return code?.tag === OURS.tag ? code.frameNumber : undefined;
    };
    const first = await until("they decode no picture of ours", MEDIA_S, read);
    const second = await until("their picture of ours stands still", MEDIA_S, async () => {
      const next = await read();
      return next === first ? undefined : next;
    });
    return [first, second];
  }

  /** The tones in PCMU, both ways. */
  async #g711(): Promise<string> {
    const proof = await this.#audio();
    const { here, there } = await this.#connection.codecsOf("audio");
    if (here !== "PCMU" || there !== "PCMU") throw new Error(`${here} came, ${there} went`);
    return `${proof}, in PCMU`;
  }

  async #audio(): Promise<string> {
    const { ours, peer } = this;
    let heard = 0;
    const near = (hz: number, wantedHz: number) => {
      heard = hz;
      return Math.abs(hz - wantedHz) < 6 ? hz : undefined;
    };
    const detail = () => `: heard ${heard.toFixed(1)} Hz`;
    const here = await until("their tone", MEDIA_S, () => near(ours.toneHz(), this.media.toneHz), detail);
    const there = await until(
      "our tone there",
      MEDIA_S,
      async () => near(await peer.readTone(), OURS.toneHz),
      detail,
    );
    return `${here.toFixed(1)} Hz here, ${there.toFixed(1)} Hz there`;
  }

  /** New credentials on both sides, and media afterwards. */
  async #restart(): Promise<string> {
    const fragments = (sdp: string) => new Set(sdp.match(/^a=ice-ufrag:.*$/gm));
    const { pc } = this.#connection;
    const before = [pc.localDescription, pc.remoteDescription].map((each) => fragments(each?.sdp ?? ""));
    await this.#negotiate(true);
    const after = [pc.localDescription, pc.remoteDescription].map((each) => fragments(each?.sdp ?? ""));
    for (const [index, who] of ["our", "their"].entries()) {
      for (const fragment of after[index]) {
        if (before[index].has(fragment)) throw new Error(`${who} ICE credentials stayed`);
      }
    }
    // The old path carries media until the new one is there: only what comes after that proves it.
    await pause(300);
    await this.#untilConnected();
    return `${await this.#mediaAgain()} after new credentials`;
  }

  async #mediaAgain(): Promise<string> {
    const { ours, peer } = this;
    ours.watch(this.media.tag);
    if (peer.facts.unsupported.video !== undefined) return this.#audio();
    await until("no pictures from them", MEDIA_S, () =>
      ours.framesSeen >= ENOUGH_FRAMES ? true : undefined,
    );
    await this.#theirView();
    return "pictures both ways";
  }

  /** Text, beyond ASCII too, and bytes of one and of many packets, as they were when they came back. */
  async #data(): Promise<string> {
    const channel = await until("no channel", CONNECT_S, () => this.#channel);
    await until("the channel does not open", CONNECT_S, () =>
      channel.readyState === "open" ? true : undefined,
    );
    channel.binaryType = "arraybuffer";
    const sent = ["text", "Grüße 你好", Uint8Array.of(7), randomBytes(60_000)];
    const back: string[] = [];
    const words = (data: unknown) =>
      typeof data === "string" ? data : Buffer.from(data as ArrayBuffer).toString("hex");
    channel.onmessage = ({ data }) => back.push(words(data));
    for (const message of sent) channel.send(message as string & Uint8Array<ArrayBuffer>);
    await until(
      "not everything came back",
      MEDIA_S,
      () => (back.length >= sent.length ? true : undefined),
      () => `: ${back.length} of ${sent.length} messages`,
    );
    sent.forEach((message, i) => {
      if (back[i] !== words(message)) throw new Error(`message ${i} came back changed`);
    });
    return "texts and up to 60000 bytes came back as they were";
  }

  async #relay(): Promise<string> {
    const heard = await this.#mediaAgain();
    const local = this.#pairInUse()?.local;
    if (local?.type !== "relay") throw new Error(`the pair in use has a ${local?.type} candidate of ours`);
    return `${heard}, from our relayed ${local.address}:${local.port}`;
  }

  async #tcp(): Promise<string> {
    const heard = await this.#mediaAgain();
    const { local, remote } = this.#pairInUse() ?? {};
    if (local?.protocol !== "tcp" || remote?.protocol !== "tcp")
      throw new Error(`the pair in use is ${local?.candidate} to ${remote?.candidate}`);
    return `${heard}; our ${local.tcpType} end with their ${remote.tcpType} one`;
  }

  #pairInUse() {
    return this.#connection.pc.getSenders()[0].transport?.iceTransport.getSelectedCandidatePair();
  }

  /** The offerer takes its picture (or, without one, its sound) away and gives it again over a new sender. */
  async #renegotiation(): Promise<string> {
    if (this.peer.facts.unsupported.video !== undefined) return this.#renegotiateSound();
    await this.#change("removeVideo");
    await this.#requireStill();
    await this.#change("addVideo");
    if (this.offerer === "they") {
      this.ours.watch(this.media.tag);
      await until("no pictures from them over the new sender", MEDIA_S, () =>
        this.ours.framesSeen >= ENOUGH_FRAMES ? true : undefined,
      );
    } else {
      await this.#theirView();
    }
    return "picture removed: it stood still; added: it moved again";
  }

  async #renegotiateSound(): Promise<string> {
    const wantedHz = this.offerer === "they" ? this.media.toneHz : OURS.toneHz;
    const listen = async () => (this.offerer === "they" ? this.ours.toneHz() : await this.peer.readTone());
    const isTone = async () => Math.abs((await listen()) - wantedHz) < 6;
    await this.#change("removeAudio");
    await until("the tone goes on after its track was removed", MEDIA_S, async () =>
      (await isTone()) ? undefined : true,
    );
    await this.#change("addAudio");
    await until("no tone over the new sender", MEDIA_S, async () => ((await isTone()) ? true : undefined));
    return "tone removed: silence; added: the tone again";
  }

  async #change(what: Change): Promise<void> {
    if (this.offerer === "we") this.#connection.change(what);
    else await this.peer.change(what);
    await this.#negotiate(false);
  }

  /** Half a second without a new picture; what was on its way may come before. */
  async #requireStill(): Promise<void> {
    await until("pictures went on after the track was removed", MEDIA_S, async () => {
      const before = await this.#pictureNow();
      await pause(500);
      return (await this.#pictureNow()) === before ? true : undefined;
    });
  }

  /** Another number for each picture of the offerer's, at the other end; undefined: none is to be seen. */
  async #pictureNow(): Promise<number | undefined> {
    return this.offerer === "they" ? this.ours.pictures : (await this.peer.readCode())?.frameNumber;
  }

  async #weClose(): Promise<string> {
    const before = await this.peer.state();
    const begun = performance.now();
    await this.#connection.close();
    const state = await until(
      "they did not notice",
      CLOSE_S,
      async () => {
        const now = await this.peer.state();
        return now === before ? undefined : now;
      },
      () => `: still ${before}`,
    );
    return `they were ${state} after ${Math.round(performance.now() - begun)} ms`;
  }

  async #theyClose(): Promise<string> {
    const { pc } = this.#connection;
    const begun = performance.now();
    await this.peer.close();
    await until(
      "we did not notice",
      CLOSE_S,
      () => (pc.connectionState !== "connected" ? true : undefined),
      () => `: still ${pc.connectionState}`,
    );
    return `we were ${pc.connectionState} after ${Math.round(performance.now() - begun)} ms`;
  }
}
