import type { IcePair } from "./session/messages.js";
import type { PairStats } from "./transport_api.js";
import type { Traffic } from "./transport_stats.js";

const NONE: Traffic = { packetsSent: 0, packetsReceived: 0, bytesSent: 0, bytesReceived: 0 };

/** Which pair carried how much of a transport's traffic: it is all the selected one's while it is that. */
export class PairTraffic {
  /** Of pairs while they were selected before. */
  readonly #past = new Map<string, Traffic>();
  #selected = "";
  /** The transport's whole traffic when the present pair was selected. */
  #since = NONE;

  /** @param total the transport's traffic until now */
  select(local: string, remote: string, total: Traffic): void {
    if (this.#selected !== "") this.#past.set(this.#selected, this.#of(this.#selected, total));
    // What came before there was a pair belongs to the one that it led to.
    if (this.#selected !== "") this.#since = total;
    this.#selected = keyOf(local, remote);
  }

  addTo(pairs: readonly IcePair[], total: Traffic): PairStats[] {
    return pairs.map((pair) => ({ ...pair, ...this.#of(keyOf(pair.local, pair.remote), total) }));
  }

  #of(key: string, total: Traffic): Traffic {
    const past = this.#past.get(key) ?? NONE;
    return key === this.#selected ? sum(past, total, this.#since) : past;
  }
}

/** By address, as a candidate's line may become another (peer-reflexive, then signaled). */
function keyOf(local: string, remote: string): string {
  return `${placeOf(local)} ${placeOf(remote)}`;
}

/** Transport, address and port of "candidate:foundation component transport priority address port …" (RFC 8839 §5.1). */
function placeOf(line: string): string {
  const [, , transport, , address, port] = line.split(" ");
  return `${transport} ${address} ${port}`;
}

function sum(past: Traffic, total: Traffic, since: Traffic): Traffic {
  return {
    packetsSent: past.packetsSent + total.packetsSent - since.packetsSent,
    packetsReceived: past.packetsReceived + total.packetsReceived - since.packetsReceived,
    bytesSent: past.bytesSent + total.bytesSent - since.bytesSent,
    bytesReceived: past.bytesReceived + total.bytesReceived - since.bytesReceived,
  };
}
