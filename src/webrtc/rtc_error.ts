import { checkEnum } from "./dom_error.js";
import { internals } from "./internals.js";
import { checkArguments, defineInterface } from "./web_idl.js";

const detailTypes = [
  "data-channel-failure",
  "dtls-failure",
  "fingerprint-failure",
  "sctp-failure",
  "sdp-syntax-error",
  "hardware-encoder-not-available",
  "hardware-encoder-error",
] as const;
/** WebRTC 1.0 §11.1.1. */
export type RTCErrorDetailType = (typeof detailTypes)[number];

export interface RTCErrorInit {
  readonly errorDetail: RTCErrorDetailType;
  readonly sdpLineNumber?: number;
  readonly sctpCauseCode?: number;
  readonly receivedAlert?: number;
  readonly sentAlert?: number;
}

/** An error with what WebRTC knows about it (WebRTC 1.0 §11.1). Its `name` is "OperationError". */
export class RTCError extends DOMException {
  declare readonly errorDetail: RTCErrorDetailType;
  declare readonly sdpLineNumber: number | null;
  declare readonly sctpCauseCode: number | null;
  declare readonly receivedAlert: number | null;
  declare readonly sentAlert: number | null;
  /** @internal */
  readonly [internals]: ErrorDetails;

  constructor(init: RTCErrorInit, message = "") {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "RTCError");
    super(message, "OperationError");
    this[internals] = {
      errorDetail: checkEnum("RTCErrorDetailType", detailTypes, init?.errorDetail),
      sdpLineNumber: init.sdpLineNumber ?? null,
      sctpCauseCode: init.sctpCauseCode ?? null,
      receivedAlert: init.receivedAlert ?? null,
      sentAlert: init.sentAlert ?? null,
    };
  }
}
defineInterface(RTCError, {
  attributes: ["errorDetail", "sdpLineNumber", "sctpCauseCode", "receivedAlert", "sentAlert"],
  length: 1,
});

type ErrorDetails = { readonly [K in keyof RTCErrorInit]-?: NonNullable<RTCErrorInit[K]> | null };
