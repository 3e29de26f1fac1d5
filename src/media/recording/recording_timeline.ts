import { TimestampUnwrapper } from "../../protocol/rtp/unwrap.js";
import type { MediaKind } from "../transport_api.js";
import type { EncodedFrame } from "./encoded_frame.js";

/** An RTP clock that leaves the arrivals by more than this has jumped: the track is placed by its arrivals anew. */
const MAX_JUMP_US = 3_000_000;
/** Sender's clocks of two tracks that disagree by more than this are not one clock. */
const MAX_SKEW_US = 2_000_000;
/** Once a track is in step, it follows its sender's clock by at most this share of the time that passes. */
const FOLLOW_SHARE = 0.05;

interface TrackClock {
  readonly unwrapper: TimestampUnwrapper;
  readonly usPerUnit: number;
  /** From the RTP time in µs to the recording's. */
  offsetUs: number;
  inStep: boolean;
  lastUs: number;
}

const CLOCK_RATES: Readonly<Record<MediaKind, number>> = { video: 90_000, audio: 48_000 };

/**
 * Places the frames of one peer's tracks on one time line: within a track by RTP timestamps, between tracks by the sender's wall clock at
 * capture (sender reports, RFC 3550 §6.4.1, or the capture-time extension), as soon as it is known; by the arrivals until then.
 */
export class RecordingTimeline {
  readonly #tracks = new Map<MediaKind, TrackClock>();
  #baseArrivalUs = Number.NaN;
  /** The sender's wall clock at the time line's zero. */
  #baseWallUs = Number.NaN;

  /** µs since the first frame of all. Never goes back within a track; may be below 0 where a track's clock was placed later. */
  place(frame: Pick<EncodedFrame, "kind" | "rtpTimestamp" | "captureWallUs" | "arrivalUs">): number {
    if (Number.isNaN(this.#baseArrivalUs)) this.#baseArrivalUs = frame.arrivalUs;
    const arrivalUs = frame.arrivalUs - this.#baseArrivalUs;
    const track = this.#trackOf(frame.kind);
    const rtpUs = track.unwrapper.unwrap(frame.rtpTimestamp) * track.usPerUnit;
    if (!(Math.abs(rtpUs + track.offsetUs - arrivalUs) <= MAX_JUMP_US)) {
      track.offsetUs = arrivalUs - rtpUs;
      track.inStep = false;
    }
    if (frame.captureWallUs > 0) this.#follow(track, rtpUs, frame.captureWallUs);
    const timeUs = Math.max(rtpUs + track.offsetUs, track.lastUs + 1);
    track.lastUs = timeUs;
    return timeUs;
  }

  #trackOf(kind: MediaKind): TrackClock {
    let track = this.#tracks.get(kind);
    if (track === undefined) {
      track = {
        unwrapper: new TimestampUnwrapper(),
        usPerUnit: 1e6 / CLOCK_RATES[kind],
        offsetUs: Number.NaN,
        inStep: false,
        lastUs: Number.NEGATIVE_INFINITY,
      };
      this.#tracks.set(kind, track);
    }
    return track;
  }

  #follow(track: TrackClock, rtpUs: number, captureWallUs: number): void {
    const timeUs = rtpUs + track.offsetUs;
    if (Number.isNaN(this.#baseWallUs)) this.#baseWallUs = captureWallUs - timeUs;
    const offUs = captureWallUs - this.#baseWallUs - timeUs;
    if (Math.abs(offUs) > MAX_SKEW_US) {
      // The sender's clock was set: it is followed from here on.
      this.#baseWallUs = captureWallUs - timeUs;
      track.inStep = true;
      return;
    }
    const mostUs = track.inStep ? Math.max(0, timeUs - track.lastUs) * FOLLOW_SHARE : MAX_SKEW_US;
    track.offsetUs += Math.max(-mostUs, Math.min(mostUs, offUs));
    track.inStep = true;
  }
}
