/**
 * The kinds of value a configuration key can have: each reads the text of the file, with a description of what is
 * allowed for the error message.
 */
import { parseIp } from "../protocol/primitives/address.js";
import { parseIpPrefix } from "../protocol/primitives/ip_prefix.js";

export interface Kind<T> {
  /** The value that the text stands for; undefined when it is not allowed. */
  readonly parse: (text: string) => T | undefined;
  /** Completes the sentence "allowed: …". */
  readonly allowed: string;
}

export function integer(min: number, max: number): Kind<number> {
  return {
    parse: (text) => {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
    allowed: `an integer from ${min} to ${max}`,
  };
}

/** Text as it stands, where `accepts` says so. */
function textThat(accepts: (text: string) => boolean, allowed: string): Kind<string> {
  return { parse: (text) => (accepts(text) ? text : undefined), allowed };
}

export function text(maxLength = 255): Kind<string> {
  return textThat(({ length }) => length <= maxLength, `text of at most ${maxLength} characters`);
}

/** One of the words, in upper or lower case; the value is the word as it stands here. */
export function choice<const T extends string>(...values: readonly T[]): Kind<T> {
  return {
    parse: (text) => values.find((value) => value.toLowerCase() === text.toLowerCase()),
    allowed: `one of ${values.join(", ")}`,
  };
}

export const boolean: Kind<boolean> = {
  parse: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  allowed: "true or false",
};

export const ipAddress = textThat((value) => parseIp(value) !== undefined, "a numeric IPv4 or IPv6 address");

export const ipNetwork = textThat(
  (value) => parseIpPrefix(value) !== undefined,
  "an IPv4 or IPv6 network such as 10.1.0.0/16, or a single address",
);

/** Host and port; IPv6 in brackets. */
export const hostPort = textThat(
  (value) => parseHostPort(value) !== undefined,
  "HOST:PORT, an IPv6 address in brackets, the port from 0 to 65535",
);

export const path = textThat(
  ({ length }) => length >= 1 && length <= 4096,
  "a file path (relative to the working directory)",
);

/** Values separated by commas; the empty text is the empty list. */
export function list(element: Kind<string>): Kind<readonly string[]> {
  return {
    parse: (text) => {
      const parts = text.trim() === "" ? [] : text.split(",").map((each) => each.trim());
      const values = parts.map((each) => element.parse(each)).filter((each) => each !== undefined);
      return values.length === parts.length ? values : undefined;
    },
    allowed: `a list separated by commas, each ${element.allowed}`,
  };
}

export function parseHostPort(value: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(value);
  if (!match) return undefined;
  const port = Number(match[3]);
  return port <= 65535 ? { host: match[1] ?? match[2] ?? "", port } : undefined;
}
