import { native, type UdpPoller } from "../../../native/addon.js";
import {
  formatCandidate,
  type IceAgent,
  isStreamSocket,
  type LocalHostOptions,
} from "../../protocol/ice/index.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import { LaneKind, type WorkerLane } from "../ring/message_lane.js";
import type { MessageRing } from "../ring/message_ring.js";
import type { SlotChannelBuffers } from "../ring/slot_channel.js";
import type { DataEvent, TransportOptions } from "../transport_api.js";
import { externalAddress } from "./address_mapping.js";
import { DtlsSession } from "./dtls_session.js";
import { makeIceAgent } from "./ice_agent.js";
import type { MdnsStation } from "./mdns_station.js";
import type { ReceiverCommand, ReceiverEvent, TransportNotice } from "./messages.js";
import { PacketTap } from "./packet_tap.js";
import { type ReceiverChannels, ReceiverSinks, type VideoRoom } from "./receiver_sinks.js";
import type { SharedPorts } from "./shared_port.js";
import { systemRandom } from "./system_random.js";
import type { TransportOutput } from "./transport_outputs.js";
import { TransportSession } from "./transport_session.js";
import { TransportSockets } from "./transport_sockets.js";
import { TransportStreams } from "./transport_streams.js";

/** Messages from here on are handed to the main thread without a copy; smaller ones are copied sooner than moved. */
const TRANSFER_BYTES = 4096;

/** Of a candidate error: no server's answer, but a local address that could not be bound (docs/api/settings.md). */
const BIND_FAILED = 700;

/** A socket that the kernel has no room for is tried again after this. */
const FULL_SOCKET_RETRY_US = 1_000;

type OpenTransport = Extract<ReceiverCommand, { type: "openTransport" }>;
type DataOrder = Extract<
  ReceiverCommand,
  { type: "startData" | "openDataChannel" | "sendData" | "closeDataChannel" | "dataConsumed" }
>;

/** A real transport in the receiver's thread: its session, its sockets, and the way between the two. */
export class ReceiverPeer {
  readonly session: TransportSession;
  readonly sockets: TransportSockets;
  readonly streams: TransportStreams;
  /** When to {@link advance}; at once after it was told anything. */
  dueUs = 0;
  readonly #transportId: number;
  readonly #ice: IceAgent;
  readonly #options: TransportOptions;
  readonly #mdns: MdnsStation;
  /** Ours, by the address that each hides: one for its UDP and its TCP candidates. */
  readonly #names = new Map<string, string>();
  readonly #post: (event: ReceiverEvent, transfer?: ArrayBuffer[]) => void;

  /** @throws what the certificate, the ICE credentials or a STUN server's address are wrong in */
  constructor(
    { transportId, options, counters }: OpenTransport,
    poller: UdpPoller,
    ports: SharedPorts,
    mdns: MdnsStation,
    channels: ReceiverChannels,
    room: VideoRoom,
    interceptors: readonly RtpInterceptorFactory[],
    post: (event: ReceiverEvent, transfer?: ArrayBuffer[]) => void,
    lane: WorkerLane,
  ) {
    this.#transportId = transportId;
    this.#options = options;
    this.#mdns = mdns;
    this.#post = post;
    this.sockets = new TransportSockets(poller, ports);
    this.streams = new TransportStreams(poller, options.settings);
    this.#ice = makeIceAgent(options);
    const { settings } = options;
    this.session = new TransportSession({
      ice: this.#ice,
      dtls: makeDtls(options),
      sinks: new ReceiverSinks(transportId, channels, room, (mid, event) =>
        post({ type: "notice", transportId, notice: { event: "tone", args: [{ mid, event }] } }),
      ),
      interceptors,
      createSrtp: (keys) => new native.SrtpContext(keys),
      writer: this.sockets,
      lane: {
        message: (channel, binary, bytes, length) =>
          lane.message(transportId, channel, binary, bytes, length),
        sent: (channel, bytes) => lane.sent(transportId, channel, bytes),
      },
      ...(settings.maxPacketBytes === undefined ? {} : { maxPacketBytes: settings.maxPacketBytes }),
      counters: new Float64Array(counters),
      ...(settings.maxReceiveBytes === undefined ? {} : { maxReceiveBytes: settings.maxReceiveBytes }),
      ...(settings.unstableAfterUs === undefined ? {} : { unstableAfterUs: settings.unstableAfterUs }),
      resolvesNames: settings.mdns !== "off",
      ...(settings.failAfterUs === undefined ? {} : { failAfterUs: settings.failAfterUs }),
    });
  }

