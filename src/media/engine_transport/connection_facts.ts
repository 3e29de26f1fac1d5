import type { WorkerEvent } from "../engine_messages.js";
import { PairTraffic } from "../pair_traffic.js";
import type { IcePair, TransportNotice } from "../session/messages.js";
import type { DtlsState, IceState, SelectedPair, TransportStats } from "../transport_api.js";
import { type TransportFacts, trafficOf } from "../transport_stats.js";

/** What the receiver's thread has told of a transport's ICE and DTLS, for those who ask for statistics. */
export class ConnectionFacts {
  /** The transport's. */
  readonly #counters: Float64Array;
  readonly #pairTraffic = new PairTraffic();
  #iceState: IceState = "new";
  #dtlsState: DtlsState = "new";
  #dtlsCipher = "";
  #srtpProfile: TransportStats["srtpProfile"] = "";
  #selectedPair: SelectedPair | null = null;
  /** As they were last told. */
  #pairs: readonly IcePair[] = [];
  #selectedPairChanges = 0;

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  note({ event, args }: TransportNotice): void {
    if (event === "icestate") this.#iceState = args[0];
    else if (event === "dtlsstate") this.#dtlsState = args[0];
    else if (event === "selectedpair") this.#select(args[0]);
  }

  #select(pair: SelectedPair): void {
    this.#selectedPair = pair;
    this.#pairTraffic.select(pair.local, pair.remote, trafficOf(this.#counters));
  }

  noteKeys({ keys, cipher }: Extract<WorkerEvent, { type: "keys" }>): void {
    this.#srtpProfile = keys.profile;
    this.#dtlsCipher = cipher;
  }

  notePairs({ pairs, selectedPairChanges }: Extract<WorkerEvent, { type: "iceStats" }>): void {
    this.#pairs = pairs;
    this.#selectedPairChanges = selectedPairChanges;
  }

  close(): void {
    this.#iceState = "closed";
    this.#dtlsState = "closed";
  }

  read(): Omit<TransportFacts, "send" | "receive"> {
    return {
      iceState: this.#iceState,
      dtlsState: this.#dtlsState,
      dtlsCipher: this.#dtlsCipher,
      srtpProfile: this.#srtpProfile,
      selectedPair: this.#selectedPair,
      selectedPairChanges: this.#selectedPairChanges,
      pairs: this.#pairTraffic.addTo(this.#pairs, trafficOf(this.#counters)),
    };
  }
}
