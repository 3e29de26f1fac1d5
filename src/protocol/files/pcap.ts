/** The classic capture format of libpcap: UDP datagrams out of packets of Ethernet, Linux "cooked", loopback and raw IP; a writer of raw IP. */
import { formatIp, parseIp } from "../primitives/address.js";
import { readU16, readU32, writeU16 } from "../primitives/bytes.js";
import { FileFormatError } from "./file_format_error.js";
import { type FileFrame, RecordReader } from "./frame_reader.js";

const HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAX_RECORD_BYTES = 1 << 18;
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const PCAPNG = 0x0a0d0d0a;
const RAW_IP = 101;
const UDP = 17;

/** Link types (tcpdump.org's list) → bytes before the IP packet; -1: an EtherType stands behind that many bytes. */
const LINKS: ReadonlyMap<number, { readonly bytes: number; readonly etherTypeAt?: number }> = new Map([
  [0, { bytes: 4 }],
  [1, { bytes: 14, etherTypeAt: 12 }],
  [RAW_IP, { bytes: 0 }],
  [113, { bytes: 16, etherTypeAt: 14 }],
  [228, { bytes: 0 }],
  [229, { bytes: 0 }],
  [276, { bytes: 20, etherTypeAt: 0 }],
]);

export interface PcapEndpoint {
  address: string;
  port: number;
}

/** The payload of one UDP datagram; `timeUs` is Unix time. */
export interface PcapDatagram extends FileFrame {
  source: PcapEndpoint;
  destination: PcapEndpoint;
}

export class PcapReader extends RecordReader<PcapDatagram> {
  linkType = -1;
  /** Records that hold no whole UDP datagram: other protocols, fragments, what the capture cut off. */
  recordsSkipped = 0;
  private littleEndian = true;
  private subsecondsPerUs = 1;
  private readonly datagram: PcapDatagram = {
    data: new Uint8Array(0),
    timeUs: 0,
    source: { address: "", port: 0 },
    destination: { address: "", port: 0 },
  };

  next(): PcapDatagram | undefined {
    if (this.linkType < 0 && !this.readHeader()) return undefined;
    for (;;) {
      this.dropTaken();
      const bytes = this.recordBytes();
      if (bytes < 0) return undefined;
      this.taken = RECORD_HEADER_BYTES + bytes;
      if (this.readRecord(bytes)) return this.datagram;
      this.recordsSkipped++;
    }
  }

  private u32(offset: number): number {
    return this.littleEndian ? this.queue.u32le(offset) : readU32(this.queue.peek(offset, 4), 0);
  }

  private readHeader(): boolean {
    const { queue } = this;
    if (queue.length < HEADER_BYTES) {
      if (!queue.ended) return false;
      throw bad("NOT_THIS_FORMAT", 0, `it ends after ${queue.length} bytes, in its header`);
    }
    this.readMagic();
    const link = this.u32(20) & 0xffff;
    if (!LINKS.has(link))
      throw bad("BAD_FIELD", 20, `link type ${link}; read are ${[...LINKS.keys()].join(", ")}`);
    this.linkType = link;
    queue.skip(HEADER_BYTES);
    return true;
  }

  private readMagic(): void {
    const little = this.queue.u32le(0);
    const big = readU32(this.queue.peek(0, 4), 0);
    if (big === PCAPNG)
      throw bad(
        "NOT_THIS_FORMAT",
        0,
        "this is pcapng; `editcap -F pcap` of Wireshark makes a pcap file of it",
      );
    this.littleEndian = little === MICROSECONDS || little === NANOSECONDS;
    const magic = this.littleEndian ? little : big;
    if (magic !== MICROSECONDS && magic !== NANOSECONDS)
      throw bad("NOT_THIS_FORMAT", 0, `it begins with ${big.toString(16)}, not with a1b2c3d4 or a1b23c4d`);
    this.subsecondsPerUs = magic === NANOSECONDS ? 1000 : 1;
  }

  /** -1: the record is not all here. */
  private recordBytes(): number {
    const { queue } = this;
    const held = queue.length;
    if (held >= RECORD_HEADER_BYTES) {
      const bytes = this.u32(8);
      if (bytes > MAX_RECORD_BYTES)
        throw bad(
          "TOO_LARGE",
          queue.fileOffset,
          `a record of ${bytes} bytes; allowed are ${MAX_RECORD_BYTES}`,
        );
      if (held >= RECORD_HEADER_BYTES + bytes) return bytes;
    }
    this.incomplete();
    return -1;
  }

  private readRecord(bytes: number): boolean {
    this.datagram.timeUs = this.u32(0) * 1e6 + this.u32(4) / this.subsecondsPerUs;
    const record = this.queue.peek(RECORD_HEADER_BYTES, bytes);
    const at = ipOffset(record, this.linkType);
    if (at < 0 || at >= bytes) return false;
    return record[at] >> 4 === 6 ? this.readIpv6(record, at) : this.readIpv4(record, at);
  }

  private readIpv4(packet: Uint8Array, at: number): boolean {
    const headerBytes = (packet[at] & 15) * 4;
    if (packet[at] >> 4 !== 4 || headerBytes < 20 || at + headerBytes > packet.length) return false;
    const fragment = readU16(packet, at + 6) & 0x3fff;
    if (packet[at + 9] !== UDP || fragment !== 0) return false;
    return this.readUdp(
      packet,
      at + headerBytes,
      packet.subarray(at + 12, at + 16),
      packet.subarray(at + 16, at + 20),
    );
  }

