import {
  type HmacSha1,
  readText,
  readUint32Attribute,
  readUint64Attribute,
  StunErrorCode,
  type StunMessage,
  StunAttributeType as Type,
} from "../stun/index.js";
import type { IceGeneration } from "./generation.js";

/** A connectivity check that has proven itself. */
export interface AuthenticCheck {
  readonly generation: IceGeneration;
  readonly priority: number;
  readonly useCandidate: boolean;
  /** The sender's tie-breaker, by the role it claims. */
  readonly controlling: bigint | undefined;
  readonly controlled: bigint | undefined;
}

/** A check that is answered with an error; `generation` only when its integrity was right. */
export interface RefusedCheck {
  readonly code: number;
  readonly generation?: IceGeneration;
  readonly unknown?: readonly number[];
}

/** RFC 8489 §9.1.3 and RFC 8445 §7.3: who sent this, and may they? Looks at bytes only and changes nothing. */
export function examineCheck(
  message: StunMessage,
  generations: readonly IceGeneration[],
  hmac: HmacSha1,
): AuthenticCheck | RefusedCheck {
  const username = readText(message, Type.Username);
  if (username === undefined || !message.has(Type.MessageIntegrity))
    return { code: StunErrorCode.BadRequest };
  const fragment = username.split(":", 1)[0];
  const generation = generations.find((g) => g.local.usernameFragment === fragment);
  if (!generation || !message.verifyIntegrity(generation.local.key, hmac)) {
    return { code: StunErrorCode.Unauthenticated };
  }
  const unknown = message.unknownRequired();
  if (unknown.length > 0) return { code: StunErrorCode.UnknownAttribute, generation, unknown };
  const priority = readUint32Attribute(message, Type.Priority);
  if (priority === undefined) return { code: StunErrorCode.BadRequest, generation };
  return {
    generation,
    priority,
    useCandidate: message.has(Type.UseCandidate),
    controlling: readUint64Attribute(message, Type.IceControlling),
    controlled: readUint64Attribute(message, Type.IceControlled),
  };
}
