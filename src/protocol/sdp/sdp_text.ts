/** Reading small fields of SDP lines; all throw an {@link SdpError} that names the line. */
import { SdpError } from "./sdp_error.js";

/** One line being read: its number for errors. */
export interface SdpLine {
  readonly number: number;
  /** What precedes the value, for messages: "m=", "a=rtpmap". */
  readonly label: string;
}

export function syntaxError(line: SdpLine, message: string): SdpError {
  return new SdpError("SDP_SYNTAX", `${line.label}: ${message}`, line.number);
}

/** Text cut for an error message. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

export function parseNumber(text: string, line: SdpLine, min: number, max: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw syntaxError(line, `expected a number from ${min} to ${max}, found ${excerpt(text)}`);
  }
  return value;
}

/** RFC 8866 §9 token: what names, mids and the like are made of. */
const tokenPattern = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/;

export function parseToken(text: string, line: SdpLine): string {
  if (!tokenPattern.test(text)) throw syntaxError(line, `expected a token, found ${excerpt(text)}`);
  return text;
}

/** Words of a value; runs of spaces count as one. */
export function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

/** Splits at the first `separator`: ["a", "b:c"] of "a:b:c"; the second is undefined without one. */
export function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
