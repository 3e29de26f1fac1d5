// Builds @u4/opencv4nodejs against the system's OpenCV, for `opencv:` sources: `npm run setup:opencv`. The bootstrap has
// installed the system packages and the npm packages of optional/opencv before. Takes minutes, once; nothing is downloaded.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "optional", "opencv");
const packageFolder = join(folder, "node_modules", "@u4", "opencv4nodejs");
const product = join(packageFolder, "build", "Release", "opencv4nodejs.node");
const stamp = join(folder, "node_modules", ".opencv-stamp");

function say(text) {
  process.stderr.write(`[opencv] ${text}\n`);
}

function pkgConfig(...args) {
  return execFileSync("pkg-config", [...args, "opencv4"], { encoding: "utf8" }).trim();
}

/** Node's own headers where they lie beside it; node-gyp fetches them otherwise. */
function headers() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, "include", "node", "node.h")) ? [`--nodedir=${prefix}`] : [];
}

/** The package looks for an OpenCV of its own making unless it is told where another one lies. */
function environment() {
  return {
    ...process.env,
    OPENCV4NODEJS_DISABLE_AUTOBUILD: "1",
    OPENCV_INCLUDE_DIR: pkgConfig("--variable=includedir"),
    OPENCV_LIB_DIR: pkgConfig("--variable=libdir"),
    OPENCV_BIN_DIR: "/usr/bin",
  };
}

function build() {
  const nodeGyp = join(folder, "node_modules", "node-gyp", "bin", "node-gyp.js");
  const args = [nodeGyp, "rebuild", "--release", `--jobs=${availableParallelism()}`, ...headers()];
  const result = spawnSync(process.execPath, args, {
    cwd: packageFolder,
    env: environment(),
    stdio: ["ignore", 2, 2],
  });
  if (result.status === 0) return;
  say(`node-gyp failed (exit status ${result.status ?? result.signal})`);
  process.exit(1);
}

function loadedVersion() {
  const { major, minor, revision } = createRequire(import.meta.url)(product).version;
  return `${major}.${minor}.${revision}`;
}

const current = `${process.versions.modules} ${pkgConfig("--modversion")} ${readFileSync(join(packageFolder, "package.json"), "utf8")}`;
if (!existsSync(product) || !existsSync(stamp) || readFileSync(stamp, "utf8") !== current) {
  say("compiling @u4/opencv4nodejs; this takes some minutes");
  build();
  writeFileSync(stamp, current);
}
say(`OpenCV ${loadedVersion()} is ready: opencv: sources can be used`);
