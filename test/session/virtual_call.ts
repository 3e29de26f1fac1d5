/**
 * Two whole transports (ICE, DTLS, SRTP, RTP, RTCP: all real but the sockets) over an emulated network in virtual time.
 * Cameras make made-up H.264 access units whose every byte is checked on the other side.
 */
import { createHash } from "node:crypto";
import { type Certificate, DatagramTable, native, type SrtpContext } from "../../native/addon.js";
import type { RtpInterceptorFactory } from "../../src/media/interceptors/interceptor.js";
import type { Arrival } from "../../src/media/session/arrival_log.js";
import { DtlsSession } from "../../src/media/session/dtls_session.js";
import type { MediaSinks } from "../../src/media/session/media_receiver.js";
import type { TransportNotice } from "../../src/media/session/messages.js";
import type { ReceiveStream } from "../../src/media/session/receive_stream.js";
import { RtcpSession } from "../../src/media/session/rtcp_session.js";
import { SendTransport } from "../../src/media/session/send_transport.js";
import { ReceiveCounters, SendCounters, TransportCounters } from "../../src/media/session/stream_counters.js";
import { hmacSha1 } from "../../src/media/session/system_random.js";
import type { ReceivedDatagram } from "../../src/media/session/transport_outputs.js";
import { TransportSession } from "../../src/media/session/transport_session.js";
import type {
  Fingerprint,
  HeaderExtensionIds,
  ReceiveStreamOptions,
  SendStreamOptions,
} from "../../src/media/transport_api.js";
import { IceAgent } from "../../src/protocol/ice/index.js";
import type { AccessUnitInfo } from "../../src/protocol/jitter/video_jitter_buffer.js";
import type { LinkOptions } from "../../src/protocol/netem/link.js";
import { NetworkEmulator } from "../../src/protocol/netem/network_emulator.js";
import type { TransportAddress } from "../../src/protocol/primitives/address.js";
import { type RandomSource, seededRandom } from "../../src/protocol/primitives/random.js";
import type { RtpHeader } from "../../src/protocol/rtp/rtp_header.js";

const START_US = 1_000_000_000;
const WALL_OFFSET_US = 1.7e15;
export const FRAME_US = 33_333;
const AUDIO_US = 20_000;
const PICTURE_BYTES = 8_000;
/** A keyframe is so many times as large. */
const KEYFRAME = 5;
export const VIDEO_STREAM = 1;
const AUDIO_STREAM = 2;

/** What a peer got out of the call. */
export interface ReceivedUnit {
  readonly digest: string;
  readonly keyframe: boolean;
  readonly atUs: number;
  readonly captureWallUs: number;
}

interface Packet {
  readonly data: Uint8Array;
  readonly from: TransportAddress;
}

export interface PeerOptions {
  readonly dtlsRole: "client" | "server";
  readonly fingerprints?: (own: readonly Fingerprint[]) => readonly Fingerprint[];
  readonly sends?: boolean;
  readonly packetizationMode?: 0 | 1;
  /** Lost video is repeated in a stream of its own; both peers must say so. */
  readonly rtx?: boolean;
  /** What the pictures are in; H.264 by default. Both peers must say so. */
  readonly codec?: "H264" | "VP8";
  /** Pictures go with parity where there is loss and the way is long; both peers must say so. */
  readonly ulpfec?: boolean;
  /** The same in a stream of its own. */
  readonly flexfec?: boolean;
  /** It asks for the round trip by extended reports. */
  readonly receiverRtt?: "all" | "sender";
  /** Sound goes with a copy of the packet before; both peers must say so. */
  readonly red?: boolean;
  /** Its pictures get smaller where the path carries no more, as an encoder's do. */
  readonly adapts?: boolean;
  /** Times the path's rate at which its pictures leave. */
  readonly paceAhead?: number;
  /** Stages in the way of its streams. */
  readonly interceptors?: readonly RtpInterceptorFactory[];
  /** Header extensions beside mid and abs-capture-time; both peers must have them. */
  readonly extensions?: HeaderExtensionIds;
}

