/** The sources of one stream (RFC 3550 §3): of the packets, of their repetitions (RFC 4588), and of their parity (RFC 8627). */
export interface StreamSource {
  readonly ssrc: number;
  readonly rtxSsrc: number;
  readonly paritySsrc: number;
}
