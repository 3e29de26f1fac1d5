import { HeaderExtensionWriter } from "../../protocol/rtp/extension_writer.js";
import { type NtpTime, unixUsToNtp } from "../../protocol/rtp/ntp.js";
import type { PlayoutDelay, SendStreamOptions } from "../transport_api.js";
import type { EncodedFrame } from "./encoded_frame.js";

/**
 * What the packets of one stream say in header extensions (RFC 8285): the same for all of a frame's, but for what is filled in when they leave
 * ({@link DepartureStamps}).
 */
export class PacketExtensions {
  /** The elements of the packet at hand. */
  readonly writer = new HeaderExtensionWriter();
  readonly #stream: SendStreamOptions;
  readonly #wallOffsetUs: number;
  readonly #mid: Uint8Array;
  /** RFC 8852: told in every packet of a layer, which no description names a source for. */
  readonly #rid: Uint8Array | undefined;
  /** As it was told last; undefined: never. */
  #quarterTurns: number | undefined;
  /** What the peer is asked for, as the extension writes it; -1: nothing. */
  readonly #playoutDelay: number;
  readonly #ntp: NtpTime = { seconds: 0, fraction: 0 };

  constructor(stream: SendStreamOptions, wallOffsetUs: number) {
    const { mid, layer, playoutDelay } = stream;
    this.#stream = stream;
    this.#wallOffsetUs = wallOffsetUs;
    this.#mid = new TextEncoder().encode(mid);
    this.#rid = layer === undefined ? undefined : new TextEncoder().encode(layer);
    this.#playoutDelay = playoutDelay === undefined ? -1 : playoutDelayWord(playoutDelay);
  }

  /** What the block takes in each header. */
  get blockBytes(): number {
    return this.writer.blockBytes;
  }

  /** What all packets of a frame say. */
  begin({ captureTimeUs, audioLevel }: Pick<EncodedFrame, "captureTimeUs" | "audioLevel">): void {
    const {
      mid,
      rid,
      transportCc,
      absSendTime,
      absCaptureTime,
      audioLevel: levelId,
    } = this.#stream.extensions;
    const { writer } = this;
    writer.clear();
    writer.addBytes(mid ?? 0, this.#mid);
    if (this.#rid !== undefined) writer.addBytes(rid ?? 0, this.#rid);
    writer.addU16(transportCc ?? 0, 0);
    writer.addU24(absSendTime ?? 0, 0);
    if (audioLevel !== undefined) writer.addU8(levelId ?? 0, audioLevel);
    if (absCaptureTime === undefined || absCaptureTime === 0) return;
    unixUsToNtp(captureTimeUs + this.#wallOffsetUs, this.#ntp);
    writer.addU64(absCaptureTime, this.#ntp.seconds, this.#ntp.fraction);
  }

  /**
   * How a picture is to be shown. It holds until something else is said, so keyframes tell it, which every receiver begins with, and pictures that
   * change it; of a source that never was turned nothing is said.
   */
  addPresentation({ keyframe, quarterTurns = 0 }: EncodedFrame): void {
    const { videoOrientation = 0, playoutDelay = 0 } = this.#stream.extensions;
    const isTold =
      quarterTurns !== (this.#quarterTurns ?? 0) || (keyframe && this.#quarterTurns !== undefined);
    if (isTold) {
      this.#quarterTurns = quarterTurns;
      this.writer.addU8(videoOrientation, quarterTurns);
    }
    if (keyframe && this.#playoutDelay >= 0) this.writer.addU24(playoutDelay, this.#playoutDelay);
  }
}

/** Two bounds of 12 bits each, in units of 10 ms. */
function playoutDelayWord({ minUs, maxUs }: PlayoutDelay): number {
  const units = (us: number) => Math.min(0xfff, Math.round(us / 10_000));
  return (units(minUs) << 12) | units(maxUs);
}