export class VirtualPeer {
  readonly notices: TransportNotice[] = [];
  readonly discarded: string[] = [];
  readonly units: ReceivedUnit[] = [];
  /** Digests of what the camera made, by order; and of those that were keyframes. */
  readonly made: string[] = [];
  readonly madeKeyframes = new Set<string>();
  readonly audio: { readonly digest: string; readonly timestamp: number }[] = [];
  readonly madeAudio: string[] = [];
  readonly transportCounters = new Float64Array(TransportCounters.words);
  readonly sendCounters = new Float64Array(SendCounters.words);
  readonly audioSendCounters = new Float64Array(SendCounters.words);
  readonly receiveCounters = new Float64Array(ReceiveCounters.words);
  readonly audioReceiveCounters = new Float64Array(ReceiveCounters.words);
  readonly certificate: Certificate = native.Certificate.generate();
  readonly ice: IceAgent;
  readonly dtls: DtlsSession;
  readonly session: TransportSession;
  readonly sender: SendTransport;
  readonly rtcp: RtcpSession;
  /** What protects all that this peer sends, once there are keys. */
  protection: SrtpContext | undefined;
  /** Datagrams of the set-up sent by this peer, counted; the hook may drop one. */
  onTransmit: ((index: number, data: Uint8Array) => boolean) | undefined;
  keyframeEpoch = 0;
  muted = false;
  dead = false;
  #epochSeen = 0;
  #transmitted = 0;
  #nextFrameUs = START_US + 5_000;
  #nextAudioUs = START_US + 7_000;
  #audioNumber = 0;
  #owedBytes = 0;
  #isPathLimited = false;
  readonly #room = new Uint8Array(1 << 20);
  readonly #media: RandomSource;

  constructor(
    readonly name: "a" | "b",
    readonly address: TransportAddress,
    readonly world: VirtualCall,
    readonly options: PeerOptions,
  ) {
    const random = world.random;
    this.#media = seededRandom(random.uint32());
    this.ice = new IceAgent({
      role: name === "a" ? "controlling" : "controlled",
      local: { usernameFragment: `ufrag${name}`, password: `password+password+${name}+01234` },
      tieBreaker: BigInt(random.uint32()),
      random,
      hmacSha1,
    });
    this.dtls = new DtlsSession({
      certificate: this.certificate,
      createDtls: (options) => new native.DtlsTransport(options),
    });
    this.session = new TransportSession({
      ice: this.ice,
      dtls: this.dtls,
      sinks: this.#sinks(),
      createSrtp: (keys) => new native.SrtpContext(keys),
      counters: this.transportCounters,
      interceptors: options.interceptors ?? [],
    });
    this.sender = new SendTransport({
      maxPacketBytes: 1200,
      random,
      wallOffsetUs: WALL_OFFSET_US,
      counters: this.transportCounters,
      interceptors: options.interceptors ?? [],
      ...(options.paceAhead !== undefined && { paceAhead: options.paceAhead }),
      createSrtp: (keys) => {
        this.protection = new native.SrtpContext(keys);
        return this.protection;
      },
      onKeyframeNeeded: () => this.keyframeEpoch++,
    });
    this.rtcp = new RtcpSession({
      random,
      wallOffsetUs: WALL_OFFSET_US,
      sinks: {
        compound: (bytes, length) => this.sender.sendRtcp(bytes, length),
        resend: (ssrc, numbers) => {
          const bytes = new Uint8Array(numbers.flatMap((n) => [n >> 8, n & 255]));
          this.sender.resend(ssrc, bytes, numbers.length, world.nowUs);
        },
        rateLimit: (bps) => this.sender.setRateLimit(bps, world.nowUs),
        transportFeedback: (content) => this.sender.handleTransportFeedback(content, world.nowUs),
        keyframe: () => this.keyframeEpoch++,
        collision: (ssrc) => this.notices.push({ event: "ssrccollision", args: [{ ssrc }] }),
        bye: (name, ssrc) => this.notices.push({ event: "bye", args: [{ ...name, ssrc }] }),
      },
    });
  }

