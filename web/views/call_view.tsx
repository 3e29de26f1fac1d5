import { useEffect, useRef, useState } from "preact/hooks";
import type { App, CallPhase, CallView as CallState } from "../app.js";
import { Icon } from "./icons.js";
import { DeviceProblems } from "./notices.js";
import { StatisticsPanel } from "./statistics_panel.js";
import { VideoTile } from "./video_tile.js";

const PHASE_WORDS: Readonly<Record<CallPhase, string>> = {
  preparing: "Opening camera and microphone …",
  calling: "Calling …",
  connecting: "Connecting …",
  connected: "Connected",
};

/** The call: the other's picture, oneself in the corner, the switches. */
export function CallView({ app, call }: { readonly app: App; readonly call: CallState }) {
  const [statistics, setStatistics] = useState(false);
  const { media } = app.state;
  return (
    <main class="call" data-testid="call" data-phase={call.phase}>
      <RemoteVideo app={app} call={call} />
      {call.connectedAt !== null && (
        <header class="call-head">
          <strong data-testid="call-peer">{call.peer}</strong>
          <Clock since={call.connectedAt} />
        </header>
      )}
      <div class="self-view">
        <VideoTile
          track={media?.video ?? null}
          off={call.cameraOff}
          mirrored={media?.testPicture !== true}
          muted
          testId="local-video"
        >
          {call.cameraOff ? "Camera off" : "No camera"}
        </VideoTile>
      </div>
      <div class="call-panels">
        {statistics && app.peerCall !== null && <StatisticsPanel connection={app.peerCall.connection} />}
        <DeviceProblems app={app} />
      </div>
      <Controls
        app={app}
        call={call}
        statistics={statistics}
        toggleStatistics={() => setStatistics(!statistics)}
      />
    </main>
  );
}

/** Whether the other side sends a picture: its track is there and not silent. */
function RemoteVideo({ app, call }: { readonly app: App; readonly call: CallState }) {
  const video = useRef<HTMLVideoElement>(null);
  const remote = app.peerCall?.remote ?? null;
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = remote;
  }, [remote]);
  const seen = remote?.getVideoTracks().some((track) => !track.muted) === true && call.phase === "connected";
  return (
    <div class="stage">
      {/* biome-ignore lint/a11y/useMediaCaption: a live call has no caption track */}
      <video ref={video} class={seen ? "" : "unseen"} data-testid="remote-video" autoplay playsInline />
      {!seen && (
        <div class="stage-words">
          <span class="avatar large" aria-hidden="true">
            {[...call.peer][0]?.toUpperCase()}
          </span>
          <p role="status">
            <strong>{call.peer}</strong>
            <span>{call.phase === "connected" ? "sends no picture" : PHASE_WORDS[call.phase]}</span>
          </p>
        </div>
      )}
    </div>
  );
}

/** How long the call lasts. */
function Clock({ since }: { readonly since: number }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.floor((performance.now() - since) / 1000);
  const minutes = Math.floor(seconds / 60);
  return (
    <span data-testid="call-clock">
      {minutes}:{String(seconds % 60).padStart(2, "0")}
    </span>
  );
}

interface ControlsProps {
  readonly app: App;
  readonly call: CallState;
  readonly statistics: boolean;
  toggleStatistics(): void;
}

function Controls({ app, call, statistics, toggleStatistics }: ControlsProps) {
  const { media } = app.state;
  return (
    <div class="controls" role="toolbar" aria-label="Call">
      <button
        type="button"
        class="round"
        aria-pressed={call.muted}
        title={call.muted ? "Unmute" : "Mute"}
        data-testid="mute"
        disabled={media !== null && media.audio === null}
        onClick={() => app.toggleMute()}
      >
        <Icon name={call.muted ? "microphoneOff" : "microphone"} />
        <span class="visually-hidden">Mute</span>
      </button>
      <button
        type="button"
        class="round"
        aria-pressed={call.cameraOff}
        title={call.cameraOff ? "Camera on" : "Camera off"}
        data-testid="camera"
        disabled={media !== null && media.video === null}
        onClick={() => app.toggleCamera()}
      >
        <Icon name={call.cameraOff ? "cameraOff" : "camera"} />
        <span class="visually-hidden">Camera off</span>
      </button>
      <button
        type="button"
        class="round"
        aria-pressed={statistics}
        title="Statistics"
        data-testid="statistics-toggle"
        onClick={toggleStatistics}
      >
        <Icon name="statistics" />
        <span class="visually-hidden">Statistics</span>
      </button>
      <button
        type="button"
        class="round danger"
        title="Hang up"
        data-testid="hangup"
        onClick={() => app.hangUp()}
      >
        <Icon name="hangup" />
        <span class="visually-hidden">Hang up</span>
      </button>
    </div>
  );
}
