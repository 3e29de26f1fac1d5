/** The RTP payload format of each picture codec. */
import { Av1Depacketizer } from "../../protocol/av1/depacketizer.js";
import { Av1Packetizer } from "../../protocol/av1/packetizer.js";
import { H264Depacketizer } from "../../protocol/h264/depacketizer.js";
import { H264Packetizer } from "../../protocol/h264/packetizer.js";
import { H265Depacketizer } from "../../protocol/h265/depacketizer.js";
import { H265Packetizer } from "../../protocol/h265/packetizer.js";
import type { RandomSource } from "../../protocol/primitives/random.js";
import type { AccessUnitAssembler, FramePacketizer } from "../../protocol/rtp/payload_format.js";
import { Vp8Depacketizer } from "../../protocol/vp8/depacketizer.js";
import { Vp8Packetizer } from "../../protocol/vp8/packetizer.js";
import { Vp9Depacketizer } from "../../protocol/vp9/depacketizer.js";
import { Vp9Packetizer } from "../../protocol/vp9/packetizer.js";
import type { VideoFormatName } from "../codecs/codec_name.js";

export interface PacketizerOptions {
  /** H.264's packetization mode (RFC 6184 §6.2). */
  readonly mode: 0 | 1;
  readonly random: RandomSource;
}

class H264Frames extends H264Packetizer implements FramePacketizer {
  constructor(private readonly packetizationMode: 0 | 1) {
    super();
  }

  begin(frame: Uint8Array, length: number, maxPayload: number): boolean {
    return this.start(frame, maxPayload, this.packetizationMode, 0, length);
  }
}

class Vp8Frames extends Vp8Packetizer implements FramePacketizer {
  begin(frame: Uint8Array, length: number, maxPayload: number): boolean {
    this.start(frame, maxPayload, false, 0, length);
    return true;
  }
}

const packetizers: Readonly<Record<VideoFormatName, (options: PacketizerOptions) => FramePacketizer>> = {
  H264: ({ mode }) => new H264Frames(mode),
  // RFC 7741 §4.2: the picture id begins at random.
  VP8: ({ random }) => new Vp8Frames(random.uint32() & 0x7fff),
  VP9: ({ random }) => new Vp9Packetizer(random.uint32() & 0x7fff),
  AV1: () => new Av1Packetizer(),
  H265: () => new H265Packetizer(),
};

const assemblers: Readonly<Record<VideoFormatName, () => AccessUnitAssembler>> = {
  H264: () => new H264Depacketizer(),
  VP8: () => new Vp8Depacketizer(),
  VP9: () => new Vp9Depacketizer(),
  AV1: () => new Av1Depacketizer(),
  H265: () => new H265Depacketizer(),
};

export function packetizerOf(codec: VideoFormatName, options: PacketizerOptions): FramePacketizer {
  return packetizers[codec](options);
}

export function assemblerOf(codec: VideoFormatName): AccessUnitAssembler {
  return assemblers[codec]();
}
