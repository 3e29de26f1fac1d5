import assert from "node:assert/strict";
import { HeaderExtensionWriter } from "../../../src/protocol/rtp/extension_writer.js";
import {
  absSendTimeFromUs,
  extensionEquals,
  readAbsCaptureTime,
  readAudioLevel,
  readCaptureClockOffsetUs,
  readTransportSequence,
} from "../../../src/protocol/rtp/header_extensions.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";

function packetWith(add: (ext: HeaderExtensionWriter) => void): { buf: Uint8Array; header: RtpHeader } {
  const ext = new HeaderExtensionWriter();
  add(ext);
  const buf = new Uint8Array(200);
  const fields = { marker: false, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3 };
  const length = writeRtpHeader(buf, 0, fields, ext);
  const header = new RtpHeader();
  assert.ok(parseRtp(buf, 0, length, header));
  return { buf, header };
}

describe("extension values", () => {
  it("are compared without making a string", () => {
    const mid = new TextEncoder().encode("video0");
    const { buf, header } = packetWith((ext) => ext.addBytes(1, mid));
    assert.ok(extensionEquals(buf, header, 1, mid));
    assert.ok(!extensionEquals(buf, header, 1, mid.subarray(1)));
    assert.ok(!extensionEquals(buf, header, 2, mid));
  });

  it("read numbers, and -1 where the extension is absent or misshapen", () => {
    const { buf, header } = packetWith((ext) => {
      ext.addU16(1, 65535);
      ext.addU8(3, 0x80 | 30);
      ext.addU64(4, 0xe0000000, 0x80000000);
      ext.addU8(5, 1);
    });
    assert.equal(readTransportSequence(buf, header, 1), 65535);
    assert.equal(readAudioLevel(buf, header, 3), 158);
    assert.equal(readAbsCaptureTime(buf, header, 4, 0), 0xe0000000);
    assert.equal(readAbsCaptureTime(buf, header, 4, 1), 0x80000000);
    assert.ok(Number.isNaN(readCaptureClockOffsetUs(buf, header, 4)), "the short form has no offset");
    assert.equal(readTransportSequence(buf, header, 5), -1);
    assert.equal(readAbsCaptureTime(buf, header, 5, 0), -1);
    assert.equal(readAudioLevel(buf, header, 9), -1);
  });

  it("read a negative capture clock offset", () => {
    const value = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0);
    const { buf, header } = packetWith((ext) => ext.addBytes(4, value));
    assert.equal(readCaptureClockOffsetUs(buf, header, 4), -500_000);
  });

  it("turn time into 6.18 seconds that wrap after 64", () => {
    assert.equal(absSendTimeFromUs(0), 0);
    assert.equal(absSendTimeFromUs(1e6), 1 << 18);
    assert.equal(absSendTimeFromUs(64e6), 0);
    assert.equal(absSendTimeFromUs(63_999_999.9), 0xffffff);
  });
});
