// Set-up and entry of every command: `node scripts/bootstrap.mjs start|test|bench|build|… [args]`.
// Needs nothing but Node: installs missing system packages, npm packages, builds the addon and the TypeScript, each only
// when its inputs changed since it last succeeded, then runs the command. Says what it does on standard error, so
// that a command's standard output stays its own.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Debian packages by what needs them; the run-time libraries come with their -dev packages. */
const BUILD_PACKAGES = [
  "cmake",
  "g++",
  "make",
  "pkg-config",
  "libyuv-dev",
  "libopenh264-dev",
  "libopus-dev",
  "libvpx-dev",
  "libssl-dev",
  "libjpeg62-turbo-dev",
  "libusrsctp-dev",
  "libxcb1-dev",
  "libxcb-shm0-dev",
  "libxcb-xfixes0-dev",
];
const TEST_PACKAGES = ["chromium", "coturn", "ffmpeg", "libsrtp2-dev", "openssl", "clang-format", "xvfb"];
const PION_PACKAGES = ["golang-go", "golang-github-pion-webrtc.v3-dev"];
/** Foreign stacks that `interop` calls. */
const INTEROP_PACKAGES = [
  "chromium",
  "firefox-esr",
  "python3-aiortc",
  "python3-gi",
  "python3-gst-1.0",
  "gir1.2-gst-plugins-base-1.0",
  "gir1.2-gst-plugins-bad-1.0",
  "gstreamer1.0-plugins-base",
  "gstreamer1.0-plugins-good",
  "gstreamer1.0-plugins-bad",
  "gstreamer1.0-nice",
  ...PION_PACKAGES,
];

const COMMANDS = {
  start: { run: ["dist/src/cli/main.js", "demo"], packages: BUILD_PACKAGES },
  roomrtc: { run: ["dist/src/cli/main.js"], packages: BUILD_PACKAGES },
  bench: { run: ["dist/bench/main.js"], packages: [...BUILD_PACKAGES, "libsrtp2-dev"] },
  "bench:peers": {
    run: ["bench/peers/main.mjs"],
    packages: [...BUILD_PACKAGES, ...PION_PACKAGES, "iproute2"],
    modules: "bench/peers",
    // No default route: what asks for a name of the outside (werift does) learns at once that there is none.
    ownNetwork: true,
  },
  test: { run: ["scripts/test.mjs"], packages: [...BUILD_PACKAGES, ...TEST_PACKAGES] },
  "test:native": { run: ["scripts/test-native.mjs"], packages: [...BUILD_PACKAGES, "libsrtp2-dev"] },
  interop: {
    run: ["dist/interop/main.js"],
    packages: [...BUILD_PACKAGES, ...INTEROP_PACKAGES, "iproute2"],
    modules: "interop",
    ownNetwork: true,
    defaultRoute: true,
  },
  "interop:capture": {
    run: ["dist/interop/capture.js"],
    packages: [...BUILD_PACKAGES, "chromium", "firefox-esr", "iproute2"],
    modules: "interop",
    ownNetwork: true,
    defaultRoute: true,
  },
  wpt: { run: ["dist/test/wpt/main.js"], packages: [...BUILD_PACKAGES, "iproute2"], ownNetwork: true },
  fuzz: { run: ["scripts/fuzz.mjs"], packages: [...BUILD_PACKAGES, "clang", "libclang-rt-14-dev"] },
  soak: { run: ["--expose-gc", "dist/test/soak/main.js"], packages: BUILD_PACKAGES },
  build: { run: null, packages: BUILD_PACKAGES },
  "setup:opencv": {
    run: ["scripts/setup-opencv.mjs"],
    packages: [...BUILD_PACKAGES, "libopencv-dev", "gstreamer1.0-plugins-base"],
    modules: "optional/opencv",
  },
};

function say(text) {
  process.stderr.write(`[setup] ${text}\n`);
}

function stop(text) {
  say(text);
  process.exit(1);
}

