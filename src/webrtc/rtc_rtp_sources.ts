import type { LastReceived } from "../media/transport_api.js";
import { UNIX_EPOCH_IN_NTP } from "../protocol/rtp/ntp.js";
import { unixMs } from "./internals.js";

/** A source that contributed to what was played (WebRTC 1.0 §5.3.1). */
export interface RTCRtpContributingSource {
  /** When it last did: milliseconds since 1970. */
  readonly timestamp: number;
  readonly source: number;
  readonly rtpTimestamp: number;
  /** 0 to 1, where the sender tells it (RFC 6464). */
  readonly audioLevel?: number;
  /** webrtc-extensions: when it was captured, milliseconds since 1900 by the capturer's clock, where the sender tells it. */
  readonly captureTimestamp?: number;
  /** The capturer's clock minus the sender's, milliseconds, where the sender tells it. */
  readonly senderCaptureTimeOffset?: number;
}

export type RTCRtpSynchronizationSource = RTCRtpContributingSource;

/** What a stream's newest packet says. */
export function synchronizationSource(last: LastReceived): RTCRtpSynchronizationSource {
  const { ssrc, rtpTimestamp, receivedUs, audioLevel, captureUnixUs, captureOffsetUs } = last;
  return {
    source: ssrc,
    rtpTimestamp,
    timestamp: unixMs(receivedUs),
    // RFC 6464 §3: dB below the loudest; WebRTC 1.0 §5.3.1: linear, and 127 is silence.
    ...(audioLevel >= 0 && { audioLevel: audioLevel === 127 ? 0 : 10 ** (-audioLevel / 20) }),
    ...(captureUnixUs > 0 && { captureTimestamp: UNIX_EPOCH_IN_NTP * 1000 + captureUnixUs / 1000 }),
    ...(captureUnixUs > 0 &&
      !Number.isNaN(captureOffsetUs) && { senderCaptureTimeOffset: captureOffsetUs / 1000 }),
  };
}
