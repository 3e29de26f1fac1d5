/**
 * A made-up call inside one thread, before the first real one: JavaScript runs ten times slower until the engine has
 * compiled what it runs often, and the first frames of a call should not pay for that. Nothing leaves the process.
 */
import { DatagramTable, native } from "../../../native/addon.js";
import { IceAgent } from "../../protocol/ice/index.js";
import type { TransportAddress } from "../../protocol/primitives/address.js";
import { type RandomSource, seededRandom } from "../../protocol/primitives/random.js";
import type { ReceiveStreamOptions, SendStreamOptions } from "../transport_api.js";
import { DtlsSession } from "./dtls_session.js";
import type { MediaSinks } from "./media_receiver.js";
import type { SrtpKeys } from "./messages.js";
import type { DatagramSender } from "./packet_output.js";
import { SendTransport } from "./send_transport.js";
import { allocateCounters, ReceiveCounters, SendCounters, TransportCounters } from "./stream_counters.js";
import { hmacSha1 } from "./system_random.js";
import { TransportSession } from "./transport_session.js";

const FRAMES = 120;
const FRAME_US = 33_333;
/** Virtual time one round of the set-up takes, and rounds at most. */
const ROUND_US = 500;
const MAX_ROUNDS = 2_000;
const EXTENSIONS = { mid: 1, absCaptureTime: 2 };

const videoOut: SendStreamOptions = {
  kind: "video",
  mid: "0",
  ssrc: 1,
  cname: "rehearsal",
  payloadType: 96,
  codec: "H264",
  clockRate: 90_000,
  packetizationMode: 1,
  extensions: EXTENSIONS,
  nack: true,
  reducedSizeRtcp: true,
};
const audioOut: SendStreamOptions = {
  ...videoOut,
  kind: "audio",
  mid: "1",
  ssrc: 2,
  payloadType: 111,
  codec: "opus",
  clockRate: 48_000,
};
const videoIn: ReceiveStreamOptions = {
  kind: "video",
  mid: "0",
  payloadTypes: [{ payloadType: 96, codec: "H264", clockRate: 90_000 }],
  ssrcs: [],
  extensions: EXTENSIONS,
  nack: true,
  localSsrc: 3,
  reducedSizeRtcp: true,
};
const audioIn: ReceiveStreamOptions = {
  ...videoIn,
  kind: "audio",
  mid: "1",
  payloadTypes: [{ payloadType: 111, codec: "opus", clockRate: 48_000 }],
};

/** Rehearses the sender's part: packets made, protected and handed to a socket that throws them away. Returns how many. */
export function rehearseSending(): number {
  const keys: SrtpKeys = {
    profile: "AEAD_AES_128_GCM",
    masterKey: new Uint8Array(16),
    masterSalt: new Uint8Array(12),
  };
  let packets = 0;
  play(keys, {
    send: (_slab, _table, _first, count) => {
      packets += count;
      return count;
    },
  });
  return packets;
}

/**
 * Rehearses the receiver's part: ICE, DTLS, SRTP and access units, between two sessions in memory. Returns how many
 * access units came out.
 */
export function rehearseReceiving(): number {
  const random = seededRandom(1);
  const startUs = native.monotonicUs();
  const ends = [new RehearsalEnd(0, random), new RehearsalEnd(1, random)] as const;
  try {
    const nowUs = setUp(ends, startUs);
    const [{ sendKeys }, receiver] = ends;
    if (sendKeys !== undefined) play(sendKeys, intoSession(receiver.session, nowUs));
    return receiver.units;
  } finally {
    for (const { session } of ends) session.close();
  }
}

class RehearsalEnd {
  readonly address: TransportAddress;
  readonly session: TransportSession;
  readonly fingerprint: string;
  sendKeys: SrtpKeys | undefined;
  units = 0;
  readonly #ice: IceAgent;

