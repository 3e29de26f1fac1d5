/**
 * The stages that a packet meets, each measured by itself over the packets of pictures: 9000 bytes of H.264 in nine packets, as a frame of
 * 2 Mbit/s at 30 a second is. `npm run bench -- media` prints them, `npm run bench:peers -- media` beside werift's.
 */
import { DatagramTable, native } from "../native/addon.js";
import type { RtpInterceptorFactory } from "../src/media/interceptors/interceptor.js";
import { InterceptorChain } from "../src/media/interceptors/interceptor_chain.js";
import { NackResponder } from "../src/media/session/nack_responder.js";
import { SendSession } from "../src/media/session/send_session.js";
import { allocateCounters, SendCounters } from "../src/media/session/stream_counters.js";
import type { SendStreamOptions } from "../src/media/transport_api.js";
import { SendLog } from "../src/protocol/bwe/send_log.js";
import { FecDecoder } from "../src/protocol/fec/fec_decoder.js";
import { FecEncoder } from "../src/protocol/fec/fec_encoder.js";
import type { FecFormat } from "../src/protocol/fec/fec_format.js";
import { H264Depacketizer } from "../src/protocol/h264/depacketizer.js";
import { VideoJitterBuffer } from "../src/protocol/jitter/video_jitter_buffer.js";
import { NackGenerator } from "../src/protocol/nack/nack_generator.js";
import { seededRandom } from "../src/protocol/primitives/random.js";
import { RedReader, RedWriter } from "../src/protocol/red/red.js";
import { parseRtp, RtpHeader } from "../src/protocol/rtp/rtp_header.js";
import { unwrapRtx } from "../src/protocol/rtx/rtx.js";
import { ArrivalRecorder } from "../src/protocol/twcc/arrival_recorder.js";

/** One stage: `run` takes the packets of one picture through it. */
export interface MeasuredStage {
  readonly name: string;
  /** Packets that one run stands for. */
  readonly packets: number;
  readonly run: () => void;
}

const FRAME_US = 33_333;
const SLOT_BYTES = 1500;
const EXTENSIONS = { mid: 1, absCaptureTime: 2, transportCc: 3, absSendTime: 4 };
const KEYS = {
  profile: "AEAD_AES_128_GCM",
  masterKey: new Uint8Array(16).fill(1),
  masterSalt: new Uint8Array(12).fill(2),
} as const;

const STREAM: SendStreamOptions = {
  kind: "video",
  mid: "0",
  ssrc: 1,
  cname: "bench",
  payloadType: 96,
  codec: "H264",
  clockRate: 90_000,
  packetizationMode: 1,
  extensions: EXTENSIONS,
  nack: true,
  rtx: { ssrc: 2, payloadType: 97 },
  reducedSizeRtcp: true,
};

/** An access unit with its parameter sets, so that every one can start a stream. */
function accessUnit(): Uint8Array {
  const body = seededRandom(1)
    .bytes(9000)
    .map((byte) => byte | 1);
  const sps = [0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01];
  const head = [0, 0, 0, 1, ...sps, 0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0, 1, 0x65];
  return Uint8Array.from([...head, ...body]);
}

function sendSession(): SendSession {
  return new SendSession({
    stream: STREAM,
    maxPacketBytes: 1200,
    random: seededRandom(2),
    wallOffsetUs: 0,
    counters: new Float64Array(allocateCounters(SendCounters.words)),
    log: new SendLog(),
  });
}

/** Packets of one picture, plain, in slots of a slab; renumbered for each run. */
class Picture {
  readonly slab: Uint8Array;
  readonly lengths: number[] = [];
  #sequence = 0;
  #timestamp = 0;

  constructor(unit: Uint8Array) {
    const session = sendSession();
    const count = session.packetize(frameOf(unit, 0), 16, 0);
    this.slab = new Uint8Array(count * SLOT_BYTES);
    for (let i = 0; i < count; i++) {
      const { ring } = session;
      const slot = ring.slotOf(session.firstSequenceNumber + i);
      const offset = ring.offsetOf(slot);
      this.slab.set(ring.slab.subarray(offset, offset + ring.lengthOf(slot)), i * SLOT_BYTES);
      this.lengths.push(ring.lengthOf(slot));
    }
  }

