/** Several encodings of one source in one section: `a=rid` (RFC 8851) and `a=simulcast` (RFC 8853). */
import { extensionUris } from "./codec_capabilities.js";
import type { SdpMedia, SdpRid } from "./sdp_model.js";

/** Layers of one section at most, either way: browsers send three, and each costs an encoder or a jitter buffer and a decoder. */
export const MAX_LAYERS = 4;

/** One layer as a description names it. */
export interface SimulcastLayer {
  readonly rid: string;
  /** RFC 8853 §5.1 "~": nothing flows until a later description says otherwise. */
  readonly paused: boolean;
}

/** What the describer sends and takes as layers; empty: no simulcast that way. */
export interface Simulcast {
  readonly send: readonly SimulcastLayer[];
  readonly recv: readonly SimulcastLayer[];
}

export const noSimulcast: Simulcast = { send: [], recv: [] };

/**
 * A section's simulcast as far as it can be made sense of: a list that breaks the grammar is as good as none (RFC 8853 §5.2), a rid
 * without an `a=rid` line in that direction, or with lines that differ, is left out (RFC 8851 §6), of alternatives the first counts. What is
 * said again in the same words counts once, as the W3C wants it. Names beyond {@link MAX_LAYERS} are not looked at.
 */
export function simulcastOf({ simulcast, rids }: SdpMedia): Simulcast {
  if (simulcast === undefined) return noSimulcast;
  const found: { send?: readonly SimulcastLayer[]; recv?: readonly SimulcastLayer[] } = {};
  const parts = simulcast.trim().split(/ +/);
  for (let i = 0; i < parts.length; i += 2) {
    const [direction, list = ""] = parts.slice(i, i + 2);
    if ((direction !== "send" && direction !== "recv") || found[direction] !== undefined) return noSimulcast;
    const layers = readLayers(list);
    if (layers === undefined) return noSimulcast;
    found[direction] = declared(layers, rids, direction);
  }
  const { send = [], recv = [] } = found;
  return { send, recv };
}

/** RFC 8853 §5.1: streams are parted by ";", alternatives for one stream by ",". */
function readLayers(list: string): SimulcastLayer[] | undefined {
  const layers = list.split(";").map((alternatives) => {
    const [first] = alternatives.split(",");
    const paused = first.startsWith("~");
    return { rid: paused ? first.slice(1) : first, paused };
  });
  return layers.every(({ rid }) => isRid(rid)) ? layers : undefined;
}

/** RFC 8852 §3: what fits the header extension: letters and digits. Old browsers took "-" and "_" as well (RFC 8851 §10). */
function isRid(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,255}$/.test(text);
}

function declared(layers: readonly SimulcastLayer[], rids: readonly SdpRid[], direction: "send" | "recv") {
  const lines = new Map<string, SdpRid>();
  for (const line of rids) if (!lines.has(line.id)) lines.set(line.id, line);
  const differing = new Set(rids.filter((line) => !saysSame(line, lines.get(line.id))).map(({ id }) => id));
  const seen = new Set<string>();
  const unique = layers.filter(({ rid }) => {
    const isNew = !seen.has(rid);
    seen.add(rid);
    return isNew && lines.get(rid)?.direction === direction && !differing.has(rid);
  });
  return unique.slice(0, MAX_LAYERS);
}

function saysSame(line: SdpRid, first: SdpRid | undefined): boolean {
  return line.direction === first?.direction && line.restrictions === first.restrictions;
}

/** Writes the layers into a section, where packets can say which of them they are of (RFC 8852). */
export function describeSimulcast(media: SdpMedia, { send, recv }: Simulcast): void {
  if (!carriesRids(media)) return;
  const sides = [
    { direction: "send", layers: send },
    { direction: "recv", layers: recv },
  ] as const;
  const used = sides.filter(({ layers }) => layers.length > 0);
  if (used.length === 0) return;
  media.rids = used.flatMap(({ direction, layers }) => layers.map(({ rid }) => ({ id: rid, direction })));
  media.simulcast = used
    .map(({ direction, layers }) => `${direction} ${layers.map(textOf).join(";")}`)
    .join(" ");
}

function textOf({ rid, paused }: SimulcastLayer): string {
  return paused ? `~${rid}` : rid;
}

/** Whether the section's header extensions tell layers apart: the rid within the mid's section. */
export function carriesRids({ extensions }: SdpMedia): boolean {
  const has = (uri: string) => extensions.some((extension) => extension.uri === uri);
  return has(extensionUris.mid) && has(extensionUris.rid);
}

/** The layers that flow from one description's maker to the other's: those both name, paused where either says so. */
export function agreedLayers(
  offered: readonly SimulcastLayer[],
  taken: readonly SimulcastLayer[],
): SimulcastLayer[] {
  return offered.flatMap(({ rid, paused }) => {
    const other = taken.find((layer) => layer.rid === rid);
    return other === undefined ? [] : [{ rid, paused: paused || other.paused }];
  });
}

/** Layers of a peer from before rids: the sources that `a=ssrc-group:SIM` names, lowest first; none: no such group. */
export function sourceLayersOf({ sourceGroups }: SdpMedia): readonly number[] {
  const group = sourceGroups.find(({ semantics }) => semantics === "SIM");
  const ssrcs = [...new Set(group?.ssrcs ?? [])].slice(0, MAX_LAYERS);
  return ssrcs.length > 1 ? ssrcs : [];
}
