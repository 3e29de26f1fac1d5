const encoder = new TextEncoder();

/** MD5 of `data`: 16 bytes. Injected; RFC 8489 §9.2.2 fixes it for the long-term mechanism. */
export type Md5 = (data: Uint8Array) => Uint8Array;

/** RFC 8489 §9.1.1: the short-term key is the password itself (ICE's is plain ASCII, so OpaqueString changes nothing). */
export function shortTermKey(password: string): Uint8Array {
  return encoder.encode(password);
}

/** RFC 8489 §9.2.2: MD5(username ":" realm ":" password). */
export function longTermKey(username: string, realm: string, password: string, md5: Md5): Uint8Array {
  return md5(encoder.encode(`${username}:${realm}:${password}`));
}