  get count(): number {
    return this.lengths.length;
  }

  renumber(): void {
    this.#timestamp = (this.#timestamp + 3000) >>> 0;
    for (let i = 0; i < this.count; i++) {
      const at = i * SLOT_BYTES;
      this.slab[at + 2] = this.#sequence >> 8;
      this.slab[at + 3] = this.#sequence;
      for (let byte = 0; byte < 4; byte++) this.slab[at + 4 + byte] = this.#timestamp >>> (24 - 8 * byte);
      this.#sequence = (this.#sequence + 1) & 0xffff;
    }
  }
}

function frameOf(unit: Uint8Array, captureTimeUs: number) {
  return {
    bytes: unit,
    length: unit.length,
    captureTimeUs,
    codec: "H264" as const,
    keyframe: true,
    rtpTimestamp: 0,
    durationUs: 0,
    encoding: 0,
  };
}

const noOp: RtpInterceptorFactory = () => ({ packet: () => true });

function chainStage(picture: Picture, stages: number): MeasuredStage {
  const chain = InterceptorChain.make({
    factories: new Array(stages).fill(noOp),
    stream: { direction: "out", kind: "video", mid: "0", streamId: 1, ssrc: 1, extensions: EXTENSIONS },
    maxPacketBytes: 1200,
  });
  return {
    name: `interceptor chain, ${stages} that do nothing`,
    packets: picture.count,
    run: () => {
      for (let i = 0; i < picture.count; i++) {
        chain?.pass(picture.slab, i * SLOT_BYTES, picture.lengths[i], 1200, 0);
        chain?.nextMade(0);
      }
    },
  };
}

function packetizeStage(unit: Uint8Array, packets: number): MeasuredStage {
  const session = sendSession();
  const frame = frameOf(unit, 0);
  let nowUs = 0;
  return {
    name: "packetize (RFC 6184), header, four extensions",
    packets,
    run: () => {
      nowUs += FRAME_US;
      frame.captureTimeUs = nowUs;
      const count = session.packetize(frame, 16, nowUs);
      session.depart(session.ring, session.firstSequenceNumber, count, nowUs);
    },
  };
}

function depacketizeStage(unit: Uint8Array): MeasuredStage {
  const picture = new Picture(unit);
  const header = new RtpHeader();
  const depacketizer = new H264Depacketizer();
  const out = new Uint8Array(1 << 16);
  return {
    name: "parse, depacketize (RFC 6184)",
    packets: picture.count,
    run: () => {
      depacketizer.start(out, 0);
      for (let i = 0; i < picture.count; i++) {
        parseRtp(picture.slab, i * SLOT_BYTES, picture.lengths[i], header);
        depacketizer.push(picture.slab, header.payloadOffset, header.payloadLength);
      }
      if (depacketizer.finish() === 0) throw new Error("no access unit came of the packets");
    },
  };
}

/** Protection renumbers and copies the packets first, as every run needs new ones; unprotection needs protected ones. */
function srtpStages(unit: Uint8Array): MeasuredStage[] {
  const alone = protector(unit);
  const { count, slab, table, protect } = protector(unit);
  const receiver = new native.SrtpContext(KEYS);
  return [
    { name: "protect (AES-128-GCM)", packets: alone.count, run: alone.protect },
    {
      name: "protect and unprotect",
      packets: count,
      run: () => {
        protect();
        receiver.unprotectRtpBatch(slab, table, 0, count);
        if (table[DatagramTable.length] < 0) throw new Error("a packet was refused");
      },
    },
  ];
}

function protector(unit: Uint8Array) {
  const picture = new Picture(unit);
  const sender = new native.SrtpContext(KEYS);
  const slab = new Uint8Array(picture.slab.length);
  const table = new Int32Array(picture.count * DatagramTable.words);
  const protect = (): void => {
    picture.renumber();
    slab.set(picture.slab);
    for (let i = 0; i < picture.count; i++) {
      table[i * DatagramTable.words + DatagramTable.offset] = i * SLOT_BYTES;
      table[i * DatagramTable.words + DatagramTable.length] = picture.lengths[i];
    }
    sender.protectRtpBatch(slab, table, 0, picture.count);
  };
  return { count: picture.count, slab, table, protect };
}