  get ownFingerprints(): Fingerprint[] {
    return [{ algorithm: "sha-256", value: this.certificate.fingerprint("sha-256") }];
  }

  /** Everything that signaling would have carried, at once. */
  start(peer: VirtualPeer): void {
    this.ice.addLocalHost(0, this.address);
    this.ice.endLocalHosts();
    this.session.setRemoteIceParameters(
      { usernameFragment: `ufrag${peer.name}`, password: `password+password+${peer.name}+01234` },
      false,
    );
    const { address, port } = peer.address;
    this.session.addRemoteCandidate(`candidate:1 1 udp 2130706431 ${address} ${port} typ host`);
    this.session.endOfRemoteCandidates();
    const given = peer.ownFingerprints;
    this.session.startDtls(
      this.options.dtlsRole,
      this.options.fingerprints?.(given) ?? given,
      this.world.nowUs,
    );
    this.#addStreams(peer);
  }

  #addStreams(peer: VirtualPeer): void {
    if (this.options.sends !== false) {
      const video = {
        ...sendOptions(this.name, "video", this.options.packetizationMode ?? 1),
        extensions: { ...EXTENSIONS, ...this.options.extensions },
        ...(this.options.rtx && { rtx: { ssrc: rtxSsrcOf(this.name), payloadType: RTX_PAYLOAD_TYPE } }),
        ...(this.options.codec && { codec: this.options.codec }),
        ...(this.options.ulpfec && { red: PARITY }),
        ...(this.options.flexfec && {
          flexfec: { ssrc: ssrcOf(this.name, "video") + 0x200, payloadType: FLEXFEC_PAYLOAD_TYPE },
        }),
      };
      const audio = {
        ...sendOptions(this.name, "audio", 1),
        extensions: { ...EXTENSIONS, ...this.options.extensions },
        ...(this.options.red && { red: { payloadType: RED_PAYLOAD_TYPE } }),
      };
      this.sender.addStream(VIDEO_STREAM, video, this.sendCounters);
      this.sender.addStream(AUDIO_STREAM, audio, this.audioSendCounters);
      this.rtcp.addSendStream(VIDEO_STREAM, video, this.sendCounters);
      this.rtcp.addSendStream(AUDIO_STREAM, audio, this.audioSendCounters);
    }
    for (const [id, kind, counters] of [
      [VIDEO_STREAM, "video", this.receiveCounters],
      [AUDIO_STREAM, "audio", this.audioReceiveCounters],
    ] as const) {
      const options = {
        ...receiveOptions(this.name, peer.name, kind),
        extensions: { ...EXTENSIONS, ...this.options.extensions },
        ...(this.options.rtx &&
          kind === "video" && {
            rtx: [
              { payloadType: RTX_PAYLOAD_TYPE, repeats: 96 },
              { payloadType: PARITY.rtx, repeats: PARITY.payloadType },
            ],
          }),
        ...(this.options.codec &&
          kind === "video" && {
            payloadTypes: [{ payloadType: 96, codec: this.options.codec, clockRate: 90_000 }],
          }),
        ...(this.options.ulpfec && kind === "video" && { red: PARITY }),
        ...(this.options.receiverRtt && { receiverRtt: this.options.receiverRtt }),
        ...(this.options.flexfec && kind === "video" && { flexfec: { payloadType: FLEXFEC_PAYLOAD_TYPE } }),
        ...(this.options.red && kind === "audio" && { red: { payloadType: RED_PAYLOAD_TYPE } }),
      };
      this.session.addReceiveStream(id, options, counters);
      this.rtcp.addReceiveStream(id, options, counters);
    }
  }

  /** When a picture of this peer's was captured, by the world's clock. */
  captureTimeUs(wallUs: number): number {
    return wallUs - WALL_OFFSET_US;
  }

  /** The network's end. */
  receive(packet: Packet): void {
    if (this.dead) return;
    const bytes = packet.data.slice();
    const datagram: ReceivedDatagram = {
      socketId: 0,
      bytes,
      offset: 0,
      length: bytes.length,
      arrivalUs: this.world.nowUs,
      source: () => packet.from,
    };
    this.session.handleDatagram(datagram, this.world.nowUs);
    this.session.deliver(this.world.nowUs);
    this.drain();
  }

  /** Does what is due now. */
  advance(): void {
    const { nowUs } = this.world;
    if (this.dead) return;
    if (this.session.nextDeadlineUs() <= nowUs) this.session.handleTimeout(nowUs);
    this.drain();
    this.sender.handleTimeout(nowUs);
    this.rtcp.handleTimeout(nowUs);
    if (this.options.sends === false) return;
    while (this.#nextFrameUs <= nowUs) this.#capture();
    while (this.#nextAudioUs <= nowUs) this.#speak();
  }

  nextDeadlineUs(): number {
    if (this.dead) return Number.POSITIVE_INFINITY;
    const media =
      this.options.sends === false
        ? Number.POSITIVE_INFINITY
        : Math.min(this.#nextFrameUs, this.#nextAudioUs);
    return Math.min(
      this.session.nextDeadlineUs(),
      this.sender.nextDeadlineUs(),
      this.rtcp.nextDeadlineUs(),
      media,
    );
  }

  drain(): void {
    const { nowUs } = this.world;
    for (let output = this.session.pollOutput(); output; output = this.session.pollOutput()) {
      if (output.type === "transmit") this.transmit(output.data);
      else if (output.type === "notice") this.notices.push(output.notice);
      else if (output.type === "route") {
        const { family, address, port } = output.to;
        this.sender.setRoute({ fd: 0, family, address, port }, this);
      } else if (output.type === "keys") {
        this.sender.setKeys(output.keys);
        this.rtcp.start(nowUs);
      } else if (output.type === "discarded") this.discarded.push(output.kind);
    }
  }

  transmit(data: Uint8Array): void {
    const index = this.#transmitted++;
    if (this.onTransmit?.(index, data) === false) return;
    this.world.send(this, data.slice());
  }

  /** As a UdpSocket. */
  send(slab: Uint8Array, table: Int32Array, first: number, count: number): number {
    for (let entry = first; entry < first + count; entry++) {
      const at = entry * DatagramTable.words;
      const offset = table[at + DatagramTable.offset];
      if (table[at + DatagramTable.length] < 0) continue;
      this.transmit(slab.subarray(offset, offset + table[at + DatagramTable.length]));
    }
    return count;
  }

  #sinks(): MediaSinks {
    return {
      videoRoom: () => this.#room,
      publishVideo: (stream, unit, captureWallUs) => this.publishVideo(stream, unit, captureWallUs),
      audio: (_stream, bytes, header) => this.audioPacket(bytes, header),
      tone: () => undefined,
      arrival: (arrival) => this.arrival(arrival),
      rtcp: (bytes, offset, length, arrivalUs) => this.compound(bytes, offset, length, arrivalUs),
    };
  }

  publishVideo(_stream: ReceiveStream, unit: AccessUnitInfo, captureWallUs: number): void {
    const digest = digestOf(this.#room.subarray(0, unit.length));
    this.units.push({ digest, keyframe: unit.keyframe, atUs: this.world.nowUs, captureWallUs });
  }

  audioPacket(bytes: Uint8Array, header: RtpHeader): boolean {
    const payload = bytes.subarray(header.payloadOffset, header.payloadOffset + header.payloadLength);
    this.audio.push({ digest: digestOf(payload), timestamp: header.timestamp });
    return true;
  }

  arrival(arrival: Arrival): void {
    this.rtcp.handleArrival(arrival);
  }

  compound(bytes: Uint8Array, offset: number, length: number, arrivalUs: number): void {
    this.rtcp.handleCompound(bytes, offset, length, arrivalUs);
  }

  notice<E extends TransportNotice["event"]>(event: E): Extract<TransportNotice, { event: E }>["args"][] {
    return this.notices.filter((n) => n.event === event).map((n) => n.args) as never;
  }

  #capture(): void {
    const captureUs = this.#nextFrameUs;
    this.#nextFrameUs += FRAME_US;
    if (this.muted) return;
    const keyframe = this.made.length === 0 || this.keyframeEpoch !== this.#epochSeen;
    this.#epochSeen = this.keyframeEpoch;
    const { codec = "H264" } = this.options;
    const makeUp = codec === "VP8" ? madeUpVp8Frame : madeUpAccessUnit;
    const bytes = makeUp(this.#media, keyframe, this.#pictureBytes(keyframe));
    const digest = digestOf(bytes);
    this.made.push(digest);
    if (keyframe) this.madeKeyframes.add(digest);
    this.sender.sendFrame(
      "video",
      {
        bytes,
        length: bytes.length,
        captureTimeUs: captureUs,
        codec,
        keyframe,
        rtpTimestamp: 0,
        durationUs: 0,
        isPathLimited: this.#isPathLimited,
      },
      this.world.nowUs,
    );
  }

  #pictureBytes(keyframe: boolean): number {
    if (!this.options.adapts) return keyframe ? KEYFRAME * PICTURE_BYTES : PICTURE_BYTES;
    // Pictures are a quarter larger than asked for on average.
    const fair = Math.min(PICTURE_BYTES, Math.round((0.8 * this.sender.availableBps * FRAME_US) / 8e6));
    this.#isPathLimited = fair < PICTURE_BYTES;
    // What a keyframe takes more than its share, the pictures after it take less.
    const bytes = keyframe ? KEYFRAME * fair : Math.max(fair / 2, fair - this.#owedBytes);
    this.#owedBytes = Math.max(0, this.#owedBytes + bytes - fair);
    return Math.round(bytes);
  }

  #speak(): void {
    const captureUs = this.#nextAudioUs - AUDIO_US;
    this.#nextAudioUs += AUDIO_US;
    const rtpTimestamp = 960 * this.#audioNumber++;
    if (this.muted) return;
    const bytes = this.#media.bytes(80);
    this.madeAudio.push(digestOf(bytes));
    this.sender.sendFrame(
      "audio",
      {
        bytes,
        length: 80,
        captureTimeUs: captureUs,
        codec: "opus",
        keyframe: false,
        rtpTimestamp,
        durationUs: AUDIO_US,
        audioLevel: 0x80 | 33,
      },
      this.world.nowUs,
    );
  }
}

/** The two peers, the network between them and the clock. */
export class VirtualCall {
  nowUs = START_US;
  readonly random: RandomSource;
  readonly network: NetworkEmulator<Packet>;
  readonly a: VirtualPeer;
  readonly b: VirtualPeer;
  readonly #links: { readonly ab: number; readonly ba: number };

  constructor(options: {
    seed: number;
    link?: LinkOptions;
    a?: Partial<PeerOptions>;
    b?: Partial<PeerOptions>;
  }) {
    this.random = seededRandom(options.seed);
    this.network = new NetworkEmulator<Packet>(this.random);
    const link = options.link ?? {};
    this.#links = { ab: this.network.addLink(link), ba: this.network.addLink(link) };
    this.a = new VirtualPeer("a", { family: 4, address: "10.0.0.1", port: 5001 }, this, {
      dtlsRole: "server",
      ...options.a,
    });
    this.b = new VirtualPeer("b", { family: 4, address: "10.0.0.2", port: 5002 }, this, {
      dtlsRole: "client",
      ...options.b,
    });
    this.a.start(this.b);
    this.b.start(this.a);
  }

  send(from: VirtualPeer, data: Uint8Array): void {
    const link = from === this.a ? this.#links.ab : this.#links.ba;
    this.network.send(link, { data, from: from.address }, this.nowUs);
  }

  setLink(options: LinkOptions): void {
    this.network.updateLink(this.#links.ab, options);
    this.network.updateLink(this.#links.ba, options);
  }

  /** Runs until `done` says so or `seconds` of virtual time have passed; returns whether it was done. */
  run(seconds: number, done: () => boolean = () => false): boolean {
    const endUs = this.nowUs + seconds * 1e6;
    for (let idle = 0; this.nowUs < endUs; ) {
      this.a.advance();
      this.b.advance();
      for (let d = this.network.pollDelivery(this.nowUs); d; d = this.network.pollDelivery(this.nowUs)) {
        (d.link === this.#links.ab ? this.b : this.a).receive(d.datagram);
      }
      if (done()) return true;
      const nextUs = Math.min(
        this.network.nextDeadlineUs(),
        this.a.nextDeadlineUs(),
        this.b.nextDeadlineUs(),
        endUs,
      );
      if (nextUs <= this.nowUs && ++idle > 1000) throw new Error(`the call spins at ${this.nowUs}`);
      if (nextUs > this.nowUs) idle = 0;
      this.nowUs = Math.max(this.nowUs, nextUs);
    }
    return done();
  }

  /** Frees the native objects. */
  close(): void {
    for (const peer of [this.a, this.b]) {
      peer.session.close();
      peer.sender.close();
    }
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("base64");
}

/** Annex B with parameter sets before an IDR; the bytes are random but never look like a start code. */
export function madeUpAccessUnit(random: RandomSource, keyframe: boolean, size: number): Uint8Array {
  const nals = keyframe
    ? [nal(random, 0x67, 12), nal(random, 0x68, 5), nal(random, 0x65, size), nal(random, 0x65, 300)]
    : [nal(random, 0x61, size + (random.uint32() % (size / 2)))];
  const out = new Uint8Array(nals.reduce((sum, one) => sum + 4 + one.length, 0));
  let at = 0;
  for (const one of nals) {
    out.set([0, 0, 0, 1], at);
    out.set(one, at + 4);
    at += 4 + one.length;
  }
  return out;
}

/** A frame with an empty first partition (RFC 6386 §9.1). */
function madeUpVp8Frame(random: RandomSource, keyframe: boolean, size: number): Uint8Array {
  const bytes = random.bytes(size + (random.uint32() % (size / 2)));
  bytes.set(keyframe ? [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01] : [0x11, 0, 0]);
  return bytes;
}

function nal(random: RandomSource, head: number, size: number): Uint8Array {
  const bytes = random.bytes(size).map((byte) => byte | 1);
  bytes[0] = head;
  return bytes;
}

const EXTENSIONS = { mid: 1, absCaptureTime: 2 };

export function ssrcOf(peer: "a" | "b", kind: "audio" | "video"): number {
  return (peer === "a" ? 0x1000 : 0x2000) + (kind === "video" ? 1 : 2);
}

export const RTX_PAYLOAD_TYPE = 97;
/** RED (RFC 2198). */
export const RED_PAYLOAD_TYPE = 63;
const FLEXFEC_PAYLOAD_TYPE = 122;
/** The same of pictures, their parity, and how RED is repeated. */
export const PARITY = { payloadType: 120, ulpfec: 121, rtx: 98 };

export function rtxSsrcOf(peer: "a" | "b"): number {
  return ssrcOf(peer, "video") + 0x100;
}

function sendOptions(peer: "a" | "b", kind: "audio" | "video", mode: 0 | 1): SendStreamOptions {
  return {
    kind,
    mid: kind === "video" ? "0" : "1",
    ssrc: ssrcOf(peer, kind),
    cname: `cname-${peer}`,
    payloadType: kind === "video" ? 96 : 111,
    codec: kind === "video" ? "H264" : "opus",
    clockRate: kind === "video" ? 90_000 : 48_000,
    packetizationMode: mode,
    extensions: EXTENSIONS,
    nack: kind === "video",
    reducedSizeRtcp: true,
  };
}

function receiveOptions(own: "a" | "b", _peer: "a" | "b", kind: "audio" | "video"): ReceiveStreamOptions {
  return {
    kind,
    mid: kind === "video" ? "0" : "1",
    payloadTypes: [
      kind === "video"
        ? { payloadType: 96, codec: "H264", clockRate: 90_000 }
        : { payloadType: 111, codec: "opus", clockRate: 48_000, channels: 2 },
    ],
    ssrcs: [],
    extensions: EXTENSIONS,
    nack: kind === "video",
    localSsrc: ssrcOf(own, kind),
    reducedSizeRtcp: true,
  };
}
