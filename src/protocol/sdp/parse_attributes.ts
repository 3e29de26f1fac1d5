/** The attributes WebRTC gives a meaning, one reader each. A reader fills a field or throws with the line. */
import { SdpError } from "./sdp_error.js";
import type {
  SdpAttribute,
  SdpDirection,
  SdpExtension,
  SdpFeedback,
  SdpFingerprint,
  SdpMedia,
  SdpSession,
  SdpSetup,
  SdpTransportAttributes,
} from "./sdp_model.js";
import { excerpt, parseNumber, parseToken, type SdpLine, splitOnce, syntaxError, words } from "./sdp_text.js";

/** A codec while its lines are gathered: rtpmap, fmtp and rtcp-fb may come in any order. */
export interface CodecDraft {
  name?: string;
  clockRate?: number;
  channels?: number;
  fmtp?: string;
  feedback: SdpFeedback[];
}

/** A section while it is read. */
export interface MediaDraft {
  readonly media: SdpMedia;
  readonly codecs: Map<number, CodecDraft>;
  /** `a=rtcp-fb:*`: for every payload type of the section. */
  readonly feedbackForAll: SdpFeedback[];
  readonly sources: Map<number, SdpAttribute[]>;
}

/** Adds to a list that is still ours alone; a new array for each line would make long descriptions cost their square. */
export function append<T>(list: readonly T[], item: T): void {
  (list as T[]).push(item);
}

type Reader<T> = (target: T, value: string, line: SdpLine) => void;

const directions: readonly string[] = ["sendrecv", "sendonly", "recvonly", "inactive"];
const setups: readonly string[] = ["actpass", "active", "passive", "holdconn"];

export function isDirection(name: string): name is SdpDirection {
  return directions.includes(name);
}

function isSetup(value: string): value is SdpSetup {
  return setups.includes(value);
}

/** Hash lengths in bytes (RFC 8122 §5). */
const fingerprintBytes: Readonly<Record<string, number>> = {
  "sha-1": 20,
  "sha-224": 28,
  "sha-256": 32,
  "sha-384": 48,
  "sha-512": 64,
};

function parseFingerprint(value: string, line: SdpLine): SdpFingerprint {
  const [algorithm, hex] = splitOnce(value.trim(), " ");
  const name = algorithm.toLowerCase();
  if (hex === undefined || !/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*$/.test(hex.trim())) {
    throw syntaxError(line, `expected an algorithm and hex pairs, found ${excerpt(value)}`);
  }
  const bytes = fingerprintBytes[name];
  const found = (hex.trim().length + 1) / 3;
  if (bytes !== undefined && bytes !== found) {
    throw syntaxError(line, `${name} has ${bytes} bytes, found ${found}`);
  }
  return { algorithm: name, value: hex.trim().toUpperCase() };
}

/** RFC 8839 §5.4: ice-char, and the lengths allowed. */
function parseIceSecret(value: string, line: SdpLine, min: number): string {
  if (value.length < min || value.length > 256 || !/^[A-Za-z0-9+/=_-]+$/.test(value)) {
    // "=", "_" and "-" are no ice-char, but some stacks (Pion, old Janus) send them and others accept them.
    throw new SdpError(
      "SDP_ICE_CREDENTIALS",
      `${line.label}: expected ${min} to 256 ice-char, found ${excerpt(value)}`,
      line.number,
    );
  }
  return value;
}

function parseExtension(value: string, line: SdpLine): SdpExtension {
  const [head, uri, ...rest] = words(value);
  const [idText, direction] = splitOnce(head ?? "", "/");
  // RFC 8285 §5: 1 to 255 in use, up to 4095 while offering; 4096 and above are provisional ids.
  const id = parseNumber(idText, line, 1, 8191);
  if (uri === undefined) throw syntaxError(line, "the URI is missing");
  if (direction !== undefined && !isDirection(direction)) {
    throw syntaxError(line, `expected a direction, found ${excerpt(direction)}`);
  }
  return {
    id,
    uri,
    ...(direction !== undefined && { direction }),
    ...(rest.length > 0 && { attributes: rest.join(" ") }),
  };
}

/** Attributes of sessions and sections alike. */
export const transportReaders: Readonly<Record<string, Reader<SdpTransportAttributes>>> = {
  "ice-ufrag": (target, value, line) => {
    target.iceUfrag = parseIceSecret(value, line, 4);
  },
  "ice-pwd": (target, value, line) => {
    target.icePwd = parseIceSecret(value, line, 22);
  },
  "ice-options": (target, value) => {
    target.iceOptions = words(value);
  },
  setup: (target, value, line) => {
    if (!isSetup(value)) throw syntaxError(line, `expected ${setups.join(", ")}, found ${excerpt(value)}`);
    target.setup = value;
  },
  fingerprint: (target, value, line) => {
    append(target.fingerprints, parseFingerprint(value, line));
  },
  "tls-id": (target, value) => {
    target.tlsId = value;
  },
};

export const sessionReaders: Readonly<Record<string, Reader<SdpSession>>> = {
  group: (session, value, line) => {
    const [semantics, ...mids] = words(value);
    if (semantics === undefined) throw syntaxError(line, "the semantics are missing");
    for (const mid of mids) parseToken(mid, line);
    append(session.groups, { semantics, mids });
  },
  "ice-lite": (session) => {
    session.iceLite = true;
  },
  "extmap-allow-mixed": (session) => {
    session.extmapAllowMixed = true;
  },
  extmap: (session, value, line) => {
    append(session.extensions, parseExtension(value, line));
  },
};

