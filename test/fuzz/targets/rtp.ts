/** RTP packets: header, extensions, RTX, RED, what Opus and telephone events say of themselves. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { opusPacketSamples } from "../../../src/protocol/opus/toc.js";
import { RedReader } from "../../../src/protocol/red/red.js";
import { HeaderExtensionWriter } from "../../../src/protocol/rtp/extension_writer.js";
import {
  readAbsCaptureTime,
  readAudioLevel,
  readCaptureClockOffsetUs,
  readPlayoutDelayUs,
  readTransportSequence,
  readVideoOrientation,
} from "../../../src/protocol/rtp/header_extensions.js";
import { isRtcp, parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { RtpDumpReader } from "../../../src/protocol/rtpdump/rtpdump.js";
import { unwrapRtx } from "../../../src/protocol/rtx/rtx.js";
import { readTelephoneEvent } from "../../../src/protocol/telephone_event/telephone_event.js";
import { type FuzzTarget, inputsIn, root } from "../target.js";

/** Packets of the recorded streams; their payloads cut short, for a corpus of small inputs. */
export function recordedPackets(limit: number): Uint8Array[] {
  const dumps = inputsIn(join(root, "test/fixtures/rtp")).filter((file) => file[0] === 0x23);
  return dumps.flatMap((file) => [...new RtpDumpReader(file)].slice(0, limit).map((record) => record.data));
}

const OFFSET = 3;
const header = new RtpHeader();
const original = new RtpHeader();
const red = new RedReader();
const tone = { event: 0, isEnd: false, duration: 0 };

function readExtensions(buf: Uint8Array, end: number): void {
  assert.ok(header.extensionCount <= 32);
  for (let index = 0; index < header.extensionCount; index++) {
    const id = header.extensionIdAt(index);
    assert.ok(
      header.extensionOffset(id) >= OFFSET && header.extensionOffset(id) + header.extensionLength(id) <= end,
    );
    readTransportSequence(buf, header, id);
    readAudioLevel(buf, header, id);
    readAbsCaptureTime(buf, header, id, 1);
    readCaptureClockOffsetUs(buf, header, id);
    readVideoOrientation(buf, header, id);
    assert.ok(readPlayoutDelayUs(buf, header, id, 0) <= 40_950_000);
  }
}

function readPayload(buf: Uint8Array, end: number): void {
  if (red.parse(buf, header.payloadOffset, header.payloadLength)) {
    for (let block = 0; block < red.count; block++) {
      assert.ok(red.offset(block) + red.length(block) <= header.payloadOffset + header.payloadLength);
    }
  }
  readSound(buf, header.payloadOffset, header.payloadLength);
  const at = unwrapRtx(buf, header, 0x1234, 96);
  if (at < 0) return;
  const length = header.payloadOffset + header.payloadLength - at;
  assert.ok(at >= OFFSET && at + length <= end);
  assert.ok(parseRtp(buf, at, length, original), "what RTX carried is a packet");
  assert.equal(original.ssrc, 0x1234);
  assert.equal(original.payloadLength, header.payloadLength - 2);
}

function readSound(buf: Uint8Array, offset: number, length: number): void {
  const samples = opusPacketSamples(buf, offset, length);
  // RFC 6716 §3.2.5: 120 ms at most; what claims more is not Opus.
  assert.ok(samples >= 0 && samples <= 5760, `${samples} samples`);
  readTelephoneEvent(buf, offset, length, tone);
}

/** With an extension of every kind there is. */
function extended(): Uint8Array {
  const buf = new Uint8Array(200);
  const writer = new HeaderExtensionWriter();
  writer.clear();
  writer.addBytes(1, Uint8Array.of(0x61));
  writer.addBytes(2, new Uint8Array(16).fill(3));
  writer.addU24(40, 0x123456);
  const bytes = writeRtpHeader(
    buf,
    0,
    { marker: true, payloadType: 96, sequenceNumber: 65535, timestamp: 1, ssrc: 2 },
    writer,
  );
  return buf.slice(0, bytes + 40);
}

export const target: FuzzTarget = {
  name: "rtp",
  sources: ["src/protocol/rtp/", "src/protocol/red/", "src/protocol/rtx/", "src/protocol/opus/toc.ts"],
  seeds: () => [...recordedPackets(3).map((packet) => packet.slice(0, 300)), extended()],
  run(input) {
    // Not at the beginning of its buffer, as in a slab.
    const buf = new Uint8Array(OFFSET + input.length + 5);
    buf.set(input, OFFSET);
    const end = OFFSET + input.length;
    isRtcp(buf, OFFSET, input.length);
    if (!parseRtp(buf, OFFSET, input.length, header)) return;
    assert.ok(header.payloadOffset >= OFFSET + 12);
    assert.equal(header.payloadOffset + header.payloadLength + header.paddingLength, end);
    for (let index = 0; index < header.csrcCount; index++) header.csrc(buf, index);
    readExtensions(buf, end);
    readPayload(buf, end);
  },
};
