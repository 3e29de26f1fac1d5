import { FeedbackFormat, RtcpType } from "../../src/protocol/rtcp/packets.js";
import type { RtcpWriter } from "../../src/protocol/rtcp/writer.js";

/** REMB (draft-alvestrand-rmcat-remb-03), which other ends write: 6 bits of exponent, 18 of mantissa. */
export function writeRemb(
  writer: RtcpWriter,
  from: number,
  bitrateBps: number,
  ssrcs: readonly number[],
): boolean {
  const at = writer.feedbackHead(RtcpType.psfb, FeedbackFormat.afb, from, 0, 8 + 4 * ssrcs.length);
  if (at < 0) return false;
  const exponent = Math.max(0, Math.ceil(Math.log2((bitrateBps + 1) / 2 ** 18)));
  const view = new DataView(writer.buffer.buffer, writer.buffer.byteOffset + at);
  view.setUint32(0, 0x52454d42);
  view.setUint32(4, ((ssrcs.length << 24) | (exponent << 18) | Math.floor(bitrateBps / 2 ** exponent)) >>> 0);
  ssrcs.forEach((ssrc, i) => {
    view.setUint32(8 + 4 * i, ssrc);
  });
  return true;
}
