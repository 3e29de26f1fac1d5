/**
 * `npm run interop [-- PEER…]`: calls between our stack and each foreign one on this machine, both as offerer and as
 * answerer. Prints a matrix whose cells are proven by decoded content; `--json` prints the cells as one JSON object.
 * Exit status 0 where no cell failed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RTCIceServer } from "../src/webrtc/index.js";
import { type CallColumn, type Cells, InteropCall, type Offerer } from "./call.js";
import { failures, printMatrix, type Row } from "./matrix.js";
import { makeMediaFiles } from "./media_files.js";
import { OurEnd } from "./our_end.js";
import type { InteropPeer, MediaFiles, VideoCodec } from "./peer.js";
import { PEERS, type PeerName } from "./peers.js";
import { startRelay } from "./relay.js";
import { knowsRepair, RepairCall } from "./repair_call.js";
import { knowsLayers, SimulcastCall } from "./simulcast_call.js";
import { WhipCall } from "./whip_call.js";

const THEIRS = { tag: 0x7e12, toneHz: 880 } as const;

/** The long call that we end, then a short one that they end. */
const LONG: readonly CallColumn[] = ["video", "audio", "trickle", "restart", "renegotiation"];
const SHORT: readonly CallColumn[] = ["audio", "data"];
/** One in VP8 alone. */
const IN_VP8: readonly CallColumn[] = ["vp8"];
/** One in which we have G.711 alone. */
const IN_G711: readonly CallColumn[] = ["g711"];
/** And one of which we let ourselves be reached through a TURN server only. */
const RELAYED: readonly CallColumn[] = ["relay"];
/** And one in which neither side hears of the other's UDP candidates. */
const OVER_TCP: readonly CallColumn[] = ["tcp"];

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function callBothWays(
  ours: OurEnd,
  peer: InteropPeer,
  files: Readonly<Record<VideoCodec, MediaFiles>>,
  relay: RTCIceServer,
): Promise<[Offerer, Cells][]> {
  const rows: [Offerer, Cells][] = [];
  const media = files.H264;
  for (const offerer of ["they", "we"] as const) {
    const long = await new InteropCall(ours, peer, media, offerer).run(LONG, "we");
    const short = await new InteropCall(ours, peer, media, offerer).run(SHORT, "they");
    const relayed = await new InteropCall(ours, peer, media, offerer, { relay }).run(RELAYED, "they");
    const vp8 = await new InteropCall(ours, peer, files.VP8, offerer).run(IN_VP8, "they");
    const tcp = await callOverTcp(ours, peer, media, offerer);
    const g711 = await callInG711(ours, peer, media, offerer);
    const layers = await callInLayers(ours, peer, files.VP8, offerer);
    const repairs = await callUnderLoss(ours, peer, files.VP8, offerer);
    const whip = await new WhipCall(ours, peer, files.VP8, offerer).run();
    rows.push([
      offerer,
      { whip, ...repairs, ...layers, ...tcp, ...g711, ...relayed, ...vp8, ...short, ...long },
    ]);
  }
  return rows;
}

/** A driver that knows no layers leaves the cell empty. */
async function callInLayers(
  ours: OurEnd,
  peer: InteropPeer,
  media: MediaFiles,
  offerer: Offerer,
): Promise<Cells> {
  if (!knowsLayers(peer)) return {};
  const reason = peer.facts.unsupported.simulcast;
  if (reason !== undefined) return { simulcast: { kind: "unsupported", reason } };
  return { simulcast: await new SimulcastCall(ours, peer, media, offerer).run() };
}

/** Two calls over a path that loses packets. A driver that knows none leaves the cells empty. */
async function callUnderLoss(
  ours: OurEnd,
  peer: InteropPeer,
  media: MediaFiles,
  offerer: Offerer,
): Promise<Cells> {
  const cells: Cells = {};
  for (const repair of ["rtx", "fec"] as const) {
    const reason = peer.facts.unsupported[repair];
    if (reason !== undefined) cells[repair] = { kind: "unsupported", reason };
    else if (knowsRepair(peer))
      cells[repair] = await new RepairCall(ours, peer, media, offerer, repair).run();
  }
  return cells;
}

/** A peer that has Opus alone would refuse the sound. */
async function callInG711(
  ours: OurEnd,
  peer: InteropPeer,
  media: MediaFiles,
  offerer: Offerer,
): Promise<Cells> {
  const reason = peer.facts.unsupported.g711;
  if (reason !== undefined) return { g711: { kind: "unsupported", reason } };
  const files = { ...media, soundCodec: "PCMU" } as const;
  return new InteropCall(ours, peer, files, offerer, { soundCodecs: ["PCMU"] }).run(IN_G711, "they");
}

/** A peer without TCP would not even connect. */
async function callOverTcp(
  ours: OurEnd,
  peer: InteropPeer,
  media: MediaFiles,
  offerer: Offerer,
): Promise<Cells> {
  const reason = peer.facts.unsupported.tcp;
  if (reason !== undefined) return { tcp: { kind: "unsupported", reason } };
  return new InteropCall(ours, peer, media, offerer, { tcpOnly: true }).run(OVER_TCP, "they");
}

async function tryPeer(
  ours: OurEnd,
  name: PeerName,
  media: Readonly<Record<VideoCodec, MediaFiles>>,
  relay: RTCIceServer,
): Promise<Row[]> {
  say(`${name} …`);
  let peer: InteropPeer;
  try {
    peer = await PEERS[name].launch();
  } catch (error) {
    const failed = { kind: "failed", error: `cannot be started: ${(error as Error).message}` } as const;
    return [{ peer: name, offerer: "they", cells: { video: failed } }];
  }
  try {
    const title = `${PEERS[name].title} ${peer.facts.version}`;
    const rows = await callBothWays(ours, peer, media, relay);
    return rows.map(([offerer, cells]) => ({ peer: title, offerer, cells }));
  } finally {
    await peer.quit();
  }
}

async function main(): Promise<void> {
  const words = process.argv.slice(2).filter((word) => word !== "--json");
  const known = Object.keys(PEERS) as PeerName[];
  const unknown = words.filter((word) => !known.includes(word as PeerName));
  if (unknown.length > 0) {
    throw new Error(`no such peer: ${unknown.join(", ")}; there are: ${known.join(", ")}`);
  }
  const names = words.length > 0 ? (words as PeerName[]) : known;
  const scratch = mkdtempSync(join(tmpdir(), "roomrtc-interop-"));
  const ours = await OurEnd.start();
  ours.engine.on("problem", ({ name, code, message }) => say(`our ${name}: ${message} (${code})`));
  ours.engine.on("workerfailed", ({ name, message }) => say(`our ${name} failed: ${message}`));
  const relay = await startRelay();
  const rows: Row[] = [];
  try {
    const media = makeMediaFiles(scratch, THEIRS.tag, THEIRS.toneHz);
    for (const name of names) rows.push(...(await tryPeer(ours, name, media, relay.server)));
  } finally {
    await ours.stop();
    await relay.close();
    rmSync(scratch, { recursive: true });
  }
  console.log(process.argv.includes("--json") ? JSON.stringify(rows) : printMatrix(rows));
  process.exitCode = failures(rows) === 0 ? 0 : 1;
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 2;
});
