// The lint step's guard of the house's rules (docs/architecture.md):
//   arrows     imports, of types as well, run down the list of rooms, never upward, and form no circle
//   sans-IO    src/protocol names no clock, timer, randomness, socket or thread, and imports nothing outside itself
//   size       a worker stays a thin loop
// Prints each breach as file:line: rule: text and exits with 1 if there is any.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Room → the rooms it may import. The most specific prefix of a file's path names its room. */
const ROOMS = {
  "src/cli": [
    "src/client",
    "src/server",
    "src/exchange",
    "src/signaling",
    "src/webrtc",
    "src/media",
    "src/config",
    "src/protocol",
    "native",
  ],
  "src/client": ["src/signaling", "src/webrtc", "src/media", "src/config", "src/protocol", "native"],
  "src/server": ["src/exchange", "src/signaling", "src/config", "src/protocol", "native"],
  "src/exchange": ["src/webrtc", "src/media", "src/protocol"],
  "src/signaling": ["src/protocol"],
  "src/webrtc": ["src/media", "src/protocol", "native"],
  "src/media": ["src/protocol", "native"],
  "src/config": ["src/protocol"],
  "src/protocol": [],
  "src/index.ts": [
    "src/exchange",
    "src/webrtc",
    "src/media",
    "src/signaling",
    "src/client",
    "src/server",
    "src/config",
    "src/protocol",
  ],
  workers: ["src/media", "src/protocol", "native"],
  native: [],
  web: ["src/signaling", "src/media/block_code.ts"],
};

const SANS_IO = [
  [/\bDate\.now\b|\bnew Date\b/, "reads the clock"],
  [/\bperformance\b|\bhrtime\b/, "reads the clock"],
  [/\bMath\.random\b|\bcrypto\./, "takes randomness of its own"],
  [/\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, "starts a timer"],
  [
    /(?:from|import|require)\s*\(?\s*["'](?:node:)?(?:dgram|net|tls|https?|fs|worker_threads|crypto|timers|process|child_process)\b/,
    "imports I/O",
  ],
];

const WORKER_LINES = 200;

function* sources(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(name)) yield path;
  }
}

function roomOf(path) {
  const candidates = Object.keys(ROOMS).filter((room) => path === room || path.startsWith(`${room}/`));
  return candidates.sort((a, b) => b.length - a.length)[0];
}

/** The file that an import of a `.js` means. */
function sourceOf(path) {
  const source = path.replace(/\.js$/, ".ts");
  return existsSync(join(root, `${source}x`)) ? `${source}x` : source;
}

/** Imports of one file, of types as well: line number and path from the root; packages and node: modules are left out. */
function importsOf(path, text) {
  const found = [];
  text.split("\n").forEach((line, index) => {
    for (const match of line.matchAll(/(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g)) {
      found.push({ line: index + 1, target: sourceOf(join(dirname(path), match[1])) });
    }
  });
  return found;
}

const breaches = [];
const breach = (path, line, rule, text) => breaches.push(`${path}:${line}: ${rule}: ${text}`);

const graph = new Map();
for (const folder of ["src", "workers", "native", "web"]) {
  for (const absolute of sources(join(root, folder))) {
    const path = relative(root, absolute);
    const text = readFileSync(absolute, "utf8");
    const room = roomOf(path);
    if (!room) {
      breach(path, 1, "arrows", "stands in no room");
      continue;
    }
    const imports = importsOf(path, text);
    graph.set(path, imports);
    for (const { line, target } of imports) {
      const allowed = [room, ...ROOMS[room]].some(
        (place) => target === place || target.startsWith(`${place}/`),
      );
      if (!allowed) breach(path, line, "arrows", `${room} may not import ${target}`);
    }
    if (room === "src/protocol") checkSansIo(path, text);
    if (room === "workers" && text.split("\n").length > WORKER_LINES) {
      breach(path, 1, "size", `a worker is a thin loop: at most ${WORKER_LINES} lines`);
    }
  }
}

function checkSansIo(path, text) {
  text.split("\n").forEach((line, index) => {
    if (/^\s*(\*|\/\/|\/\*)/.test(line)) return;
    for (const [pattern, what] of SANS_IO) {
      if (pattern.test(line)) breach(path, index + 1, "sans-IO", `${what}: ${line.trim()}`);
    }
  });
}

/** Depth-first search for import circles among files. */
function checkCircles() {
  const done = new Set();
  const trail = [];
  const visit = (path) => {
    const start = trail.indexOf(path);
    if (start >= 0) return breach(path, 1, "circle", [...trail.slice(start), path].join(" → "));
    if (done.has(path)) return;
    trail.push(path);
    for (const { target } of graph.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of graph.keys()) visit(path);
}

checkCircles();
for (const line of breaches) console.error(line);
console.error(`architecture: ${graph.size} files, ${breaches.length} breaches`);
process.exit(breaches.length === 0 ? 0 : 1);
