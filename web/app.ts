/** What the page knows and does: one state, changed in one place, drawn by the views. */
import type { ServerMessage, ServerMessageOf, UserStatus } from "../src/signaling/messages.js";
import { type LocalMedia, openLocalMedia, openTestPicture, stopLocalMedia } from "./local_media.js";
import { PeerCall } from "./peer_call.js";
import { startRinging, stopRinging } from "./ringing.js";
import { ServerRefusal, Signaling } from "./signaling.js";

export type CallPhase = "preparing" | "calling" | "connecting" | "connected";

export interface CallView {
  readonly peer: string;
  readonly phase: CallPhase;
  /** Performance clock, once connected. */
  readonly connectedAt: number | null;
  readonly muted: boolean;
  readonly cameraOff: boolean;
}

export interface AppState {
  readonly screen: "login" | "lobby";
  /** A login or registration is under way. */
  readonly busy: boolean;
  readonly loginError: string | null;
  readonly username: string;
  /** False while the connection to the server is being made again. */
  readonly online: boolean;
  readonly users: ReadonlyMap<string, UserStatus>;
  readonly incoming: { readonly peer: string; readonly callId: string; readonly sdp: string } | null;
  readonly call: CallView | null;
  readonly media: LocalMedia | null;
  /** A line for the user about what just happened. */
  readonly notice: string | null;
}

const START: AppState = {
  screen: "login",
  busy: false,
  loginError: null,
  username: "",
  online: false,
  users: new Map(),
  incoming: null,
  call: null,
  media: null,
  notice: null,
};

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;

