// Makes what `require("roomrtc")` gives, from the built ES modules:
//   dist/index.cjs    the entry. Where Node can require an ES module (20.19, 22.12 and later) it is the very module that
//                     `import` gives, so that classes are the same on both ways
//   dist/roomrtc.cjs  the same code as one CommonJS file, for older Node
// Threads, addon and files are found where the ES modules find them.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

/** In the one file `import.meta.url` would be the same for all modules: each keeps the place it had. */
const keepPlaces = {
  name: "keep-places",
  setup(builder) {
    builder.onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(dist)) return undefined;
      const place = JSON.stringify(relative(dist, path).split("\\").join("/"));
      const url = `require("node:url").pathToFileURL(require("node:path").join(__dirname, ${place})).href`;
      return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", `(${url})`), loader: "js" };
    });
  },
};

/** Puts a file in its place in one step: another process may be reading it. */
async function place(name, write) {
  const written = join(dist, `.${process.pid}.${name}`);
  await write(written);
  renameSync(written, join(dist, name));
}

await place("roomrtc.cjs", (outfile) =>
  build({
    entryPoints: [join(dist, "src/index.js")],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "warning",
    plugins: [keepPlaces],
  }),
);

await place("index.cjs", (path) =>
  writeFileSync(
    path,
    `"use strict";
module.exports = process.features.require_module ? require("./src/index.js") : require("./roomrtc.cjs");
`,
  ),
);
