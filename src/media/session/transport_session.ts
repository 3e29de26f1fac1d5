import { DatagramTable, type SrtpContext } from "../../../native/addon.js";
import { type IceAgent, type IceOutput, parseCandidate } from "../../protocol/ice/index.js";
import type { TransportAddress } from "../../protocol/primitives/address.js";
import type { RtpInterceptorFactory } from "../interceptors/interceptor.js";
import type {
  DataTransportOptions,
  Fingerprint,
  IceParameters,
  IceRole,
  ReceiveStreamOptions,
} from "../transport_api.js";
import { DataRecords, type DataRecordsOptions } from "./data_records.js";
import type { DataTransport } from "./data_transport.js";
import { classifyDatagram, DatagramKind } from "./demux.js";
import { countDiscarded } from "./discard_counter.js";
import type { DtlsSession } from "./dtls_session.js";
import { candidateError, localCandidate, selectedPair } from "./ice_notices.js";
import { MediaReceiver, type MediaSinks } from "./media_receiver.js";
import type { SrtpKeys } from "./messages.js";
import { NamedCandidates } from "./named_candidates.js";
import type { PacketTap } from "./packet_tap.js";
import { type LivenessOptions, PeerLiveness } from "./peer_liveness.js";
import { PeerPath } from "./peer_path.js";
import { SessionError } from "./session_error.js";
import { SrtpReceiver } from "./srtp_receiver.js";
import { type DiscardKind, TransportCounters } from "./stream_counters.js";
import { type ReceivedDatagram, type TransportOutput, TransportOutputs } from "./transport_outputs.js";
import { UnprovenDatagrams } from "./unproven_datagrams.js";

export interface TransportSessionOptions extends DataRecordsOptions, LivenessOptions {
  readonly ice: IceAgent;
  readonly dtls: DtlsSession;
  readonly sinks: MediaSinks;
  /** The application's stages of received streams. */
  readonly interceptors?: readonly RtpInterceptorFactory[];
  readonly createSrtp: (keys: SrtpKeys) => SrtpContext;
  /** Largest RTP or RTCP datagram that is taken; no limit by default. */
  readonly maxReceiveBytes?: number;
  /** Whether names of candidates are asked for. */
  readonly resolvesNames?: boolean;
}

/**
 * The receiving half of one peer's transport and the owner of its path: ICE, DTLS, demultiplexing (RFC 7983), SRTP,
 * and where the media goes. Sans-IO: datagrams and time come in; media goes to the sinks at once; all else is drained
 * with {@link pollOutput}.
 */
export class TransportSession {
  readonly #ice: IceAgent;
  readonly #dtls: DtlsSession;
  readonly #options: TransportSessionOptions;
  readonly #outputs: TransportOutputs;
  readonly #path: PeerPath;
  readonly #records: DataRecords;
  readonly #liveness: PeerLiveness;
  readonly #media: MediaReceiver;
  readonly #srtp: SrtpReceiver;
  readonly #counters: Float64Array;
  readonly #unproven = new UnprovenDatagrams();
  readonly #named = new NamedCandidates();
  readonly #maxReceiveBytes: number;
  #dtlsStateTold = "new";
  #ended = false;
  /** The last time we were told. */
  #nowUs = 0;