function jitterStage(unit: Uint8Array): MeasuredStage {
  const picture = new Picture(unit);
  const header = new RtpHeader();
  const jitter = new VideoJitterBuffer({ assembler: new H264Depacketizer() });
  const out = new Uint8Array(1 << 16);
  let nowUs = 0;
  return {
    name: "parse, jitter buffer, access unit",
    packets: picture.count,
    run: () => {
      picture.renumber();
      nowUs += FRAME_US;
      for (let i = 0; i < picture.count; i++) {
        parseRtp(picture.slab, i * SLOT_BYTES, picture.lengths[i], header);
        jitter.insert(picture.slab, header, nowUs);
      }
      if (jitter.pollAccessUnit(out, nowUs) === undefined) throw new Error("no access unit came out");
    },
  };
}

/** Every packet repeated: opened, wrapped, protected. */
function rtxStages(unit: Uint8Array, picture: Picture): MeasuredStage[] {
  const srtp = new native.SrtpContext(KEYS);
  const session = sendSession();
  const { ring } = session;
  const count = session.packetize(frameOf(unit, 0), 16, 0);
  session.depart(ring, session.firstSequenceNumber, count, 0);
  srtp.protectRtpBatch(ring.slab, ring.table, ring.slotOf(session.firstSequenceNumber), count);
  const counters = new Float64Array(allocateCounters(SendCounters.words));
  const responder = new NackResponder({
    stream: STREAM,
    history: ring,
    maxPacketBytes: 1200,
    firstRtxSequenceNumber: 0,
    counters,
    log: new SendLog(),
  });
  let nowUs = 0;
  const header = new RtpHeader();
  const rtx = new Uint8Array(SLOT_BYTES);
  return [
    {
      name: "repeat by RTX: open, wrap, protect",
      packets: count,
      run: () => {
        nowUs += 1e6;
        responder.noteSent(1e6);
        for (let i = 0; i < count; i++) {
          if (responder.repeat((session.firstSequenceNumber + i) & 0xffff, srtp, nowUs) < 0)
            throw new Error("a packet was not repeated");
        }
      },
    },
    {
      name: "unwrap RTX",
      packets: picture.count,
      run: () => {
        for (let i = 0; i < picture.count; i++) {
          rtx.set(picture.slab.subarray(i * SLOT_BYTES, i * SLOT_BYTES + picture.lengths[i]));
          parseRtp(rtx, 0, picture.lengths[i], header);
          unwrapRtx(rtx, header, 1, 96);
        }
      },
    },
  ];
}

function feedbackStages(): MeasuredStage[] {
  const nack = new NackGenerator();
  const recorder = new ArrivalRecorder();
  const clock = {
    sequence: 0,
    nowUs: 0,
    /** The next packet's number; time goes on. */
    next(): number {
      this.nowUs += 4000;
      this.sequence = (this.sequence + 1) & 0xffff;
      return this.sequence;
    },
  };
  return [
    {
      name: "NACK generator",
      packets: 100,
      run: () => {
        for (let i = 0; i < 100; i++) nack.handlePacket(clock.next(), clock.nowUs);
      },
    },
    {
      name: "transport-wide arrivals noted",
      packets: 100,
      run: () => {
        for (let i = 0; i < 100; i++) recorder.handlePacket(clock.next(), clock.nowUs);
      },
    },
  ];
}

