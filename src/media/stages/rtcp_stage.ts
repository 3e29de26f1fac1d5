import { native } from "../../../native/addon.js";
import type { OrderOf } from "../engine_messages.js";
import { WorkerCounter } from "../metrics_rows.js";
import { SlotConsumer, SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { type Arrival, type ArrivalLogListener, ArrivalLogReader } from "../session/arrival_log.js";
import { RtcpOut } from "../session/rtcp_out.js";
import { RtcpSession } from "../session/rtcp_session.js";
import { systemRandom } from "../session/system_random.js";

/** Runs every transport's RTCP session over the arrival log and the sender's channel. */
export class RtcpStage implements Stage<"rtcp">, ArrivalLogListener {
  readonly #host: WorkerHost<"rtcp">;
  readonly #log: ArrivalLogReader;
  readonly #out: RtcpOut;
  readonly #sessions = new Map<number, RtcpSession>();
  /** Which session a receive stream belongs to. */
  readonly #byStream = new Map<number, RtcpSession>();

  constructor(host: WorkerHost<"rtcp">) {
    this.#host = host;
    this.#log = new ArrivalLogReader(new SlotConsumer(host.wiring.rtcpIn));
    this.#out = new RtcpOut(new SlotProducer(host.wiring.rtcpOut, host.doorbells.sender));
  }

  order(order: Exclude<OrderOf<"rtcp">, { type: "stop" }>): void {
    const { transportId } = order;
    const nowUs = native.monotonicUs();
    if (order.type === "openTransport") {
      this.#sessions.set(transportId, this.#makeSession(transportId, order.reportIntervalUs));
      return;
    }
    const session = this.#sessions.get(transportId);
    if (order.type === "closeTransport") {
      this.#close(transportId, session, nowUs);
      return;
    }
    if (session === undefined) return;
    switch (order.type) {
      case "start":
        session.start(nowUs);
        break;
      case "addSendStream":
        session.addSendStream(order.streamId, order.options, new Float64Array(order.counters));
        break;
      case "removeSendStream":
        session.removeSendStream(order.streamId, nowUs);
        break;
      case "addReceiveStream":
        this.#byStream.set(order.streamId, session);
        session.addReceiveStream(order.streamId, order.options, new Float64Array(order.counters));
        return;
      case "removeReceiveStream":
        this.#byStream.delete(order.streamId);
        session.removeReceiveStream(order.streamId);
        return;
      case "requestKeyframe":
        session.requestKeyframe(order.streamId, nowUs);
    }
  }

  step(nowUs: number): number {
    this.#log.drain(this);
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (const session of this.#sessions.values()) {
      session.handleTimeout(nowUs);
      deadlineUs = Math.min(deadlineUs, session.nextDeadlineUs());
    }
    return deadlineUs;
  }

  close(): void {
    this.#sessions.clear();
    this.#byStream.clear();
  }

  /** Of the log. */
  arrival(arrival: Arrival): void {
    this.#byStream.get(arrival.streamId)?.handleArrival(arrival);
  }

  /** Of the log. */
  compound(transportId: number, bytes: Uint8Array, length: number, arrivalUs: number): void {
    this.#host.row.add(WorkerCounter.frames);
    this.#sessions.get(transportId)?.handleCompound(bytes, 0, length, arrivalUs);
  }

  #makeSession(transportId: number, minIntervalUs?: number): RtcpSession {
    const { control, post } = this.#host;
    return new RtcpSession({
      random: systemRandom,
      wallOffsetUs: control.wallOffsetUs,
      ...(minIntervalUs === undefined ? {} : { minIntervalUs }),
      sinks: {
        compound: (bytes, length) => this.#out.compound(transportId, bytes, length),
        resend: (ssrc, sequenceNumbers) => this.#out.resend(transportId, ssrc, sequenceNumbers),
        rateLimit: (bps) => this.#out.rateLimit(transportId, bps),
        transportFeedback: (content) => this.#out.transportFeedback(transportId, content),
        keyframe: (encoding, isPushed) => {
          if (isPushed) post({ type: "keyframeWanted", encoding });
          else control.requestKeyframe(encoding);
        },
        collision: (ssrc) =>
          post({ type: "notice", transportId, notice: { event: "ssrccollision", args: [{ ssrc }] } }),
        bye: (name, ssrc) =>
          post({ type: "notice", transportId, notice: { event: "bye", args: [{ ...name, ssrc }] } }),
      },
    });
  }

  #close(transportId: number, session: RtcpSession | undefined, nowUs: number): void {
    session?.close(nowUs);
    this.#sessions.delete(transportId);
    for (const [streamId, owner] of this.#byStream) if (owner === session) this.#byStream.delete(streamId);
    this.#host.post({ type: "transportClosed", transportId });
  }
}