  constructor(options: TransportSessionOptions) {
    this.#options = options;
    this.#ice = options.ice;
    this.#dtls = options.dtls;
    this.#counters = options.counters;
    const outputs = new TransportOutputs(options.counters);
    this.#outputs = outputs;
    this.#path = new PeerPath(options.ice, outputs, options.counters);
    this.#records = new DataRecords(options.dtls, this.#path, options);
    this.#liveness = new PeerLiveness(outputs, options);
    this.#media = new MediaReceiver(options.sinks, options.interceptors);
    this.#srtp = new SrtpReceiver(this.#media, this.#liveness, outputs);
    this.#maxReceiveBytes = options.maxReceiveBytes ?? Number.POSITIVE_INFINITY;
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
      this.#outputs.discard("remote-candidate", candidate);
    }
  }

  /** What a name stands for; nothing when nobody knows, which is never fatal. */
  nameResolved(name: string, addresses: readonly string[]): void {
    if (this.#ended) return;
    for (const candidate of this.#named.take(name)) {
      if (addresses.length === 0) this.#outputs.discard("remote-name", name);
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
    if (!this.#ended) this.#records.start(options);
  }

  get data(): DataTransport | undefined {
    return this.#records.transport;
  }

  /** Writes the SCTP packets that are due; call after a batch of datagrams, orders or timers. */
  pumpData(): void {
    if (!this.#ended) this.#records.pump(this.#nowUs);
  }

  /**
   * Takes the datagrams of data channels at the head of entries [first, first+count) of a batch with one call; how many
   * those are. All others are for {@link handleDatagram}.
   */
  handleRecords(slab: Uint8Array, table: Int32Array, first: number, count: number, nowUs: number): number {
    // Before there is a pair, a datagram's sender has to be looked at first.
    if (this.data === undefined || this.#ended || this.#ice.selectedPair === undefined) return 0;
    const taken = this.#records.receiveBatch(slab, table, first, count, nowUs);
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
    this.#liveness.noteTraffic();
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
        this.#srtp.handleRtcp(datagram);
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
        this.#outputs.discardFrom("malformed", datagram);
        break;
      default:
        this.#outputs.discardFrom("unknown-protocol", datagram);
    }
  }

  /** Call once after a batch of datagrams: hands completed access units to the decoder. */
  deliver(nowUs: number): void {
    this.#media.deliver(nowUs);
    if (this.#liveness.takeTraffic()) this.#ice.noteTraffic(nowUs);
  }

  handleTimeout(nowUs: number): void {
    if (this.#ended) return;
    this.#nowUs = nowUs;
    this.#ice.handleTimeout(nowUs);
    this.#drainIce(nowUs);
    this.#dtls.handleTimeout(nowUs);
    this.#afterDtls(nowUs);
    this.#media.deliver(nowUs);
    const silent = this.#liveness.check(nowUs);
    if (silent !== undefined) this.#fail(silent);
  }

  nextDeadlineUs(): number {
    if (this.#ended) return Number.POSITIVE_INFINITY;
    return Math.min(
      this.#ice.nextDeadlineUs(),
      this.#dtls.nextDeadlineUs(),
      this.#liveness.nextDeadlineUs(),
      this.#media.nextDeadlineUs(),
    );
  }

  pollOutput(): TransportOutput | undefined {
    if (this.#outputs.isEmpty) this.#drainIce(this.#nowUs);
    return this.#outputs.shift();
  }

  /** Queues the association's ABORT (WebRTC 1.0 §4.4.1.8) and close_notify; drain the outputs, then the sockets may go. */
  close(): void {
    if (!this.#ended) {
      this.#records.abort(this.#nowUs);
      this.#dtls.close();
      this.#flushDtls();
    }
    this.#end();
    this.#dtls.destroy();
    this.#ice.close();
    this.#drainIce(this.#nowUs);
  }

  #rtp(datagram: ReceivedDatagram): void {
    if (this.#srtp.hasKeys) this.#srtp.handleRtp(datagram);
    else this.#keepEarly(datagram);
  }

  /** The path's first SRTP packets may overtake the last handshake datagram. */
  #keepEarly(datagram: ReceivedDatagram): void {
    const isExpected = this.#dtls.state === "connecting" && this.#srtp.hasEarlyRoom;
    if (!isExpected || !this.#ice.isVerifiedPeer(datagram.socketId, datagram.source())) {
      this.#outputs.discardFrom("rtp-before-keys", datagram);
      return;
    }
    this.#srtp.keepEarly(datagram);
  }

  /** STUN, and what a TURN server sends. */
  #stun(datagram: ReceivedDatagram, otherwise: DiscardKind, nowUs: number): void {
    const { bytes, offset, length, socketId } = datagram;
    const data = bytes.slice(offset, offset + length);
    if (!this.#ice.handleDatagram(socketId, datagram.source(), data, nowUs)) {
      this.#outputs.discardFrom(otherwise, datagram);
    }
    this.#drainIce(nowUs);
    if (!this.#unproven.isEmpty) this.#takeProven(nowUs);
  }

  #handshake(datagram: ReceivedDatagram, nowUs: number): void {
    const { bytes, offset, length } = datagram;
    const data = bytes.subarray(offset, offset + length);
    if (this.#dtls.state !== "connected" && !this.#isProven(datagram, data)) return;
    if (!this.#dtls.handleDatagram(data, nowUs)) this.#outputs.discardFrom("dtls", datagram);
    this.#afterDtls(nowUs);
    if (this.data !== undefined && !this.#ended) {
      this.data.receive(this.#dtls);
      this.#liveness.noteTraffic();
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
      if (this.#ice.selectedPair === undefined) this.#path.use(socketId, from);
      return true;
    }
    const hadRoom = this.#unproven.keep({ socketId, from, data: data.slice() });
    if (!hadRoom) this.#outputs.discardFrom("dtls", datagram);
    return false;
  }

  /** Takes up the handshake datagrams whose sender has been proven meanwhile. */
  #takeProven(nowUs: number): void {
    for (const early of this.#unproven.takeAll()) {
      const { socketId, from, data } = early;
      if (!this.#ice.isVerifiedPeer(socketId, from)) {
        this.#unproven.keep(early);
        continue;
      }
      if (this.#path.current === undefined) this.#path.use(socketId, from);
      this.#dtls.handleDatagram(data, nowUs);
      this.#afterDtls(nowUs);
    }
  }

  #drainIce(nowUs: number): void {
    for (let output = this.#ice.pollOutput(); output !== undefined; output = this.#ice.pollOutput()) {
      switch (output.type) {
        case "transmit":
          this.#path.transmit(output.socketId, output.to, output.data, this.#nowUs);
          break;
        case "connect":
        case "disconnect":
          this.#outputs.push(output);
          break;
        case "candidate":
          this.#outputs.notice({ event: "candidate", args: [localCandidate(output.candidate)] });
          break;
        case "gatheringcomplete":
          // A restart leaves nothing untold of what was before it.
          this.#outputs.notice({
            event: "gatheringcomplete",
            args: [{ usernameFragment: this.#ice.localCredentials.usernameFragment }],
          });
          break;
        case "candidateerror":
          this.#outputs.notice({ event: "candidateerror", args: [candidateError(output)] });
          break;
        case "relayeddata":
          this.#relayed(output, nowUs);
          break;
        case "relaychannel":
          this.#path.addChannel(output);
          if (this.#ice.selectedPair !== undefined) this.#path.tellRoute();
          break;
        case "selectedpair":
          this.#path.use(output.pair.socketId, output.pair.remoteAddress);
          this.#path.tellRoute();
          this.#outputs.notice({ event: "selectedpair", args: [selectedPair(output.pair)] });
          this.#dtls.usePath(nowUs);
          this.#afterDtls(nowUs);
          break;
        case "state":
          this.#outputs.notice({ event: "icestate", args: [output.state] });
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

  #iceError(): SessionError {
    const message =
      this.#path.current === undefined
        ? "No candidate pair works: the peer cannot be reached"
        : "The peer no longer answers on the pair in use, and no other works";
    return new SessionError("ERR_ICE_FAILED", message);
  }

  #afterDtls(nowUs: number): void {
    this.#flushDtls();
    const connected = this.#dtls.takeConnected();
    if (connected?.keys !== undefined) {
      this.#srtp.useKeys(this.#options.createSrtp(connected.keys.receive));
      this.#outputs.push({ type: "keys", keys: connected.keys.send, cipher: connected.cipher });
    }
    if (connected !== undefined) this.data?.connect(this.#dtls.role);
    if (this.#dtls.state !== this.#dtlsStateTold) this.#tellDtlsState(connected?.remoteCertificate);
    if (connected !== undefined) {
      this.#unproven.clear();
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
    this.#outputs.notice({ event: "dtlsstate", args: [state, details] });
    if (state === "closed" && !this.#ended) {
      this.#fail(new SessionError("ERR_DTLS_CLOSED", "The peer closed the DTLS association"));
    }
  }

  #flushDtls(): void {
    this.#path.flush(this.#dtls, this.#nowUs);
  }

  #replayEarly(nowUs: number): void {
    for (const { bytes, arrivalUs } of this.#srtp.takeEarly()) {
      const length = bytes.length;
      this.#rtp({ socketId: 0, bytes, offset: 0, length, arrivalUs, source: () => this.#path.peer });
    }
    this.#media.deliver(nowUs);
  }

  #fail(error: SessionError): void {
    if (this.#ended) return;
    this.data?.end(error.message);
    this.#end();
    this.#outputs.notice({ event: "failed", args: [{ code: error.code, message: error.message }] });
  }

  #end(): void {
    this.#ended = true;
    this.data?.end("");
    this.#srtp.close();
    this.#unproven.clear();
    this.#media.close();
  }
}

function isMedia(kind: number): boolean {
  return kind === DatagramKind.rtp || kind === DatagramKind.rtcp;
}
