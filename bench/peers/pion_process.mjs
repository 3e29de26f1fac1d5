/** Pion's program: the messages of child.mjs, a line of JSON each, on its standard input and output. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { hostAddress } from "./host_address.mjs";

const sources = fileURLToPath(new URL("./pion", import.meta.url));
const program = fileURLToPath(new URL("../../build/bench/pion", import.meta.url));

/** Against Debian's golang packages, which are sources below /usr/share/gocode; downloads nothing. */
export function buildPion() {
  mkdirSync(fileURLToPath(new URL("../../build/bench", import.meta.url)), { recursive: true });
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: sources,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "" },
  });
}

export function launchPion() {
  const child = spawn(program, [hostAddress(), installedVersion()], { stdio: ["pipe", "pipe", "inherit"] });
  // Pion's logger writes to the same pipe.
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) child.emit("message", JSON.parse(line));
  });
  child.send = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
  return child;
}

function installedVersion() {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query expands it
  const words = ["-W", "-f=${Version}", "golang-github-pion-webrtc.v3-dev"];
  return execFileSync("dpkg-query", words, { encoding: "utf8" }).split("-")[0];
}
