import {
  type HmacSha1,
  readText,
  type StunAttribute,
  StunErrorCode,
  type StunMessage,
  StunAttributeType as Type,
  textAttribute,
} from "../stun/index.js";
import type { Account, TurnCredentials } from "./credentials.js";
import type { Nonces } from "./nonces.js";
import type { Refusal } from "./refusal.js";
import type { ClientFlow } from "./types.js";

/** The server's side of the long-term credential mechanism (RFC 8489 §9.2.4). */
export class Authenticator {
  readonly #credentials: TurnCredentials;
  readonly #nonces: Nonces;
  readonly #hmac: HmacSha1;

  constructor(credentials: TurnCredentials, nonces: Nonces, hmac: HmacSha1) {
    this.#credentials = credentials;
    this.#nonces = nonces;
    this.#hmac = hmac;
  }

  /**
   * Who sent the request, or why it is refused.
   * @param holder - whose the flow's allocation is: a time-limited credential that has run out still keeps what it opened
   */
  check(
    message: StunMessage,
    flow: ClientFlow,
    holder: Account | undefined,
    clock: { readonly nowUs: number; readonly unixSeconds: number },
  ): Account | Refusal {
    if (!message.has(Type.MessageIntegrity)) return this.#challenge(401, flow, clock.nowUs);
    const username = readText(message, Type.Username);
    const nonce = message.value(Type.Nonce);
    if (username === undefined || !nonce || !message.has(Type.Realm))
      return { code: StunErrorCode.BadRequest };
    if (!this.#nonces.isValid(nonce, flow.remote, clock.nowUs))
      return this.#challenge(438, flow, clock.nowUs);
    // The realm is part of the key: a wrong one fails with it.
    const accounts = this.#credentials.accounts(username, clock.unixSeconds);
    if (holder?.username === username) accounts.unshift(holder);
    const account = accounts.find(({ key }) => message.verifyIntegrity(key, this.#hmac));
    return account ?? this.#challenge(401, flow, clock.nowUs);
  }

  #challenge(code: 401 | 438, flow: ClientFlow, nowUs: number): Refusal {
    const attributes: StunAttribute[] = [
      textAttribute(Type.Realm, this.#credentials.realm),
      { type: Type.Nonce, value: this.#nonces.issue(flow.remote, nowUs) },
    ];
    return { code, attributes };
  }
}
