/**
 * The kinds of value a configuration key can have. Each is a zod schema from the text of the file to the typed
 * value, with a description of what is allowed for the error message.
 */
import { z } from "zod";
import { parseIp } from "../protocol/primitives/address.js";
import { parseIpPrefix } from "../protocol/primitives/ip_prefix.js";

export interface Kind<T> {
  readonly schema: z.ZodType<T, string>;
  /** Completes the sentence "allowed: …". */
  readonly allowed: string;
}

export function integer(min: number, max: number): Kind<number> {
  const schema = z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
  return { schema, allowed: `an integer from ${min} to ${max}` };
}

export function text(maxLength = 255): Kind<string> {
  return { schema: z.string().max(maxLength), allowed: `text of at most ${maxLength} characters` };
}

/** One of the words, in upper or lower case; the value is the word as it stands here. */
export function choice<const T extends string>(...values: readonly T[]): Kind<T> {
  const schema = z.string().transform((text, context): T => {
    const found = values.find((value) => value.toLowerCase() === text.toLowerCase());
    if (found !== undefined) return found;
    context.addIssue({ code: "custom" });
    return z.NEVER;
  });
  return { schema, allowed: `one of ${values.join(", ")}` };
}

export const boolean: Kind<boolean> = {
  schema: z.enum(["true", "false"]).transform((value) => value === "true"),
  allowed: "true or false",
};

export const ipAddress: Kind<string> = {
  schema: z.string().refine((value) => parseIp(value) !== undefined),
  allowed: "a numeric IPv4 or IPv6 address",
};

export const ipNetwork: Kind<string> = {
  schema: z.string().refine((value) => parseIpPrefix(value) !== undefined),
  allowed: "an IPv4 or IPv6 network such as 10.1.0.0/16, or a single address",
};

/** Host and port; IPv6 in brackets. */
export const hostPort: Kind<string> = {
  schema: z.string().refine((value) => parseHostPort(value) !== undefined),
  allowed: "HOST:PORT, an IPv6 address in brackets, the port from 0 to 65535",
};

export const path: Kind<string> = {
  schema: z.string().min(1).max(4096),
  allowed: "a file path (relative to the working directory)",
};

/** Values separated by commas; the empty text is the empty list. */
export function list(element: Kind<string>): Kind<readonly string[]> {
  const split = (value: string) => (value.trim() === "" ? [] : value.split(",").map((each) => each.trim()));
  return {
    schema: z.string().transform(split).pipe(z.array(element.schema)),
    allowed: `a list separated by commas, each ${element.allowed}`,
  };
}

export function parseHostPort(value: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(value);
  if (!match) return undefined;
  const port = Number(match[3]);
  return port <= 65535 ? { host: match[1] ?? match[2] ?? "", port } : undefined;
}
