/** Our end of the calls: one engine for all of them, and what it sees and hears. */
import { type BlockCode, readBlockCode } from "../src/media/analysis/block_code.js";
import { ToneDetector } from "../src/media/analysis/tone_detector.js";
import { MediaEngine } from "../src/media/engine.js";
import {
  createLocalTrack,
  MediaStream,
  mediaTransportOf,
  type RTCIceServer,
  RTCPeerConnection,
  type RTCRtpSender,
  whenClosed,
} from "../src/webrtc/index.js";
import type { Change, VideoCodec } from "./peer.js";

export const OURS = { tag: 0x0ca1, toneHz: 440, width: 640, height: 360 } as const;

/** No samples for so long: nothing is being played. */
const SILENT_MS = 300;

/** Which candidates a call may use; all of them by default. */
export interface Way {
  /** The relayed ones of this server alone. */
  readonly relay?: RTCIceServer;
  /** TCP candidates alone. */
  readonly tcpOnly?: boolean;
  /** These alone. */
  readonly soundCodecs?: readonly ("opus" | "PCMU" | "PCMA")[];
}

export class OurEnd {
  #lastCode: BlockCode | null = null;
  /** Pictures with the wanted tag since {@link watch}. */
  #pictures = 0;
  #frameNumbers = new Set<number>();
  #tag = -1;
  #tones = new ToneDetector();
  #heardAt = 0;

  static async start(): Promise<OurEnd> {
    const { tag, width, height } = OURS;
    const engine = await MediaEngine.start({
      videoSource: { kind: "test", width, height, frameRate: 30, noise: false, tag },
      audioSource: { kind: "tone", frequencyHz: OURS.toneHz, channels: 1 },
      videoBitrateBps: 1_000_000,
    });
    return new OurEnd(engine);
  }

  private constructor(readonly engine: MediaEngine) {
    engine.onPicture((bytes, { width, height, strideY, offsetY }) => {
      const code = readBlockCode(bytes.subarray(offsetY), width, height, strideY);
      if (code?.tag !== this.#tag) return;
      this.#lastCode = code;
      this.#pictures++;
      this.#frameNumbers.add(code.frameNumber);
    });
    engine.onSamples((pcm, { width: channels }) => {
      this.#tones.add(pcm, channels, pcm.length / channels);
      this.#heardAt = performance.now();
    });
  }

  /** Forgets what was seen; counts pictures whose code carries `tag` from now on. */
  watch(tag: number): void {
    this.#tag = tag;
    this.#lastCode = null;
    this.#pictures = 0;
    this.#frameNumbers.clear();
    this.#tones = new ToneDetector();
  }

  get pictures(): number {
    return this.#pictures;
  }

  /** Different frame numbers seen. */
  get framesSeen(): number {
    return this.#frameNumbers.size;
  }

  get lastCode(): BlockCode | null {
    return this.#lastCode;
  }

  /** 0 where nothing is heard now. */
  toneHz(): number {
    if (performance.now() - this.#heardAt > SILENT_MS) return 0;
    return this.#tones.frequencyHz();
  }

  stop(): Promise<void> {
    return this.engine.stop();
  }

  connect(codecs: readonly VideoCodec[], way: Way = {}): OurConnection {
    const { relay, tcpOnly = false, soundCodecs } = way;
    const pc = new RTCPeerConnection(
      relay === undefined ? {} : { iceServers: [relay], iceTransportPolicy: "relay" },
      {
        transportFactory: this.engine,
        transport: { includeLoopback: true, ...(tcpOnly && { tcpCandidates: "both" }) },
        video: { codecs },
        ...(soundCodecs && { audio: { codecs: soundCodecs } }),
      },
    );
    return new OurConnection(pc);
  }
}

/** One connection of ours. */
export class OurConnection {
  readonly #senders: Partial<Record<"audio" | "video", RTCRtpSender>> = {};

  constructor(readonly pc: RTCPeerConnection) {}

  addMedia(picture: boolean): void {
    const stream = new MediaStream();
    this.#send("audio", stream);
    if (picture) this.#send("video", stream);
  }

  change(what: Change): void {
    const kind = what.endsWith("Video") ? "video" : "audio";
    if (what.startsWith("add")) {
      this.#send(kind, new MediaStream());
      return;
    }
    const sender = this.#senders[kind];
    if (sender) this.pc.removeTrack(sender);
  }

  #send(kind: "audio" | "video", stream: MediaStream): void {
    this.#senders[kind] = this.pc.addTrack(createLocalTrack({ kind }), stream);
  }

  async offer(iceRestart: boolean): Promise<string> {
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart }));
    return this.#local();
  }

  async answer(sdp: string): Promise<string> {
    await this.pc.setRemoteDescription({ type: "offer", sdp });
    await this.pc.setLocalDescription();
    return this.#local();
  }

  accept(sdp: string): Promise<void> {
    return this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  /** What pictures or sound come as, and go as. */
  async codecsOf(kind: "audio" | "video"): Promise<{ readonly here: string; readonly there: string }> {
    const stats = [...(await this.pc.getStats()).values()];
    const codecOf = (type: "inbound-rtp" | "outbound-rtp") => {
      const stream = stats.find((each) => each.type === type && each.kind === kind);
      const id = stream !== undefined && "codecId" in stream ? stream.codecId : undefined;
      const codec = stats.find((each) => each.id === id);
      return codec?.type === "codec" ? codec.mimeType.replace(`${kind}/`, "") : "nothing";
    };
    return { here: codecOf("inbound-rtp"), there: codecOf("outbound-rtp") };
  }

  /** What came, for the words of a failure. */
  async counters(): Promise<string> {
    const stats = await mediaTransportOf(this.pc)?.getStats();
    if (!stats) return "no transport";
    const streams = stats.receive.map(
      ({ mid, kind, ssrc, packetsReceived, packetsLost, framesReceived, framesDecoded, pliCount }) =>
        `mid ${mid} ${kind} SSRC ${ssrc}: ${packetsReceived} packets, ${packetsLost} lost, ` +
        `${framesReceived} frames, ${framesDecoded} decoded, ${pliCount} PLI`,
    );
    return [...streams, `discarded ${JSON.stringify(stats.discarded)}`].join("; ");
  }

  async close(): Promise<void> {
    this.pc.close();
    await whenClosed(this.pc);
  }

  #local(): string {
    const sdp = this.pc.localDescription?.sdp;
    if (sdp === undefined) throw new Error("no local description after it was set");
    return sdp;
  }
}
