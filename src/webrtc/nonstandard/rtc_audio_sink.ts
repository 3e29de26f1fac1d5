import { eventTarget } from "../event_target.js";
import { internals, queueTask } from "../internals.js";
import { MediaStreamTrack } from "../media_stream_track.js";
import { watchRemoteSamples } from "../track_output.js";
import { defineInterface } from "../web_idl.js";

export interface RTCAudioSinkData {
  /** Interleaved. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly bitsPerSample: 16;
  readonly channelCount: 1 | 2;
  readonly numberOfFrames: number;
}

export class RTCAudioDataEvent extends Event implements RTCAudioSinkData {
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly bitsPerSample = 16;
  readonly channelCount: 1 | 2;
  readonly numberOfFrames: number;

  constructor(samples: Int16Array, sampleRate: number, channelCount: 1 | 2) {
    super("data");
    this.samples = samples;
    this.sampleRate = sampleRate;
    this.channelCount = channelCount;
    this.numberOfFrames = samples.length / channelCount;
  }
}

/** Fires `data` for every 10 ms of a track's sound: a peer's (48 kHz), or an RTCAudioSource's (as it was pushed). */
export class RTCAudioSink extends eventTarget<{ data: RTCAudioDataEvent }>() {
  #stop: (() => void) | undefined;
  #pending = new Int16Array(0);
  #format = "";

  constructor(track: MediaStreamTrack) {
    super();
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("RTCAudioSink takes a MediaStreamTrack");
    if (track.kind !== "audio") throw new TypeError(`The track is ${track.kind}, RTCAudioSink takes audio`);
    this.#stop = watchSound(track, (samples, rate, channels) => this.#take(samples, rate, channels));
  }

  get stopped(): boolean {
    return this.#stop === undefined;
  }

  /** No event follows. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Cuts what comes into pieces of 10 ms; the rest waits for the next. */
  #take(samples: Int16Array, sampleRate: number, channels: 1 | 2): void {
    const format = `${sampleRate}/${channels}`;
    if (format !== this.#format) this.#pending = new Int16Array(0);
    this.#format = format;
    const piece = Math.round(sampleRate / 100) * channels;
    const all = new Int16Array(this.#pending.length + samples.length);
    all.set(this.#pending);
    all.set(samples, this.#pending.length);
    let at = 0;
    for (; at + piece <= all.length && !this.stopped; at += piece) {
      this.dispatchEvent(new RTCAudioDataEvent(all.slice(at, at + piece), sampleRate, channels));
    }
    this.#pending = all.slice(at);
  }
}
defineInterface(RTCAudioSink, { handlers: ["data"], length: 1 });

type SoundListener = (samples: Int16Array, sampleRate: number, channels: 1 | 2) => void;

function watchSound(track: MediaStreamTrack, listener: SoundListener): () => void {
  const { source } = track[internals].shared;
  if (source === null) {
    const join = monoWhileAlike();
    return watchRemoteSamples(track, (samples, channels) => {
      const joined = channels === 2 ? join(samples) : samples;
      listener(joined, 48_000, joined.length < samples.length ? 1 : channels);
    });
  }
  const { input } = source;
  // A device's sound goes to the microphone's thread and never comes here, nor does what is encoded already.
  if (input === undefined || input.isEncoded || input.kind !== "audio") return () => undefined;
  return input.connect(({ samples, sampleRate, channels }) => {
    if (!track.enabled || track.readyState === "ended") return;
    const copy = samples.slice();
    queueTask(() => listener(copy, sampleRate, channels));
  });
}

/**
 * Opus is announced with two channels whatever is in it (RFC 7587 §7): sound is given as one channel until the two
 * differ for the first time, and as two from then on.
 */
function monoWhileAlike(): (stereo: Int16Array) => Int16Array {
  let differ = false;
  return (stereo) => {
    for (let i = 0; !differ && i < stereo.length; i += 2) differ = stereo[i] !== stereo[i + 1];
    return differ ? stereo : Int16Array.from({ length: stereo.length / 2 }, (_, i) => stereo[2 * i]);
  };
}
