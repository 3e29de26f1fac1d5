/** The sources of one stream (RFC 3550 §3): of the packets, and of their repetitions (RFC 4588). */
export interface StreamSource {
  readonly ssrc: number;
  readonly rtxSsrc: number;
}
