/** H.264 in SDP (RFC 6184 §8): what a payload type means, and whether two of them can talk. */
import { type FormatParameters, formatFmtp, parseFmtp } from "./fmtp.js";

/** The sub-profiles that profile_idc and profile-iop mean together (RFC 6184 §8.1, table 5). */
export type H264Profile =
  | "constrained-baseline"
  | "baseline"
  | "main"
  | "extended"
  | "high"
  | "constrained-high"
  | "high-10"
  | "high-422"
  | "high-444-predictive"
  | "high-10-intra"
  | "high-422-intra"
  | "high-444-intra"
  | "cavlc-444-intra";

export interface H264ProfileLevel {
  readonly profile: H264Profile;
  /** level_idc: ten times the level, so 31 is level 3.1; level 1b is 9 here whatever its code was. */
  readonly level: number;
}

export interface H264Parameters extends H264ProfileLevel {
  readonly packetizationMode: 0 | 1 | 2;
  readonly levelAsymmetryAllowed: boolean;
}

/** RFC 6184 §8.1: without the parameter, Baseline at level 1. */
const defaultProfileLevelId = "42000a";

/** Level 1b in {@link H264ProfileLevel}: between 1 and 1.1, coded as 11 with constraint_set3, or as 9. */
const level1b = 9;
/** Orders levels: 1 < 1b < 1.1. */
function levelRank(level: number): number {
  return level === level1b ? 10.5 : level;
}

/** profile_idc, mask and value of profile-iop, profile (RFC 6184 table 5; bits that may be either are masked out). */
const profileTable: readonly (readonly [number, number, number, H264Profile])[] = [
  [0x42, 0b0100_1111, 0b0100_0000, "constrained-baseline"],
  [0x4d, 0b1000_1111, 0b1000_0000, "constrained-baseline"],
  [0x58, 0b1100_1111, 0b1100_0000, "constrained-baseline"],
  [0x42, 0b0100_1111, 0b0000_0000, "baseline"],
  [0x58, 0b1100_1111, 0b1000_0000, "baseline"],
  [0x4d, 0b1010_1111, 0b0000_0000, "main"],
  [0x58, 0b1100_1111, 0b0000_0000, "extended"],
  [0x64, 0b1111_1111, 0b0000_0000, "high"],
  [0x64, 0b1111_1111, 0b0000_1100, "constrained-high"],
  [0x6e, 0b1111_1111, 0b0000_0000, "high-10"],
  [0x7a, 0b1111_1111, 0b0000_0000, "high-422"],
  [0xf4, 0b1111_1111, 0b0000_0000, "high-444-predictive"],
  [0x6e, 0b1111_1111, 0b0001_0000, "high-10-intra"],
  [0x7a, 0b1111_1111, 0b0001_0000, "high-422-intra"],
  [0xf4, 0b1111_1111, 0b0001_0000, "high-444-intra"],
  [0x2c, 0b1111_1111, 0b0001_0000, "cavlc-444-intra"],
];

/** Reads six hex digits: profile_idc, profile-iop, level_idc. Undefined when it means nothing. */
export function parseProfileLevelId(text: string): H264ProfileLevel | undefined {
  if (!/^[0-9a-f]{6}$/i.test(text)) return undefined;
  const idc = Number.parseInt(text.slice(0, 2), 16);
  const iop = Number.parseInt(text.slice(2, 4), 16);
  const levelIdc = Number.parseInt(text.slice(4, 6), 16);
  // H.264 A.3.4: for these profiles level 1b is level_idc 11 with constraint_set3_flag, which is then no profile bit.
  const is1b = levelIdc === 11 && (iop & 0x10) !== 0 && (idc === 0x42 || idc === 0x4d || idc === 0x58);
  const row = profileTable.find(
    ([i, mask, value]) => i === idc && ((is1b ? iop & ~0x10 : iop) & mask) === value,
  );
  if (row === undefined || levelIdc === 0) return undefined;
  return { profile: row[3], level: is1b ? level1b : levelIdc };
}

/** The usual spelling of a profile and a level. */
export function formatProfileLevelId({ profile, level }: H264ProfileLevel): string {
  const spelling: Partial<Record<H264Profile, string>> = {
    "constrained-baseline": "42e0",
    baseline: "4200",
    main: "4d00",
    "constrained-high": "640c",
    high: "6400",
  };
  const prefix = spelling[profile];
  if (prefix === undefined) throw new RangeError(`no profile-level-id is offered for ${profile}`);
  if (level !== level1b) return prefix + level.toString(16).padStart(2, "0");
  const iop = Number.parseInt(prefix.slice(2), 16) | 0x10;
  return `${prefix.slice(0, 2)}${iop.toString(16).padStart(2, "0")}0b`;
}

/** Undefined when the parameters are not understood: such a payload type is never chosen. */
export function parseH264Fmtp(fmtp: string | FormatParameters | undefined): H264Parameters | undefined {
  const parameters = typeof fmtp === "object" ? fmtp : parseFmtp(fmtp);
  const profileLevel = parseProfileLevelId(parameters.get("profile-level-id") ?? defaultProfileLevelId);
  const mode = Number(parameters.get("packetization-mode") ?? "0");
  if (profileLevel === undefined || (mode !== 0 && mode !== 1 && mode !== 2)) return undefined;
  return {
    ...profileLevel,
    packetizationMode: mode,
    levelAsymmetryAllowed: parameters.get("level-asymmetry-allowed") === "1",
  };
}

export function formatH264Fmtp(parameters: H264Parameters): string {
  return formatFmtp(
    new Map([
      ["level-asymmetry-allowed", parameters.levelAsymmetryAllowed ? "1" : "0"],
      ["packetization-mode", `${parameters.packetizationMode}`],
      ["profile-level-id", formatProfileLevelId(parameters)],
    ]),
  );
}

/** RFC 6184 §8.2.2: profile and packetization mode must be the same; the level is negotiated. */
export function h264Matches(a: H264Parameters, b: H264Parameters): boolean {
  return a.profile === b.profile && a.packetizationMode === b.packetizationMode;
}

/**
 * What the answer says for a payload type that matched (RFC 6184 §8.2.2): with level asymmetry both ways each side
 * states what it can receive; without it, the lower level holds for both.
 */
export function negotiateH264(local: H264Parameters, remote: H264Parameters): H264Parameters {
  const asymmetry = local.levelAsymmetryAllowed && remote.levelAsymmetryAllowed;
  const lower = levelRank(remote.level) < levelRank(local.level) ? remote.level : local.level;
  return { ...local, levelAsymmetryAllowed: asymmetry, level: asymmetry ? local.level : lower };
}
