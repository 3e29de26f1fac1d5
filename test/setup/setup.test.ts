/** What a fresh machine meets: the set-up's words and the build's sources. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

describe("set-up on a fresh machine", function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-setup-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a module that first pretends, in an environment with nothing but what stands in the folder. */
  function runAs(uid: number, ...words: string[]) {
    const script = join(folder, "run.mjs");
    const bootstrap = join(root, "scripts/bootstrap.mjs");
    writeFileSync(
      script,
      `process.getuid = () => ${uid};\nprocess.argv = [process.argv[0], "bootstrap", ${words.map((word) => JSON.stringify(word)).join()}];\nawait import(${JSON.stringify(bootstrap)});\n`,
    );
    return spawnSync(process.execPath, [script], { encoding: "utf8", env: { PATH: folder } });
  }

  function program(name: string, text: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }

  it("without root and sudo prints the exact command for what is missing, and stops", () => {
    program("dpkg-query", "echo 'cmake installed'; echo 'g++ installed'; echo 'make config-files'; exit 1");
    const { status, stdout, stderr } = runAs(1000, "start");
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^\[setup\] system packages are missing; run this, then try again:\n {2}sudo apt-get install -y make /,
    );
    assert.match(stderr, / libopenh264-dev /);
    assert.doesNotMatch(stderr, /cmake|g\+\+/);
  });

  it("names the commands there are", () => {
    const { status, stderr } = runAs(1000, "strat");
    assert.equal(status, 1);
    assert.match(stderr, /unknown command 'strat'; allowed: start, roomrtc, .*\btest\b/);
  });

  it("configures the addon without the network: headers from node-api-headers", () => {
    const nowhere = "http://127.0.0.1:9";
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "node_modules/cmake-js/bin/cmake-js"), "print-configure", "--out", join(folder, "build")],
      {
        cwd: root,
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: folder, NPM_CONFIG_DISTURL: nowhere, HTTPS_PROXY: nowhere },
      },
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /CMAKE_JS_INC=[^"]*node-api-headers/);
    assert.doesNotMatch(stdout + stderr, /\.cmake-js/);
  });

  it("has one build definition: binding.gyp is one target that calls the build of package.json", () => {
    const gyp = JSON.parse(readFileSync(join(root, "binding.gyp"), "utf8"));
    assert.equal(gyp.targets.length, 1);
    const [{ type, actions }] = gyp.targets;
    assert.deepEqual([type, actions.length, actions[0].outputs], ["none", 1, ["build/Release/roomrtc.node"]]);
    const [command, script, ...words] = actions[0].action;
    assert.deepEqual([command, words], ["node", ["compile"]]);
    const { bin } = JSON.parse(readFileSync(join(root, "node_modules/cmake-js/package.json"), "utf8"));
    assert.equal(join("node_modules/cmake-js", bin["cmake-js"]), script);
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.match(scripts["build:addon"], /^cmake-js compile\b/);
  });
});
