import { codecOfNumber } from "../../media/codecs/codec_name.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { eventTarget } from "../event_target.js";
import { MediaStreamTrack } from "../media_stream_track.js";
import { askRemoteKeyframe, watchRemotePackets } from "../track_output.js";
import { defineInterface } from "../web_idl.js";

/** A received packet. */
export interface RTPPacketInit {
  /** Whole, in memory of its own. */
  readonly packet: Uint8Array;
  /** The format's mime type, "video/VP8". */
  readonly mimeType: string;
  /** When it came, on the clock of `performance.now()` counted from 1970, ms. */
  readonly arrivalTime: number;
}

export class RTPPacketEvent extends Event implements RTPPacketInit {
  readonly packet: Uint8Array;
  readonly mimeType: string;
  readonly arrivalTime: number;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly marker: boolean;
  /** A view of the packet: without header and padding. */
  readonly payload: Uint8Array;

  constructor(init: RTPPacketInit, header: RtpHeader) {
    super("packet");
    this.packet = init.packet;
    this.mimeType = init.mimeType;
    this.arrivalTime = init.arrivalTime;
    this.payloadType = header.payloadType;
    this.sequenceNumber = header.sequenceNumber;
    this.timestamp = header.timestamp;
    this.ssrc = header.ssrc;
    this.marker = header.marker;
    this.payload = init.packet.subarray(header.payloadOffset, header.payloadOffset + header.payloadLength);
  }
}

/** Fires `packet` for every RTP packet of a peer's track, in the order in which they come: what was sent again comes late. */
export class RTPTrackSink extends eventTarget<{ packet: RTPPacketEvent }>() {
  readonly #track: MediaStreamTrack;
  readonly #header = new RtpHeader();
  #stop: (() => void) | undefined;

  constructor(track: MediaStreamTrack) {
    super();
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("RTPTrackSink takes a MediaStreamTrack");
    this.#track = track;
    this.#stop = watchRemotePackets(track, (bytes, codec, arrivalTime) => {
      const packet = bytes.slice();
      if (!parseRtp(packet, 0, packet.length, this.#header)) return;
      const mimeType = `${track.kind}/${codecOfNumber(codec)}`;
      this.dispatchEvent(new RTPPacketEvent({ packet, mimeType, arrivalTime }, this.#header));
    });
  }

  /** Asks the peer for a keyframe. */
  requestKeyframe(): void {
    askRemoteKeyframe(this.#track);
  }

  get stopped(): boolean {
    return this.#stop === undefined;
  }

  /** No event follows. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
defineInterface(RTPTrackSink, { handlers: ["packet"], length: 1 });
