import type { App } from "../app.js";
import { Icon } from "./icons.js";

/** What just happened, until it is dismissed. */
export function Notice({ app }: { readonly app: App }) {
  const { notice } = app.state;
  if (notice === null) return null;
  return (
    <p class="strip" role="status">
      <span data-testid="notice">{notice}</span>
      <button type="button" class="icon-button small" title="Dismiss" onClick={() => app.dismissNotice()}>
        <Icon name="close" />
        <span class="visually-hidden">Dismiss</span>
      </button>
    </p>
  );
}

/** What is wrong with camera or microphone, and a test picture in the camera's place. */
export function DeviceProblems({ app }: { readonly app: App }) {
  const { media } = app.state;
  if (media === null || media.problems.length === 0) return null;
  return (
    <div class="strip warning problems" role="alert" data-testid="device-problems">
      <ul>
        {media.problems.map((problem) => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
      <div class="buttons">
        {media.video === null && (
          <button type="button" data-testid="use-test-picture" onClick={() => void app.useTestPicture()}>
            Send test picture
          </button>
        )}
        <button type="button" data-testid="dismiss-problems" onClick={() => app.dismissProblems()}>
          Continue
        </button>
      </div>
    </div>
  );
}
