/**
 * `npm run interop:capture -- FOLDER [chromium firefox]`: the first RTP packets that each browser sends us in a call, decrypted, as
 * rtpdump files: what test/fixtures/rtp has of them. The picture is a canvas of 320x180 with the block code, the sound a tone of 880 Hz.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { MediaEngine } from "../src/media/engine.js";
import { RTCPeerConnection, whenClosed } from "../src/webrtc/index.js";
import { launchChromiumPeer, launchFirefoxPeer } from "./browsers.js";
import { makeMediaFiles } from "./media_files.js";
import type { PagePeer } from "./page_peer.js";
import type { MediaFiles, VideoCodec } from "./peer.js";
import { until } from "./until.js";

const BROWSERS = {
  // Debian's Firefox has no H.264 of its own.
  firefox: { launch: launchFirefoxPeer, codecs: ["VP8"] },
  chromium: { launch: launchChromiumPeer, codecs: ["VP8", "H264"] },
} as const satisfies Record<string, { launch: () => Promise<PagePeer>; codecs: readonly VideoCodec[] }>;
const THEIRS = { tag: 0x7e12, toneHz: 880 } as const;
const MOST_S = 60;

type Browser = keyof typeof BROWSERS;

/** A call in which the browser sends and we keep what comes. */
async function capture(peer: PagePeer, media: MediaFiles, codec: VideoCodec, prefix: string): Promise<void> {
  process.env.ROOMRTC_CAPTURE = prefix;
  const engine = await MediaEngine.start({
    videoSource: { kind: "none" },
    audioSource: { kind: "none" },
    interceptors: [new URL("./capture_packets.js", import.meta.url).href],
  });
  const settings = {
    transportFactory: engine,
    transport: { includeLoopback: true },
    video: { codecs: [codec] },
  };
  const pc = new RTCPeerConnection({}, settings);
  try {
    await connect(pc, peer, media);
    await until("the packets did not come", MOST_S, () => (isWhole(prefix) ? true : undefined));
  } finally {
    await peer.close();
    pc.close();
    await whenClosed(pc);
    await engine.stop();
  }
}

async function connect(pc: RTCPeerConnection, peer: PagePeer, media: MediaFiles): Promise<void> {
  const theirs: Parameters<typeof peer.addCandidate>[0][] = [];
  const ours: typeof theirs = [];
  pc.onicecandidate = ({ candidate }) => void (candidate?.candidate && ours.push(candidate.toJSON()));
  peer.onCandidate = (candidate) => void (candidate.candidate && theirs.push(candidate));
  await peer.start(media);
  for (const kind of ["audio", "video"] as const) pc.addTransceiver(kind, { direction: "recvonly" });
  await pc.setLocalDescription();
  await pc.setRemoteDescription({ type: "answer", sdp: await peer.answer(pc.localDescription?.sdp ?? "") });
  await until("not connected", MOST_S, async () => {
    for (const candidate of ours.splice(0)) await peer.addCandidate(candidate);
    for (const candidate of theirs.splice(0)) await pc.addIceCandidate(candidate);
    return pc.connectionState === "connected" ? true : undefined;
  });
}

/** Both files have what they are to have; the sound's is done with long before. */
function isWhole(prefix: string): boolean {
  const size = (kind: string) => statSync(`${prefix}${kind}.rtpdump`, { throwIfNoEntry: false })?.size ?? 0;
  return size("video") > 48_000 && size("audio") > 6_000;
}

const [folder = "", ...named] = process.argv.slice(2);
const browsers = (named.length > 0 ? named : Object.keys(BROWSERS)) as Browser[];
if (folder === "" || browsers.some((name) => !Object.hasOwn(BROWSERS, name))) {
  process.stderr.write(`interop:capture: give a folder, then any of ${Object.keys(BROWSERS).join(", ")}\n`);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const scratch = mkdtempSync(join(folder, "capture-"));
try {
  const files = makeMediaFiles(scratch, THEIRS.tag, THEIRS.toneHz);
  for (const name of browsers) {
    const { launch, codecs } = BROWSERS[name];
    const peer = await launch();
    try {
      for (const codec of codecs) {
        const prefix = join(scratch, `${name}_${codec}_`);
        await capture(peer, files[codec], codec, prefix);
        renameSync(`${prefix}video.rtpdump`, join(folder, `${codec.toLowerCase()}_${name}.rtpdump`));
        if (codec === "VP8") renameSync(`${prefix}audio.rtpdump`, join(folder, `opus_${name}.rtpdump`));
        process.stderr.write(`${name} ${peer.facts.version}: ${codec}\n`);
      }
    } finally {
      await peer.quit();
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
}