function run(command, args, options = {}) {
  // The child's standard output goes to our standard error: set-up chatter is not the command's result.
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (result.error) stop(`cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0)
    stop(`failed: ${command} ${args.join(" ")} (exit status ${result.status ?? result.signal})`);
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) stop(`Node.js 20 or newer is needed, this is ${process.versions.node}`);
}

/** What dpkg says of the packages: a line "NAME installed" for each that is. */
function queryPackages(packages) {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query expands it
    const args = ["-W", "-f=${Package} ${db:Status-Status}\n", ...packages];
    return execFileSync("dpkg-query", args, { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
  } catch (error) {
    // Exit status 1: some are unknown to dpkg; the known ones are printed all the same.
    return error.code === "ENOENT" ? null : String(error.stdout ?? "");
  }
}

function missingPackages(packages) {
  const listed = queryPackages(packages);
  if (listed === null) {
    say(`no dpkg here: make sure that the equivalents of these are installed: ${packages.join(" ")}`);
    return [];
  }
  const installed = new Set(listed.split("\n").map((line) => line.match(/^(\S+) installed$/)?.[1]));
  return packages.filter((name) => !installed.has(name));
}

/** The command's words before `apt-get`: none as root, sudo where it asks nothing, null where neither serves. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : null;
}

function installPackages(packages) {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const prefix = privilege();
  if (prefix === null) {
    stop(
      `system packages are missing; run this, then try again:\n  sudo apt-get install -y ${missing.join(" ")}`,
    );
  }
  say(`installing system packages: ${missing.join(" ")}`);
  const aptGet = (...args) => {
    const [command, ...words] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
    run(command, words);
  };
  aptGet("update", "-qq");
  aptGet("install", "-y", "-qq", "--no-install-recommends", ...missing);
}

/** Digest of the paths and contents of all accepted files below the named places. */
function digest(places, accepts = () => true) {
  const hash = createHash("sha256").update(process.versions.modules);
  const visit = (path) => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else if (accepts(path)) {
      hash.update(path.slice(root.length)).update(readFileSync(path));
    }
  };
  for (const place of places) visit(join(root, place));
  return hash.digest("hex");
}

/** Runs `work` unless its product is there and the stamp of an earlier success carries the same digest. */
function unlessStamped(stampPath, current, product, work) {
  const stamp = join(root, stampPath);
  if (existsSync(stamp) && existsSync(join(root, product)) && readFileSync(stamp, "utf8") === current) return;
  work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, current);
}

function installModules() {
  unlessStamped(
    "node_modules/.roomrtc-stamp",
    digest(["package-lock.json"]),
    "node_modules/typescript",
    () => {
      say("installing npm packages (npm ci)");
      // No package's install script is needed: what is native here is built by the next step.
      run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    },
  );
}

/** A folder with a package.json of its own. */
function installFolderModules(folder) {
  const stamp = `${folder}/node_modules/.roomrtc-stamp`;
  unlessStamped(stamp, digest([`${folder}/package-lock.json`]), `${folder}/node_modules`, () => {
    say(`installing ${folder}'s npm packages (npm ci)`);
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    run("npm", args, { cwd: join(root, folder) });
  });
}

/** Versions of what the addon carries inside: a library that was mended since must not live on in it. */
function linkedVersions() {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query expands it
    const args = ["-W", "-f=${Package} ${Version}\n", "libssl-dev", "libusrsctp-dev"];
    return execFileSync("dpkg-query", args, { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
  } catch {
    return "";
  }
}

function buildAddon() {
  const inputs = ["CMakeLists.txt", "native/core", "native/binding", "package-lock.json"];
  const current = digest(inputs) + linkedVersions();
  unlessStamped("build/.roomrtc-stamp", current, "build/Release/roomrtc.node", () => {
    say("building the addon (cmake-js)");
    const env = { ...process.env, CMAKE_BUILD_PARALLEL_LEVEL: String(availableParallelism()) };
    run("npm", ["run", "--silent", "build:addon"], { env });
  });
}

function buildTypeScript() {
  const inputs = ["src", "workers", "bench", "test", "examples", "interop", "web", "native/addon.ts"];
  const settings = ["tsconfig.json", "package.json", "scripts/build-web.mjs", "scripts/build-cjs.mjs"];
  const isSource = (path) => !path.endsWith(".md") && !/\/(fixtures|node_modules)\//.test(path);
  unlessStamped("dist/.roomrtc-stamp", digest([...inputs, ...settings], isSource), "dist/src", () => {
    say("building the TypeScript");
    run("npm", ["run", "--silent", "build:ts"]);
  });
}

/**
 * A network of the command's own: loopback, and one interface for stacks that pass loopback over. What runs in it can reach
 * nobody else.
 */
const OWN_NETWORK = [
  "ip link set lo up",
  "ip link add roomrtc0 type veth peer name roomrtc1",
  "ip addr add 10.77.0.1/24 dev roomrtc0",
  "ip link set roomrtc0 up",
  "ip link set roomrtc1 up",
];
/** Browsers look for the address of the default route; this one ends at the other end of the pair. */
const DEFAULT_ROUTE = "ip route add default dev roomrtc0";

function launch(args, { ownNetwork = false, defaultRoute = false }) {
  const network = [...OWN_NETWORK, ...(defaultRoute ? [DEFAULT_ROUTE] : []), 'exec "$@"'].join(" && ");
  const inside = [
    "unshare",
    ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
    "--net",
    "--",
    "sh",
    "-c",
    network,
    "sh",
  ];
  const [command, ...words] = [...(ownNetwork ? inside : []), process.execPath, ...args];
  const child = spawn(command, words, { cwd: root, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (signal === "SIGINT" ? 2 : 15);
  });
}

const [name = "", ...rest] = process.argv.slice(2);
const command = COMMANDS[name];
if (!command) stop(`unknown command '${name}'; allowed: ${Object.keys(COMMANDS).join(", ")}`);
checkNode();
installPackages(command.packages);
installModules();
if (command.modules) installFolderModules(command.modules);
buildAddon();
buildTypeScript();
if (command.run) launch([...command.run, ...rest], command);
