import {
  append,
  type CodecDraft,
  isDirection,
  type MediaDraft,
  mediaReaders,
  sessionReaders,
  transportReaders,
} from "./parse_attributes.js";
import { SdpError } from "./sdp_error.js";
import { defaultSdpLimits, type SdpLimits } from "./sdp_limits.js";
import {
  emptyMedia,
  type SdpAttribute,
  type SdpBandwidth,
  type SdpCodec,
  type SdpConnection,
  type SdpMedia,
  type SdpOrigin,
  type SdpSession,
} from "./sdp_model.js";
import { excerpt, parseNumber, parseToken, type SdpLine, splitOnce, syntaxError, words } from "./sdp_text.js";

interface RawLine {
  readonly number: number;
  readonly type: string;
  readonly value: string;
}

/**
 * Reads a session description (RFC 8866) with WebRTC's attributes. Unknown attributes are kept; a known one with a
 * bad value, a key in signaling or more than `limits` allows is refused.
 *
 * @throws {@link SdpError} with the number of the line.
 */
export function parseSdp(text: string, limits: SdpLimits = defaultSdpLimits): SdpSession {
  return new SdpReader(limits).read(splitLines(text, limits));
}

/** RFC 8866 §5: lines end with CRLF; a bare LF is accepted, a bare CR or a NUL is not. */
function splitLines(text: string, limits: SdpLimits): RawLine[] {
  if (text.length > limits.maxBytes) {
    throw new SdpError("SDP_LIMIT", `the description has more than ${limits.maxBytes} bytes`);
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length > limits.maxLines) {
    throw new SdpError("SDP_LIMIT", `the description has more than ${limits.maxLines} lines`);
  }
  return lines.map((line, index) => splitLine(line, index + 1, limits));
}

function splitLine(line: string, number: number, limits: SdpLimits): RawLine {
  const content = line.endsWith("\r") ? line.slice(0, -1) : line;
  if (content.length > limits.maxLineBytes) {
    throw new SdpError("SDP_LIMIT", `the line has more than ${limits.maxLineBytes} bytes`, number);
  }
  if (content.includes("\r") || content.includes("\0")) {
    throw new SdpError("SDP_LINE_BREAK", "CR or NUL inside a line", number);
  }
  if (!/^[a-z]=/.test(content)) {
    throw new SdpError("SDP_SYNTAX", `expected "x=value", found ${excerpt(content)}`, number);
  }
  return { number, type: content.slice(0, 1), value: content.slice(2) };
}

/** Payload types with a fixed meaning that appear without a rtpmap (RFC 3551 §6). */
const staticCodecs: Readonly<Record<number, { name: string; clockRate: number }>> = {
  0: { name: "PCMU", clockRate: 8000 },
  3: { name: "GSM", clockRate: 8000 },
  8: { name: "PCMA", clockRate: 8000 },
  9: { name: "G722", clockRate: 8000 },
  13: { name: "CN", clockRate: 8000 },
  18: { name: "G729", clockRate: 8000 },
};

class SdpReader {
  private readonly limits: SdpLimits;
  private readonly session: SdpSession = {
    origin: {
      username: "-",
      sessionId: "0",
      sessionVersion: "0",
      netType: "IN",
      addressType: "IP4",
      address: "0.0.0.0",
    },
    name: "-",
    bandwidth: [],
    timing: [],
    groups: [],
    iceLite: false,
    extmapAllowMixed: false,
    extensions: [],
    fingerprints: [],
    attributes: [],
    media: [],
  };
  private readonly drafts: MediaDraft[] = [];
  private candidates = 0;
  private originSeen = false;

  constructor(limits: SdpLimits) {
    this.limits = limits;
  }

  read(lines: readonly RawLine[]): SdpSession {
    const [first] = lines;
    if (first === undefined || first.type !== "v" || first.value !== "0") {
      throw new SdpError("SDP_SYNTAX", 'a description begins with "v=0"', 1);
    }
    for (const raw of lines.slice(1)) this.readLine(raw);
    if (!this.originSeen) throw new SdpError("SDP_SYNTAX", "o= is missing");
    this.session.media = this.drafts.map(finishMedia);
    return this.session;
  }

  private readLine({ number, type, value }: RawLine): void {
    const line: SdpLine = { number, label: `${type}=` };
    if (type === "a") this.readAttribute(value, number);
    else if (type === "m") this.readMedia(value, line);
    else if (type === "k") throw keyInSignaling(line);
    else if (this.drafts.length === 0) this.readSessionLine(type, value, line);
    else this.readMediaLine(type, value, line);
  }

  private readSessionLine(type: string, value: string, line: SdpLine): void {
    const session = this.session;
    if (type === "o") {
      session.origin = parseOrigin(value, line);
      this.originSeen = true;
    } else if (type === "s") session.name = value;
    else if (type === "i") session.information = value;
    else if (type === "c") session.connection = parseConnection(value, line);
    else if (type === "b") append(session.bandwidth, parseBandwidth(value, line));
    else if (type === "t") append(session.timing, value);
    // u=, e=, p=, r= and z= say nothing to WebRTC (RFC 8829 §5.8.1).
  }

