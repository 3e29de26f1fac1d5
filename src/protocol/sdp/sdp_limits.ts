/** How much of a description is read before it is refused; descriptions come from the network. */
export interface SdpLimits {
  readonly maxBytes: number;
  readonly maxLines: number;
  readonly maxLineBytes: number;
  readonly maxMediaSections: number;
  /** Over the whole description. */
  readonly maxCandidates: number;
}

/** Far above what browsers send: a Chromium offer of 100 sections has some 15 000 lines and 600 KB. */
export const defaultSdpLimits: SdpLimits = {
  maxBytes: 4 << 20,
  maxLines: 50_000,
  maxLineBytes: 16_384,
  maxMediaSections: 512,
  maxCandidates: 1024,
};
