import { eventOfKey } from "../protocol/telephone_event/telephone_event.js";
import { domError } from "./dom_error.js";
import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { EventInit } from "./rtc_events.js";
import { checkArguments, checkThis, defineInterface } from "./web_idl.js";

export interface RTCDTMFToneChangeEventInit extends EventInit {
  readonly tone?: string;
}

/** A tone began; "" when all have been played (WebRTC 1.0 §7.3). */
export class RTCDTMFToneChangeEvent extends Event {
  declare readonly tone: string;
  /** @internal */
  readonly [internals]: { readonly tone: string };

  constructor(type: string, init: RTCDTMFToneChangeEventInit = {}) {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "RTCDTMFToneChangeEvent");
    super(type, init);
    this[internals] = { tone: String(init?.tone ?? "") };
  }
}
defineInterface(RTCDTMFToneChangeEvent, { attributes: ["tone"], length: 1 });

/** WebRTC 1.0 §7.2: bounds of a tone and of the pause after it, in milliseconds. */
const DURATION_MS = { least: 40, most: 6000 } as const;
const GAP_MS = { least: 30, most: 6000 } as const;
/** A comma waits this long. */
const COMMA_MS = 2000;

/** What the sender that it belongs to tells it. */
export interface DtmfHost {
  /** WebRTC 1.0 §7.2 "determine if DTMF can be sent". */
  canSend(): boolean;
  readonly isStopped: boolean;
  /** Sends one key. */
  send(event: number, durationMs: number): void;
}

interface DtmfState {
  readonly host: DtmfHost;
  toneBuffer: string;
  durationMs: number;
  gapMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** Keys of a telephone, sent as telephone events (RFC 4733) in place of the sender's sound (WebRTC 1.0 §7.2). */
export class RTCDTMFSender extends eventTarget<{ tonechange: RTCDTMFToneChangeEvent }>() {
  /** @internal */
  readonly [internals]: DtmfState;

  /** @internal */
  constructor(token: typeof internals, host: DtmfHost) {
    super();
    checkConstructor(token);
    this[internals] = { host, toneBuffer: "", durationMs: 100, gapMs: 70, timer: undefined };
  }

  /** Whether telephone events are negotiated and the sender may send. */
  get canInsertDTMF(): boolean {
    return this[internals].host.canSend();
  }

  /** What is still to be played. */
  get toneBuffer(): string {
    return this[internals].toneBuffer;
  }

  /**
   * Plays these keys in place of those that wait: 0 to 9, A to D, * and #; a comma waits two seconds.
   *
   * @throws InvalidStateError when none can be sent, InvalidCharacterError for what is no key.
   */
  insertDTMF(tones: string, duration = 100, interToneGap = 70): void {
    const state = checkThis(this[internals]);
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "insertDTMF");
    if (state.host.isStopped) throw domError("InvalidStateError", "The transceiver is stopped");
    if (!state.host.canSend()) throw domError("InvalidStateError", "Telephone events cannot be sent now");
    const keys = String(tones).toUpperCase();
    const stranger = [...keys].find((key) => key !== "," && eventOfKey(key) < 0);
    if (stranger !== undefined) {
      throw domError("InvalidCharacterError", `"${stranger}" is no key of a telephone`);
    }
    state.toneBuffer = keys;
    state.durationMs = within(Number(duration), DURATION_MS);
    state.gapMs = within(Number(interToneGap), GAP_MS);
    if (state.timer === undefined && keys !== "") schedule(this, 0);
  }
}
defineInterface(RTCDTMFSender, { handlers: ["tonechange"] });

function within(value: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(most, Math.max(least, Number.isFinite(value) ? value : least));
}

function schedule(sender: RTCDTMFSender, afterMs: number): void {
  const state = sender[internals];
  state.timer = setTimeout(() => {
    state.timer = undefined;
    playNext(sender);
  }, afterMs);
}

/** WebRTC 1.0 §7.2, the DTMF playout task. */
function playNext(sender: RTCDTMFSender): void {
  const state = sender[internals];
  if (!state.host.canSend()) {
    state.toneBuffer = "";
    return;
  }
  const tone = state.toneBuffer.slice(0, 1);
  state.toneBuffer = state.toneBuffer.slice(1);
  if (tone === ",") schedule(sender, COMMA_MS);
  else if (tone !== "") {
    state.host.send(eventOfKey(tone), state.durationMs);
    schedule(sender, state.durationMs + state.gapMs);
  }
  sender.dispatchEvent(new RTCDTMFToneChangeEvent("tonechange", { tone }));
}

/** Nothing more is played, nothing is told. */
export function endTones(sender: RTCDTMFSender): void {
  const state = sender[internals];
  clearTimeout(state.timer);
  state.timer = undefined;
  state.toneBuffer = "";
}
