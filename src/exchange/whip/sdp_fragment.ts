/** Parts of a description that trickle and restart ICE: `application/trickle-ice-sdpfrag` (RFC 8840 §9, RFC 9725 §4.3). */
import { HttpRefusal } from "../http/answer.js";

export const FRAGMENT_TYPE = "application/trickle-ice-sdpfrag";

export interface FragmentCandidate {
  /** The attribute without "a=": "candidate:…". */
  readonly candidate: string;
  readonly mid: string | undefined;
}

export interface SdpFragment {
  readonly ufrag: string | undefined;
  readonly pwd: string | undefined;
  readonly candidates: readonly FragmentCandidate[];
  readonly endOfCandidates: boolean;
}

const MAX_CANDIDATES = 256;
const ICE_CHARS = /^[\w+/=-]{4,256}$/;

/** @throws HttpRefusal 400 */
export function parseFragment(text: string): SdpFragment {
  let ufrag: string | undefined;
  let pwd: string | undefined;
  let mid: string | undefined;
  let endOfCandidates = false;
  const candidates: FragmentCandidate[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.startsWith("a=ice-ufrag:")) ufrag = iceText(line);
    else if (line.startsWith("a=ice-pwd:")) pwd = iceText(line);
    else if (line.startsWith("m=")) mid = undefined;
    else if (line.startsWith("a=mid:")) mid = line.slice("a=mid:".length);
    else if (line.startsWith("a=end-of-candidates")) endOfCandidates = true;
    else if (line.startsWith("a=candidate:")) candidates.push({ candidate: line.slice("a=".length), mid });
  }
  if ((ufrag === undefined) !== (pwd === undefined))
    throw new HttpRefusal(400, "The fragment has one of ice-ufrag and ice-pwd; both or none belong to it");
  if (candidates.length > MAX_CANDIDATES)
    throw new HttpRefusal(400, `The fragment has more than ${MAX_CANDIDATES} candidates`);
  return { ufrag, pwd, candidates, endOfCandidates };
}

function iceText(line: string): string {
  const value = line.slice(line.indexOf(":") + 1).trim();
  if (!ICE_CHARS.test(value)) throw new HttpRefusal(400, "ice-ufrag or ice-pwd is malformed");
  return value;
}

/** What a description says of ICE in its first section, which all others share by BUNDLE. */
export function fragmentOf(sdp: string): SdpFragment & { readonly media: string; readonly mid: string } {
  const lines = sdp.split("\r\n");
  const first = lines.findIndex((line) => line.startsWith("m="));
  const second = lines.findIndex((line, i) => i > first && line.startsWith("m="));
  const section = lines.slice(first, second < 0 ? lines.length : second);
  const attribute = (name: string) =>
    [...section, ...lines.slice(0, first)].find((line) => line.startsWith(name))?.slice(name.length);
  const mid = attribute("a=mid:") ?? "0";
  return {
    ufrag: attribute("a=ice-ufrag:"),
    pwd: attribute("a=ice-pwd:"),
    candidates: section
      .filter((line) => line.startsWith("a=candidate:"))
      .map((line) => ({ candidate: line.slice("a=".length), mid })),
    endOfCandidates: section.some((line) => line.startsWith("a=end-of-candidates")),
    media: section[0]?.split(" ", 1)[0].slice("m=".length) ?? "audio",
    mid,
  };
}

/** The fragment's text; `media` and `mid` name the section (RFC 8840 §4.4: a pseudo m-line whose port and formats mean nothing). */
export function writeFragment(fragment: SdpFragment, media: string, mid: string): string {
  const lines = [
    `a=ice-ufrag:${fragment.ufrag ?? ""}`,
    `a=ice-pwd:${fragment.pwd ?? ""}`,
    `m=${media} 9 UDP/TLS/RTP/SAVPF 0`,
    `a=mid:${mid}`,
    ...fragment.candidates.map(({ candidate }) => `a=${candidate}`),
    ...(fragment.endOfCandidates ? ["a=end-of-candidates"] : []),
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}

/**
 * A description as it would be after its sender restarted ICE: everything as before but credentials, candidates and the version in `o=`
 * (RFC 9725 §4.3.3).
 */
export function restarted(sdp: string, { ufrag, pwd, candidates, endOfCandidates }: SdpFragment): string {
  const lines = sdp
    .split("\r\n")
    .filter((line) => !/^a=(?:candidate:|end-of-candidates)/.test(line))
    .map((line) => {
      if (line.startsWith("a=ice-ufrag:")) return `a=ice-ufrag:${ufrag}`;
      if (line.startsWith("a=ice-pwd:")) return `a=ice-pwd:${pwd}`;
      return line.replace(
        /^(o=\S+ \S+ )(\d+)/,
        (_, head: string, version: string) => `${head}${BigInt(version) + 1n}`,
      );
    });
  const first = lines.findIndex((line) => line.startsWith("m="));
  const next = lines.findIndex((line, i) => i > first && line.startsWith("m="));
  const end = next < 0 ? lines.length - (lines[lines.length - 1] === "" ? 1 : 0) : next;
  const added = candidates.map(({ candidate }) => `a=${candidate}`);
  lines.splice(end, 0, ...added, ...(endOfCandidates ? ["a=end-of-candidates"] : []));
  return lines.join("\r\n");
}