const END_WORDS: Readonly<Record<string, string>> = {
  timeout: "Nobody answered.",
  disconnected: "The other side lost its connection to the server.",
  failed: "The media connection failed.",
};
const REFUSAL_WORDS: Readonly<Record<string, string>> = {
  USER_BUSY: "is in another call.",
  USER_NOT_AVAILABLE: "is not there.",
  USER_NOT_FOUND: "is not registered.",
};

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class App {
  #state = START;
  #draw: () => void = () => {};
  #signaling: Signaling | null = null;
  #password = "";
  #peerCall: PeerCall | null = null;
  #callNumber = 0;
  /** Candidates that come while a call still rings here. */
  #early: ServerMessageOf<"ICE_CANDIDATE">[] = [];

  get state(): AppState {
    return this.#state;
  }

  /** The peer connection of the call under way, for its pictures and numbers. */
  get peerCall(): PeerCall | null {
    return this.#peerCall;
  }

  onChange(draw: () => void): void {
    this.#draw = draw;
  }

  async logIn(username: string, password: string, register: boolean): Promise<void> {
    this.#set({ busy: true, loginError: null });
    try {
      this.#signaling ??= await this.#connect();
      if (register) await this.#signaling.request({ type: "REGISTER", username, password });
      await this.#enter(username, password);
    } catch (error) {
      this.#set({
        busy: false,
        loginError: error instanceof Error ? sentence(error.message) : String(error),
      });
    }
  }

  logOut(): void {
    this.hangUp();
    const signaling = this.#signaling;
    this.#signaling = null;
    this.#password = "";
    signaling?.close();
    stopLocalMedia(this.#state.media);
    stopRinging();
    this.#set(START);
  }

  async call(peer: string): Promise<void> {
    const callId = crypto.randomUUID();
    const media = await this.#prepare(peer, callId);
    await media?.peerCall.offer(media.local);
  }

  async accept(): Promise<void> {
    const { incoming } = this.#state;
    if (incoming === null) return;
    stopRinging();
    const preparing = this.#prepare(incoming.peer, incoming.callId);
    for (const candidate of this.#early.splice(0)) this.#peerCall?.candidate(candidate);
    const media = await preparing;
    await media?.peerCall.answer(incoming.sdp, media.local);
  }

  reject(): void {
    const { incoming } = this.#state;
    if (incoming === null) return;
    stopRinging();
    this.#signaling?.send({ type: "CALL_REJECT", to: incoming.peer, callId: incoming.callId });
    this.#set({ incoming: null });
  }

  hangUp(): void {
    const peerCall = this.#peerCall;
    if (peerCall !== null) {
      this.#signaling?.send({ type: "CALL_END", to: peerCall.peer, callId: peerCall.callId });
    }
    this.#endCall(null);
  }

  toggleMute(): void {
    const { call, media } = this.#state;
    if (call === null) return;
    const muted = !call.muted;
    if (media?.audio) media.audio.enabled = !muted;
    this.#set({ call: { ...call, muted } });
  }

  toggleCamera(): void {
    const { call, media } = this.#state;
    if (call === null) return;
    const cameraOff = !call.cameraOff;
    if (media?.video) media.video.enabled = !cameraOff;
    this.#set({ call: { ...call, cameraOff } });
  }

  /** Opens camera and microphone before a call, to see oneself; a second time lets them go. */
  async togglePreview(): Promise<void> {
    const { media } = this.#state;
    if (media === null) {
      const opened = await openLocalMedia();
      if (this.#state.screen === "lobby" && this.#state.media === null) this.#set({ media: opened });
      else stopLocalMedia(opened);
    } else if (this.#state.call === null) {
      stopLocalMedia(media);
      this.#set({ media: null });
    }
  }

  /** Sends a moving test picture where there is no camera. */
  async useTestPicture(): Promise<void> {
    const { media, call } = this.#state;
    if (media === null || media.video !== null) return;
    const video = openTestPicture();
    video.enabled = call?.cameraOff !== true;
    const problems = media.problems.filter((problem) => !problem.includes("camera"));
    this.#set({ media: { ...media, video, problems, testPicture: true } });
    await this.#peerCall?.replace(video);
  }

  /** The user has read what is missing. */
  dismissProblems(): void {
    const { media } = this.#state;
    if (media !== null) this.#set({ media: { ...media, problems: [] } });
  }

  dismissNotice(): void {
    this.#set({ notice: null });
  }

  #set(change: Partial<AppState>): void {
    this.#state = { ...this.#state, ...change };
    this.#draw();
  }

  async #connect(): Promise<Signaling> {
    const signaling: Signaling = await Signaling.open({
      message: (message) => this.#receive(message),
      closed: () => {
        if (this.#signaling === signaling) void this.#reconnect();
      },
    });
    return signaling;
  }

  async #enter(username: string, password: string): Promise<void> {
    await this.#signaling?.request({ type: "LOGIN", username, password });
    this.#password = password;
    const list = (await this.#signaling?.request({ type: "GET_USERS" })) ?? [];
    const users = new Map(list.map((user) => [user.username, user.status]));
    this.#set({ screen: "lobby", busy: false, loginError: null, username, users, online: true });
  }

  /** The connection was lost: tries again until it is back, or until the server refuses the login. */
  async #reconnect(): Promise<void> {
    this.#signaling = null;
    if (this.#state.screen !== "lobby") return;
    stopRinging();
    this.#endCall(this.#state.call && "The connection to the server was lost.");
    this.#set({ online: false, incoming: null });
    const { username } = this.#state;
    for (let delayMs = FIRST_RETRY_MS; !this.#state.online; delayMs = Math.min(LAST_RETRY_MS, 2 * delayMs)) {
      await wait(delayMs * (0.5 + Math.random() / 2));
      if (this.#state.screen !== "lobby") return;
      try {
        this.#signaling ??= await this.#connect();
        await this.#enter(username, this.#password);
      } catch (error) {
        if (error instanceof ServerRefusal && error.code === "BAD_CREDENTIALS") this.logOut();
      }
    }
  }

  /** Opens the devices and the connection of a call; undefined when the call was given up meanwhile. */
  async #prepare(
    peer: string,
    callId: string,
  ): Promise<{ peerCall: PeerCall; local: LocalMedia } | undefined> {
    if (this.#state.call !== null) return undefined;
    const number = ++this.#callNumber;
    const call: CallView = { peer, phase: "preparing", connectedAt: null, muted: false, cameraOff: false };
    this.#set({ call, incoming: null, notice: null });
    const peerCall = new PeerCall(peer, callId, {
      send: (message) => this.#signaling?.send(message),
      changed: () => this.#callChanged(),
      failed: (why) => this.#callFailed(why),
    });
    this.#peerCall = peerCall;
    const local = this.#state.media ?? (await openLocalMedia());
    const prepared = this.state.call;
    if (number !== this.#callNumber || prepared === null) {
      if (this.#state.media !== local) stopLocalMedia(local);
      return undefined;
    }
    this.#applySwitches(local, prepared);
    this.#set({ media: local, call: { ...prepared, phase: "calling" } });
    return { peerCall, local };
  }

  /** Mute and camera may have been switched while the devices opened. */
  #applySwitches(local: LocalMedia, call: CallView): void {
    if (local.audio) local.audio.enabled = !call.muted;
    if (local.video) local.video.enabled = !call.cameraOff;
  }

  #callChanged(): void {
    const { call } = this.#state;
    if (call === null || this.#peerCall === null) return;
    if (!this.#peerCall.connected) this.#draw();
    else
      this.#set({
        call: { ...call, phase: "connected", connectedAt: call.connectedAt ?? performance.now() },
      });
  }

  #callFailed(why: string): void {
    const peerCall = this.#peerCall;
    if (peerCall === null) return;
    this.#signaling?.send({ type: "CALL_END", to: peerCall.peer, callId: peerCall.callId, reason: "failed" });
    this.#endCall(why);
  }

  #endCall(notice: string | null): void {
    if (this.#state.call === null) return;
    this.#callNumber++;
    this.#peerCall?.close();
    this.#peerCall = null;
    stopLocalMedia(this.#state.media);
    this.#set({ call: null, media: null, notice });
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case "USER_STATUS_CHANGED":
        this.#set({ users: new Map(this.#state.users).set(message.username, message.status) });
        break;
      case "INCOMING_CALL":
        this.#early = [];
        this.#set({
          incoming: { peer: message.from, callId: message.callId, sdp: message.sdp },
          notice: null,
        });
        startRinging();
        break;
      case "CALL_ACCEPTED":
        this.#accepted(message);
        break;
      case "CALL_REJECTED":
        if (this.#isCurrent(message)) {
          this.#endCall(`${message.from} rejected the call${message.reason ? `: ${message.reason}` : "."}`);
        }
        break;
      case "CALL_ENDED":
        this.#ended(message);
        break;
      case "ICE_CANDIDATE":
        if (this.#isCurrent(message)) this.#peerCall?.candidate(message);
        else this.#earlyCandidate(message);
        break;
      case "ERROR":
        this.#refused(message);
        break;
      default:
    }
  }

  #earlyCandidate(message: ServerMessageOf<"ICE_CANDIDATE">): void {
    if (this.#state.incoming?.callId === message.callId) this.#early.push(message);
  }

  #isCurrent({ callId }: { readonly callId: string }): boolean {
    return this.#peerCall?.callId === callId;
  }

  #accepted(message: ServerMessageOf<"CALL_ACCEPTED">): void {
    const { call } = this.#state;
    if (call === null || !this.#isCurrent(message)) return;
    this.#set({ call: { ...call, phase: "connecting" } });
    void this.#peerCall?.accepted(message.sdp);
  }

  #ended(message: ServerMessageOf<"CALL_ENDED">): void {
    if (this.#state.incoming?.callId === message.callId) {
      stopRinging();
      this.#set({ incoming: null, notice: `You missed a call from ${message.from}.` });
    } else if (this.#isCurrent(message)) {
      this.#endCall(END_WORDS[message.reason] ?? `${message.from} hung up.`);
    }
  }

  #refused({ code, message, request }: ServerMessageOf<"ERROR">): void {
    const { call } = this.#state;
    const aboutCall = request === "CALL_OFFER" || request === "CALL_ANSWER";
    if (call !== null && aboutCall) {
      const words = REFUSAL_WORDS[code];
      this.#endCall(words === undefined ? sentence(message) : `${call.peer} ${words}`);
    } else if (code !== "NO_SUCH_CALL") this.#set({ notice: sentence(message) });
  }
}

/** The server's words with a capital and a full stop. */
function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
