/** Payloads of every picture format put together: never more bytes than came in, never beyond the room given. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Av1Depacketizer } from "../../../src/protocol/av1/depacketizer.js";
import { isAv1Keyframe, ObuReader } from "../../../src/protocol/av1/obu.js";
import { H264Depacketizer } from "../../../src/protocol/h264/depacketizer.js";
import { AnnexBReader, isKeyframe } from "../../../src/protocol/h264/nal_unit.js";
import { H264QuantizerReader } from "../../../src/protocol/h264/quantizer.js";
import { findSps } from "../../../src/protocol/h264/sps.js";
import { H265Depacketizer } from "../../../src/protocol/h265/depacketizer.js";
import { isH265Keyframe } from "../../../src/protocol/h265/nal_unit.js";
import type { AccessUnitAssembler } from "../../../src/protocol/rtp/payload_format.js";
import { parseRtp, RtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { Vp8Depacketizer } from "../../../src/protocol/vp8/depacketizer.js";
import { parseVp8FrameHeader } from "../../../src/protocol/vp8/frame_header.js";
import { vp8QuantizerOf } from "../../../src/protocol/vp8/quantizer.js";
import { Vp9Depacketizer } from "../../../src/protocol/vp9/depacketizer.js";
import { parseVp9FrameHeader, Vp9FrameHeader } from "../../../src/protocol/vp9/frame_header.js";
import { datagramsOf, type FuzzTarget, inputsIn, joinDatagrams, root } from "../target.js";
import { recordedPackets } from "./rtp.js";

const ROOM = 3000;
const CANARY = 0xa5;
const out = new Uint8Array(ROOM + 64);
const h264 = new H264Depacketizer();
const h265 = new H265Depacketizer();
const vp8 = new Vp8Depacketizer();
const vp9 = new Vp9Depacketizer();
const quantizers = new H264QuantizerReader();
const vp9Header = new Vp9FrameHeader();
const av1 = new Av1Depacketizer();

/** @returns bytes of the frame, 0: none came of it */
function assemble(assembler: AccessUnitAssembler, payloads: readonly Uint8Array[]): number {
  out.fill(CANARY);
  assembler.start(out.subarray(0, ROOM), 16);
  let given = 0;
  for (const payload of payloads) {
    const traits = assembler.inspect(payload, 0, payload.length);
    assert.ok(traits >= 0 && traits < 32);
    assembler.push(payload, 0, payload.length);
    // A start code for each two bytes of payload at most: an aggregated unit needs three.
    given += 3 * payload.length + 5;
  }
  const bytes = assembler.finish();
  assert.ok(bytes >= 0 && bytes <= ROOM - 16 && bytes <= given);
  assert.ok(
    out.subarray(ROOM).every((byte) => byte === CANARY),
    "written beyond the room",
  );
  assert.ok(
    out.subarray(0, 16).every((byte) => byte === CANARY),
    "written before the offset",
  );
  return bytes;
}

/** Its OBUs must add up. */
function readTemporalUnit(bytes: number): void {
  const obus = new ObuReader();
  obus.start(out, 16, bytes);
  let count = 0;
  while (obus.next()) count++;
  assert.ok(!obus.damaged && count >= 2);
  isAv1Keyframe(out, 16, bytes);
}

function readAccessUnit(bytes: number): void {
  const unit = out.subarray(16, 16 + bytes);
  const nals = new AnnexBReader();
  nals.start(unit);
  let count = 0;
  while (nals.next()) {
    assert.ok(nals.offset + nals.length <= unit.length);
    count++;
  }
  assert.ok(count >= 1);
  isKeyframe(unit);
  const quantizer = quantizers.read(unit);
  assert.ok(quantizer >= -1 && quantizer <= 51);
  const sps = findSps(unit);
  if (sps) assert.ok(sps.width <= 16_880 && sps.height <= 16_880 && sps.width >= 0 && sps.height >= 0);
}

/** The payloads of the first recorded frames. */
function recordedPayloads(): Uint8Array[] {
  const header = new RtpHeader();
  return recordedPackets(12).flatMap((packet) => {
    if (!parseRtp(packet, 0, packet.length, header)) return [];
    return [packet.slice(header.payloadOffset, header.payloadOffset + Math.min(header.payloadLength, 400))];
  });
}

export const target: FuzzTarget = {
  name: "depacketizers",
  sources: [
    "src/protocol/h264/depacketizer.ts",
    "src/protocol/h264/nal_unit.ts",
    "src/protocol/h264/sps.ts",
    "src/protocol/h264/pps.ts",
    "src/protocol/h264/quantizer.ts",
    "src/protocol/h264/bit_reader.ts",
    "src/protocol/h265/depacketizer.ts",
    "src/protocol/h265/nal_unit.ts",
    "src/protocol/vp8/",
    "src/protocol/vp9/depacketizer.ts",
    "src/protocol/vp9/descriptor.ts",
    "src/protocol/vp9/frame_header.ts",
    "src/protocol/av1/depacketizer.ts",
    "src/protocol/av1/obu.ts",
  ],
  maxBytes: 3000,
  seeds: () => {
    const payloads = recordedPayloads();
    const sps = Uint8Array.of(0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x8d, 0x40, 0x50, 0x1e, 0x90);
    const pps = Uint8Array.of(0x68, 0xce, 0x3c, 0x80);
    const stapA = Uint8Array.of(0x78, 0, sps.length, ...sps, 0, pps.length, ...pps);
    const fragments = [
      Uint8Array.of(0x7c, 0x85, 1, 2),
      Uint8Array.of(0x7c, 0x05, 3, 4),
      Uint8Array.of(0x7c, 0x45, 5),
    ];
    return [
      joinDatagrams([stapA, ...fragments]),
      ...payloads.map((payload) => joinDatagrams([payload])),
      joinDatagrams(payloads.slice(0, 4)),
      ...inputsIn(join(root, "test/fixtures/rtp")).map((file) => file.slice(0, 600)),
    ];
  },
  run(input) {
    const payloads = datagramsOf(input);
    const unit = assemble(h264, payloads);
    if (unit > 0) readAccessUnit(unit);
    const frame = assemble(vp8, payloads);
    if (frame > 0) assert.ok(parseVp8FrameHeader(out, 16, frame));
    const picture = assemble(vp9, payloads);
    if (picture > 0) parseVp9FrameHeader(out, 16, picture, vp9Header);
    const temporalUnit = assemble(av1, payloads);
    if (temporalUnit > 0) readTemporalUnit(temporalUnit);
    const h265Unit = assemble(h265, payloads);
    if (h265Unit > 0) isH265Keyframe(out, 16, h265Unit);
    parseVp8FrameHeader(input, 0, input.length);
    const quantizer = vp8QuantizerOf(input);
    assert.ok(quantizer >= -1 && quantizer <= 127);
    findSps(input);
  },
};
