import { useEffect, useRef } from "preact/hooks";
import type { App } from "../app.js";
import { Icon } from "./icons.js";

/** Somebody calls: take it or not. A modal dialog, so that focus stays in it. */
export function IncomingCall({ app, peer }: { readonly app: App; readonly peer: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const onCancel = (event: Event): void => {
    event.preventDefault();
    app.reject();
  };
  return (
    <dialog
      ref={dialog}
      class="card incoming"
      aria-label={`${peer} calls`}
      data-testid="incoming-call"
      onCancel={onCancel}
    >
      <span class="avatar large" aria-hidden="true">
        {[...peer][0]?.toUpperCase()}
      </span>
      <p>
        <strong>{peer}</strong>
        <span class="quiet">wants a video call with you</span>
      </p>
      <div class="pair">
        <button type="button" class="danger" data-testid="reject-call" onClick={() => app.reject()}>
          <Icon name="hangup" />
          Reject
        </button>
        <button
          type="button"
          class="accept"
          data-testid="accept-call"
          autofocus
          onClick={() => void app.accept()}
        >
          <Icon name="phone" />
          Accept
        </button>
      </div>
    </dialog>
  );
}
