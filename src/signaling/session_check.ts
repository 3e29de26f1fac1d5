/**
 * What signaling demands of a session description before it relays it: media keys come out of the DTLS handshake
 * alone, so a description that carries a key, or that names no certificate to check the handshake against, goes no
 * further (RFC 8826 §4.3, RFC 8827 §6.5).
 */
import { SignalingError } from "./errors.js";

/** SDES (RFC 4568), MIKEY (RFC 4567) and the obsolete key line (RFC 8866 §5.12). */
const KEY_LINE = /^(?:a=crypto:|a=key-mgmt:|k=)/i;
const FINGERPRINT_LINE = /^a=fingerprint:\s*\S+\s+[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+\s*$/;

interface Section {
  readonly rejected: boolean;
  mid: string;
  fingerprint: boolean;
}

function readSections(lines: readonly string[]): {
  session: boolean;
  bundle: Set<string>;
  sections: Section[];
} {
  let session = false;
  const bundle = new Set<string>();
  const sections: Section[] = [];
  for (const line of lines) {
    const current = sections.at(-1);
    if (line.startsWith("m=")) {
      sections.push({ rejected: /^m=\S+ 0(?:\/\d+)? /.test(line), mid: "", fingerprint: false });
    } else if (FINGERPRINT_LINE.test(line)) {
      if (current) current.fingerprint = true;
      else session = true;
    } else if (line.startsWith("a=mid:") && current) {
      current.mid = line.slice("a=mid:".length).trim();
    } else if (line.startsWith("a=group:BUNDLE")) {
      for (const mid of line.split(" ").slice(1)) bundle.add(mid);
    }
  }
  return { session, bundle, sections };
}

/**
 * Throws MEDIA_KEY_REFUSED or FINGERPRINT_MISSING. A section in a BUNDLE group shares the fingerprint of any other
 * of that group (RFC 9143 §7.1.3); a rejected one needs none.
 */
export function checkSession(sdp: string, request: string): void {
  const lines = sdp.split(/\r\n|\r|\n/);
  if (lines.some((line) => KEY_LINE.test(line))) {
    throw new SignalingError("MEDIA_KEY_REFUSED", "the session description carries a media key", request);
  }
  const { session, bundle, sections } = readSections(lines);
  const bundled = sections.some((section) => section.fingerprint && bundle.has(section.mid));
  const covered = (s: Section): boolean => s.fingerprint || s.rejected || (bundled && bundle.has(s.mid));
  const any = session || sections.some((section) => section.fingerprint);
  if (!any || !(session || sections.every(covered))) {
    throw new SignalingError("FINGERPRINT_MISSING", "the session description names no certificate", request);
  }
}
