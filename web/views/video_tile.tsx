import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface VideoTileProps {
  readonly track: MediaStreamTrack | null;
  readonly mirrored?: boolean;
  readonly muted?: boolean;
  readonly off?: boolean;
  readonly testId: string;
  /** Shown instead of a picture. */
  readonly children?: ComponentChildren;
}

/** One local track as a picture. */
export function VideoTile({
  track,
  mirrored = false,
  muted = false,
  off = false,
  testId,
  children,
}: VideoTileProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = track === null ? null : new MediaStream([track]);
  }, [track]);
  const hidden = track === null || off;
  return (
    <div class="tile">
      <video
        ref={video}
        class={mirrored ? "mirrored" : ""}
        data-testid={testId}
        autoplay
        playsInline
        muted={muted}
        hidden={hidden}
      />
      {hidden && <p class="tile-words">{children}</p>}
    </div>
  );
}
