import type { MessagePort } from "node:worker_threads";
import { native, type StreamSocket, type UdpSocket } from "../../../native/addon.js";
import { codecOfNumber } from "../codecs/codec_name.js";
import type { OrderOf } from "../engine_messages.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import { SlotConsumer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import type { EncodedFrame } from "../session/encoded_frame.js";
import type { SendRoute } from "../session/messages.js";
import { rehearseSending } from "../session/rehearsal.js";
import { NO_LIMIT, RtcpOutTag } from "../session/rtcp_out.js";
import { SendTransport } from "../session/send_transport.js";
import { systemRandom } from "../session/system_random.js";
import { FrameTransform } from "../transforms/frame_transform.js";
import { SILENCE } from "./audio_level.js";
import { asError } from "./problem.js";
import { PushedEncoded } from "./pushed_encoded.js";

interface Peer {
  readonly transport: SendTransport;
  socket: UdpSocket | StreamSocket | undefined;
}

/** Sends every peer its packets: encoded frames as RTP, the rtcp thread's compounds, and packets asked for again. */
export class SenderStage implements Stage<"sender"> {
  readonly #host: WorkerHost<"sender">;
  readonly #video: SlotConsumer;
  readonly #audio: SlotConsumer;
  readonly #rtcp: SlotConsumer;
  readonly #pushed: PushedEncoded;
  readonly #peers = new Map<number, Peer>();
  /** The same peers, to walk without an iterator. */
  #list: Peer[] = [];
  #toldBps = 0;
  readonly #frame = {
    bytes: new Uint8Array(0) as Uint8Array,
    length: 0,
    captureTimeUs: 0,
    codec: codecOfNumber(0),
    keyframe: false,
    rtpTimestamp: 0,
    durationUs: 0,
    encoding: 0,
    width: 0,
    height: 0,
    encodeUs: 0,
    quantizer: -1,
    targetBytes: 0,
    enqueuedUs: 0,
    isPathLimited: false,
    audioLevel: SILENCE,
    quarterTurns: 0,
  };

  readonly #interceptors: readonly RtpInterceptorFactory[];

  constructor(host: WorkerHost<"sender">, interceptors: readonly RtpInterceptorFactory[]) {
    this.#interceptors = interceptors;
    this.#host = host;
    this.#video = new SlotConsumer(host.wiring.encodedVideo);
    this.#audio = new SlotConsumer(host.wiring.encodedAudio);
    this.#rtcp = new SlotConsumer(host.wiring.rtcpOut);
    this.#pushed = new PushedEncoded(
      (kind, frame) => this.#sendToAll(kind, frame, native.monotonicUs()),
      (inputId) => host.post({ type: "inputReleased", name: "sender", inputId }),
    );
    if (host.wiring.warmUp) rehearseSending();
  }

  order(order: Exclude<OrderOf<"sender">, { type: "stop" }>): void {
    if (order.type === "addInput" || order.type === "removeInput") {
      this.#pushed.order(order);
      return;
    }
    const { transportId } = order;
    if (order.type === "openTransport") {
      this.#open(order);
      return;
    }
    if (order.type === "closeTransport") {
      this.#close(transportId);
      return;
    }
    const peer = this.#peers.get(transportId);
    if (peer === undefined) return;
    switch (order.type) {
      case "setRoute":
        this.#setRoute(peer, order.route);
        break;
      case "setKeys":
        peer.transport.setKeys(order.keys);
        break;
      case "addSendStream":
        peer.transport.addStream(
          order.streamId,
          order.options,
          new Float64Array(order.counters),
          order.encoding,
        );
        break;
      case "removeSendStream":
        peer.transport.removeStream(order.streamId);
        break;
      case "sendTone":
        peer.transport.startTone(order.streamId, order.event, order.durationUs, native.monotonicUs());
        break;
      case "setSendTransform":
        this.#setTransform(peer, order.streamId, order.port);
        break;
      case "setSendEncoding":
        peer.transport.setEncoding(order.streamId, order.encoding);
    }
  }

  step(nowUs: number): number {
    this.#frames("video", this.#video, nowUs);
    this.#frames("audio", this.#audio, nowUs);
    this.#pushed.step();
    this.#sendRtcp(nowUs);
    this.#tellBandwidth();
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#list.length; i++) {
      const { transport } = this.#list[i];
      transport.flushPackets(nowUs);
      transport.drainTransforms(nowUs);
      transport.handleTimeout(nowUs);
      deadlineUs = Math.min(deadlineUs, transport.nextDeadlineUs());
    }
    return deadlineUs;
  }

  /** One encode serves all peers, so it follows the narrowest path. */
  #tellBandwidth(): void {
    let leastBps = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#list.length; i++) {
      leastBps = Math.min(leastBps, this.#list[i].transport.availableBps);
    }
    // 0 says that there is no limit; a peer that allows nothing gets the least that pictures need.
    const word = leastBps === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.round(leastBps));
    if (word !== this.#toldBps) this.#host.control.set(ControlWord.pathBitrateBps, word);
    this.#toldBps = word;
  }

  close(): void {
    for (const transportId of [...this.#peers.keys()]) this.#forget(transportId);
  }

  #frames(kind: "audio" | "video", input: SlotConsumer, nowUs: number): void {
    const { row, control } = this.#host;
    const frame = this.#frame;
    frame.isPathLimited = this.#toldBps > 0 && this.#toldBps < control.get(ControlWord.targetBitrateBps);
    while (input.take()) {
      const { descriptor } = input;
      frame.bytes = input.bytes(descriptor.slot);
      frame.length = descriptor.byteLength;
      frame.captureTimeUs = descriptor.captureTimeUs;
      frame.codec = codecOfNumber(descriptor.codec);
      frame.keyframe = descriptor.keyframe;
      frame.rtpTimestamp = descriptor.rtpTimestamp;
      frame.durationUs = descriptor.durationUs;
      frame.encoding = descriptor.tag;
      frame.width = descriptor.width;
      frame.height = descriptor.height;
      frame.encodeUs = descriptor.encodeUs;
      frame.targetBytes = descriptor.targetBytes;
      frame.enqueuedUs = descriptor.enqueuedUs;
      frame.audioLevel = descriptor.audioLevel;
      frame.quantizer = kind === "video" ? descriptor.quantizer : -1;
      frame.quarterTurns = descriptor.quarterTurns;
      const startUs = native.monotonicUs();
      const packets = this.#sendToAll(kind, frame, nowUs);
      input.release(descriptor.slot);
      if (kind === "audio" || packets === 0) continue;
      const endUs = native.monotonicUs();
      row.add(WorkerCounter.frames);
      row.add(WorkerCounter.bytes, descriptor.byteLength);
      row.record(WorkerHistogram.hop, startUs - descriptor.enqueuedUs);
      row.record(WorkerHistogram.work, endUs - startUs);
      row.record(WorkerHistogram.sinceCapture, endUs - descriptor.captureTimeUs);
    }
  }

  #sendToAll(kind: "audio" | "video", frame: EncodedFrame, nowUs: number): number {
    let packets = 0;
    for (let i = 0; i < this.#list.length; i++) {
      packets += this.#list[i].transport.sendFrame(kind, frame, nowUs);
    }
    return packets;
  }

  #sendRtcp(nowUs: number): void {
    const input = this.#rtcp;
    while (input.take()) {
      const { slot, tag, streamId, byteLength, rtpTimestamp } = input.descriptor;
      const transport = this.#peers.get(streamId)?.transport;
      const bytes = input.bytes(slot);
      if (tag === RtcpOutTag.compound) transport?.sendRtcp(bytes, byteLength);
      else if (tag === RtcpOutTag.transportFeedback) {
        transport?.handleTransportFeedback(bytes.subarray(0, byteLength), nowUs);
      } else if (tag === RtcpOutTag.rateLimit) {
        // The word is 32 bits with a sign.
        const bps = rtpTimestamp >>> 0;
        transport?.setRateLimit(bps === NO_LIMIT ? Number.POSITIVE_INFINITY : bps, nowUs);
      } else transport?.resend(rtpTimestamp, bytes, byteLength >> 1, nowUs);
      input.release(slot);
    }
  }

  #open(order: Extract<OrderOf<"sender">, { type: "openTransport" }>): void {
    this.#forget(order.transportId);
    const { control } = this.#host;
    const transport = new SendTransport({
      maxPacketBytes: order.maxPacketBytes,
      random: systemRandom,
      wallOffsetUs: control.wallOffsetUs,
      counters: new Float64Array(order.counters),
      interceptors: this.#interceptors,
      createSrtp: (keys) => new native.SrtpContext(keys),
      onKeyframeNeeded: (encoding, isPushed) => {
        if (isPushed) this.#host.post({ type: "keyframeWanted", encoding });
        else control.requestKeyframe(encoding);
      },
    });
    this.#peers.set(order.transportId, { transport, socket: undefined });
    this.#list = [...this.#peers.values()];
  }

  #setTransform({ transport }: Peer, streamId: number, port: MessagePort | undefined): void {
    const kind = transport.kindOf(streamId);
    if (port === undefined || kind === undefined) {
      port?.close();
      transport.setTransform(streamId, undefined);
      return;
    }
    const transform = new FrameTransform<EncodedFrame>({
      kind,
      side: "send",
      port,
      doorbell: this.#host.doorbells.sender.buffer,
      onKeyframeNeeded: () => transport.askKeyframe(streamId),
      onDropped: () => transport.countSkipped(streamId),
    });
    transport.setTransform(streamId, transform);
  }

  #setRoute(peer: Peer, route: SendRoute): void {
    const before = peer.socket;
    try {
      peer.socket =
        route.stream === undefined
          ? native.UdpSocket.attach(route.fd)
          : native.StreamSocket.attach(route.stream);
      peer.transport.setRoute(route, peer.socket);
      before?.close();
    } catch (error) {
      this.#host.row.add(WorkerCounter.errors);
      const { code, message } = asError(error, "TRANSPORT_SOCKET");
      this.#host.post({ type: "problem", name: "sender", code, message });
    }
  }

  /** The rtcp thread's BYE waits in the channel: it was put there before this order came. */
  #close(transportId: number): void {
    this.#sendRtcp(native.monotonicUs());
    this.#forget(transportId);
    this.#host.post({ type: "transportClosed", transportId });
  }

  #forget(transportId: number): void {
    const peer = this.#peers.get(transportId);
    if (peer === undefined) return;
    this.#peers.delete(transportId);
    this.#list = [...this.#peers.values()];
    peer.transport.close();
    peer.socket?.close();
  }
}