  order(order: Exclude<ReceiverCommand, { type: "openTransport" | "closeTransport" }>, nowUs: number): void {
    const { session } = this;
    this.dueUs = 0;
    switch (order.type) {
      case "gather":
        this.#gather();
        break;
      case "setIceRole":
        session.setIceRole(order.role);
        break;
      case "setRemoteIceParameters":
        session.setRemoteIceParameters(order.parameters, order.lite);
        break;
      case "addRemoteCandidate":
        session.addRemoteCandidate(order.candidate);
        break;
      case "endOfRemoteCandidates":
        session.endOfRemoteCandidates();
        break;
      case "restartIce":
        this.sockets.addFragment(order.local.usernameFragment);
        session.restartIce(order.local, nowUs);
        break;
      case "getIceStats":
        this.#tellIceStats();
        break;
      case "startDtls":
        session.startDtls(order.role, order.fingerprints, nowUs);
        break;
      case "addReceiveStream":
        session.addReceiveStream(order.streamId, order.options, new Float64Array(order.counters));
        break;
      case "removeReceiveStream":
        session.removeReceiveStream(order.streamId);
        break;
      case "setPacketTap":
        this.#setTap(order.streamId, order.channel);
        break;
      case "setPlayoutTarget":
        session.setPlayoutTarget(order.streamId, order.targetUs);
        break;
      default:
        this.#dataOrder(order);
    }
  }

