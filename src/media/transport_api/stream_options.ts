/** What both ways of a stream have. */

export type MediaKind = "audio" | "video";

/** Which of a transport's streams one way: a section's only one, or one of its layers (simulcast). */
export interface StreamName {
  readonly mid: string;
  readonly layer?: string;
}

/** The same in one word. No mid has a slash in it (RFC 8866 §9, token). */
export function streamKey({ mid, layer }: StreamName): string {
  return layer === undefined ? mid : `${mid}/${layer}`;
}

/** The name alone. */
export function nameOf({ mid, layer }: StreamName): StreamName {
  return layer === undefined ? { mid } : { mid, layer };
}

/** Ids of negotiated RTP header extensions (RFC 8285), 0 or absent: not in use. */
export interface HeaderExtensionIds {
  readonly mid?: number;
  readonly rid?: number;
  readonly repairedRid?: number;
  readonly absCaptureTime?: number;
  readonly absSendTime?: number;
  readonly transportCc?: number;
  readonly audioLevel?: number;
  readonly videoOrientation?: number;
  readonly playoutDelay?: number;
}

/** Packets that carry others (RFC 2198). */
export interface RedOptions {
  readonly payloadType: number;
  /** Payload type of parity inside (RFC 5109); pictures alone. */
  readonly ulpfec?: number;
}
