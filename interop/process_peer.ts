/**
 * A foreign stack in a program of its own. It reads requests, a JSON object a line, `{"id":1,"do":"offer",…}`, and writes
 * `{"id":1,"result":{…}}` or `{"id":1,"error":"…"}`, and `{"candidate":{…}}` unasked. What it received it hands over
 * decoded (`luma`, `pcm`) or, without codecs, as it came (`accessUnits`, `opus`); block code and tone are read here.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { DecodedLayout, native } from "../native/addon.js";
import { type BlockCode, readBlockCode } from "../src/media/analysis/block_code.js";
import { ToneDetector } from "../src/media/analysis/tone_detector.js";
import type {
  CandidateInit,
  Change,
  InteropPeer,
  MediaFiles,
  PeerFacts,
  Repair,
  RepairView,
  VideoCodec,
} from "./peer.js";

interface Picture {
  readonly width?: number;
  readonly height?: number;
  /** Base64, no padding between rows. */
  readonly luma?: string;
  /** Base64, Annex-B or VP8 frames, the first one a keyframe. */
  readonly accessUnits?: readonly string[];
}

interface Sound {
  readonly rate?: number;
  readonly channels?: number;
  /** Base64 s16le. */
  readonly pcm?: string;
  /** Base64 packets. */
  readonly opus?: readonly string[];
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly candidate?: CandidateInit;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const REQUEST_MS = 20_000;

export interface ProcessCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class ProcessPeer implements InteropPeer {
  facts: PeerFacts = { version: "", unsupported: {} };
  onCandidate: (candidate: CandidateInit) => void = () => {};
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #complaints: string[] = [];
  #nextId = 1;
  #codec: VideoCodec = "H264";
  #ended = "";

  static async launch({ command, args, env = {} }: ProcessCommand): Promise<ProcessPeer> {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    const peer = new ProcessPeer(child);
    peer.facts = (await peer.#ask("hello")) as PeerFacts;
    return peer;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (!child.stdout || !child.stderr) throw new Error("the driver has no pipes");
    createInterface({ input: child.stdout }).on("line", (line) => this.#handle(line));
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#complaints.push(line);
      if (this.#complaints.length > 20) this.#complaints.shift();
      if (process.env.INTEROP_VERBOSE) console.error(`  | ${line}`);
    });
    child.on("error", (error) => this.#end(error.message));
    child.on("exit", (code, signal) => this.#end(`ended (${signal ?? code})`));
    child.stdin?.on("error", () => undefined);
  }

  async start(media: MediaFiles): Promise<void> {
    this.#codec = media.videoCodec;
    await this.#ask("start", { media });
  }

  async startRepair(media: MediaFiles, repair: Repair): Promise<void> {
    this.#codec = media.videoCodec;
    await this.#ask("start", { media, repair });
  }

  async readRepairs(): Promise<RepairView> {
    return (await this.#ask("repairs")) as RepairView;
  }

  async offer(iceRestart: boolean): Promise<string> {
    return ((await this.#ask("offer", { iceRestart })) as { sdp: string }).sdp;
  }

  async answer(sdp: string): Promise<string> {
    return ((await this.#ask("answer", { sdp })) as { sdp: string }).sdp;
  }

  async accept(sdp: string): Promise<void> {
    await this.#ask("accept", { sdp });
  }

  async addCandidate(candidate: CandidateInit): Promise<void> {
    await this.#ask("candidate", { candidate });
  }

  async readCode(): Promise<BlockCode | null> {
    const picture = (await this.#ask("picture")) as Picture;
    if (picture.accessUnits) return decodedCode(picture.accessUnits, this.#codec);
    const { width = 0, height = 0, luma } = picture;
    if (!luma) return null;
    return readBlockCode(Buffer.from(luma, "base64"), width, height, width);
  }

  async readTone(): Promise<number> {
    const sound = (await this.#ask("sound")) as Sound;
    if (sound.opus) return opusTone(sound.opus);
    if (!sound.pcm) return 0;
    const bytes = Buffer.from(sound.pcm, "base64");
    const pcm = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
    const channels = sound.channels ?? 1;
    const detector = new ToneDetector();
    detector.add(pcm, channels, Math.floor(pcm.length / channels));
    // The detector takes 48 kHz for granted.
    return (detector.frequencyHz() * (sound.rate ?? 48_000)) / 48_000;
  }

  async change(what: Change): Promise<void> {
    await this.#ask(what);
  }

  async openChannel(): Promise<void> {
    await this.#ask("openChannel");
  }

  async state(): Promise<string> {
    return ((await this.#ask("state")) as { state: string }).state;
  }

  async close(): Promise<void> {
    await this.#ask("close");
  }

  async quit(): Promise<void> {
    if (this.#ended) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    await gone;
    clearTimeout(timer);
  }

  #ask(what: string, fields: object = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(new Error(`the peer ${this.#ended}`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the peer gave no answer to ${what}`)), REQUEST_MS);
      const done = (finish: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        finish();
      };
      this.#waiting.set(id, {
        resolve: (result) => done(() => resolve(result)),
        reject: (error) => done(() => reject(error)),
      });
      this.#child.stdin?.write(`${JSON.stringify({ id, do: what, ...fields })}\n`);
    });
  }

  #handle(line: string): void {
    if (!line.startsWith("{")) return;
    const reply = JSON.parse(line) as Reply;
    if (reply.candidate) this.onCandidate(reply.candidate);
    const waiting = this.#waiting.get(reply.id ?? 0);
    if (reply.error !== undefined) waiting?.reject(new Error(`the peer says: ${reply.error}`));
    else waiting?.resolve(reply.result);
  }

  #end(how: string): void {
    this.#ended = [how, ...this.#complaints.slice(-5)].join("\n");
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the peer ${this.#ended}`));
  }
}

/** The last picture's code. */
function decodedCode(units: readonly string[], codec: VideoCodec): BlockCode | null {
  const decoder = codec === "VP8" ? new native.Vp8Decoder() : new native.H264Decoder();
  const out = new Uint8Array(1920 * 1088 * 1.5);
  const layout = new Int32Array(DecodedLayout.words);
  let code: BlockCode | null = null;
  for (const unit of units) {
    if (decoder.decode(Buffer.from(unit, "base64"), out, layout) > 0) code = codeIn(out, layout) ?? code;
  }
  decoder.close();
  return code;
}

function codeIn(image: Uint8Array, layout: Int32Array): BlockCode | null {
  const at = (field: keyof typeof DecodedLayout) => layout[DecodedLayout[field]];
  return readBlockCode(image.subarray(at("offsetY")), at("width"), at("height"), at("strideY"));
}

function opusTone(packets: readonly string[]): number {
  const decoder = new native.OpusDecoder({ sampleRate: 48_000, channels: 1 });
  const pcm = new Int16Array(5760);
  const detector = new ToneDetector();
  for (const packet of packets) {
    const samples = decoder.decode(Buffer.from(packet, "base64"), pcm);
    if (samples > 0) detector.add(pcm, 1, samples);
  }
  decoder.close();
  return detector.frequencyHz();
}
