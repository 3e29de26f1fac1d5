import { DatagramTable, type SrtpContext, SrtpError } from "../../../native/addon.js";
import {
  type IceAgent,
  type IceOutput,
  isRelaySocket,
  isStreamSocket,
  parseCandidate,
} from "../../protocol/ice/index.js";
import { formatTransportAddress, type TransportAddress } from "../../protocol/primitives/address.js";
import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import {
  type DataTransportOptions,
  type Fingerprint,
  type IceParameters,
  type IceRole,
  nameOf,
  type ReceiveStreamOptions,
} from "../transport_api.js";
import type { DataLane } from "./data_session.js";
import { DataTransport } from "./data_transport.js";
import { classifyDatagram, DatagramKind } from "./demux.js";
import { countDiscarded } from "./discard_counter.js";
import type { DtlsSession } from "./dtls_session.js";
import { candidateError, localCandidate, selectedPair } from "./ice_notices.js";
import { MediaReceiver, type MediaSinks } from "./media_receiver.js";
import type { SrtpKeys, TransportNotice } from "./messages.js";
import { NamedCandidates } from "./named_candidates.js";
import type { PacketTap } from "./packet_tap.js";
import { SessionError } from "./session_error.js";
import { SilenceWatch } from "./silence_watch.js";
import { type DiscardKind, TransportCounters } from "./stream_counters.js";

/** A datagram where the socket put it. One reusable object; `source()` is asked only for what is no media. */
export interface ReceivedDatagram {
  /** The socket it came through, as given to `addLocalHost`. */
  readonly socketId: number;
  /** The slab; RTP is unprotected in place. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly arrivalUs: number;
  source(): TransportAddress;
}

export type TransportOutput =
  | {
      readonly type: "transmit";
      readonly socketId: number;
      readonly to: TransportAddress;
      readonly data: Uint8Array;
    }
  | Extract<IceOutput, { type: "connect" | "disconnect" }>
  | { readonly type: "notice"; readonly notice: TransportNotice }
  /** A name to ask for by multicast: {@link TransportSession.nameResolved} is to follow. */
  | { readonly type: "resolve"; readonly name: string }
  /** The sender's way from now on. */
  | {
      readonly type: "route";
      readonly socketId: number;
      readonly to: TransportAddress;
      readonly channel?: number;
    }
  /** The sender's key; the peer's fingerprint has been verified. */
  | { readonly type: "keys"; readonly keys: SrtpKeys; readonly cipher: string }
  /** The first discarded datagram of its kind. */
  | { readonly type: "discarded"; readonly kind: DiscardKind; readonly from: string };

/** Where datagrams of data channels are written, a batch at a time, without a copy in between. */
export interface DatagramWriter {
  /** Room for a batch: the datagrams, and a table whose offsets and lengths say where each lies. */
  readonly slab: Uint8Array;
  readonly table: Int32Array;
  /** Sends what the kernel had no room for, if there is any; false: it still has none, and no batch may be written. */
  retry(): boolean;
  /** Sends the first `count` datagrams of the table. */
  sendBatch(socketId: number, to: TransportAddress, count: number): void;
}

export interface TransportSessionOptions {
  readonly ice: IceAgent;
  readonly dtls: DtlsSession;
  readonly sinks: MediaSinks;
  /** The application's stages of received streams. */
  readonly interceptors?: readonly RtpInterceptorFactory[];
  readonly createSrtp: (keys: SrtpKeys) => SrtpContext;
  /** Absent: they are drained with all else. */
  readonly writer?: DatagramWriter;
  /** A short way to the application for small messages of data channels. */
  readonly lane?: DataLane;
  /** Largest UDP payload; 1200 by default, which fits every path that carries IPv6 (RFC 8200 §5). */
  readonly maxPacketBytes?: number;
  /** A {@link TransportCounters} block. */
  readonly counters: Float64Array;
  /** Largest RTP or RTCP datagram that is taken; no limit by default. */
  readonly maxReceiveBytes?: number;
  readonly unstableAfterUs?: number;
  readonly failAfterUs?: number;
  /** Whether names of candidates are asked for. */
  readonly resolvesNames?: boolean;
}

const MAX_PACKET_BYTES = 1200;
const UNSTABLE_AFTER_US = 2_000_000;
const FAIL_AFTER_US = 20_000_000;
/** Handshake datagrams kept that came from an address before it was proven to be the peer's. */
const UNPROVEN_DATAGRAMS = 8;
/** SRTP that overtook the end of the handshake is kept for a moment: this many packets. */
const EARLY_PACKETS = 32;

/**
 * The receiving half of one peer's transport and the owner of its path: ICE, DTLS, demultiplexing (RFC 7983), SRTP,
 * and where the media goes. Sans-IO: datagrams and time come in; media goes to the sinks at once; all else is drained
 * with {@link pollOutput}.
 */
export class TransportSession {
  readonly #ice: IceAgent;
  readonly #dtls: DtlsSession;
  readonly #options: TransportSessionOptions;
  readonly #media: MediaReceiver;
  readonly #outputs: TransportOutput[] = [];
  readonly #counters: Float64Array;
  readonly #header = new RtpHeader();
  readonly #early: { bytes: Uint8Array; arrivalUs: number }[] = [];
  readonly #unproven: { socketId: number; from: TransportAddress; data: Uint8Array }[] = [];
  readonly #named = new NamedCandidates();
  readonly #silence: SilenceWatch;
  readonly #maxReceiveBytes: number;
  #srtp: SrtpContext | undefined;
  #data: DataTransport | undefined;
  /** Where DTLS goes: the selected pair, before there is one the way the last handshake datagram came. */
  #path: { socketId: number; to: TransportAddress } | undefined;
  /** How datagrams reach a peer through a relay, by the path they take; a few at most. */
  readonly #channels = new Map<string, RelayChannel>();
  #dtlsStateTold = "new";
  #ended = false;
  /** Authenticated packets came since the last {@link deliver}. */
  #heardSince = false;
  /** The last time we were told. */
  #nowUs = 0;