  #setTap(streamId: number, channel: SlotChannelBuffers | undefined): void {
    const tell = () => this.#post({ type: "packets", transportId: this.#transportId, streamId });
    this.session.setPacketTap(streamId, channel === undefined ? undefined : new PacketTap(channel, tell));
  }

  /** A small message for a data channel. */
  sendMessage({ channel, kind, data }: MessageRing): void {
    this.dueUs = 0;
    this.session.data?.send(channel, kind === LaneKind.binary, data);
  }

  #tellIceStats(): void {
    const { pairs, selectedPairChanges } = this.#ice.stats();
    this.#post({
      type: "iceStats",
      transportId: this.#transportId,
      pairs: pairs.map(({ id: _id, priority: _priority, local, remote, selected, ...pair }) => ({
        ...pair,
        local: formatCandidate(local),
        remote: formatCandidate(remote),
        isSelected: selected,
      })),
      selectedPairChanges,
    });
  }

  #dataOrder(order: DataOrder): void {
    const { session } = this;
    switch (order.type) {
      case "startData":
        session.startData(order.options);
        break;
      case "openDataChannel":
        session.data?.open(order.channel);
        break;
      case "sendData":
        session.data?.send(order.channel, order.binary, new Uint8Array(order.data));
        break;
      case "closeDataChannel":
        session.data?.close(order.channel);
        break;
      case "dataConsumed":
        session.data?.consumed(order.bytes);
    }
  }

  /** A batch from the network was handled: what it completed goes on, what SCTP answers goes out. */
  afterBatch(nowUs: number): void {
    this.dueUs = 0;
    this.session.deliver(nowUs);
    this.#pumpData();
  }

  /** The process's SCTP timers advanced. */
  afterTimers(): void {
    const { data } = this.session;
    if (data === undefined) return;
    this.dueUs = 0;
    data.afterTimers();
  }

  /** Does what is due and says what is to be said; returns when to do so again. */
  advance(nowUs: number): number {
    if (this.dueUs > nowUs) return this.dueUs;
    this.dueUs = this.#advance(nowUs);
    return this.dueUs;
  }

  #advance(nowUs: number): number {
    const { session } = this;
    // The session's own deadlines may lie in the past only until it has been called for them.
    if (session.nextDeadlineUs() <= nowUs) session.handleTimeout(nowUs);
    this.#pumpData();
    this.#drain();
    if (this.streams.isDue) return nowUs;
    const deadlineUs = session.nextDeadlineUs();
    return this.sockets.isFull ? Math.min(deadlineUs, nowUs + FULL_SOCKET_RETRY_US) : deadlineUs;
  }

  close(): void {
    this.session.close();
    this.#drain();
    this.#postData();
    for (const name of this.#names.values()) this.#mdns.forget(name);
    this.sockets.close();
    this.streams.close();
  }

  #gather(): void {
    const { sockets } = this;
    const { settings, turnServers = [] } = this.#options;
    const random = () => systemRandom.uint32();
    sockets.bind(settings, this, random);
    const relays = turnServers.some(({ transport = "udp" }) => transport === "udp");
    if (relays) sockets.bindForRelays(settings, random);
    sockets.addFragment(this.#options.local.usernameFragment);
    const hosts = [...sockets.hosts()];
    for (const { socketId, ...more } of hosts) {
      const { family, address, port } = sockets.list[socketId];
      this.#ice.addLocalHost(socketId, { family, address, port }, { ...this.#shownAs(address), ...more });
    }
    // A lite agent makes no checks, so it would never connect.
    if (!this.#options.relayOnly && !settings.iceLite) {
      const addresses = hosts.map(({ socketId }) => sockets.list[socketId].address);
      this.streams.gather(this.#ice, addresses, (address) => this.#shownAs(address).shown ?? address);
    }
    this.#ice.endLocalHosts();
    for (const { address, reason } of sockets.problems) {
      const error = { asker: { address, port: null }, server: null, code: BIND_FAILED, reason };
      this.#notice({ event: "candidateerror", args: [error] });
    }
    if (sockets.list.length > 0) return;
    const reasons = sockets.problems.map(({ reason }) => reason).join("; ") || "no interface may be used";
    const message = `No address could be bound: ${reasons}`;
    this.#notice({ event: "failed", args: [{ code: "ERR_TRANSPORT_BIND", message }] });
  }

  /** What others are told of a local address: a 1:1 NAT's, or a name that hides it. */
  #shownAs(local: string): LocalHostOptions {
    const { nat1to1 } = this.#options.settings;
    const external = nat1to1 && externalAddress(local, nat1to1);
    if (external !== undefined && nat1to1?.as !== "srflx") return { shown: external };
    const reflexive = external === undefined ? {} : { reflexive: external };
    return { ...reflexive, ...this.#hidden(local) };
  }

  #hidden(local: string): LocalHostOptions {
    const { settings, relayOnly } = this.#options;
    if (settings.mdns !== "hide" || relayOnly === true) return {};
    const shown = this.#names.get(local) ?? this.#mdns.hide(local, native.monotonicUs());
    this.#names.set(local, shown);
    return { shown };
  }

  #pumpData(): void {
    if (this.session.data === undefined) return;
    this.session.pumpData();
    this.#postData();
  }

  #postData(): void {
    const { data } = this.session;
    if (data === undefined) return;
    const events: DataEvent[] = [];
    const transfer: ArrayBuffer[] = [];
    for (let event = data.pollEvent(); event !== undefined; event = data.pollEvent()) {
      events.push(event);
      if (event.type === "channelmessage" && event.data.byteLength >= TRANSFER_BYTES)
        transfer.push(event.data);
    }
    if (events.length > 0) this.#post({ type: "data", transportId: this.#transportId, events }, transfer);
  }

  #drain(): void {
    for (let output = this.session.pollOutput(); output !== undefined; output = this.session.pollOutput()) {
      const transportId = this.#transportId;
      switch (output.type) {
        case "transmit":
          if (isStreamSocket(output.socketId)) this.streams.send(output.socketId, output.data);
          else this.sockets.send(output.socketId, output.to, output.data);
          break;
        case "connect":
          this.streams.connect(output);
          break;
        case "disconnect":
          this.streams.disconnect(output.socketId);
          break;
        case "notice":
          this.#notice(output.notice);
          break;
        case "resolve":
          this.#resolve(output.name);
          break;
        case "route":
          this.#route(output);
          break;
        case "keys":
          this.#post({ type: "keys", transportId, keys: output.keys, cipher: output.cipher });
          break;
        case "discarded":
          this.#post({ type: "discarded", transportId, kind: output.kind, from: output.from });
          break;
      }
    }
  }

  #resolve(name: string): void {
    const answer = (addresses: readonly string[]) => {
      this.dueUs = 0;
      this.session.nameResolved(name, addresses);
    };
    this.#mdns.resolve(name, answer, native.monotonicUs());
  }

  #route({ socketId, to, channel }: Extract<TransportOutput, { type: "route" }>): void {
    const { family, address, port } = to;
    const stream = this.streams.find(socketId)?.handle;
    const fd = this.sockets.list[socketId]?.fd ?? -1;
    if (stream === undefined && fd < 0) return;
    const route = {
      fd,
      family,
      address,
      port,
      ...(stream !== undefined && { stream }),
      ...(channel !== undefined && { channel }),
    };
    this.#post({ type: "route", transportId: this.#transportId, route });
  }

  #notice(notice: TransportNotice): void {
    this.#post({ type: "notice", transportId: this.#transportId, notice });
  }
}

function makeDtls(options: TransportOptions): DtlsSession {
  const { srtpProfiles, maxPacketBytes } = options.settings;
  return new DtlsSession({
    certificate: native.Certificate.fromPem(options.certificatePem, options.privateKeyPem),
    createDtls: (dtls) => new native.DtlsTransport(dtls),
    ...(srtpProfiles === undefined ? {} : { srtpProfiles }),
    ...(maxPacketBytes === undefined ? {} : { mtu: maxPacketBytes }),
  });
}
