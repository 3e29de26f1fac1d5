import { type HmacSha1, longTermKey, type Md5 } from "../stun/index.js";

/** RFC 8489 §14.3: a username has fewer than 509 bytes. */
const MAX_USERNAME = 508;
const encoder = new TextEncoder();

/** What a username stands for. */
export interface Account {
  readonly username: string;
  /** Whom quotas count: with time-limited credentials the user behind them. */
  readonly name: string;
  /** Key of MESSAGE-INTEGRITY (RFC 8489 §9.2.2). */
  readonly key: Uint8Array;
}

export interface CredentialOptions {
  readonly realm: string;
  /** Passwords by username: the long-term mechanism. */
  readonly users?: ReadonlyMap<string, string>;
  /** Several while one replaces another. The first is the newest. */
  readonly sharedSecrets?: readonly string[];
  readonly hmacSha1: HmacSha1;
  readonly md5: Md5;
}

/**
 * Who may allocate: users with passwords, and bearers of time-limited credentials that somebody made who knows a shared
 * secret (draft-uberti-behave-turn-rest): the username is "EXPIRY:USER" with the expiry in Unix seconds, the password
 * base64(HMAC-SHA1(secret, username)).
 */
export class TurnCredentials {
  readonly #o: CredentialOptions;

  constructor(options: CredentialOptions) {
    this.#o = options;
  }

  get realm(): string {
    return this.#o.realm;
  }

  /** Those that `username` may be, most often one; none when it is unknown or expired. */
  accounts(username: string, unixSeconds: number): Account[] {
    if (username.length > MAX_USERNAME) return [];
    const password = this.#o.users?.get(username);
    if (password !== undefined) return [this.#account(username, username, password)];
    const limited = parseTimeLimited(username);
    if (!limited || limited.expiry <= unixSeconds) return [];
    return (this.#o.sharedSecrets ?? []).map((secret) =>
      this.#account(username, limited.user, timeLimitedPassword(secret, username, this.#o.hmacSha1)),
    );
  }

  #account(username: string, name: string, password: string): Account {
    return { username, name, key: longTermKey(username, this.#o.realm, password, this.#o.md5) };
  }
}

function parseTimeLimited(username: string): { expiry: number; user: string } | undefined {
  const match = /^(\d{1,12})(?::(.*))?$/s.exec(username);
  return match ? { expiry: Number(match[1]), user: match[2] || username } : undefined;
}

/** The password that goes with a time-limited username. */
export function timeLimitedPassword(secret: string, username: string, hmacSha1: HmacSha1): string {
  const mac = hmacSha1(encoder.encode(secret), encoder.encode(username));
  return btoa(String.fromCharCode(...mac));
}

/** Credentials for `user` that hold until `expiry` (Unix seconds): what an application hands its client. */
export function timeLimitedCredentials(
  secret: string,
  user: string,
  expiry: number,
  hmacSha1: HmacSha1,
): { readonly username: string; readonly password: string } {
  const username = `${Math.floor(expiry)}:${user}`;
  return { username, password: timeLimitedPassword(secret, username, hmacSha1) };
}
