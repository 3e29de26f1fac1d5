import type { App } from "../app.js";
import { CallView } from "./call_view.js";
import { IncomingCall } from "./incoming_call.js";
import { Lobby } from "./lobby.js";
import { Login } from "./login.js";

/** The one screen that fits the state, and an incoming call over it. */
export function Page({ app }: { readonly app: App }) {
  const { screen, call, incoming } = app.state;
  if (screen === "login") return <Login app={app} />;
  return (
    <>
      {call === null ? <Lobby app={app} /> : <CallView app={app} call={call} />}
      {incoming !== null && <IncomingCall app={app} peer={incoming.peer} />}
    </>
  );
}
