/** WebRTC 1.0 §11.1.1. */
export type RTCErrorDetailType =
  | "data-channel-failure"
  | "dtls-failure"
  | "fingerprint-failure"
  | "sctp-failure"
  | "sdp-syntax-error"
  | "hardware-encoder-not-available"
  | "hardware-encoder-error";

export interface RTCErrorInit {
  readonly errorDetail: RTCErrorDetailType;
  readonly sdpLineNumber?: number;
  readonly sctpCauseCode?: number;
  readonly receivedAlert?: number;
  readonly sentAlert?: number;
}

/** An error with what WebRTC knows about it (WebRTC 1.0 §11.1). Its `name` is "OperationError". */
export class RTCError extends DOMException {
  readonly errorDetail: RTCErrorDetailType;
  readonly sdpLineNumber: number | null;
  readonly sctpCauseCode: number | null;
  readonly receivedAlert: number | null;
  readonly sentAlert: number | null;

  constructor(init: RTCErrorInit, message = "") {
    super(message, "OperationError");
    this.errorDetail = init.errorDetail;
    this.sdpLineNumber = init.sdpLineNumber ?? null;
    this.sctpCauseCode = init.sctpCauseCode ?? null;
    this.receivedAlert = init.receivedAlert ?? null;
    this.sentAlert = init.sentAlert ?? null;
  }
}
