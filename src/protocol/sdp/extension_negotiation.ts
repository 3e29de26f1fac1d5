import { answerDirection, reverseDirection } from "./directions.js";
import { SdpError } from "./sdp_error.js";
import type { SdpExtension } from "./sdp_model.js";

/** Hands out header-extension ids, one meaning for the whole BUNDLE group (RFC 8843 §9.2, RFC 8285 §6). */
export class ExtensionIdTable {
  private readonly idOfUri = new Map<string, number>();
  private readonly taken = new Set<number>();

  reserve(extensions: readonly SdpExtension[]): void {
    for (const { id, uri } of extensions) {
      if (!this.idOfUri.has(uri)) this.idOfUri.set(uri, id);
      this.taken.add(id);
    }
  }

  assign(uri: string): number {
    const known = this.idOfUri.get(uri);
    if (known !== undefined) return known;
    // RFC 8285 §4.2: 1 to 14 fit the one-byte form; 15 is reserved there, so it stays unused.
    for (let id = 1; id <= 255; id++) {
      if (id === 15 || this.taken.has(id)) continue;
      this.idOfUri.set(uri, id);
      this.taken.add(id);
      return id;
    }
    throw new SdpError("SDP_LIMIT", "no header extension id is left");
  }
}

export function offerExtensions(uris: readonly string[], table: ExtensionIdTable): SdpExtension[] {
  return uris.map((uri) => ({ id: table.assign(uri), uri }));
}

/**
 * What each id of an offer means. RFC 8843 §9.2 wants one meaning for the whole BUNDLE group; aiortc gives one id to the audio level in
 * one section and to the send time in another, and cannot read what it is then sent: of two meanings the first counts.
 */
export function meaningsOf(sections: readonly (readonly SdpExtension[])[]): ReadonlyMap<number, string> {
  const meanings = new Map<number, string>();
  for (const { id, uri } of sections.flat()) if (!meanings.has(id)) meanings.set(id, uri);
  return meanings;
}

/** The offered extensions this side knows, under the offer's ids and with the direction turned round (RFC 8285 §6). */
export function answerExtensions(
  offered: readonly SdpExtension[],
  uris: readonly string[],
  meanings: ReadonlyMap<number, string> = new Map(),
): SdpExtension[] {
  const answered = new Set<string>();
  return offered.flatMap(({ id, uri, direction }) => {
    if (!uris.includes(uri) || answered.has(uri) || id > 255) return [];
    if ((meanings.get(id) ?? uri) !== uri) return [];
    answered.add(uri);
    return [{ id, uri, ...(direction !== undefined && { direction: reverseDirection(direction) }) }];
  });
}

/** The extensions both descriptions list under the same id; `direction` is ours. */
export function agreedExtensions(
  local: readonly SdpExtension[],
  remote: readonly SdpExtension[],
): Required<Pick<SdpExtension, "id" | "uri" | "direction">>[] {
  return local.flatMap(({ id, uri, direction }) => {
    const other = remote.find((extension) => extension.uri === uri && extension.id === id);
    if (other === undefined) return [];
    const agreed = answerDirection(direction ?? "sendrecv", other.direction ?? "sendrecv");
    return [{ id, uri, direction: agreed }];
  });
}
