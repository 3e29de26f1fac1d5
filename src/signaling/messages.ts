/**
 * The message model of docs/signaling.md as two tables, one per direction: type → fields. The line codec, the JSON
 * codec and the TypeScript types are all read off these tables; there is no second description of a message.
 */
import { SignalingError, type SignalingErrorCode } from "./errors.js";

export const USER_STATUSES = ["DISCONNECTED", "AVAILABLE", "BUSY"] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

export interface UserEntry {
  readonly username: string;
  readonly status: UserStatus;
}

/** The value types a field can have, by the name the tables use. */
interface FieldValues {
  /** A user's name, see {@link isUsername}. */
  name: string;
  /** Any well-formed text. */
  text: string;
  /** As `text`; never logged. */
  secret: string;
  /** 1 to 64 characters of `A-Z a-z 0-9 . _ -`. */
  token: string;
  /** A non-negative integer below 65536. */
  index: number;
  boolean: boolean;
  status: UserStatus;
  users: readonly UserEntry[];
}
export type FieldKind = keyof FieldValues;

export interface FieldSpec {
  readonly kind: FieldKind;
  readonly optional?: true;
}
export interface MessageSpec {
  readonly [field: string]: FieldSpec;
}
export interface MessageTable {
  readonly [type: string]: MessageSpec;
}

const name = { kind: "name" } as const;
const text = { kind: "text" } as const;
const token = { kind: "token" } as const;
const optionalName = { kind: "name", optional: true } as const;
const optionalText = { kind: "text", optional: true } as const;
const optionalToken = { kind: "token", optional: true } as const;
const optionalIndex = { kind: "index", optional: true } as const;
const optionalBoolean = { kind: "boolean", optional: true } as const;
const credentials = { username: name, password: { kind: "secret" } } as const;
/** RFC 8839 §5.1 candidate attribute with what RTCIceCandidateInit names beside it; empty: no more candidates. */
const candidate = {
  candidate: text,
  sdpMid: optionalText,
  sdpMLineIndex: optionalIndex,
  usernameFragment: optionalText,
  callId: optionalToken,
} as const;

/** Messages a client sends. */
export const CLIENT_MESSAGES = {
  REGISTER: credentials,
  LOGIN: credentials,
  LOGOUT: {},
  GET_USERS: {},
  CALL_OFFER: { from: optionalName, to: name, sdp: text, callId: optionalToken },
  CALL_ANSWER: { to: name, accept: { kind: "boolean" }, sdp: optionalText, callId: optionalToken },
  CALL_REJECT: { to: name, reason: optionalText, callId: optionalToken },
  CALL_END: { to: optionalName, reason: optionalText, callId: optionalToken },
  ICE_CANDIDATE: { to: name, ...candidate },
  PING: {},
  PONG: {},
} as const;

/** Messages the server sends. */
export const SERVER_MESSAGES = {
  REGISTER_SUCCESS: { username: name },
  LOGIN_SUCCESS: { username: name },
  LOGOUT_SUCCESS: {},
  USER_LIST: { users: { kind: "users" }, more: optionalBoolean },
  USER_STATUS_CHANGED: { username: name, status: { kind: "status" } },
  INCOMING_CALL: { from: name, sdp: text, callId: token },
  CALL_ACCEPTED: { from: name, sdp: text, callId: token },
  CALL_REJECTED: { from: name, reason: optionalText, callId: token },
  CALL_ENDED: { from: name, reason: text, callId: token },
  ICE_CANDIDATE: { from: name, ...candidate, callId: token },
  PING: {},
  PONG: {},
  ERROR: { code: text, message: text, request: optionalText },
} as const;

type RequiredFields<S> = { [F in keyof S]: S[F] extends { optional: true } ? never : F }[keyof S];
type ValueOf<F> = F extends { kind: infer K extends FieldKind } ? FieldValues[K] : never;
type Body<S> = { readonly [F in RequiredFields<S>]: ValueOf<S[F]> } & {
  readonly [F in Exclude<keyof S, RequiredFields<S>>]?: ValueOf<S[F]>;
};
type MessageOf<T> = { [K in keyof T & string]: { readonly type: K } & Body<T[K]> }[keyof T & string];

