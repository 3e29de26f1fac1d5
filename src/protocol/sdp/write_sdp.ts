import { SdpError } from "./sdp_error.js";
import type {
  SdpAttribute,
  SdpConnection,
  SdpMedia,
  SdpSession,
  SdpTransportAttributes,
} from "./sdp_model.js";

/**
 * Writes a session description with CRLF line ends, its attributes in the order RFC 8829 §5.2.1 lists them.
 *
 * @throws {@link SdpError} `SDP_LINE_BREAK` when a value would forge a line.
 */
export function writeSdp(session: SdpSession): string {
  const writer = new SdpWriter();
  writeSession(writer, session);
  for (const media of session.media) writeMedia(writer, media);
  return writer.text;
}

class SdpWriter {
  text = "";

  line(type: string, value: string): void {
    if (/[\r\n\0]/.test(value)) {
      throw new SdpError(
        "SDP_LINE_BREAK",
        `${type}=${JSON.stringify(value.slice(0, 64))} holds CR, LF or NUL`,
      );
    }
    this.text += `${type}=${value}\r\n`;
  }

  attribute(name: string, value: string | number | undefined): void {
    if (value !== undefined) this.line("a", `${name}:${value}`);
  }

  flag(name: string, present: boolean): void {
    if (present) this.line("a", name);
  }
}

function writeSession(writer: SdpWriter, session: SdpSession): void {
  const { origin } = session;
  writer.line("v", "0");
  writer.line(
    "o",
    `${origin.username} ${origin.sessionId} ${origin.sessionVersion} ${origin.netType} ${origin.addressType} ${origin.address}`,
  );
  writer.line("s", session.name);
  if (session.information !== undefined) writer.line("i", session.information);
  writeConnection(writer, session.connection);
  for (const { type, value } of session.bandwidth) writer.line("b", `${type}:${value}`);
  for (const timing of session.timing.length > 0 ? session.timing : ["0 0"]) writer.line("t", timing);
  for (const { semantics, mids } of session.groups) writer.attribute("group", [semantics, ...mids].join(" "));
  writer.flag("ice-lite", session.iceLite);
  writer.flag("extmap-allow-mixed", session.extmapAllowMixed);
  writeTransport(writer, session);
  writeExtensions(writer, session);
  if (session.direction !== undefined) writer.flag(session.direction, true);
  writeKept(writer, session.attributes);
}

function writeMedia(writer: SdpWriter, media: SdpMedia): void {
  const ports = media.portCount === undefined ? `${media.port}` : `${media.port}/${media.portCount}`;
  writer.line("m", [media.kind, ports, media.protocol, ...media.formats].join(" "));
  if (media.title !== undefined) writer.line("i", media.title);
  writeConnection(writer, media.connection);
  for (const { type, value } of media.bandwidth) writer.line("b", `${type}:${value}`);
  writer.attribute("mid", media.mid);
  writer.flag("bundle-only", media.bundleOnly);
  writeTransport(writer, media);
  for (const candidate of media.candidates) writer.line("a", candidate);
  writer.flag("end-of-candidates", media.endOfCandidates);
  writeRtp(writer, media);
  writer.attribute("sctp-port", media.sctpPort);
  writer.attribute("max-message-size", media.maxMessageSize);
  writeKept(writer, media.attributes);
}

function writeRtp(writer: SdpWriter, media: SdpMedia): void {
  if (media.direction !== undefined) writer.flag(media.direction, true);
  for (const { stream, track } of media.msids)
    writer.attribute("msid", track === undefined ? stream : `${stream} ${track}`);
  writer.flag("rtcp-mux", media.rtcpMux);
  writer.flag("rtcp-mux-only", media.rtcpMuxOnly);
  writer.flag("rtcp-rsize", media.rtcpReducedSize);
  writer.flag("extmap-allow-mixed", media.extmapAllowMixed);
  writeExtensions(writer, media);
  writeCodecs(writer, media);
  writer.attribute("ptime", media.ptimeMs);
  writer.attribute("maxptime", media.maxptimeMs);
  for (const { id, direction, restrictions } of media.rids) {
    writer.attribute("rid", [id, direction, ...(restrictions === undefined ? [] : [restrictions])].join(" "));
  }
  writer.attribute("simulcast", media.simulcast);
  for (const { semantics, ssrcs } of media.sourceGroups)
    writer.attribute("ssrc-group", [semantics, ...ssrcs].join(" "));
  for (const { ssrc, attributes } of media.sources) {
    for (const { name, value } of attributes)
      writer.attribute("ssrc", `${ssrc} ${value === undefined ? name : `${name}:${value}`}`);
    if (attributes.length === 0) writer.attribute("ssrc", ssrc);
  }
}

function writeCodecs(writer: SdpWriter, media: SdpMedia): void {
  for (const codec of media.codecs) {
    const channels = codec.channels === undefined ? "" : `/${codec.channels}`;
    writer.attribute("rtpmap", `${codec.payloadType} ${codec.name}/${codec.clockRate}${channels}`);
    if (codec.fmtp !== undefined) writer.attribute("fmtp", `${codec.payloadType} ${codec.fmtp}`);
    for (const { type, parameter } of codec.feedback) {
      writer.attribute(
        "rtcp-fb",
        [codec.payloadType, type, ...(parameter === undefined ? [] : [parameter])].join(" "),
      );
    }
  }
}

function writeTransport(writer: SdpWriter, section: SdpTransportAttributes): void {
  writer.attribute("ice-ufrag", section.iceUfrag);
  writer.attribute("ice-pwd", section.icePwd);
  writer.attribute("ice-options", section.iceOptions?.join(" "));
  for (const { algorithm, value } of section.fingerprints)
    writer.attribute("fingerprint", `${algorithm} ${value}`);
  writer.attribute("setup", section.setup);
  writer.attribute("tls-id", section.tlsId);
}

function writeExtensions(writer: SdpWriter, section: SdpSession | SdpMedia): void {
  for (const { id, uri, direction, attributes } of section.extensions) {
    const head = direction === undefined ? `${id}` : `${id}/${direction}`;
    writer.attribute("extmap", [head, uri, ...(attributes === undefined ? [] : [attributes])].join(" "));
  }
}

function writeConnection(writer: SdpWriter, connection: SdpConnection | undefined): void {
  if (connection === undefined) return;
  writer.line("c", `${connection.netType} ${connection.addressType} ${connection.address}`);
}

function writeKept(writer: SdpWriter, attributes: readonly SdpAttribute[]): void {
  for (const { name, value } of attributes) writer.line("a", value === undefined ? name : `${name}:${value}`);
}
