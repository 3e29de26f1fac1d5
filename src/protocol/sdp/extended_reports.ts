/** Who measures the round trip by extended reports (RFC 3611 §5.1, "rcvr-rtt"). */
import type { SdpAttribute, SdpMedia, SdpSession } from "./sdp_model.js";

/** All receivers, or those alone that send media, too. */
export type ReceiverRttMode = "all" | "sender";

const NAME = "rtcp-xr";

/** What we say: every end may ask. */
export const receiverRttAttribute: SdpAttribute = { name: NAME, value: "rcvr-rtt=all" };

/** What a section says, or the session for all of its sections. */
export function receiverRttOf(session: SdpSession, media: SdpMedia): ReceiverRttMode | undefined {
  const isOurs = ({ name }: SdpAttribute): boolean => name === NAME;
  const own = media.attributes.filter(isOurs);
  const text = (own.length > 0 ? own : session.attributes.filter(isOurs))
    .map(({ value }) => value ?? "")
    .join(" ");
  const mode = /(?:^| )rcvr-rtt=(all|sender)(?:[: ]|$)/.exec(text)?.[1];
  return mode === "all" || mode === "sender" ? mode : undefined;
}

/** What both sides said; the narrower one where they differ. */
export function agreedReceiverRtt(
  ours: ReceiverRttMode | undefined,
  theirs: ReceiverRttMode | undefined,
): ReceiverRttMode | undefined {
  if (ours === undefined || theirs === undefined) return undefined;
  return ours === "all" ? theirs : ours;
}
