import {
  DatagramTable,
  native,
  type StreamSocket,
  type UdpPoller,
  type UdpSocket,
} from "../../../native/addon.js";
import type { OrderOf } from "../engine_messages.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import { WorkerCounter } from "../metrics_rows.js";
import { WorkerLane } from "../ring/message_lane.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { ArrivalLogWriter } from "../session/arrival_log.js";
import { DatagramCursor } from "../session/datagram_cursor.js";
import { MdnsStation } from "../session/mdns_station.js";
import type { ReceiverEvent } from "../session/messages.js";
import { ReceiverPeer } from "../session/receiver_peer.js";
import { type ReceiverChannels, VideoRoom } from "../session/receiver_sinks.js";
import { rehearseReceiving } from "../session/rehearsal.js";
import { SctpClock } from "../session/sctp_clock.js";
import { type SharedPort, SharedPorts } from "../session/shared_port.js";
import { systemRandom } from "../session/system_random.js";
import { asError } from "./problem.js";

/** Room for four coalesced bursts (64 KiB and 128 datagrams each) in one system call. */
const SLAB_BYTES = 4 * 65_536;
const TABLE_ENTRIES = 4 * 128;
/** Batches taken from one socket before the others get their turn. */
const MAX_BATCHES = 4;
/** With fewer datagrams than this a batch has not filled the slab: nothing more waits in its socket. */
const FULL_BATCH = 4;

/** Owns the sockets: takes what arrives in batches, hands it to its transport's session, does what the session says. */
export class ReceiverStage implements Stage<"receiver"> {
  readonly #host: WorkerHost<"receiver">;
  readonly #poller: UdpPoller = new native.UdpPoller();
  readonly #ports = new SharedPorts(this.#poller);
  readonly #mdns = new MdnsStation(this.#poller, systemRandom);
  readonly #channels: ReceiverChannels;
  readonly #lane: WorkerLane;
  readonly #room: VideoRoom;
  readonly #peers = new Map<number, ReceiverPeer>();
  #list: ReceiverPeer[] = [];
  readonly #sctp = new SctpClock((elapsedMs) => native.sctpHandleTimers(elapsedMs));
  readonly #slab = new Uint8Array(SLAB_BYTES);
  readonly #table = new Int32Array(TABLE_ENTRIES * DatagramTable.words);
  /** Told to the main thread together at the end of a step: its waking costs more than what it is told. */
  readonly #outbox: ReceiverEvent[] = [];
  readonly #cursor = new DatagramCursor(this.#slab, this.#table);
  /** Sockets that the last wait found readable: with none, none has to be asked. */
  #readable = 0;

  readonly #interceptors: readonly RtpInterceptorFactory[];

  constructor(host: WorkerHost<"receiver">, interceptors: readonly RtpInterceptorFactory[]) {
    this.#interceptors = interceptors;
    this.#host = host;
    const { doorbells, wiring } = host;
    this.#channels = {
      accessUnits: new SlotProducer(wiring.accessUnits, doorbells.decoder),
      audioPackets: new SlotProducer(wiring.audioPackets, doorbells.speaker),
      log: new ArrivalLogWriter(new SlotProducer(wiring.rtcpIn, doorbells.rtcp)),
    };
    this.#lane = new WorkerLane(wiring.lane);
    this.#room = new VideoRoom(this.#channels.accessUnits);
    doorbells.receiver.useEventFd(this.#poller.doorbellFd);
    if (wiring.warmUp) rehearseReceiving();
  }

  order(order: Exclude<OrderOf<"receiver">, { type: "stop" }>): void {
    // What lies in the lane was said before.
    this.#takeMessages();
    this.#obey(order);
    this.#lane.noteTaken();
  }

