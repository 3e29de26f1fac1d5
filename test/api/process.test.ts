import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A call of two connections that says "connected", closes both and has nothing left to do. */
const call = `
  const { RTCPeerConnection, nonstandard } = roomrtc;
  const a = new RTCPeerConnection();
  const b = new RTCPeerConnection();
  a.onicecandidate = ({ candidate }) => candidate && b.addIceCandidate(candidate);
  b.onicecandidate = ({ candidate }) => candidate && a.addIceCandidate(candidate);
  a.addTrack(new nonstandard.RTCVideoSource().createTrack());
  b.onconnectionstatechange = () => {
    if (b.connectionState !== "connected") return;
    console.log("connected");
    a.close();
    b.close();
  };
  const run = async () => {
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
  };
  run();`;

/** Runs a program to its own end; one that hangs is killed and rejects. */
async function run(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 110_000 });
  return stdout.trim();
}

describe("a program without an engine of its own", function () {
  this.timeout(120_000);

  // The entry of require() is made from the compiled modules: it must not be older than they are.
  before(() => run("scripts/build-cjs.mjs"));

  it("calls, closes its connections and ends by itself (import)", async () => {
    const program = `import * as roomrtc from "roomrtc"; ${call}`;
    assert.equal(await run("--input-type=module", "-e", program), "connected");
  });

  it("does so with require, which gives the classes that import gives", async () => {
    const program = `const roomrtc = require("roomrtc"); ${call}
      import("roomrtc").then(({ MediaStream }) => console.log(MediaStream === roomrtc.MediaStream));`;
    const lines = (await run("--no-warnings", "--input-type=commonjs", "-e", program)).split("\n");
    assert.deepEqual(lines.sort(), ["connected", "true"]);
  });

  it("does so with require on a Node that cannot require an ES module", async function () {
    if (!process.allowedNodeEnvironmentFlags.has("--experimental-require-module")) this.skip();
    const program = `const roomrtc = require("roomrtc"); ${call}`;
    const flags = ["--no-experimental-require-module", "--input-type=commonjs"];
    assert.equal(await run(...flags, "-e", program), "connected");
  });

  it("ends by itself when nothing was ever connected", async () => {
    const program = `import { RTCPeerConnection } from "roomrtc";
      const pc = new RTCPeerConnection();
      pc.addTransceiver("video");
      await pc.setLocalDescription();
      pc.close();
      console.log("closed");`;
    assert.equal(await run("--input-type=module", "-e", program), "closed");
  });

  it("may exit in the middle of a call", async () => {
    const program = `import * as roomrtc from "roomrtc"; ${call.replace("a.close();", "process.exit(0);")}`;
    assert.equal(await run("--input-type=module", "-e", program), "connected");
  });
});
