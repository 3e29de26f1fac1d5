import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchChromiumPeer } from "../../interop/browsers.js";
import { makeMediaFiles } from "../../interop/media_files.js";
import { OurEnd } from "../../interop/our_end.js";
import type { PagePeer } from "../../interop/page_peer.js";
import type { MediaFiles, VideoCodec } from "../../interop/peer.js";

/** The two ends of a suite's calls, and what they send each other. */
export interface Ends {
  readonly ours: OurEnd;
  readonly peer: PagePeer;
  readonly media: Readonly<Record<VideoCodec, MediaFiles>>;
}

/** Starts both before the suite's first test and ends them after its last; to be called in its `describe`. */
export function withChromium(): () => Ends {
  const scratch = mkdtempSync(join(tmpdir(), "roomrtc-interop-"));
  let ours: OurEnd | undefined;
  let peer: PagePeer | undefined;
  let ends: Ends | undefined;
  before(async () => {
    ours = await OurEnd.start();
    peer = await launchChromiumPeer();
    ends = { ours, peer, media: makeMediaFiles(scratch, 0x7e12, 880) };
  });
  after(async () => {
    await peer?.quit();
    await ours?.stop();
    rmSync(scratch, { recursive: true });
  });
  return () => {
    if (ends === undefined) throw new Error("the suite has not begun");
    return ends;
  };
}
