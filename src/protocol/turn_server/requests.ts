/** What the requests of RFC 8656 ask for, read and checked; nothing here changes anything. */
import { parseIp, type TransportAddress } from "../primitives/address.js";
import {
  StunErrorCode as Code,
  readUint32Attribute,
  readXorAddresses,
  type StunMessage,
  StunAttributeType as Type,
  unknownAttributesAttribute,
} from "../stun/index.js";
import { FIRST_CHANNEL, LAST_OLD_CHANNEL } from "../turn/channel_data.js";
import { ipKey, type Peer } from "./allocation.js";
import type { PeerPolicy } from "./peer_policy.js";
import type { Refusal } from "./refusal.js";

const UDP_PROTOCOL = 17;
const IPV4 = 1;
const IPV6 = 2;

export interface AllocateWish {
  readonly family: 4 | 6;
  readonly ports: "any" | "even" | "pair";
  /** The relay that an earlier Allocate reserved. */
  readonly token: Uint8Array | undefined;
  readonly lifetimeSeconds: number | undefined;
  /** RFC 8656 §7.1: a second family, which this server gives in an allocation of its own only. */
  readonly additionalFamily: boolean;
}

/** RFC 8656 §7.2, steps 3 to 9. */
export function readAllocate(message: StunMessage, families: readonly (4 | 6)[]): AllocateWish | Refusal {
  const transport = message.value(Type.RequestedTransport);
  if (transport?.length !== 4) return { code: Code.BadRequest };
  if (transport[0] !== UDP_PROTOCOL) return { code: Code.UnsupportedTransport };
  // The sockets here give no say over the DF bit; the RFC lets such a server not know the attribute.
  if (message.has(Type.DontFragment)) return unknownAttribute(Type.DontFragment);
  if (contradicts(message)) return { code: Code.BadRequest };
  const family = readFamily(message.value(Type.RequestedAddressFamily));
  if (family === undefined || !families.includes(family)) return { code: Code.AddressFamilyNotSupported };
  const evenPort = message.value(Type.EvenPort);
  return {
    family,
    ports: !evenPort ? "any" : (evenPort[0] & 0x80) !== 0 ? "pair" : "even",
    token: message.value(Type.ReservationToken),
    lifetimeSeconds: readUint32Attribute(message, Type.Lifetime),
    additionalFamily: message.has(Type.AdditionalAddressFamily),
  };
}

function contradicts(message: StunMessage): boolean {
  const reserved = message.has(Type.ReservationToken);
  const additional = message.has(Type.AdditionalAddressFamily);
  const named = message.has(Type.RequestedAddressFamily);
  const even = message.value(Type.EvenPort);
  if (even?.length === 0 || (reserved && (even || named || additional))) return true;
  if (additional && even && (even[0] & 0x80) !== 0) return true;
  return additional && (named || message.value(Type.AdditionalAddressFamily)?.[0] !== IPV6);
}

function readFamily(value: Uint8Array | undefined): 4 | 6 | undefined {
  if (!value || value[0] === IPV4) return 4;
  return value[0] === IPV6 ? 6 : undefined;
}

/** RFC 8656 §8.2: a Refresh may name the family of the relayed address, and must not name the other. */
export function refreshesOtherFamily(message: StunMessage, family: 4 | 6): boolean {
  const value = message.value(Type.RequestedAddressFamily);
  return value !== undefined && readFamily(value) !== family;
}

/** RFC 8656 §10.2: one or more peers; the request is refused as a whole when one of them is. */
export function readPeers(message: StunMessage, family: 4 | 6, policy: PeerPolicy): Peer[] | Refusal {
  const addresses = readXorAddresses(message, Type.XorPeerAddress);
  if (addresses.length === 0) return { code: Code.BadRequest };
  const peers: Peer[] = [];
  for (const address of addresses) {
    const peer = readPeer(address, family, policy);
    if ("code" in peer) return peer;
    peers.push(peer);
  }
  return peers;
}

function readPeer(address: TransportAddress | undefined, family: 4 | 6, policy: PeerPolicy): Peer | Refusal {
  const ip = address && parseIp(address.address);
  if (!address || !ip) return { code: Code.BadRequest };
  if (address.family !== family) return { code: Code.PeerAddressFamilyMismatch };
  if (!policy.allows(ip)) return { code: Code.Forbidden };
  return { address, ip: ipKey(ip) };
}

export interface BindWish {
  readonly channel: number;
  readonly peer: Peer;
}

/** RFC 8656 §12.2. */
export function readChannelBind(message: StunMessage, family: 4 | 6, policy: PeerPolicy): BindWish | Refusal {
  const number = message.value(Type.ChannelNumber);
  const addresses = readXorAddresses(message, Type.XorPeerAddress);
  if (number?.length !== 4 || addresses.length === 0) return { code: Code.BadRequest };
  const channel = (number[0] << 8) | number[1];
  if (channel < FIRST_CHANNEL || channel > LAST_OLD_CHANNEL) return { code: Code.BadRequest };
  const peer = readPeer(addresses[0], family, policy);
  return "code" in peer ? peer : { channel, peer };
}

/** 420 with the attributes that nobody here understands; undefined when there are none. */
export function refuseUnknown(message: StunMessage): Refusal | undefined {
  const unknown = [...new Set(message.unknownRequired())];
  if (unknown.length === 0) return undefined;
  return { code: Code.UnknownAttribute, attributes: [unknownAttributesAttribute(unknown)] };
}

function unknownAttribute(type: number): Refusal {
  return { code: Code.UnknownAttribute, attributes: [unknownAttributesAttribute([type])] };
}
