/** The foreign stacks and how each is started. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchChromiumPeer, launchFirefoxPeer } from "./browsers.js";
import type { InteropPeer } from "./peer.js";
import { ProcessPeer } from "./process_peer.js";

/** The project's root, seen from dist/interop. */
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const driver = (name: string) => join(root, "interop/drivers", name);

interface PeerEntry {
  readonly title: string;
  launch(): Promise<InteropPeer>;
}

/** Debian's Python: another one on the path would not see Debian's modules. */
function python(script: string): Promise<InteropPeer> {
  return ProcessPeer.launch({ command: "/usr/bin/python3", args: ["-u", driver(script)] });
}

function node(script: string): Promise<InteropPeer> {
  return ProcessPeer.launch({ command: process.execPath, args: [driver(script)] });
}

/** Builds against Debian's golang packages, which are sources below /usr/share/gocode. */
function pion(): Promise<InteropPeer> {
  const program = join(root, "build/interop/pion_peer");
  mkdirSync(dirname(program), { recursive: true });
  execFileSync("go", ["build", "-o", program, driver("pion/main.go")], {
    cwd: driver("pion"),
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "" },
  });
  return ProcessPeer.launch({ command: program, args: [] });
}

export const PEERS = {
  chromium: { title: "Chromium", launch: launchChromiumPeer },
  firefox: { title: "Firefox", launch: launchFirefoxPeer },
  aiortc: { title: "aiortc", launch: () => python("aiortc_peer.py") },
  gstreamer: { title: "GStreamer webrtcbin", launch: () => python("gstreamer_peer.py") },
  pion: { title: "Pion", launch: pion },
  wrtc: { title: "@roamhq/wrtc", launch: () => node("wrtc_peer.mjs") },
  werift: { title: "werift", launch: () => node("werift_peer.mjs") },
} satisfies Record<string, PeerEntry>;

export type PeerName = keyof typeof PEERS;
