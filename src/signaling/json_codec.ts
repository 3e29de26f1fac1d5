/** The JSON encoding, for WebSocket: one text frame, one object `{"type": …, field: value, …}`. */
import { SignalingError } from "./errors.js";
import { encodeLine } from "./line_codec.js";
import { checkMessage, type MessageBy, specOf, type Writer } from "./messages.js";

/** One message as JSON, in the table's field order. Throws MESSAGE_TOO_LARGE when its line would be too long. */
export function encodeJson<W extends Writer>(writer: W, message: MessageBy[W]): string {
  encodeLine(writer, message);
  const fields = message as unknown as Readonly<Record<string, unknown>>;
  const out: Record<string, unknown> = { type: message.type };
  for (const field of Object.keys(specOf(writer, message.type))) {
    if (fields[field] !== undefined) out[field] = fields[field];
  }
  return JSON.stringify(out);
}

/** Decodes one text frame written by `writer`. Throws {@link SignalingError}. */
export function decodeJson<W extends Writer>(writer: W, frame: string): MessageBy[W] {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    throw new SignalingError("MALFORMED", "the frame is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SignalingError("MALFORMED", "the frame is not one JSON object");
  }
  const { type, ...fields } = value as Record<string, unknown>;
  if (typeof type !== "string") throw new SignalingError("MALFORMED", "the object has no type");
  const message = checkMessage(writer, type, fields);
  encodeLine(writer, message); // the size rule is the line's, so that every message can reach every client
  return message;
}