  constructor(
    readonly index: 0 | 1,
    random: RandomSource,
  ) {
    this.address = { family: 4, address: `10.0.0.${index + 1}`, port: 5000 };
    const certificate = native.Certificate.generate();
    this.fingerprint = certificate.fingerprint("sha-256");
    this.#ice = new IceAgent({
      role: index === 0 ? "controlling" : "controlled",
      local: credentials(index),
      tieBreaker: BigInt(index),
      random,
      hmacSha1,
    });
    const room = new Uint8Array(65_536);
    const sinks: MediaSinks = {
      videoRoom: () => room,
      publishVideo: () => this.units++,
      audio: () => true,
      tone: () => undefined,
      arrival: () => undefined,
      rtcp: () => undefined,
    };
    this.session = new TransportSession({
      ice: this.#ice,
      dtls: new DtlsSession({ certificate, createDtls: (options) => new native.DtlsTransport(options) }),
      sinks,
      createSrtp: (keys) => new native.SrtpContext(keys),
      counters: counters(TransportCounters.words),
    });
  }

  start(peer: RehearsalEnd, nowUs: number): void {
    const { session } = this;
    this.#ice.addLocalHost(0, this.address);
    this.#ice.endLocalHosts();
    session.setRemoteIceParameters(credentials(peer.index), false);
    session.addRemoteCandidate(`candidate:1 1 udp 2130706431 ${peer.address.address} 5000 typ host`);
    session.endOfRemoteCandidates();
    session.addReceiveStream(1, videoIn, counters(ReceiveCounters.words));
    session.addReceiveStream(2, audioIn, counters(ReceiveCounters.words));
    const role = this.index === 0 ? "server" : "client";
    session.startDtls(role, [{ algorithm: "sha-256", value: peer.fingerprint }], nowUs);
  }

  /** Does what is due and hands what is to be sent to the other end. */
  advance(peer: RehearsalEnd, nowUs: number): void {
    if (this.session.nextDeadlineUs() <= nowUs) this.session.handleTimeout(nowUs);
    for (let output = this.session.pollOutput(); output; output = this.session.pollOutput()) {
      if (output.type === "keys") this.sendKeys = output.keys;
      else if (output.type === "transmit") deliver(peer.session, output.data, this.address, nowUs);
    }
  }
}

/** Runs the set-up to its end, or gives up; returns the virtual time then. */
function setUp([a, b]: readonly [RehearsalEnd, RehearsalEnd], startUs: number): number {
  a.start(b, startUs);
  b.start(a, startUs);
  let nowUs = startUs;
  for (let round = 0; round < MAX_ROUNDS; round++, nowUs += ROUND_US) {
    a.advance(b, nowUs);
    b.advance(a, nowUs);
    if (a.sendKeys !== undefined && b.sendKeys !== undefined) break;
  }
  return nowUs;
}

function deliver(session: TransportSession, bytes: Uint8Array, from: TransportAddress, nowUs: number): void {
  const { length } = bytes;
  session.handleDatagram(
    { socketId: 0, bytes, offset: 0, length, arrivalUs: nowUs, source: () => from },
    nowUs,
  );
}

/** A socket whose datagrams a session receives at once. */
function intoSession(session: TransportSession, startUs: number): DatagramSender {
  const from: TransportAddress = { family: 4, address: "10.0.0.1", port: 5000 };
  let nowUs = startUs;
  return {
    send: (slab, table, first, count) => {
      nowUs += FRAME_US;
      for (let entry = first; entry < first + count; entry++) {
        const at = entry * DatagramTable.words;
        const offset = table[at + DatagramTable.offset];
        deliver(session, slab.slice(offset, offset + table[at + DatagramTable.length]), from, nowUs);
      }
      session.deliver(nowUs);
      return count;
    },
  };
}

/** Sends frames of picture and sound. */
function play(keys: SrtpKeys, socket: DatagramSender): void {
  const transport = new SendTransport({
    maxPacketBytes: 1200,
    random: seededRandom(2),
    wallOffsetUs: 0,
    counters: counters(TransportCounters.words),
    createSrtp: (srtpKeys) => new native.SrtpContext(srtpKeys),
    onKeyframeNeeded: () => undefined,
  });
  transport.addStream(1, videoOut, counters(SendCounters.words));
  transport.addStream(2, audioOut, counters(SendCounters.words));
  transport.setKeys(keys);
  transport.setRoute({ fd: -1, family: 4, address: "10.0.0.2", port: 5000 }, socket);
  for (let i = 0; i < FRAMES; i++) {
    const captureTimeUs = i * FRAME_US;
    const picture = accessUnit(i === 0, 2_000 + 40 * i);
    const keyframe = i === 0;
    const { length } = picture;
    transport.sendFrame(
      "video",
      { bytes: picture, length, captureTimeUs, codec: "H264", keyframe, rtpTimestamp: 0, durationUs: 0 },
      captureTimeUs,
    );
    transport.sendFrame(
      "audio",
      {
        bytes: picture,
        length: 80,
        captureTimeUs,
        codec: "opus",
        keyframe,
        rtpTimestamp: 960 * i,
        durationUs: 20_000,
      },
      captureTimeUs,
    );
  }
  transport.close();
}

/** Annex B: parameter sets and an IDR slice, or one slice. */
function accessUnit(keyframe: boolean, bytes: number): Uint8Array {
  const heads = keyframe ? [0x67, 0x68, 0x65] : [0x61];
  const out = new Uint8Array(bytes).fill(0x55);
  heads.forEach((head, i) => {
    out.set([0, 0, 0, 1, head], 16 * i);
  });
  return out;
}

function credentials(index: 0 | 1): { usernameFragment: string; password: string } {
  return { usernameFragment: `rehearsal${index}`, password: `rehearsal+of+a+call+to+come${index}` };
}

function counters(words: number): Float64Array {
  return new Float64Array(allocateCounters(words));
}
