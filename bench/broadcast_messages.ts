/** What the two processes of `npm run bench -- broadcast` say to each other. */
import type { TransportSettings } from "../src/media/transport_api.js";

/** How the receiving end is started: what it decodes, and whether it reads packets. */
export interface Reception {
  readonly decode: NonNullable<TransportSettings["decode"]>;
  readonly readsPackets: boolean;
}

/** CPU time of a process, and when it was taken, both in ms. */
export interface CpuReading {
  readonly cpuMs: number;
  readonly atMs: number;
}

export type ReceiverOrder =
  | { readonly type: "offer"; readonly sdp: string }
  | { readonly type: "count" }
  | { readonly type: "end" };

export type ReceiverReport =
  | { readonly type: "ready" }
  | { readonly type: "answer"; readonly sdp: string }
  /** Received whole so far, by connection; the readings have the counting between them. */
  | {
      readonly type: "pictures";
      readonly counts: readonly number[];
      readonly before: CpuReading;
      readonly after: CpuReading;
    };
