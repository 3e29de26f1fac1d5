import { useState } from "preact/hooks";
import type { App } from "../app.js";
import { Mark } from "./icons.js";

/** Log in, or register and be logged in at once. */
export function Login({ app }: { readonly app: App }) {
  const [register, setRegister] = useState(false);
  const { busy, loginError } = app.state;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const username = String(fields.get("username")).trim().normalize("NFC");
    void app.logIn(username, String(fields.get("password")), register);
  };
  return (
    <main class="login" data-testid="login">
      <div class="card">
        <header class="brand">
          <Mark />
          <h1>RoomRTC</h1>
          <p class="quiet">Video calls on your own server</p>
        </header>
        <form onSubmit={submit}>
          <label>
            Name
            <input
              name="username"
              data-testid="login-username"
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              maxLength={32}
              required
              autofocus
            />
          </label>
          <label>
            Password
            <input
              name="password"
              type="password"
              data-testid="login-password"
              autocomplete={register ? "new-password" : "current-password"}
              minLength={register ? 4 : 1}
              maxLength={256}
              required
            />
          </label>
          <p class="form-error" role="alert" data-testid="login-error">
            {loginError}
          </p>
          <button type="submit" class="primary wide" data-testid="login-submit" disabled={busy}>
            {register ? "Register" : "Log in"}
          </button>
        </form>
        <p class="switch quiet">
          {register ? "Registered already?" : "New here?"}{" "}
          <button
            type="button"
            class="link"
            data-testid="register-toggle"
            aria-pressed={register}
            onClick={() => setRegister(!register)}
          >
            {register ? "Log in" : "Register"}
          </button>
        </p>
      </div>
    </main>
  );
}
