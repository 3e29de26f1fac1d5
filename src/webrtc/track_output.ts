/** What the main thread sees and hears of a peer's track. */
import type { Descriptor } from "../media/ring/descriptor.js";
import { internals, unixMs } from "./internals.js";
import type { MediaStreamTrack, RemoteTrackSource } from "./media_stream_track.js";

/** A tightly packed I420 picture in memory of its own. */
export interface PackedPicture {
  readonly width: number;
  readonly height: number;
  /** Degrees clockwise that it is to be turned by before it is shown: 0, 90, 180 or 270. */
  readonly rotation: number;
  readonly data: Uint8Array;
}

/** Hands `listener` every presented picture of a peer's track; returns the function that ends it. */
export function watchRemotePictures(
  track: MediaStreamTrack,
  listener: (picture: PackedPicture) => void,
): () => void {
  return followRemote(track, ({ transport, mid }) =>
    transport.onPicture?.(mid, (bytes, picture) => {
      if (track.enabled) listener(packPicture(bytes, picture));
    }),
  );
}

/** As {@link watchRemotePictures}: interleaved 48 kHz samples, valid during the call only. */
export function watchRemoteSamples(
  track: MediaStreamTrack,
  listener: (samples: Int16Array, channels: 1 | 2) => void,
): () => void {
  return followRemote(track, ({ transport, mid }) =>
    transport.onSamples?.(mid, (pcm, { width }) => {
      if (track.enabled) listener(pcm, width === 2 ? 2 : 1);
    }),
  );
}

/** As {@link watchRemotePictures}: every packet as it came, the number of its codec, and when it came (ms since 1970). */
export function watchRemotePackets(
  track: MediaStreamTrack,
  listener: (packet: Uint8Array, codec: number, arrivalTime: number) => void,
): () => void {
  return followRemote(track, ({ transport, mid }) =>
    transport.onPacket?.(mid, (packet, { codec, arrivalUs }) => {
      if (track.enabled) listener(packet, codec, unixMs(arrivalUs));
    }),
  );
}

/** Asks the peer for a keyframe of its track; nothing happens while none of it comes. */
export function askRemoteKeyframe(track: MediaStreamTrack): void {
  const { remote, readyState } = track[internals];
  if (readyState === "live" && track.kind === "video") remote?.transport.requestKeyframe?.(remote.mid);
}

/** Connects to the stream behind the track, now and whenever negotiation gives it another; until the track ends. */
export function followRemote(
  track: MediaStreamTrack,
  connect: (remote: RemoteTrackSource) => (() => void) | undefined,
): () => void {
  const state = track[internals];
  let current: RemoteTrackSource | null = null;
  let disconnect: (() => void) | undefined;
  const update = () => {
    const remote = state.readyState === "live" ? state.remote : null;
    if (remote === current) return;
    disconnect?.();
    current = remote;
    disconnect = remote === null ? undefined : connect(remote);
  };
  state.sinks.add(update);
  update();
  return () => {
    state.sinks.delete(update);
    disconnect?.();
    disconnect = undefined;
  };
}

/** Copies the picture's rows without the padding between them. */
function packPicture(bytes: Uint8Array, picture: Readonly<Descriptor>): PackedPicture {
  const { width, height } = picture;
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  const data = new Uint8Array(width * height + 2 * chromaWidth * chromaHeight);
  const planes = [
    [picture.offsetY, picture.strideY, width, height],
    [picture.offsetU, picture.strideU, chromaWidth, chromaHeight],
    [picture.offsetV, picture.strideV, chromaWidth, chromaHeight],
  ] as const;
  let at = 0;
  for (const [offset, stride, columns, rows] of planes) {
    if (stride === columns) data.set(bytes.subarray(offset, offset + columns * rows), at);
    else copyRows(bytes, offset, stride, data, at, columns, rows);
    at += columns * rows;
  }
  return { width, height, rotation: 90 * picture.quarterTurns, data };
}

function copyRows(
  from: Uint8Array,
  offset: number,
  stride: number,
  to: Uint8Array,
  at: number,
  columns: number,
  rows: number,
): void {
  for (let row = 0; row < rows; row++) {
    const start = offset + row * stride;
    to.set(from.subarray(start, start + columns), at + row * columns);
  }
}