  constructor(options: TransportSessionOptions) {
    this.#options = options;
    this.#ice = options.ice;
    this.#dtls = options.dtls;
    this.#counters = options.counters;
    this.#media = new MediaReceiver(options.sinks, options.interceptors);
    this.#maxReceiveBytes = options.maxReceiveBytes ?? Number.POSITIVE_INFINITY;
    this.#silence = new SilenceWatch(
      options.unstableAfterUs ?? UNSTABLE_AFTER_US,
      options.failAfterUs ?? FAIL_AFTER_US,
    );
  }

  setIceRole(role: IceRole): void {
    this.#ice.setRole(role);
  }

  setRemoteIceParameters(parameters: IceParameters, lite: boolean): void {
    this.#ice.setRemoteParameters(parameters, { lite });
    this.#drainIce(this.#nowUs);
  }

  /** A bad candidate is counted and ignored. */
  addRemoteCandidate(candidate: string): void {
    try {
      const parsed = parseCandidate(candidate);
      const named = this.#options.resolvesNames === true ? this.#named.add(parsed) : "refused";
      if (named === "refused") this.#ice.addRemoteCandidate(parsed);
      else if (named === "ask") this.#outputs.push({ type: "resolve", name: parsed.address });
    } catch {
      this.#discard("remote-candidate", candidate);
    }
  }

