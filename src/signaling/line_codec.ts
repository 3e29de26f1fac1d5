/**
 * The line encoding: `TYPE|field:value|field:value\n`, UTF-8. Values percent-encode `%`, `|`, CR and LF; a decoder
 * takes any percent-encoded UTF-8. A CR before the LF is tolerated.
 */
import { SignalingError } from "./errors.js";
import {
  checkMessage,
  type FieldKind,
  MAX_MESSAGE_BYTES,
  type MessageBy,
  specOf,
  type UserEntry,
  type Writer,
} from "./messages.js";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ESCAPES: Readonly<Record<string, string>> = { "%": "%25", "|": "%7C", "\r": "%0D", "\n": "%0A" };

/** Percent-encodes what would break a line apart. */
export function encodeValue(value: string): string {
  return value.replace(/[%|\r\n]/g, (character) => ESCAPES[character] as string);
}

/** Undoes {@link encodeValue}; throws MALFORMED for a `%` that starts no UTF-8 sequence. */
export function decodeValue(value: string): string {
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    throw new SignalingError("MALFORMED", "a % in a value must start the percent-encoding of UTF-8");
  }
}

function formatField(kind: FieldKind, value: unknown): string {
  if (kind !== "users") return encodeValue(String(value));
  return (value as readonly UserEntry[]).map((user) => `${user.username}:${user.status}`).join(",");
}

function parseUsers(value: string): unknown {
  if (value === "") return [];
  return value.split(",").map((entry) => {
    const colon = entry.indexOf(":");
    return { username: entry.slice(0, colon), status: entry.slice(colon + 1) };
  });
}

/** Turns a field's text into what its kind asks for; text that does not fit stays text and fails the model's check. */
function parseField(kind: FieldKind, value: string): unknown {
  switch (kind) {
    case "boolean":
      return value === "true" || value === "false" ? value === "true" : value;
    case "index":
      return /^[0-9]{1,5}$/.test(value) ? Number(value) : value;
    case "users":
      return parseUsers(value);
    default:
      return value;
  }
}

/** One message as a line with its line feed. Throws MESSAGE_TOO_LARGE above {@link MAX_MESSAGE_BYTES}. */
export function encodeLine<W extends Writer>(writer: W, message: MessageBy[W]): Buffer {
  const fields = message as unknown as Readonly<Record<string, unknown>>;
  let line: string = message.type;
  for (const [field, spec] of Object.entries(specOf(writer, message.type))) {
    if (fields[field] !== undefined) line += `|${field}:${formatField(spec.kind, fields[field])}`;
  }
  const bytes = Buffer.from(`${line}\n`, "utf8");
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new SignalingError("MESSAGE_TOO_LARGE", tooLarge(message.type), message.type);
  }
  return bytes;
}

const tooLarge = (what: string): string => `${what} is longer than ${MAX_MESSAGE_BYTES} bytes`;

/** Splits `TYPE|field:value|…` into type and decoded text fields. */
function splitFields(line: string): { type: string; fields: Map<string, string> } {
  const [type, ...parts] = line.split("|") as [string, ...string[]];
  if (!/^[A-Z][A-Z_]{0,31}$/.test(type)) {
    throw new SignalingError("MALFORMED", "a line starts with a type in capital letters");
  }
  const fields = new Map<string, string>();
  for (const part of parts) {
    const match = /^([A-Za-z][A-Za-z0-9]{0,31}):(.*)$/s.exec(part);
    if (match === null) throw new SignalingError("MALFORMED", `${type}: a field is name:value`, type);
    const [, field, value] = match as unknown as [string, string, string];
    if (fields.has(field))
      throw new SignalingError("MALFORMED", `${type}: field ${field} is there twice`, type);
    fields.set(field, decodeValue(value));
  }
  return { type, fields };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SignalingError("MALFORMED", "the line is not UTF-8");
  }
}

/** Decodes one line without its line feed, written by `writer`. Throws {@link SignalingError}. */
export function decodeLine<W extends Writer>(writer: W, bytes: Uint8Array): MessageBy[W] {
  const end =
    bytes.length > 0 && bytes[bytes.length - 1] === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  const line = decodeUtf8(bytes.subarray(0, end));
  if (line.includes("\r"))
    throw new SignalingError("MALFORMED", "a CR inside a line must be percent-encoded");
  const { type, fields } = splitFields(line);
  const spec = specOf(writer, type);
  const values: Record<string, unknown> = {};
  for (const [field, value] of fields) {
    if (Object.hasOwn(spec, field))
      values[field] = parseField((spec[field] as { kind: FieldKind }).kind, value);
  }
  return checkMessage(writer, type, values);
}

/**
 * Cuts a byte stream into lines, whatever the chunks. Holds at most one line's bytes: longer ones throw
 * MESSAGE_TOO_LARGE, after which the splitter is not usable any more.
 */
export class LineSplitter {
  #held = Buffer.alloc(0);
  #heldBytes = 0;

  constructor(private readonly maxBytes = MAX_MESSAGE_BYTES) {}

  /** Whether the stream stands in the middle of a line. */
  get midLine(): boolean {
    return this.#heldBytes > 0;
  }

  /** The lines that `chunk` completes, without their line feeds. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end < 0) break;
      yield this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  #complete(tail: Uint8Array): Uint8Array {
    if (this.#heldBytes === 0) {
      this.#checkLength(tail.length);
      return tail;
    }
    this.#hold(tail);
    const line = Uint8Array.prototype.slice.call(this.#held, 0, this.#heldBytes);
    this.#heldBytes = 0;
    return line;
  }

  /** Copies, so that many small chunks cost no more memory than the line. */
  #hold(part: Uint8Array): void {
    const needed = this.#heldBytes + part.length;
    this.#checkLength(needed);
    if (needed > this.#held.length) {
      const grown = Buffer.alloc(Math.min(this.maxBytes, Math.max(1024, 2 * needed)));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes = needed;
  }

  /** @param bytes of a line without its line feed, which counts too */
  #checkLength(bytes: number): void {
    if (bytes + 1 > this.maxBytes) throw new SignalingError("MESSAGE_TOO_LARGE", tooLarge("a line"));
  }
}
