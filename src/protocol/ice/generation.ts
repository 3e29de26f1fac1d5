import type { TransportAddress } from "../primitives/address.js";
import { shortTermKey } from "../stun/index.js";
import { Checklist } from "./checklist.js";
import { IceError } from "./errors.js";
import type { CandidatePair, LocalPath, RemoteCandidate } from "./pair.js";
import type { IceLimits } from "./timers.js";

/** User name fragment and password of one side (RFC 8445 §5.3). */
export interface IceCredentials {
  readonly usernameFragment: string;
  readonly password: string;
}

interface KeyedCredentials extends IceCredentials {
  readonly key: Uint8Array;
}

/** An authenticated check that came before the peer's parameters (RFC 8445 §7.3). */
export interface EarlyCheck {
  readonly path: LocalPath;
  readonly from: TransportAddress;
  readonly priority: number;
  readonly useCandidate: boolean;
}

/** What lives and dies with one pair of credentials: a restart begins a new one (RFC 8445 §2.4, §9). */
export class IceGeneration {
  readonly local: KeyedCredentials;
  readonly checklist: Checklist;
  readonly remotes = new Map<string, RemoteCandidate>();
  /** Pairs whose check goes out ahead of the ordinary ones; a nominating check is one of them. */
  readonly triggered: CandidatePair[] = [];
  readonly early: EarlyCheck[] = [];
  remote?: KeyedCredentials;
  remoteEnded = false;
  /** When checks could first have been sent. */
  startedUs?: number;
  /** Controlling: when the first pair became valid. */
  firstValidUs?: number;
  /** Controlling: the pair being nominated. */
  nominating?: CandidatePair;
  selected?: CandidatePair;
  /** The selected pair is silent: others are tried again. */
  rechecking = false;
  /** When the selected pair was lost: its consent ran out or its path broke. */
  lostUs?: number;
  /** The path broke: all others are being tried. */
  recovering = false;
  failed = false;

  constructor(local: IceCredentials, limits: IceLimits) {
    this.local = withKey(local);
    this.checklist = new Checklist(limits.pairs);
  }

  setRemote(remote: IceCredentials): void {
    this.remote = withKey(remote);
  }

  trigger(pair: CandidatePair): void {
    if (!this.triggered.includes(pair)) this.triggered.push(pair);
  }

  /** Whether ordinary checks should still be made. */
  get isChecking(): boolean {
    return !!this.remote && !this.failed && (!this.selected || this.rechecking);
  }
}

/** @throws IceError ERR_ICE_CREDENTIALS unless RFC 8839 §5.4's lengths and characters are kept. */
export function checkCredentials(c: IceCredentials, whose: string): void {
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(c.usernameFragment)) {
    throw new IceError("ERR_ICE_CREDENTIALS", `${whose} usernameFragment needs 4 to 256 ice-chars`);
  }
  if (!/^[A-Za-z0-9+/]{22,256}$/.test(c.password)) {
    throw new IceError("ERR_ICE_CREDENTIALS", `${whose} password needs 22 to 256 ice-chars`);
  }
}

function withKey(c: IceCredentials): KeyedCredentials {
  return {
    usernameFragment: c.usernameFragment,
    password: c.password,
    key: shortTermKey(c.password),
  };
}