  /** What a name stands for; nothing when nobody knows, which is never fatal. */
  nameResolved(name: string, addresses: readonly string[]): void {
    if (this.#ended) return;
    for (const candidate of this.#named.take(name)) {
      if (addresses.length === 0) this.#discard("remote-name", name);
      for (const address of addresses) this.#ice.addRemoteCandidate(candidate, address);
    }
    this.#endCandidates();
  }

  endOfRemoteCandidates(): void {
    this.#named.end();
    this.#endCandidates();
  }

  #endCandidates(): void {
    if (this.#named.takeEnd()) this.#ice.endOfRemoteCandidates();
  }

  /** The association and the keys stay; the selected pair carries on until the checks find another. */
  restartIce(local: IceParameters, nowUs: number): void {
    this.#named.clear();
    this.#ice.restart(local);
    this.#drainIce(nowUs);
  }

  /** A TCP connection that was asked for by `connect` stands. */
  streamOpened(socketId: number, local: TransportAddress, nowUs: number): void {
    this.#ice.streamOpened(socketId, local, nowUs);
    this.#drainIce(nowUs);
  }

  streamClosed(socketId: number, reason: string, nowUs: number): void {
    this.#ice.streamClosed(socketId, reason, nowUs);
    this.#drainIce(nowUs);
  }

  /** Somebody connected to a listener. @returns the connection's number; undefined: close it. */
  acceptStream(listenerId: number, from: TransportAddress, nowUs: number): number | undefined {
    const socketId = this.#ended ? undefined : this.#ice.acceptStream(listenerId, from, nowUs);
    this.#drainIce(nowUs);
    return socketId;
  }

  /** @returns whether that is still to be told */
  noteStreamBytes(socketId: number, totalBytes: number, nowUs: number): boolean {
    return this.#ice.noteStreamBytes(socketId, totalBytes, nowUs);
  }

  startDtls(role: "client" | "server", fingerprints: readonly Fingerprint[], nowUs: number): void {
    this.#dtls.start(role, fingerprints, nowUs);
    this.#afterDtls(nowUs);
  }

  /** Data channels; the first call counts. */
  startData(options: DataTransportOptions): void {
    if (this.#data !== undefined || this.#ended) return;
    this.#data = new DataTransport(
      options,
      this.#options.maxPacketBytes ?? MAX_PACKET_BYTES,
      this.#options.lane,
    );
    this.#dtls.isSrtpOptional = true;
    if (this.#dtls.state === "connected") this.#data.connect(this.#dtls.role);
  }

  get data(): DataTransport | undefined {
    return this.#data;
  }

  /** Writes the SCTP packets that are due; call after a batch of datagrams, orders or timers. */
  pumpData(): void {
    const data = this.#data;
    const path = this.#path;
    if (data === undefined || path === undefined || this.#ended) return;
    const { writer } = this.#options;
    const { socketId, to } = path;
    const isUdp = !isRelaySocket(socketId) && !isStreamSocket(socketId);
    if (writer !== undefined && isUdp) this.#pumpBatches(data, writer, socketId, to);
    else this.#pumpOneByOne(data);
  }

  #pumpOneByOne(data: DataTransport): void {
    for (let packet = data.takePacket(); packet !== undefined; packet = data.takePacket()) {
      this.#dtls.sendApplicationData(packet);
      this.#flushDtls();
    }
  }

  /** While the kernel has no room, packets wait in SCTP: thrown away they would count as lost on the path. */
  #pumpBatches(data: DataTransport, writer: DatagramWriter, socketId: number, to: TransportAddress): void {
    const dtls = this.#dtls.connected;
    if (dtls === undefined) return;
    const { slab, table } = writer;
    while (writer.retry()) {
      const count = data.protectPackets(dtls, slab, table);
      if (count === 0) return;
      const last = (count - 1) * DatagramTable.words;
      this.#counters[TransportCounters.pathPacketsSent] += count;
      this.#counters[TransportCounters.pathBytesSent] +=
        table[last + DatagramTable.offset] + table[last + DatagramTable.length];
      writer.sendBatch(socketId, to, count);
    }
  }

  /**
   * Takes the datagrams of data channels at the head of entries [first, first+count) of a batch with one call; how many
   * those are. All others are for {@link handleDatagram}.
   */
  handleRecords(slab: Uint8Array, table: Int32Array, first: number, count: number, nowUs: number): number {
    // Before there is a pair, a datagram's sender has to be looked at first.
    if (this.#data === undefined || this.#ended || this.#ice.selectedPair === undefined) return 0;
    const dtls = this.#dtls.connected;
    const start = table[first * DatagramTable.words + DatagramTable.offset];
    if (dtls === undefined || classifyDatagram(slab, start, 1) !== DatagramKind.dtls) return 0;
    const taken = this.#data.receiveRecords(dtls, slab, table, first, count, nowUs);
    if (taken > 0) this.#afterRecords(table, first, taken, nowUs);
    return taken;
  }

  #afterRecords(table: Int32Array, first: number, count: number, nowUs: number): void {
    this.#nowUs = nowUs;
    this.#counters[TransportCounters.packetsReceived] += count;
    this.#counters[TransportCounters.receivedUs] = nowUs;
    for (let entry = first; entry < first + count; entry++) {
      this.#counters[TransportCounters.bytesReceived] +=
        table[entry * DatagramTable.words + DatagramTable.length];
    }
    this.#heardSince = true;
    this.#dtls.noteUse();
    this.#afterDtls(nowUs);
  }

  addReceiveStream(streamId: number, options: ReceiveStreamOptions, counters: Float64Array): void {
    this.#media.add(streamId, options, counters);
  }

  removeReceiveStream(streamId: number): void {
    this.#media.remove(streamId);
  }

  setPacketTap(streamId: number, tap: PacketTap | undefined): void {
    this.#media.setTap(streamId, tap);
  }

  setPlayoutTarget(streamId: number, targetUs: number): void {
    this.#media.setPlayoutTarget(streamId, targetUs);
  }

  /** How often the peer has proven itself by a check, and by an answer to one. */
  get checksAuthenticated(): number {
    return this.#ice.checksReceived;
  }

  get answersAuthenticated(): number {
    return this.#ice.responsesReceived;
  }

  /** Takes one datagram; whatever it is, it never throws. */
  handleDatagram(datagram: ReceivedDatagram, nowUs: number): void {
    const { length } = datagram;
    this.#nowUs = nowUs;
    this.#counters[TransportCounters.packetsReceived]++;
    this.#counters[TransportCounters.receivedUs] = nowUs;
    this.#counters[TransportCounters.bytesReceived] += length;
    if (this.#ended) {
      countDiscarded(this.#counters, "closed");
      return;
    }
    this.#dispatch(datagram, nowUs);
  }

  #dispatch(datagram: ReceivedDatagram, nowUs: number): void {
    const { bytes, offset, length } = datagram;
    const kind = classifyDatagram(bytes, offset, length);
    switch (length > this.#maxReceiveBytes && isMedia(kind) ? DatagramKind.malformed : kind) {
      case DatagramKind.rtp:
        this.#rtp(datagram);
        break;
      case DatagramKind.rtcp:
        this.#rtcp(datagram);
        break;
      case DatagramKind.dtls:
        this.#handshake(datagram, nowUs);
        break;
      case DatagramKind.stun:
        this.#stun(datagram, "stun", nowUs);
        break;
      case DatagramKind.channelData:
        this.#stun(datagram, "unknown-protocol", nowUs);
        break;
      case DatagramKind.malformed:
        this.#discardFrom("malformed", datagram);
        break;
      default:
        this.#discardFrom("unknown-protocol", datagram);
    }
  }

  /** Call once after a batch of datagrams: hands completed access units to the decoder. */
  deliver(nowUs: number): void {
    this.#media.deliver(nowUs);
    if (!this.#heardSince) return;
    this.#heardSince = false;
    this.#ice.noteTraffic(nowUs);
  }

  handleTimeout(nowUs: number): void {
    if (this.#ended) return;
    this.#nowUs = nowUs;
    this.#ice.handleTimeout(nowUs);
    this.#drainIce(nowUs);
    this.#dtls.handleTimeout(nowUs);
    this.#afterDtls(nowUs);
    this.#media.deliver(nowUs);
    this.#watchSilence(nowUs);
  }

  nextDeadlineUs(): number {
    if (this.#ended) return Number.POSITIVE_INFINITY;
    return Math.min(
      this.#ice.nextDeadlineUs(),
      this.#dtls.nextDeadlineUs(),
      this.#silence.nextDeadlineUs(),
      this.#media.nextDeadlineUs(),
    );
  }

  pollOutput(): TransportOutput | undefined {
    if (this.#outputs.length === 0) this.#drainIce(this.#nowUs);
    return this.#outputs.shift();
  }

  /** Queues the association's ABORT (WebRTC 1.0 §4.4.1.8) and close_notify; drain the outputs, then the sockets may go. */
  close(): void {
    if (!this.#ended) {
      this.#data?.abort();
      if (this.#data !== undefined) this.#pumpOneByOne(this.#data);
      this.#dtls.close();
      this.#flushDtls();
    }
    this.#end();
    this.#dtls.destroy();
    this.#ice.close();
    this.#drainIce(this.#nowUs);
  }

  #rtp(datagram: ReceivedDatagram): void {
    const { bytes, offset, arrivalUs } = datagram;
    if (this.#srtp === undefined) {
      this.#keepEarly(datagram);
      return;
    }
    const length = this.#srtp.unprotectRtp(bytes, offset, datagram.length);
    if (length < 0) {
      this.#discardFrom(rtpErrorKind(length), datagram);
      return;
    }
    if (!parseRtp(bytes, offset, length, this.#header)) {
      this.#discardFrom("rtp-malformed", datagram);
      return;
    }
    this.#heard(arrivalUs);
    const problem = this.#media.handlePacket(bytes, this.#header, length, arrivalUs);
    if (problem !== undefined) this.#discardFrom(problem, datagram);
    else if (this.#media.startedStream !== undefined) this.#tellStarted(arrivalUs);
  }

  #tellStarted(nowUs: number): void {
    const stream = this.#media.startedStream;
    this.#media.startedStream = undefined;
    if (stream === undefined) return;
    this.#silence.start(nowUs);
    const { ssrc, options } = stream;
    this.#notice({ event: "streamstarted", args: [{ ...nameOf(options), ssrc }] });
  }

  #rtcp(datagram: ReceivedDatagram): void {
    const { bytes, offset, arrivalUs } = datagram;
    if (this.#srtp === undefined) {
      this.#discardFrom("rtcp-before-keys", datagram);
      return;
    }
    const length = this.#srtp.unprotectRtcp(bytes, offset, datagram.length);
    if (length < 0) {
      this.#discardFrom(rtcpErrorKind(length), datagram);
      return;
    }
    this.#heard(arrivalUs);
    this.#media.handleCompound(bytes, offset, length, arrivalUs);
  }

  /** The path's first SRTP packets may overtake the last handshake datagram. */
  #keepEarly(datagram: ReceivedDatagram): void {
    const { bytes, offset, length, arrivalUs } = datagram;
    const isExpected = this.#dtls.state === "connecting" && this.#early.length < EARLY_PACKETS;
    if (!isExpected || !this.#ice.isVerifiedPeer(datagram.socketId, datagram.source())) {
      this.#discardFrom("rtp-before-keys", datagram);
      return;
    }
    this.#early.push({ bytes: bytes.slice(offset, offset + length), arrivalUs });
  }

  /** STUN, and what a TURN server sends. */
  #stun(datagram: ReceivedDatagram, otherwise: DiscardKind, nowUs: number): void {
    const { bytes, offset, length, socketId } = datagram;
    const data = bytes.slice(offset, offset + length);
    if (!this.#ice.handleDatagram(socketId, datagram.source(), data, nowUs)) {
      this.#discardFrom(otherwise, datagram);
    }
    this.#drainIce(nowUs);
    if (this.#unproven.length > 0) this.#takeProven(nowUs);
  }

  #handshake(datagram: ReceivedDatagram, nowUs: number): void {
    const { bytes, offset, length } = datagram;
    const data = bytes.subarray(offset, offset + length);
    if (this.#dtls.state !== "connected" && !this.#isProven(datagram, data)) return;
    if (!this.#dtls.handleDatagram(data, nowUs)) this.#discardFrom("dtls", datagram);
    this.#afterDtls(nowUs);
    if (this.#data !== undefined && !this.#ended) {
      this.#data.receive(this.#dtls);
      this.#heardSince = true;
    }
  }

  /**
   * Until the handshake is done nothing in a record proves where it comes from, and one forged alert would end it: it
   * counts only from where ICE has proven the peer to be, and answers go nowhere else. The peer may know its pair to work
   * a moment before we do: its first flight waits for that moment instead of for its repetition.
   */
  #isProven(datagram: ReceivedDatagram, data: Uint8Array): boolean {
    const { socketId } = datagram;
    const from = datagram.source();
    if (this.#ice.isVerifiedPeer(socketId, from)) {
      if (this.#ice.selectedPair === undefined) this.#path = { socketId, to: from };
      return true;
    }
    if (this.#unproven.length >= UNPROVEN_DATAGRAMS) {
      // The oldest makes room, so that whoever came first does not keep the peer out.
      this.#unproven.shift();
      this.#discardFrom("dtls", datagram);
    }
    this.#unproven.push({ socketId, from, data: data.slice() });
    return false;
  }

  /** Takes up the handshake datagrams whose sender has been proven meanwhile. */
  #takeProven(nowUs: number): void {
    for (const early of this.#unproven.splice(0)) {
      const { socketId, from, data } = early;
      if (!this.#ice.isVerifiedPeer(socketId, from)) {
        this.#unproven.push(early);
        continue;
      }
      this.#path ??= { socketId, to: from };
      this.#dtls.handleDatagram(data, nowUs);
      this.#afterDtls(nowUs);
    }
  }

  #drainIce(nowUs: number): void {
    for (let output = this.#ice.pollOutput(); output !== undefined; output = this.#ice.pollOutput()) {
      switch (output.type) {
        case "transmit":
          this.#transmit(output.socketId, output.to, output.data);
          break;
        case "connect":
        case "disconnect":
          this.#outputs.push(output);
          break;
        case "candidate":
          this.#notice({ event: "candidate", args: [localCandidate(output.candidate)] });
          break;
        case "gatheringcomplete":
          // A restart leaves nothing untold of what was before it.
          this.#notice({
            event: "gatheringcomplete",
            args: [{ usernameFragment: this.#ice.localCredentials.usernameFragment }],
          });
          break;
        case "candidateerror":
          this.#notice({ event: "candidateerror", args: [candidateError(output)] });
          break;
        case "relayeddata":
          this.#relayed(output, nowUs);
          break;
        case "relaychannel":
          this.#channels.set(pathKey(output.socketId, output.peer), output);
          if (this.#path !== undefined && this.#ice.selectedPair !== undefined) this.#tellRoute(this.#path);
          break;
        case "selectedpair":
          this.#path = { socketId: output.pair.socketId, to: output.pair.remoteAddress };
          this.#tellRoute(this.#path);
          this.#notice({ event: "selectedpair", args: [selectedPair(output.pair)] });
          this.#dtls.usePath(nowUs);
          this.#afterDtls(nowUs);
          break;
        case "state":
          this.#notice({ event: "icestate", args: [output.state] });
          if (output.state === "failed") this.#fail(this.#iceError());
          break;
      }
    }
  }

  /** What came through a relay, as if it had come by itself. */
  #relayed({ socketId, from, data }: Extract<IceOutput, { type: "relayeddata" }>, nowUs: number): void {
    if (this.#ended) return;
    const { length } = data;
    this.#dispatch({ socketId, bytes: data, offset: 0, length, arrivalUs: nowUs, source: () => from }, nowUs);
  }

  /** Through a relay the sender's way is known once there is a channel. */
  #tellRoute({ socketId, to }: { readonly socketId: number; readonly to: TransportAddress }): void {
    if (!isRelaySocket(socketId)) {
      this.#outputs.push({ type: "route", socketId, to });
      return;
    }
    const relay = this.#channels.get(pathKey(socketId, to));
    if (relay === undefined) return;
    const { via, server, channel } = relay;
    this.#outputs.push({ type: "route", socketId: via, to: server, channel });
  }

  #iceError(): SessionError {
    const message =
      this.#path === undefined
        ? "No candidate pair works: the peer cannot be reached"
        : "The peer no longer answers on the pair in use, and no other works";
    return new SessionError("ERR_ICE_FAILED", message);
  }

  #afterDtls(nowUs: number): void {
    this.#flushDtls();
    const connected = this.#dtls.takeConnected();
    if (connected?.keys !== undefined) {
      this.#srtp = this.#options.createSrtp(connected.keys.receive);
      this.#outputs.push({ type: "keys", keys: connected.keys.send, cipher: connected.cipher });
    }
    if (connected !== undefined) this.#data?.connect(this.#dtls.role);
    if (this.#dtls.state !== this.#dtlsStateTold) this.#tellDtlsState(connected?.remoteCertificate);
    if (connected !== undefined) {
      this.#unproven.length = 0;
      this.#replayEarly(nowUs);
    }
    if (this.#dtls.error !== undefined) this.#fail(this.#dtls.error);
  }

  #tellDtlsState(remoteCertificate: Uint8Array | undefined): void {
    const { state, error } = this.#dtls;
    this.#dtlsStateTold = state;
    const details = {
      ...(error === undefined ? {} : { error: error.message }),
      ...(remoteCertificate === undefined ? {} : { remoteCertificate }),
    };
    this.#notice({ event: "dtlsstate", args: [state, details] });
    if (state === "closed" && !this.#ended) {
      this.#fail(new SessionError("ERR_DTLS_CLOSED", "The peer closed the DTLS association"));
    }
  }

  #flushDtls(): void {
    const path = this.#path;
    if (path === undefined) return;
    for (let data = this.#dtls.takeDatagram(); data !== undefined; data = this.#dtls.takeDatagram()) {
      this.#transmit(path.socketId, path.to, data);
    }
  }

  #replayEarly(nowUs: number): void {
    for (const { bytes, arrivalUs } of this.#early.splice(0)) {
      const length = bytes.length;
      this.#rtp({ socketId: 0, bytes, offset: 0, length, arrivalUs, source: () => this.#peer() });
    }
    this.#media.deliver(nowUs);
  }

