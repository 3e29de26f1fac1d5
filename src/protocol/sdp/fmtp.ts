/** Format parameters, "key=value;key=value" (RFC 8866 §6.15, RFC 4855 §3). Keys compare without case. */
export type FormatParameters = ReadonlyMap<string, string>;

export function parseFmtp(text: string | undefined): FormatParameters {
  const parameters = new Map<string, string>();
  for (const part of (text ?? "").split(";")) {
    const at = part.indexOf("=");
    const key = (at < 0 ? part : part.slice(0, at)).trim().toLowerCase();
    if (key !== "") parameters.set(key, at < 0 ? "" : part.slice(at + 1).trim());
  }
  return parameters;
}

export function formatFmtp(parameters: FormatParameters): string {
  return [...parameters].map(([key, value]) => (value === "" ? key : `${key}=${value}`)).join(";");
}

/** Whether two lines say the same, in any order. */
export function sameParameters(a: string | undefined, b: string | undefined): boolean {
  const left = parseFmtp(a);
  const right = parseFmtp(b);
  return left.size === right.size && [...left].every(([key, value]) => right.get(key) === value);
}
