/** A source that contributed to what was played (WebRTC 1.0 §5.3.1). */
export interface RTCRtpContributingSource {
  /** When it last did: milliseconds since 1970. */
  readonly timestamp: number;
  readonly source: number;
  readonly rtpTimestamp: number;
  /** 0 to 1, where the sender tells it (RFC 6464). */
  readonly audioLevel?: number;
}

export type RTCRtpSynchronizationSource = RTCRtpContributingSource;