  #peer(): TransportAddress {
    return this.#path?.to ?? { family: 4, address: "0.0.0.0", port: 0 };
  }

  #heard(nowUs: number): void {
    this.#heardSince = true;
    if (this.#silence.heard(nowUs)) this.#tellStability(false);
  }

  #tellStability(unstable: boolean): void {
    this.#counters[TransportCounters.unstable] = unstable ? 1 : 0;
    this.#notice({ event: "unstable", args: [unstable] });
  }

  #watchSilence(nowUs: number): void {
    switch (this.#silence.check(nowUs)) {
      case "unstable":
        this.#tellStability(true);
        break;
      case "failed":
        this.#fail(
          new SessionError(
            "ERR_TRANSPORT_SILENT",
            `No packet from the peer for ${this.#silence.failAfterUs / 1e6} s`,
          ),
        );
        break;
    }
  }

  #fail(error: SessionError): void {
    if (this.#ended) return;
    this.#data?.end(error.message);
    this.#end();
    this.#notice({ event: "failed", args: [{ code: error.code, message: error.message }] });
  }

  #end(): void {
    this.#ended = true;
    this.#data?.end("");
    this.#srtp?.close();
    this.#srtp = undefined;
    this.#early.length = 0;
    this.#unproven.length = 0;
    this.#media.close();
  }

  #transmit(socketId: number, to: TransportAddress, data: Uint8Array): void {
    if (isRelaySocket(socketId)) {
      this.#ice.sendRelayed(socketId, to, data, this.#nowUs);
      return;
    }
    this.#counters[TransportCounters.pathPacketsSent]++;
    this.#counters[TransportCounters.pathBytesSent] += data.length;
    this.#outputs.push({ type: "transmit", socketId, to, data });
  }

  #notice(notice: TransportNotice): void {
    this.#outputs.push({ type: "notice", notice });
  }

  #discardFrom(kind: DiscardKind, datagram: ReceivedDatagram): void {
    if (!countDiscarded(this.#counters, kind)) return;
    this.#outputs.push({ type: "discarded", kind, from: formatTransportAddress(datagram.source()) });
  }

  #discard(kind: DiscardKind, from: string): void {
    if (countDiscarded(this.#counters, kind)) this.#outputs.push({ type: "discarded", kind, from });
  }
}

type RelayChannel = Extract<IceOutput, { type: "relaychannel" }>;

function pathKey(socketId: number, to: TransportAddress): string {
  return `${socketId}/${formatTransportAddress(to)}`;
}

function rtpErrorKind(error: number): DiscardKind {
  if (error === SrtpError.replay) return "rtp-replay";
  return error === SrtpError.authentication ? "rtp-authentication" : "rtp-malformed";
}

function rtcpErrorKind(error: number): DiscardKind {
  if (error === SrtpError.replay) return "rtcp-replay";
  return error === SrtpError.authentication ? "rtcp-authentication" : "rtcp-malformed";
}

function isMedia(kind: number): boolean {
  return kind === DatagramKind.rtp || kind === DatagramKind.rtcp;
}