  private readMediaLine(type: string, value: string, line: SdpLine): void {
    const { media } = this.drafts[this.drafts.length - 1];
    if (type === "i") media.title = value;
    else if (type === "c") media.connection = parseConnection(value, line);
    else if (type === "b") append(media.bandwidth, parseBandwidth(value, line));
    else if (type === "v" || type === "o") throw syntaxError(line, "belongs before the first m=");
  }

  private readMedia(value: string, line: SdpLine): void {
    if (this.drafts.length >= this.limits.maxMediaSections) {
      throw new SdpError("SDP_LIMIT", `more than ${this.limits.maxMediaSections} sections`, line.number);
    }
    const [kind, ports, protocol, ...formats] = words(value);
    if (kind === undefined || ports === undefined || protocol === undefined || formats.length === 0) {
      throw syntaxError(line, `expected "kind port protocol formats", found ${excerpt(value)}`);
    }
    const [port, count] = splitOnce(ports, "/");
    const media = emptyMedia(parseToken(kind, line), protocol);
    media.port = parseNumber(port, line, 0, 65535);
    if (count !== undefined) media.portCount = parseNumber(count, line, 1, 65535);
    media.formats = formats;
    if (new Set(formats).size !== formats.length) throw syntaxError(line, "a format is listed twice");
    this.drafts.push({ media, codecs: new Map(), feedbackForAll: [], sources: new Map() });
  }

  private readAttribute(text: string, number: number): void {
    const [name, value] = splitOnce(text, ":");
    const line: SdpLine = { number, label: `a=${name}` };
    if (name === "crypto") throw keyInSignaling(line);
    const draft = this.drafts.at(-1);
    if (name === "candidate") this.readCandidate(draft, text, line);
    else if (isDirection(name)) (draft?.media ?? this.session).direction = name;
    else if (Object.hasOwn(transportReaders, name)) {
      transportReaders[name](draft?.media ?? this.session, value ?? "", line);
    } else if (draft !== undefined && Object.hasOwn(mediaReaders, name)) {
      mediaReaders[name](draft, value ?? "", line);
    } else if (draft === undefined && Object.hasOwn(sessionReaders, name)) {
      sessionReaders[name](this.session, value ?? "", line);
    } else this.keepAttribute(draft, value === undefined ? { name } : { name, value });
  }

  private keepAttribute(draft: MediaDraft | undefined, attribute: SdpAttribute): void {
    const section = draft?.media ?? this.session;
    append(section.attributes, attribute);
  }

  private readCandidate(draft: MediaDraft | undefined, text: string, line: SdpLine): void {
    if (draft === undefined) throw syntaxError(line, "belongs behind an m=");
    if (++this.candidates > this.limits.maxCandidates) {
      throw new SdpError("SDP_LIMIT", `more than ${this.limits.maxCandidates} candidates`, line.number);
    }
    append(draft.media.candidates, text);
  }
}

function keyInSignaling(line: SdpLine): SdpError {
  return new SdpError(
    "SDP_KEY_IN_SIGNALING",
    `${line.label}: media keys come from the DTLS handshake, never from signaling`,
    line.number,
  );
}

function parseOrigin(value: string, line: SdpLine): SdpOrigin {
  const [username, sessionId, sessionVersion, netType, addressType, address, ...rest] = words(value);
  if (address === undefined || rest.length > 0)
    throw syntaxError(line, `expected six fields, found ${excerpt(value)}`);
  for (const id of [sessionId, sessionVersion]) {
    if (!/^\d{1,20}$/.test(id)) throw syntaxError(line, `expected a decimal number, found ${excerpt(id)}`);
  }
  return { username, sessionId, sessionVersion, netType, addressType, address };
}

function parseConnection(value: string, line: SdpLine): SdpConnection {
  const [netType, addressType, address] = words(value);
  if (address === undefined) throw syntaxError(line, `expected three fields, found ${excerpt(value)}`);
  return { netType, addressType, address };
}

function parseBandwidth(value: string, line: SdpLine): SdpBandwidth {
  const [type, amount] = splitOnce(value, ":");
  return {
    type: parseToken(type, line),
    value: parseNumber((amount ?? "").trim(), line, 0, Number.MAX_SAFE_INTEGER),
  };
}

/** Whether the section's formats are RTP payload types. */
function carriesRtp(media: SdpMedia): boolean {
  return media.protocol.includes("RTP/");
}

function finishMedia(draft: MediaDraft): SdpMedia {
  const { media } = draft;
  media.sources = [...draft.sources].map(([ssrc, attributes]) => ({ ssrc, attributes }));
  if (carriesRtp(media)) {
    // One that is named twice is one.
    media.codecs = [...new Set(media.formats.map(Number))].flatMap((payloadType) => {
      const codec = finishCodec(payloadType, draft);
      return codec === undefined ? [] : [codec];
    });
  }
  return media;
}

function finishCodec(payloadType: number, draft: MediaDraft): SdpCodec | undefined {
  const own: CodecDraft = draft.codecs.get(payloadType) ?? { feedback: [] };
  const fixed = staticCodecs[payloadType];
  const name = own.name ?? fixed?.name;
  const clockRate = own.clockRate ?? fixed?.clockRate;
  if (name === undefined || clockRate === undefined) return undefined;
  return {
    payloadType,
    name,
    clockRate,
    ...(own.channels !== undefined && { channels: own.channels }),
    ...(own.fmtp !== undefined && { fmtp: own.fmtp }),
    feedback: [...own.feedback, ...draft.feedbackForAll],
  };
}
