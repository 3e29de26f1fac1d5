/** What the two processes of `npm run bench -- broadcast` say to each other. */
export type ReceiverOrder =
  | { readonly type: "offer"; readonly sdp: string }
  | { readonly type: "count" }
  | { readonly type: "end" };

export type ReceiverReport =
  | { readonly type: "ready" }
  | { readonly type: "answer"; readonly sdp: string }
  /** Decoded so far, by connection. */
  | { readonly type: "pictures"; readonly counts: readonly number[] };