function fecStages(unit: Uint8Array, name: string, format: FecFormat): MeasuredStage[] {
  const picture = new Picture(unit);
  const encoder = new FecEncoder(format, SLOT_BYTES);
  const parity = new Uint8Array(2 * SLOT_BYTES);
  const encode = (): number => {
    for (let i = 0; i < picture.count; i++) encoder.add(picture.slab, i * SLOT_BYTES, picture.lengths[i]);
    return encoder.finish(parity, 0);
  };
  const decoder = new FecDecoder({ format, ssrc: 1 });
  const repaired = new Uint8Array(SLOT_BYTES);
  return [
    {
      name: `${name}: parity of a picture`,
      packets: picture.count,
      run: () => {
        picture.renumber();
        encode();
      },
    },
    {
      name: `${name}: parity, and one packet of a picture repaired`,
      packets: picture.count,
      run: () => {
        picture.renumber();
        const bytes = encode();
        for (let i = 1; i < picture.count; i++)
          decoder.handlePacket(picture.slab, i * SLOT_BYTES, picture.lengths[i]);
        decoder.handleParity(parity, 0, bytes);
        if (decoder.poll(repaired) !== picture.lengths[0]) throw new Error("the packet was not repaired");
      },
    },
  ];
}

/** Sound of 80 bytes a packet. */
function redStage(): MeasuredStage {
  const packets = 50;
  const sound = new Uint8Array(80).fill(0x55);
  const payload = new Uint8Array(SLOT_BYTES);
  const writer = new RedWriter(1);
  const reader = new RedReader();
  let timestamp = 0;
  return {
    name: "RED: sound with a copy of what went before, written and read",
    packets,
    run: () => {
      for (let i = 0; i < packets; i++) {
        timestamp = (timestamp + 960) >>> 0;
        const bytes = writer.write(sound, 0, sound.length, 111, timestamp, payload, 0, SLOT_BYTES);
        if (!reader.parse(payload, 0, bytes)) throw new Error("it was not read");
      }
    },
  };
}

/** The packets themselves, for another stack's stages. */
export function plainPackets(): Uint8Array[] {
  const { slab, lengths } = new Picture(accessUnit());
  return lengths.map((length, i) => slab.slice(i * SLOT_BYTES, i * SLOT_BYTES + length));
}

export function mediaStages(): MeasuredStage[] {
  const unit = accessUnit();
  const picture = new Picture(unit);
  return [
    packetizeStage(unit, picture.count),
    depacketizeStage(unit),
    ...srtpStages(unit),
    jitterStage(unit),
    ...rtxStages(unit, picture),
    ...feedbackStages(),
    ...fecStages(unit, "ULPFEC", "ulpfec"),
    ...fecStages(unit, "FlexFEC", "flexfec"),
    redStage(),
    chainStage(picture, 1),
    chainStage(picture, 4),
  ];
}

export interface StageFigures {
  readonly name: string;
  /** Of each round. */
  readonly nsPerPacket: readonly number[];
  /** On V8's heap; the least of the rounds, since what else the process does adds to it. */
  readonly bytesPerPacket: number;
}

const ROUND_MS = 60;

/** Measures the stages in turn, round after round. `gc` empties the heap before allocation is counted. */
export function measureStages(
  stages: readonly MeasuredStage[],
  rounds: number,
  gc: () => void,
): StageFigures[] {
  for (const stage of stages) timeRound(stage);
  const times = stages.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, stage] of stages.entries()) times[i].push(timeRound(stage));
  }
  return stages.map((stage, i) => ({
    name: stage.name,
    nsPerPacket: times[i],
    bytesPerPacket: Math.min(...Array.from({ length: 5 }, () => allocated(stage, gc))),
  }));
}

function timeRound({ run, packets }: MeasuredStage): number {
  const startNs = process.hrtime.bigint();
  let runs = 0;
  let tookNs = 0;
  for (; tookNs < ROUND_MS * 1e6; runs += 20) {
    for (let i = 0; i < 20; i++) run();
    tookNs = Number(process.hrtime.bigint() - startNs);
  }
  return tookNs / (runs * packets);
}

/** Few enough runs that the young generation holds what they allocate, so that nothing is collected in between. */
function allocated({ run, packets }: MeasuredStage, gc: () => void): number {
  const runs = Math.ceil(4000 / packets);
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < runs; i++) run();
  return Math.max(0, process.memoryUsage().heapUsed - before) / (runs * packets);
}
