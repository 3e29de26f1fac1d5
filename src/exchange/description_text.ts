/**
 * A session description as one line of text, to be copied by hand: base64 of its JSON, as the examples of Pion and
 * webrtc-rs print it, or base64 of the JSON compressed with zlib (RFC 1950), a third as long.
 */
import { deflateSync, unzipSync } from "node:zlib";
import {
  type RTCSdpType,
  type RTCSessionDescriptionInit,
  sdpTypes,
} from "../webrtc/rtc_session_description.js";
import { ExchangeError } from "./exchange_error.js";

export interface EncodeDescriptionOptions {
  /** Compress with zlib; false by default, since not everybody's decoder takes it. */
  readonly compress?: boolean;
}

export interface DecodeDescriptionOptions {
  /** Most bytes of JSON, decompressed; 262144 by default. */
  readonly maxBytes?: number;
}

/** Room for a description with all the candidates that the SDP parser takes; one of a browser has 2 to 8 kB. */
const MAX_JSON_BYTES = 262_144;

/** One line of base64 (RFC 4648 §4) without line breaks. A missing `sdp` (a rollback) is written as "". */
export function encodeDescription(
  description: RTCSessionDescriptionInit,
  { compress = false }: EncodeDescriptionOptions = {},
): string {
  const json = Buffer.from(JSON.stringify({ type: description.type, sdp: description.sdp ?? "" }));
  return (compress ? deflateSync(json) : json).toString("base64");
}

/**
 * Reads what {@link encodeDescription} or its like in another program wrote: plain, with zlib or with gzip. White space
 * anywhere in the text counts for nothing, and so does missing padding; base64url is read too.
 *
 * @throws ExchangeError NOT_BASE64, DAMAGED, NOT_JSON, NO_DESCRIPTION or TOO_LARGE
 */
export function decodeDescription(
  text: string,
  { maxBytes = MAX_JSON_BYTES }: DecodeDescriptionOptions = {},
): { type: RTCSdpType; sdp: string } {
  return parseDescription(decompress(bytesOfBase64(text, maxBytes), maxBytes).toString("utf8"));
}

/**
 * Reads the JSON of a description.
 *
 * @throws ExchangeError NOT_JSON or NO_DESCRIPTION
 */
export function parseDescription(json: string): { type: RTCSdpType; sdp: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ExchangeError("NOT_JSON", "The text holds no JSON", { cause });
  }
  const { type, sdp } = Object(value) as { readonly type?: unknown; readonly sdp?: unknown };
  const known = sdpTypes.find((name) => name === type);
  if (known === undefined || typeof sdp !== "string") {
    const found = `type ${JSON.stringify(type)?.slice(0, 40)}, sdp a ${typeof sdp}`;
    throw new ExchangeError(
      "NO_DESCRIPTION",
      `The JSON is no description: found ${found}; needed: type one of ${sdpTypes.join(", ")}, sdp a text`,
    );
  }
  return { type: known, sdp };
}

function bytesOfBase64(text: string, maxBytes: number): Buffer {
  const compact = text.replace(/\s+/g, "");
  // Compressed or not, the bytes are at most those of the JSON and a little (zlib's stored blocks, gzip's header).
  if (compact.length > (maxBytes + 1024) * (4 / 3)) {
    throw new ExchangeError("TOO_LARGE", `The text is longer than base64 of ${maxBytes} bytes`);
  }
  if (!/^[\w+/-]+={0,2}$/.test(compact)) {
    throw new ExchangeError("NOT_BASE64", "The text is not one line of base64: was all of it copied?");
  }
  return Buffer.from(compact, "base64");
}

/** zlib's first byte is 0x78 in practice, gzip's 0x1f, JSON's "{". */
function decompress(bytes: Buffer, maxBytes: number): Buffer {
  const compressed = bytes[0] === 0x78 || (bytes[0] === 0x1f && bytes[1] === 0x8b);
  if (!compressed) {
    if (bytes.length > maxBytes) throw tooLarge(maxBytes);
    return bytes;
  }
  try {
    return unzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw new ExchangeError("DAMAGED", "The compressed text is damaged: was all of it copied?", { cause });
  }
}

function tooLarge(maxBytes: number): ExchangeError {
  return new ExchangeError("TOO_LARGE", `The description is larger than ${maxBytes} bytes`);
}