  #takeMessages(): void {
    for (let message = this.#lane.take(); message !== undefined; message = this.#lane.take()) {
      this.#peers.get(message.transportId)?.sendMessage(message);
    }
  }

  #obey(order: Exclude<OrderOf<"receiver">, { type: "stop" }>): void {
    const { transportId } = order;
    if (order.type === "openTransport") {
      this.#open(order);
      return;
    }
    const peer = this.#peers.get(transportId);
    if (order.type === "closeTransport") {
      this.#close(transportId);
      return;
    }
    peer?.order(order, native.monotonicUs());
  }

  step(nowUs: number): number {
    this.#takeMessages();
    this.#receive();
    // After what has arrived: the acknowledgement of a chunk may lie unread while its time runs out.
    this.#advanceSctp(nowUs);
    const { log } = this.#channels;
    this.#mdns.receive(nowUs);
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#list.length; i++) {
      deadlineUs = Math.min(deadlineUs, this.#list[i].advance(nowUs));
    }
    log.handleTimeout(nowUs);
    this.#flush();
    // A peer may just have asked for a name.
    deadlineUs = Math.min(deadlineUs, this.#mdns.nextDeadlineUs());
    return Math.min(deadlineUs, log.nextDeadlineUs(), this.#sctp.nextDeadlineUs());
  }

  #advanceSctp(nowUs: number): void {
    let associations = 0;
    for (const { session } of this.#list) if (session.data?.isAssociated) associations++;
    if (!this.#sctp.advance(associations, nowUs)) return;
    for (const peer of this.#list) peer.afterTimers();
  }

  poll(timeoutUs: number): void {
    this.#readable = this.#poller.wait(timeoutUs);
  }

  close(): void {
    for (const peer of this.#list) peer.close();
    this.#flush();
    this.#peers.clear();
    this.#list = [];
    this.#mdns.close();
    this.#host.doorbells.receiver.useEventFd(-1);
    this.#poller.close();
  }

  #receive(): void {
    if (this.#readable > 0) this.#drainReadable();
    for (let i = 0; i < this.#list.length; i++) {
      if (this.#list[i].streams.isDue) this.#receiveStreams(this.#list[i]);
    }
  }

  #drainReadable(): void {
    for (let i = 0; i < this.#list.length; i++) {
      const peer = this.#list[i];
      const sockets = peer.sockets.list;
      for (let socketId = 0; socketId < sockets.length; socketId++) {
        if (peer.sockets.isShared(socketId)) continue;
        if (this.#poller.isReadable(sockets[socketId])) this.#drain(peer, sockets[socketId], socketId);
      }
      this.#receiveStreams(peer);
    }
    for (const port of this.#ports.list) if (this.#poller.isReadable(port.socket)) this.#drainShared(port);
  }

  #receiveStreams(peer: ReceiverPeer): void {
    const { streams, session } = peer;
    if (!streams.isUsed) return;
    peer.dueUs = 0;
    streams.serve(session, native.monotonicUs());
    // One that ends leaves the list; the one behind it is served at the next turn.
    for (let i = 0; i < streams.list.length; i++) {
      const stream = streams.list[i];
      if (!this.#poller.isReadable(stream.socket)) continue;
      this.#drain(peer, stream.socket, stream.socketId);
      streams.follow(session, stream, native.monotonicUs());
    }
  }

  #drain(peer: ReceiverPeer, socket: UdpSocket | StreamSocket, socketId: number): void {
    const { row } = this.#host;
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const count = socket.receive(this.#slab, this.#table);
      if (count === 0) return;
      const nowUs = native.monotonicUs();
      for (let entry = 0; entry < count; ) entry += this.#take(peer, socketId, entry, count - entry, nowUs);
      row.add(WorkerCounter.frames, count);
      peer.afterBatch(nowUs);
      this.#lane.flush();
      if (count < FULL_BATCH) return;
    }
  }

  #drainShared(port: SharedPort): void {
    const { row } = this.#host;
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const count = port.socket.receive(this.#slab, this.#table);
      if (count === 0) return;
      const nowUs = native.monotonicUs();
      for (let entry = 0; entry < count; entry++) {
        this.#cursor.moveTo(entry, 0);
        row.add(WorkerCounter.bytes, this.#cursor.length);
        port.handle(this.#cursor, this.#table, entry, nowUs);
      }
      row.add(WorkerCounter.frames, count);
      port.afterBatch(nowUs);
      if (count < FULL_BATCH) return;
    }
  }

  /** Hands on one datagram of the batch, or a run of those that belong to data channels; how many. */
  #take({ session }: ReceiverPeer, socketId: number, entry: number, count: number, nowUs: number): number {
    const { row } = this.#host;
    const records = session.handleRecords(this.#slab, this.#table, entry, count, nowUs);
    for (let i = entry; i < entry + records; i++) {
      row.add(WorkerCounter.bytes, this.#table[i * DatagramTable.words + DatagramTable.length]);
    }
    if (records > 0) return records;
    this.#cursor.moveTo(entry, socketId);
    row.add(WorkerCounter.bytes, this.#cursor.length);
    session.handleDatagram(this.#cursor, nowUs);
    return 1;
  }

  #open(order: Extract<OrderOf<"receiver">, { type: "openTransport" }>): void {
    this.#forget(order.transportId);
    const { transportId } = order;
    try {
      const peer = new ReceiverPeer(
        order,
        this.#poller,
        this.#ports,
        this.#mdns,
        this.#channels,
        this.#room,
        this.#interceptors,
        (event, transfer) => this.#tell(event, transfer),
        this.#lane,
      );
      this.#peers.set(transportId, peer);
      this.#list = [...this.#peers.values()];
    } catch (error) {
      this.#host.row.add(WorkerCounter.errors);
      const { code, message } = asError(error, "TRANSPORT_OPEN");
      this.#tell({
        type: "notice",
        transportId,
        notice: { event: "failed", args: [{ code, message }] },
      });
    }
  }

  #close(transportId: number): void {
    this.#forget(transportId);
    this.#tell({ type: "transportClosed", transportId });
  }

  #tell(event: ReceiverEvent, transfer?: ArrayBuffer[]): void {
    if (transfer === undefined || transfer.length === 0) {
      // From here on the lane is closed: what goes there must not overtake this.
      if (this.#outbox.push(event) === 1) this.#lane.notePosted();
      return;
    }
    this.#flush();
    this.#lane.notePosted();
    this.#host.post(event, transfer);
  }

  #flush(): void {
    if (this.#outbox.length > 0) this.#host.post({ type: "events", events: this.#outbox.splice(0) });
    this.#lane.flush();
  }

  #forget(transportId: number): void {
    this.#peers.get(transportId)?.close();
    this.#peers.delete(transportId);
    this.#list = [...this.#peers.values()];
  }
}
