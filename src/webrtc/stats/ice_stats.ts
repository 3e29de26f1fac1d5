import type { PairStats, TransportStats } from "../../media/transport_api.js";
import type { BundleTransport } from "../bundle_transport.js";
import { type RTCIceCandidate, readCandidate } from "../rtc_ice_candidate.js";
import type { RTCIceCandidatePairStats, RTCIceCandidateStats } from "../rtc_stats.js";

type Side = "local" | "remote";

/** Candidates and pairs of a transport. */
export class IceStats {
  readonly entries: (RTCIceCandidateStats | RTCIceCandidatePairStats)[] = [];
  /** Of the pair in use. */
  selectedId: string | undefined;
  readonly #places: Record<Side, Map<string, string>> = { local: new Map(), remote: new Map() };

  constructor(
    private readonly timestamp: number,
    private readonly transportId: string,
    private readonly engine: TransportStats,
    { ice }: BundleTransport,
  ) {
    for (const candidate of ice.getLocalCandidates()) this.#addCandidate("local", candidate);
    for (const candidate of ice.getRemoteCandidates()) this.#addCandidate("remote", candidate);
    for (const pair of engine.pairs) this.#addPair(pair);
    if (this.selectedId === undefined) this.#addCarrier();
  }

  /** After a restart the pair from before it carries the media until another is found. */
  #addCarrier(): void {
    const { selectedPair } = this.engine;
    if (selectedPair === null) return;
    const { local, remote, rttUs } = selectedPair;
    const { packetsSent, packetsReceived, bytesSent, bytesReceived } = this.engine;
    const unknown = { requestsSent: 0, requestsReceived: 0, responsesSent: 0, responsesReceived: 0 };
    this.#addPair({
      local,
      remote,
      state: "succeeded",
      nominated: true,
      isSelected: true,
      rttUs,
      totalRttUs: rttUs,
      ...unknown,
      consentRequestsSent: 0,
      packetsSent,
      packetsReceived,
      bytesSent,
      bytesReceived,
    });
  }

  #addPair({ local, remote, isSelected, rttUs, totalRttUs, ...pair }: PairStats): void {
    const localCandidateId = this.#idOf("local", local);
    const remoteCandidateId = this.#idOf("remote", remote);
    if (localCandidateId === undefined || remoteCandidateId === undefined) return;
    const id = `CP-${localCandidateId}-${remoteCandidateId}`;
    if (isSelected) this.selectedId = id;
    const { sendErrors, lastReceivedWallUs, availableBps } = this.engine;
    this.entries.push({
      type: "candidate-pair",
      id,
      timestamp: this.timestamp,
      transportId: this.transportId,
      localCandidateId,
      remoteCandidateId,
      ...pair,
      totalRoundTripTime: totalRttUs / 1e6,
      ...(rttUs > 0 && { currentRoundTripTime: rttUs / 1e6 }),
      ...(isSelected && availableBps > 0 && { availableOutgoingBitrate: availableBps }),
      ...(isSelected && { packetsDiscardedOnSend: sendErrors }),
      ...(isSelected && lastReceivedWallUs > 0 && { lastPacketReceivedTimestamp: lastReceivedWallUs / 1000 }),
    });
  }

  /** The candidate's entry; one that was never signaled, peer-reflexive, gets one now. */
  #idOf(side: Side, line: string): string | undefined {
    const known = this.#places[side].get(placeOf(line) ?? "");
    return known ?? this.#addCandidate(side, { candidate: line });
  }

  #addCandidate(
    side: Side,
    candidate: Pick<RTCIceCandidate, "candidate"> & Partial<RTCIceCandidate>,
  ): string | undefined {
    const parsed = readCandidate(candidate.candidate);
    const place = placeOf(candidate.candidate);
    if (parsed === undefined || place === undefined) return undefined;
    const places = this.#places[side];
    const id = `${side === "local" ? "CL" : "CR"}-${places.size}`;
    if (places.has(place)) return places.get(place);
    places.set(place, id);
    const { usernameFragment, url, relayProtocol } = candidate;
    this.entries.push({
      type: `${side}-candidate`,
      id,
      timestamp: this.timestamp,
      transportId: this.transportId,
      address: parsed.address,
      port: parsed.port,
      protocol: parsed.transport,
      candidateType: parsed.type,
      priority: parsed.priority,
      foundation: parsed.foundation,
      ...(url && { url }),
      ...(relayProtocol && { relayProtocol }),
      ...(parsed.relatedAddress !== undefined && { relatedAddress: parsed.relatedAddress }),
      ...(parsed.relatedPort !== undefined && { relatedPort: parsed.relatedPort }),
      ...(usernameFragment && { usernameFragment }),
      ...(parsed.tcpType !== undefined && { tcpType: parsed.tcpType }),
    });
    return id;
  }
}

/** What tells candidates apart: a TCP one's active side has a port that says nothing. */
function placeOf(line: string): string | undefined {
  const parsed = readCandidate(line);
  return parsed && `${parsed.transport} ${parsed.tcpType ?? ""} ${parsed.address} ${parsed.port}`;
}
