import { H264Packetizer } from "../../../src/protocol/h264/packetizer.js";
import type { RandomSource } from "../../../src/protocol/primitives/random.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { writePadding } from "../../support/rtp_packets.js";
import { annexB, makeNal } from "../h264/nal_samples.js";

export interface SentFrame {
  readonly index: number;
  readonly keyframe: boolean;
  readonly accessUnit: Uint8Array;
  readonly timestamp: number;
  readonly packets: readonly Uint8Array[];
}

export interface VideoSourceOptions {
  readonly random: RandomSource;
  readonly firstSequence?: number;
  readonly firstTimestamp?: number;
  readonly maxPayload?: number;
  /** Bytes of a delta frame, at most. */
  readonly frameBytes?: number;
  /** Send SPS and PPS with every keyframe; true by default. */
  readonly parameterSets?: boolean;
  /** The marker bit of the last packet; true by default. */
  readonly markers?: boolean;
  /** A packet of padding alone after every n-th frame. */
  readonly paddingEvery?: number;
}

/** Makes numbered access units and the RTP packets that carry them. */
export class VideoSource {
  sequence: number;
  readonly frames: SentFrame[] = [];
  private readonly packetizer = new H264Packetizer();

  constructor(private readonly options: VideoSourceOptions) {
    this.sequence = options.firstSequence ?? 0;
  }

  next(keyframe: boolean, bytes?: number): SentFrame {
    const { random } = this.options;
    const index = this.frames.length;
    const timestamp = ((this.options.firstTimestamp ?? 0) + index * 3000) % 2 ** 32;
    const size = bytes ?? 2 + (random.uint32() % (this.options.frameBytes ?? 600));
    const slice = makeNal(random, keyframe ? 0x65 : 0x41, keyframe ? size * 3 : size);
    // first_mb_in_slice = 0
    slice[1] |= 0x80;
    const nals = [slice];
    if (keyframe && this.options.parameterSets !== false)
      nals.unshift(makeNal(random, 0x67, 11), makeNal(random, 0x68, 4));
    const accessUnit = annexB(nals);
    const frame = { index, keyframe, accessUnit, timestamp, packets: this.packetize(accessUnit, timestamp) };
    this.frames.push(frame);
    const every = this.options.paddingEvery ?? 0;
    if (every > 0 && index % every === every - 1) frame.packets.push(this.padding(timestamp));
    return frame;
  }

  private packetize(accessUnit: Uint8Array, timestamp: number): Uint8Array[] {
    const max = this.options.maxPayload ?? 100;
    this.packetizer.start(accessUnit, max, 1);
    const out: Uint8Array[] = [];
    for (;;) {
      const buf = new Uint8Array(12 + max);
      const n = this.packetizer.next(buf, 12);
      if (n === 0) return out;
      this.writeHeader(buf, timestamp, this.packetizer.isLast && this.options.markers !== false);
      out.push(buf.subarray(0, 12 + n));
    }
  }

  private padding(timestamp: number): Uint8Array {
    const buf = new Uint8Array(12 + 20);
    this.writeHeader(buf, timestamp, false);
    writePadding(buf, 0, 12, 20);
    return buf;
  }

  private writeHeader(buf: Uint8Array, timestamp: number, marker: boolean): void {
    writeRtpHeader(buf, 0, { marker, payloadType: 96, sequenceNumber: this.sequence, timestamp, ssrc: 1 });
    this.sequence = (this.sequence + 1) & 0xffff;
  }
}

export function headerOf(packet: Uint8Array, into = new RtpHeader()): RtpHeader {
  if (!parseRtp(packet, 0, packet.length, into)) throw new Error("the test made a bad packet");
  return into;
}