  /** Extension headers are not walked: media has none. */
  private readIpv6(packet: Uint8Array, at: number): boolean {
    if (at + 40 > packet.length || packet[at + 6] !== UDP) return false;
    return this.readUdp(packet, at + 40, packet.subarray(at + 8, at + 24), packet.subarray(at + 24, at + 40));
  }

  private readUdp(packet: Uint8Array, at: number, source: Uint8Array, destination: Uint8Array): boolean {
    if (at + 8 > packet.length) return false;
    const length = readU16(packet, at + 4);
    if (length < 8 || at + length > packet.length) return false;
    const { datagram } = this;
    datagram.source.address = formatIp(source);
    datagram.source.port = readU16(packet, at);
    datagram.destination.address = formatIp(destination);
    datagram.destination.port = readU16(packet, at + 2);
    datagram.data = packet.subarray(at + 8, at + length);
    return true;
  }
}

/** Where the IP packet begins; -1: the record holds none. */
function ipOffset(record: Uint8Array, linkType: number): number {
  const link = LINKS.get(linkType);
  if (link === undefined || record.length < link.bytes) return -1;
  if (link.etherTypeAt === undefined) return link.bytes;
  let etherType = readU16(record, link.etherTypeAt);
  let at = link.bytes;
  // IEEE 802.1Q: a tag of four bytes, the true type behind it.
  if (etherType === 0x8100 && record.length >= at + 4) {
    etherType = readU16(record, at + 2);
    at += 4;
  }
  return etherType === 0x0800 || etherType === 0x86dd ? at : -1;
}

function bad(code: FileFormatError["code"], offset: number, what: string): FileFormatError {
  return new FileFormatError(code, "pcap", offset, what);
}

/** The bytes a file of raw IP packets begins with. */
export function pcapHeader(): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES);
  const view = new DataView(out.buffer);
  view.setUint32(0, MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, MAX_RECORD_BYTES, true);
  view.setUint32(20, RAW_IP, true);
  return out;
}

/**
 * The bytes of one datagram's record. Throws RangeError where the addresses are none, or of two families, or the data is longer than a
 * datagram's 65507 bytes.
 */
export function pcapRecord(
  data: Uint8Array,
  timeUs: number,
  from: Readonly<PcapEndpoint>,
  to: Readonly<PcapEndpoint>,
): Uint8Array {
  const source = parseIp(from.address);
  const destination = parseIp(to.address);
  if (source === undefined || destination === undefined || source.length !== destination.length)
    throw new RangeError(`addresses ${from.address} and ${to.address}: two of one family are needed`);
  if (data.length > 65_507) throw new RangeError(`a datagram of ${data.length} bytes; at most 65507 fit`);
  const ipBytes = source.length === 4 ? 20 : 40;
  const total = ipBytes + 8 + data.length;
  const out = new Uint8Array(RECORD_HEADER_BYTES + total);
  const view = new DataView(out.buffer);
  view.setUint32(0, Math.floor(timeUs / 1e6), true);
  view.setUint32(4, Math.floor(timeUs % 1e6), true);
  view.setUint32(8, total, true);
  view.setUint32(12, total, true);
  const packet = out.subarray(RECORD_HEADER_BYTES);
  if (ipBytes === 20) writeIpv4(packet, total, source, destination);
  else writeIpv6(packet, 8 + data.length, source, destination);
  writeUdp(packet, ipBytes, from.port, to.port, data);
  return out;
}

function writeIpv4(packet: Uint8Array, total: number, source: Uint8Array, destination: Uint8Array): void {
  packet[0] = 0x45;
  writeU16(packet, 2, total);
  packet[6] = 0x40;
  packet[8] = 64;
  packet[9] = UDP;
  packet.set(source, 12);
  packet.set(destination, 16);
  writeU16(packet, 10, ~onesSum(packet, 0, 20, 0) & 0xffff);
}

function writeIpv6(packet: Uint8Array, length: number, source: Uint8Array, destination: Uint8Array): void {
  packet[0] = 0x60;
  writeU16(packet, 4, length);
  packet[6] = UDP;
  packet[7] = 64;
  packet.set(source, 8);
  packet.set(destination, 24);
}

function writeUdp(packet: Uint8Array, at: number, sourcePort: number, port: number, data: Uint8Array): void {
  const length = 8 + data.length;
  writeU16(packet, at, sourcePort);
  writeU16(packet, at + 2, port);
  writeU16(packet, at + 4, length);
  packet.set(data, at + 8);
  // RFC 768 and RFC 8200 §8.1: over both addresses, protocol and length too; 0 is sent as ffff.
  const addressesAt = at === 20 ? 12 : 8;
  const pseudo = onesSum(packet, addressesAt, at - addressesAt, UDP + length);
  writeU16(packet, at + 6, ~onesSum(packet, at, length, pseudo) & 0xffff || 0xffff);
}

/** RFC 1071. */
function onesSum(bytes: Uint8Array, offset: number, length: number, from: number): number {
  let sum = from;
  for (let i = 0; i < length; i++) sum += (i & 1) === 0 ? bytes[offset + i] << 8 : bytes[offset + i];
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}
