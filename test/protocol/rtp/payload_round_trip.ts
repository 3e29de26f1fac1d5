/** Frames through a packetizer and back through an assembler. */
import { readFileSync } from "node:fs";
import type { AccessUnitAssembler, FramePacketizer } from "../../../src/protocol/rtp/payload_format.js";
import { parseRtp, RtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { RtpDumpReader } from "../../../src/protocol/rtpdump/rtpdump.js";

/** A file of test/fixtures/rtp; compiled tests lie one folder deeper. */
export function rtpFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../../test/fixtures/rtp/${name}`, import.meta.url)));
}

/** All payloads of one frame, written at an offset; the marker must come with the last one and no other. */
export function payloadsOf(packetizer: FramePacketizer, frame: Uint8Array, max: number): Uint8Array[] {
  const padded = new Uint8Array(frame.length + 10);
  padded.set(frame);
  if (!packetizer.begin(padded, frame.length, max)) return [];
  const target = new Uint8Array(max + 7);
  const out: Uint8Array[] = [];
  for (let n = packetizer.next(target, 7); n > 0; n = packetizer.next(target, 7)) {
    if (n > max) throw new Error(`a payload of ${n} bytes, asked for were ${max}`);
    out.push(target.slice(7, 7 + n));
    if (packetizer.isLast) break;
  }
  if (packetizer.next(target, 7) !== 0) throw new Error("a payload behind the last");
  return out;
}

/** What the assembler makes of payloads, at an offset; empty: it refused. */
export function assembled(
  assembler: AccessUnitAssembler,
  payloads: readonly Uint8Array[],
  room = 1 << 20,
): Uint8Array {
  const out = new Uint8Array(room + 3);
  assembler.start(out, 3);
  for (const payload of payloads) {
    const shifted = new Uint8Array(payload.length + 9);
    shifted.set(payload, 5);
    assembler.push(shifted, 5, payload.length);
  }
  return out.slice(3, 3 + assembler.finish());
}

/** The payloads of a capture, frame by frame as markers end them. */
export function capturedFrames(name: string): Uint8Array[][] {
  const header = new RtpHeader();
  const frames: Uint8Array[][] = [[]];
  for (const { data } of new RtpDumpReader(rtpFixture(name))) {
    if (!parseRtp(data, 0, data.length, header)) throw new Error("not RTP");
    frames[frames.length - 1].push(
      data.slice(header.payloadOffset, header.payloadOffset + header.payloadLength),
    );
    if (header.marker) frames.push([]);
  }
  return frames.filter((frame) => frame.length > 0);
}
