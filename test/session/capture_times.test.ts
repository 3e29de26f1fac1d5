import assert from "node:assert/strict";
import { CaptureTimes } from "../../src/media/session/capture_times.js";
import { ReceiveCounters } from "../../src/media/session/stream_counters.js";
import { HeaderExtensionWriter } from "../../src/protocol/rtp/extension_writer.js";
import { type NtpTime, unixUsToNtp } from "../../src/protocol/rtp/ntp.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";

const ID = 4;
const CLOCK_RATE = 90_000;
const CAPTURED_US = 1_800_000_000_000_000;

/** abs-capture-time; with an offset in the long form. */
function captureTime(unixUs: number, offset?: readonly [seconds: number, fraction: number]): Uint8Array {
  const ntp: NtpTime = { seconds: 0, fraction: 0 };
  unixUsToNtp(unixUs, ntp);
  const view = new DataView(new ArrayBuffer(offset === undefined ? 8 : 16));
  [ntp.seconds, ntp.fraction, ...(offset ?? [])].forEach((word, i) => {
    view.setUint32(4 * i, word);
  });
  return new Uint8Array(view.buffer);
}

describe("capture times of a stream", () => {
  let times: CaptureTimes;
  const counters = new Float64Array(ReceiveCounters.words);
  beforeEach(() => {
    times = new CaptureTimes();
  });

  /** When the packet was captured, and the clock's offset. */
  function note(timestamp: number, told?: Uint8Array): [capturedUs: number, offsetUs: number] {
    const extensions = new HeaderExtensionWriter();
    if (told !== undefined) extensions.addBytes(ID, told);
    const bytes = new Uint8Array(200);
    const fields = { marker: false, payloadType: 96, sequenceNumber: 1, timestamp, ssrc: 3 };
    const header = new RtpHeader();
    assert.ok(parseRtp(bytes, 0, writeRtpHeader(bytes, 0, fields, extensions), header));
    times.note(bytes, header, ID, CLOCK_RATE, counters);
    return [counters[ReceiveCounters.captureUnixUs], counters[ReceiveCounters.captureOffsetUs]];
  }

  it("are those of the packets that tell them, and by RTP time of those between, over its wrap", () => {
    assert.deepEqual(note(0xffffffff - 3599), [0, Number.NaN]);
    assert.deepEqual(note(0xffffffff - 3599, captureTime(CAPTURED_US)), [CAPTURED_US, Number.NaN]);
    assert.deepEqual(note(0), [CAPTURED_US + 40_000, Number.NaN]);
    assert.deepEqual(note(0xffffffff - 7199), [CAPTURED_US - 40_000, Number.NaN]);
  });

  it("come with the offset of the capturer's clock from the sender's, negative too", () => {
    const told = captureTime(CAPTURED_US, [0xffffffff, 0x80000000]);
    assert.deepEqual(note(0, told), [CAPTURED_US, -500_000]);
    assert.deepEqual(note(900), [CAPTURED_US + 10_000, -500_000]);
  });

  it("are not guessed when none was told for long", () => {
    note(0, captureTime(CAPTURED_US));
    assert.deepEqual(note(5 * CLOCK_RATE), [CAPTURED_US + 5e6, Number.NaN]);
    assert.deepEqual(note(5 * CLOCK_RATE + 1), [0, Number.NaN]);
  });
});