function codecOf(draft: MediaDraft, payloadType: string, line: SdpLine): CodecDraft {
  const number = parseNumber(payloadType, line, 0, 127);
  let codec = draft.codecs.get(number);
  if (codec === undefined) {
    codec = { feedback: [] };
    draft.codecs.set(number, codec);
  }
  return codec;
}

function readRtpmap(draft: MediaDraft, value: string, line: SdpLine): void {
  const [payloadType, encoding] = splitOnce(value.trim(), " ");
  const [name, clockRate, channels] = (encoding ?? "").trim().split("/");
  if (name === undefined || name === "" || clockRate === undefined) {
    throw syntaxError(line, `expected "PT name/rate", found ${excerpt(value)}`);
  }
  const codec = codecOf(draft, payloadType, line);
  codec.name = parseToken(name, line);
  codec.clockRate = parseNumber(clockRate, line, 1, 0xffffffff);
  if (channels !== undefined) codec.channels = parseNumber(channels, line, 1, 255);
}

function readFeedback(draft: MediaDraft, value: string, line: SdpLine): void {
  const [payloadType, type, ...parameters] = words(value);
  if (payloadType === undefined || type === undefined) {
    throw syntaxError(line, `expected "PT type", found ${excerpt(value)}`);
  }
  const feedback = { type, ...(parameters.length > 0 && { parameter: parameters.join(" ") }) };
  if (payloadType === "*") draft.feedbackForAll.push(feedback);
  else codecOf(draft, payloadType, line).feedback.push(feedback);
}

function readSource(draft: MediaDraft, value: string, line: SdpLine): void {
  const [id, attribute] = splitOnce(value, " ");
  const ssrc = parseNumber(id, line, 0, 0xffffffff);
  const attributes: SdpAttribute[] = [];
  if (attribute !== undefined) {
    const [name, content] = splitOnce(attribute, ":");
    attributes.push(content === undefined ? { name } : { name, value: content });
  }
  const known = draft.sources.get(ssrc);
  if (known === undefined) draft.sources.set(ssrc, attributes);
  else known.push(...attributes);
}

function readRid(draft: MediaDraft, value: string, line: SdpLine): void {
  const [id, direction, ...restrictions] = words(value);
  if (id === undefined || (direction !== "send" && direction !== "recv")) {
    throw syntaxError(line, `expected "id send|recv", found ${excerpt(value)}`);
  }
  const rid = {
    id: parseToken(id, line),
    direction,
    ...(restrictions.length > 0 && { restrictions: restrictions.join(" ") }),
  } as const;
  append(draft.media.rids, rid);
}

export const mediaReaders: Readonly<Record<string, Reader<MediaDraft>>> = {
  mid: ({ media }, value, line) => {
    media.mid = parseToken(value, line);
  },
  "rtcp-mux": ({ media }) => {
    media.rtcpMux = true;
  },
  "rtcp-mux-only": ({ media }) => {
    media.rtcpMuxOnly = true;
  },
  "rtcp-rsize": ({ media }) => {
    media.rtcpReducedSize = true;
  },
  "bundle-only": ({ media }) => {
    media.bundleOnly = true;
  },
  "extmap-allow-mixed": ({ media }) => {
    media.extmapAllowMixed = true;
  },
  extmap: ({ media }, value, line) => {
    append(media.extensions, parseExtension(value, line));
  },
  rtpmap: readRtpmap,
  fmtp: (draft, value, line) => {
    const [payloadType, parameters] = splitOnce(value.trim(), " ");
    if (parameters === undefined) throw syntaxError(line, "the parameters are missing");
    codecOf(draft, payloadType, line).fmtp = parameters.trim();
  },
  "rtcp-fb": readFeedback,
  msid: ({ media }, value, line) => {
    const [stream, track] = words(value);
    if (stream === undefined) throw syntaxError(line, "the stream id is missing");
    append(media.msids, { stream, ...(track !== undefined && { track }) });
  },
  ssrc: readSource,
  "ssrc-group": ({ media }, value, line) => {
    const [semantics, ...ids] = words(value);
    if (semantics === undefined) throw syntaxError(line, "the semantics are missing");
    const ssrcs = ids.map((id) => parseNumber(id, line, 0, 0xffffffff));
    append(media.sourceGroups, { semantics, ssrcs });
  },
  rid: readRid,
  simulcast: ({ media }, value) => {
    media.simulcast = value;
  },
  "end-of-candidates": ({ media }) => {
    media.endOfCandidates = true;
  },
  "sctp-port": ({ media }, value, line) => {
    media.sctpPort = parseNumber(value, line, 0, 65535);
  },
  "max-message-size": ({ media }, value, line) => {
    media.maxMessageSize = parseNumber(value, line, 0, Number.MAX_SAFE_INTEGER);
  },
  ptime: ({ media }, value, line) => {
    media.ptimeMs = parseMilliseconds(value, line);
  },
  maxptime: ({ media }, value, line) => {
    media.maxptimeMs = parseMilliseconds(value, line);
  },
};

/** RFC 8866 §6.4: packet times may be fractions. */
function parseMilliseconds(text: string, line: SdpLine): number {
  const value = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0)) throw syntaxError(line, `expected milliseconds, found ${excerpt(text)}`);
  return value;
}
