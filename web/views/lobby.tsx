import type { UserStatus } from "../../src/signaling/messages.js";
import type { App } from "../app.js";
import { Icon, Mark } from "./icons.js";
import { DeviceProblems, Notice } from "./notices.js";
import { VideoTile } from "./video_tile.js";

const STATUS_WORDS: Readonly<Record<UserStatus, string>> = {
  AVAILABLE: "available",
  BUSY: "in a call",
  DISCONNECTED: "away",
};
const ORDER: Readonly<Record<UserStatus, number>> = { AVAILABLE: 0, BUSY: 1, DISCONNECTED: 2 };

/** Who is there, and oneself. */
export function Lobby({ app }: { readonly app: App }) {
  const { username, online } = app.state;
  return (
    <div class="lobby" data-testid="lobby">
      <header class="bar">
        <Mark />
        <h1>RoomRTC</h1>
        <span class="self">
          <span class={`dot ${online ? "available" : "disconnected"}`} />
          <span data-testid="self-name">{username}</span>
        </span>
        <button
          type="button"
          class="icon-button"
          title="Log out"
          data-testid="logout"
          onClick={() => app.logOut()}
        >
          <Icon name="logout" />
          <span class="visually-hidden">Log out</span>
        </button>
      </header>
      {!online && (
        <p class="strip warning" role="status" data-testid="offline">
          The connection to the server was lost. Trying again …
        </p>
      )}
      <Notice app={app} />
      <div class="lobby-columns">
        <People app={app} />
        <Preview app={app} />
      </div>
    </div>
  );
}

function People({ app }: { readonly app: App }) {
  const { users, username } = app.state;
  const others = [...users].filter(([name]) => name !== username);
  others.sort(([a, x], [b, y]) => ORDER[x] - ORDER[y] || a.localeCompare(b));
  const there = others.filter(([, status]) => status !== "DISCONNECTED").length;
  return (
    <main class="card people">
      <div class="card-head">
        <h2>People</h2>
        <span class="quiet">{there === 1 ? "1 here" : `${there} here`}</span>
      </div>
      {others.length === 0 && <p class="quiet empty">Nobody else has registered yet.</p>}
      <ul aria-live="polite">
        {others.map(([name, status]) => (
          <Person key={name} app={app} name={name} status={status} />
        ))}
      </ul>
    </main>
  );
}

function Person({
  app,
  name,
  status,
}: {
  readonly app: App;
  readonly name: string;
  readonly status: UserStatus;
}) {
  const callable = status === "AVAILABLE" && app.state.online && app.state.incoming === null;
  return (
    <li class="person" data-testid={`user-${name}`} data-status={status}>
      <span class="avatar" aria-hidden="true">
        {[...name][0]?.toUpperCase()}
        <span class={`dot ${status.toLowerCase()}`} />
      </span>
      <span class="person-name">
        <strong>{name}</strong>
        <span class="quiet">{STATUS_WORDS[status]}</span>
      </span>
      {status !== "DISCONNECTED" && (
        <button
          type="button"
          class="primary"
          aria-label={`Call ${name}`}
          data-testid={`call-${name}`}
          disabled={!callable}
          onClick={() => void app.call(name)}
        >
          <Icon name="phone" />
          Call
        </button>
      )}
    </li>
  );
}

/** A look at oneself before a call. */
function Preview({ app }: { readonly app: App }) {
  const { media } = app.state;
  return (
    <section class="card preview" aria-label="Camera and microphone">
      <div class="card-head">
        <h2>You</h2>
        <button type="button" data-testid="preview-toggle" onClick={() => void app.togglePreview()}>
          {media === null ? "Check camera" : "Turn off"}
        </button>
      </div>
      <VideoTile
        track={media?.video ?? null}
        mirrored={media?.testPicture !== true}
        muted
        testId="preview-video"
      >
        {media === null ? "Camera is off until a call" : "No picture"}
      </VideoTile>
      <DeviceProblems app={app} />
      {media?.audio && <p class="quiet">Microphone ready: {media.audio.label || "default"}</p>}
    </section>
  );
}