export type ClientMessage = MessageOf<typeof CLIENT_MESSAGES>;
export type ServerMessage = MessageOf<typeof SERVER_MESSAGES>;
export type ClientMessageOf<K extends ClientMessage["type"]> = Extract<ClientMessage, { readonly type: K }>;
export type ServerMessageOf<K extends ServerMessage["type"]> = Extract<ServerMessage, { readonly type: K }>;

/** Which end wrote a message: the table that describes it. */
export type Writer = "client" | "server";
export interface MessageBy {
  client: ClientMessage;
  server: ServerMessage;
}
export const TABLES: { readonly [W in Writer]: MessageTable } = {
  client: CLIENT_MESSAGES,
  server: SERVER_MESSAGES,
};

/** Bytes of one message in its line encoding, the line feed included; the JSON encoding is held to it too. */
export const MAX_MESSAGE_BYTES = 65_536;
export const MAX_USERNAME_LENGTH = 32;

const USERNAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{0,31}$/u;
const TOKEN = /^[A-Za-z0-9._-]{1,64}$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** 1 to 32 letters, digits, `.`, `_` or `-`, the first a letter or digit, in Unicode normal form C. */
export function isUsername(value: string): boolean {
  return USERNAME.test(value) && value.length <= MAX_USERNAME_LENGTH && value === value.normalize("NFC");
}

const isString = (value: unknown): value is string => typeof value === "string";
const isStatus = (value: unknown): value is UserStatus => USER_STATUSES.some((status) => status === value);

function isUserEntry(value: unknown): value is UserEntry {
  if (typeof value !== "object" || value === null) return false;
  const { username, status } = value as Partial<Record<keyof UserEntry, unknown>>;
  return isString(username) && isUsername(username) && isStatus(status);
}

const CHECKS: {
  readonly [K in FieldKind]: { readonly test: (value: unknown) => boolean; readonly want: string };
} = {
  name: { test: (v) => isString(v) && isUsername(v), want: "a user name" },
  text: { test: (v) => isString(v) && !LONE_SURROGATE.test(v), want: "text" },
  secret: { test: (v) => isString(v) && !LONE_SURROGATE.test(v), want: "text" },
  token: { test: (v) => isString(v) && TOKEN.test(v), want: "1 to 64 of A-Z a-z 0-9 . _ -" },
  index: { test: (v) => Number.isInteger(v) && Number(v) >= 0 && Number(v) < 65_536, want: "0 to 65535" },
  boolean: { test: (v) => typeof v === "boolean", want: "true or false" },
  status: { test: isStatus, want: USER_STATUSES.join(", ") },
  users: { test: (v) => Array.isArray(v) && v.every(isUserEntry), want: "a list of users" },
};

function badField(type: string, field: string, kind: FieldKind, found: string): SignalingError {
  const code: SignalingErrorCode = kind === "name" && found === "wrong" ? "BAD_USERNAME" : "BAD_FIELD";
  return new SignalingError(code, `${type}: field ${field} is ${found}, expected ${CHECKS[kind].want}`, type);
}

/** The table entry for `type`; throws UNKNOWN_TYPE. */
export function specOf(writer: Writer, type: string): MessageSpec {
  const table = TABLES[writer];
  if (!Object.hasOwn(table, type)) {
    throw new SignalingError("UNKNOWN_TYPE", `no message of a ${writer} has the type ${type.slice(0, 64)}`);
  }
  return table[type] as MessageSpec;
}

/**
 * Checks decoded fields against the table and returns the message with the known fields alone: unknown ones are
 * dropped, so that later versions can add some. Throws {@link SignalingError}.
 */
export function checkMessage<W extends Writer>(
  writer: W,
  type: string,
  fields: Readonly<Record<string, unknown>>,
): MessageBy[W] {
  const message: Record<string, unknown> = { type };
  for (const [field, spec] of Object.entries(specOf(writer, type))) {
    const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (value === undefined) {
      if (!spec.optional) throw badField(type, field, spec.kind, "missing");
    } else if (CHECKS[spec.kind].test(value)) {
      message[field] = value;
    } else {
      throw badField(type, field, spec.kind, "wrong");
    }
  }
  return message as MessageBy[W];
}
