/**
 * `npm run bench -- packets`: what one RTP packet costs on its way through the protocol cores, in JavaScript alone (no
 * SRTP, no socket). An access unit of 9 packets, as a frame of 2 Mbit/s at 30 a second makes them.
 */
import Benchmark from "benchmark";
import { H264Depacketizer } from "../src/protocol/h264/depacketizer.js";
import { H264Packetizer } from "../src/protocol/h264/packetizer.js";
import { VideoJitterBuffer } from "../src/protocol/jitter/video_jitter_buffer.js";
import { seededRandom } from "../src/protocol/primitives/random.js";
import { ReceiveStatistics } from "../src/protocol/rtp/receive_statistics.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../src/protocol/rtp/rtp_header.js";

const MAX_PAYLOAD = 1100;
const UNIT_BYTES = 9 * 1000;
const FRAME_US = 33_333;
const FRAME_TICKS = 3000;

/** A picture's access unit with its parameter sets, so that every one can start a stream. */
function accessUnit(): Uint8Array {
  const body = seededRandom(1)
    .bytes(UNIT_BYTES)
    .map((byte) => byte | 1);
  const startCode = [0, 0, 0, 1];
  const sps = [0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01];
  return Uint8Array.from([
    ...startCode,
    ...sps,
    ...startCode,
    0x68,
    0xce,
    0x3c,
    0x80,
    ...startCode,
    0x65,
    ...body,
  ]);
}

/** The packets of one access unit in a slab, their lengths beside it; sequence number and timestamp can be rewritten. */
class Sender {
  readonly slab = new Uint8Array(64 * 1500);
  readonly lengths: number[] = [];
  readonly #packetizer = new H264Packetizer();
  readonly #fields = { marker: false, payloadType: 102, sequenceNumber: 0, timestamp: 0, ssrc: 0x1234 };

  packetize(unit: Uint8Array): number {
    this.lengths.length = 0;
    this.#packetizer.start(unit, MAX_PAYLOAD, 1);
    for (;;) {
      const offset = this.lengths.length * 1500;
      const header = writeRtpHeader(this.slab, offset, this.#fields);
      const payload = this.#packetizer.next(this.slab, offset + header);
      if (payload === 0) break;
      if (this.#packetizer.isLast) this.slab[offset + 1] |= 0x80;
      this.lengths.push(header + payload);
      this.#fields.sequenceNumber = (this.#fields.sequenceNumber + 1) & 0xffff;
    }
    this.#fields.timestamp = (this.#fields.timestamp + FRAME_TICKS) >>> 0;
    return this.lengths.length;
  }
}

export async function run(): Promise<void> {
  const unit = accessUnit();
  const sender = new Sender();
  const packets = sender.packetize(unit);
  const header = new RtpHeader();
  const jitter = new VideoJitterBuffer({ assembler: new H264Depacketizer() });
  const statistics = new ReceiveStatistics({ clockRate: 90_000 });
  const out = new Uint8Array(1 << 17);
  let nowUs = 0;
  let units = 0;
  const receive = () => {
    nowUs += FRAME_US;
    for (let i = 0; i < sender.lengths.length; i++) {
      const packet = sender.slab.subarray(i * 1500, i * 1500 + sender.lengths[i]);
      parseRtp(packet, 0, packet.length, header);
      statistics.update(header.sequenceNumber, header.timestamp, nowUs, packet.length, true);
      jitter.insert(packet, header, nowUs);
    }
    if (jitter.pollAccessUnit(out, nowUs)) units++;
  };
  process.stdout.write(`an access unit of ${unit.length} bytes makes ${packets} packets\n`);
  const rounds = new Benchmark.Suite()
    .add("packetize (RFC 6184) and write headers", () => sender.packetize(unit))
    .add("the same, then parse, count, reorder and assemble", () => {
      sender.packetize(unit);
      receive();
    });
  rounds.on("cycle", ({ target }: Benchmark.Event) => {
    const { name, stats } = target as { readonly name?: string; readonly stats?: Benchmark.Stats };
    const nsPerPacket = ((stats?.mean ?? 0) * 1e9) / packets;
    const line = `${(name ?? "").padEnd(52)}${nsPerPacket.toFixed(0).padStart(7)} ns a packet ±${stats?.rme.toFixed(1)} %`;
    process.stdout.write(`${line}\n`);
  });
  await new Promise((done) => rounds.on("complete", done).run({ async: true }));
  if (units === 0) throw new Error("no access unit came out: what was measured is not the way of a frame");
}
