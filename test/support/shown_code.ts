import { once } from "node:events";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { type MediaStreamTrack, nonstandard } from "../../src/webrtc/index.js";

type FrameEvent = InstanceType<typeof nonstandard.RTCVideoFrameEvent>;

/** Resolves when the track shows a picture whose block code has that tag, newer than `after`; with the picture's number. */
export async function showsCode(track: MediaStreamTrack, tag: number, after = -1): Promise<number> {
  const sink = new nonstandard.RTCVideoSink(track);
  try {
    for (;;) {
      const [{ frame }] = (await once(sink, "frame")) as [FrameEvent];
      const code = readBlockCode(frame.data, frame.width, frame.height, frame.width);
      if (code?.tag === tag && code.frameNumber > after) return code.frameNumber;
    }
  } finally {
    sink.stop();
  }
}
