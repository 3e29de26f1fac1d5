import { DatagramTable } from "../../../native/addon.js";
import type { DataTransportOptions } from "../transport_api.js";
import type { DataLane } from "./data_session.js";
import { DataTransport } from "./data_transport.js";
import { classifyDatagram, DatagramKind } from "./demux.js";
import type { DtlsSession } from "./dtls_session.js";
import { isUdpSocket, type PathEnds, type PeerPath } from "./peer_path.js";
import type { DatagramWriter } from "./transport_outputs.js";

export interface DataRecordsOptions {
  /** Absent: they are drained with all else. */
  readonly writer?: DatagramWriter;
  /** A short way to the application for small messages of data channels. */
  readonly lane?: DataLane;
  /** Largest UDP payload; 1200 by default, which fits every path that carries IPv6 (RFC 8200 §5). */
  readonly maxPacketBytes?: number;
}

const MAX_PACKET_BYTES = 1200;

/** The SCTP packets of a transport on their way through DTLS records (RFC 8261): a batch at a time where the path allows it. */
export class DataRecords {
  readonly #dtls: DtlsSession;
  readonly #path: PeerPath;
  readonly #options: DataRecordsOptions;
  #transport: DataTransport | undefined;

  constructor(dtls: DtlsSession, path: PeerPath, options: DataRecordsOptions) {
    this.#dtls = dtls;
    this.#path = path;
    this.#options = options;
  }

  /** Undefined: the descriptions have no data channels yet. */
  get transport(): DataTransport | undefined {
    return this.#transport;
  }

  /** The first call counts. */
  start(options: DataTransportOptions): void {
    if (this.#transport !== undefined) return;
    const { maxPacketBytes = MAX_PACKET_BYTES, lane } = this.#options;
    this.#transport = new DataTransport(options, maxPacketBytes, lane);
    this.#dtls.isSrtpOptional = true;
    if (this.#dtls.state === "connected") this.#transport.connect(this.#dtls.role);
  }

  /** Writes the packets that are due. */
  pump(nowUs: number): void {
    const data = this.#transport;
    const path = this.#path.current;
    if (data === undefined || path === undefined) return;
    const { writer } = this.#options;
    if (writer !== undefined && isUdpSocket(path.socketId)) this.#pumpBatches(data, writer, path);
    else this.#pumpOneByOne(data, nowUs);
  }

  #pumpOneByOne(data: DataTransport, nowUs: number): void {
    for (let packet = data.takePacket(); packet !== undefined; packet = data.takePacket()) {
      this.#dtls.sendApplicationData(packet);
      this.#path.flush(this.#dtls, nowUs);
    }
  }

  /** While the kernel has no room, packets wait in SCTP: thrown away they would count as lost on the path. */
  #pumpBatches(data: DataTransport, writer: DatagramWriter, { socketId, to }: PathEnds): void {
    const dtls = this.#dtls.connected;
    if (dtls === undefined) return;
    const { slab, table } = writer;
    while (writer.retry()) {
      const count = data.protectPackets(dtls, slab, table);
      if (count === 0) return;
      const last = (count - 1) * DatagramTable.words;
      this.#path.countSent(count, table[last + DatagramTable.offset] + table[last + DatagramTable.length]);
      writer.sendBatch(socketId, to, count);
    }
  }

  /** Takes the records at the head of entries [first, first+count) of a batch with one call; returns how many those are. */
  receiveBatch(slab: Uint8Array, table: Int32Array, first: number, count: number, nowUs: number): number {
    const dtls = this.#dtls.connected;
    const start = table[first * DatagramTable.words + DatagramTable.offset];
    if (this.#transport === undefined || dtls === undefined) return 0;
    if (classifyDatagram(slab, start, 1) !== DatagramKind.dtls) return 0;
    return this.#transport.receiveRecords(dtls, slab, table, first, count, nowUs);
  }

  /** The association's ABORT goes out, whatever way there is. */
  abort(nowUs: number): void {
    if (this.#transport === undefined) return;
    this.#transport.abort();
    this.#pumpOneByOne(this.#transport, nowUs);
  }
}
