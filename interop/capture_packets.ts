/**
 * An interceptor that keeps what comes in as it came, decrypted: for capture.ts. It runs in the receiver's thread; where it writes is in
 * the environment.
 */
import { RtpDumpFileWriter } from "../src/media/files/index.js";
import type { InterceptedStream, RtpInterceptor } from "../src/media/interceptors/interceptor.js";

/** Some seconds of a small picture; a second of sound. */
const MOST_BYTES = { video: 48_000, audio: 6_000 } as const;

export default function keepPackets({ direction, kind }: InterceptedStream): RtpInterceptor | undefined {
  const prefix = process.env.ROOMRTC_CAPTURE;
  if (direction !== "in" || prefix === undefined) return undefined;
  let writer: RtpDumpFileWriter | undefined;
  let bytes = 0;
  return {
    packet(packet, nowUs) {
      if (bytes >= MOST_BYTES[kind]) return true;
      bytes += packet.length;
      writer ??= new RtpDumpFileWriter(`${prefix}${kind}.rtpdump`, nowUs);
      writer.write(packet.bytes.subarray(packet.offset, packet.offset + packet.length), nowUs);
      if (bytes >= MOST_BYTES[kind]) writer.close();
      return true;
    },
  };
}
