import { type SrtpContext, SrtpError } from "../../../native/addon.js";
import { isSoundCompound } from "../../protocol/rtcp/parser.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { nameOf } from "../transport_api.js";
import type { MediaReceiver } from "./media_receiver.js";
import type { PeerLiveness } from "./peer_liveness.js";
import type { DiscardKind } from "./stream_counters.js";
import type { ReceivedDatagram, TransportOutputs } from "./transport_outputs.js";

/** SRTP that overtook the end of the handshake is kept for a moment: this many packets. */
const EARLY_PACKETS = 32;

/** A packet that came before its key. */
export interface EarlyPacket {
  readonly bytes: Uint8Array;
  readonly arrivalUs: number;
}

/** Takes SRTP and SRTCP: unprotects them in place and hands them on. */
export class SrtpReceiver {
  readonly #media: MediaReceiver;
  readonly #liveness: PeerLiveness;
  readonly #outputs: TransportOutputs;
  readonly #header = new RtpHeader();
  readonly #early: EarlyPacket[] = [];
  #srtp: SrtpContext | undefined;

  constructor(media: MediaReceiver, liveness: PeerLiveness, outputs: TransportOutputs) {
    this.#media = media;
    this.#liveness = liveness;
    this.#outputs = outputs;
  }

  useKeys(srtp: SrtpContext): void {
    this.#srtp = srtp;
  }

  get hasKeys(): boolean {
    return this.#srtp !== undefined;
  }

  get hasEarlyRoom(): boolean {
    return this.#early.length < EARLY_PACKETS;
  }

  keepEarly({ bytes, offset, length, arrivalUs }: ReceivedDatagram): void {
    this.#early.push({ bytes: bytes.slice(offset, offset + length), arrivalUs });
  }

  takeEarly(): EarlyPacket[] {
    return this.#early.splice(0);
  }

  handleRtp(datagram: ReceivedDatagram): void {
    const { bytes, offset, arrivalUs } = datagram;
    if (this.#srtp === undefined) return;
    const length = this.#srtp.unprotectRtp(bytes, offset, datagram.length);
    if (length < 0) {
      this.#outputs.discardFrom(rtpErrorKind(length), datagram);
      return;
    }
    if (!parseRtp(bytes, offset, length, this.#header)) {
      this.#outputs.discardFrom("rtp-malformed", datagram);
      return;
    }
    this.#liveness.heard(arrivalUs);
    const problem = this.#media.handlePacket(bytes, this.#header, length, arrivalUs);
    if (problem !== undefined) this.#outputs.discardFrom(problem, datagram);
    else if (this.#media.startedStream !== undefined) this.#tellStarted(arrivalUs);
  }

  #tellStarted(nowUs: number): void {
    const stream = this.#media.startedStream;
    this.#media.startedStream = undefined;
    if (stream === undefined) return;
    this.#liveness.start(nowUs);
    const { ssrc, options } = stream;
    this.#outputs.notice({ event: "streamstarted", args: [{ ...nameOf(options), ssrc }] });
  }

  handleRtcp(datagram: ReceivedDatagram): void {
    const { bytes, offset, arrivalUs } = datagram;
    if (this.#srtp === undefined) {
      this.#outputs.discardFrom("rtcp-before-keys", datagram);
      return;
    }
    const length = this.#srtp.unprotectRtcp(bytes, offset, datagram.length);
    if (length < 0) {
      this.#outputs.discardFrom(rtcpErrorKind(length), datagram);
      return;
    }
    this.#liveness.heard(arrivalUs);
    if (!isSoundCompound(bytes, offset, offset + length)) {
      this.#outputs.discardFrom("rtcp-malformed", datagram);
      return;
    }
    this.#media.handleCompound(bytes, offset, length, arrivalUs);
  }

  close(): void {
    this.#srtp?.close();
    this.#srtp = undefined;
    this.#early.length = 0;
  }
}

function rtpErrorKind(error: number): DiscardKind {
  if (error === SrtpError.replay) return "rtp-replay";
  return error === SrtpError.authentication ? "rtp-authentication" : "rtp-malformed";
}

function rtcpErrorKind(error: number): DiscardKind {
  if (error === SrtpError.replay) return "rtcp-replay";
  return error === SrtpError.authentication ? "rtcp-authentication" : "rtcp-malformed";
}
