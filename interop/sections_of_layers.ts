/**
 * Our offer of layers as a browser can take it that takes only one stream a section: each rid becomes the mid of a section of its own, and the
 * rid's header extension is called the mid's. The answer is put together again.
 */
const MID = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";

/** An offer with one section, whose layers are these. */
export function toSections(offer: string, rids: readonly string[]): string {
  const { session, media } = split(offer);
  const kept = media.filter(
    (line) => !/^a=(rid|simulcast|mid|msid):/.test(line) && !line.endsWith(` ${MID}`),
  );
  const sections = rids.map((rid) => [
    ...kept.map((line) => line.replace(RID, MID)),
    `a=mid:${rid}`,
    `a=msid:${rid} ${rid}`,
  ]);
  const bundle = session.map((line) =>
    line.startsWith("a=group:BUNDLE") ? `a=group:BUNDLE ${rids.join(" ")}` : line,
  );
  return text([bundle, ...sections]);
}

/** The answer to that as one to the offer: its first section, which takes all layers. */
export function fromSections(answer: string, offer: string, rids: readonly string[]): string {
  const { session, media } = split(answer);
  const idOf = (uri: string) => offer.match(new RegExp(`^a=extmap:(\\d+) ${uri}$`, "m"))?.[1];
  const mid = offer.match(/^a=mid:(.*)$/m)?.[1].trim() ?? "";
  const kept = media.map((line) => {
    if (line.startsWith("a=mid:")) return `a=mid:${mid}`;
    return line.endsWith(` ${MID}`) ? `a=extmap:${idOf(RID)} ${RID}` : line;
  });
  const bundle = session.map((line) => (line.startsWith("a=group:BUNDLE") ? `a=group:BUNDLE ${mid}` : line));
  const layers = [
    `a=extmap:${idOf(MID)} ${MID}`,
    ...rids.map((rid) => `a=rid:${rid} recv`),
    `a=simulcast:recv ${rids.join(";")}`,
  ];
  return text([bundle, [...kept, ...layers]]);
}

/** The session's lines and those of the first section. */
function split(sdp: string): { session: string[]; media: string[] } {
  const [session, media] = sdp
    .split(/(?=^m=)/m)
    .map((part) => part.split("\r\n").filter((line) => line !== ""));
  return { session, media };
}

function text(parts: readonly (readonly string[])[]): string {
  return `${parts.flat().join("\r\n")}\r\n`;
}
